"""The body that people get, for tests that do not bring their own."""

from __future__ import annotations

import pytest

from model.body.rig import Rig
from model.body.suit import find_worn


@pytest.fixture(scope="module")
def rig() -> Rig:
    worn = find_worn(13_718)
    assert worn is not None and worn.hands is not None
    return worn
