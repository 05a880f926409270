"""The body, for tests that do not bring their own."""

from __future__ import annotations

import pytest

import weights
from model.body.rig import Rig
from model.body.rig_file import load_rig
from model.body.suit import find_worn


@pytest.fixture(scope="module")
def rig() -> Rig:
    """As networks know it, bare."""
    return load_rig(weights.path("anny-rig"))


@pytest.fixture(scope="module")
def worn() -> Rig:
    """As people get it, with hands."""
    found = find_worn(13_718)
    assert found is not None and found.hands is not None
    return found
