"""The shipped checkpoint for hands on a drawn hand: where it is, how large, and that left mirrors right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from model.reconstructor import Reconstructor
from model.runtime.loading import is_shipped
from tests.integration.test_hands import drawn, only, picture, volume

pytestmark = pytest.mark.skipif(not is_shipped("hand"), reason="this version comes without a checkpoint for hands")


@pytest.fixture(scope="module")
def reconstructor(load: Callable[..., Reconstructor]) -> Reconstructor:
    return load(device="cpu", engine="torch", subject="hand")


@pytest.mark.parametrize("angle", [0, 90, -50])
def test_the_mesh_lies_on_a_drawn_hand(reconstructor: Reconstructor, angle: float) -> None:
    hand = only(reconstructor, picture(angle))
    assert hand.handedness == "right"
    off = np.linalg.norm(hand.camera.project(hand.joints) - drawn(angle), axis=1)  # it is 140 px long
    assert np.median(off) < 7 and off.max() < 20
    palm = np.linalg.norm(hand.joints[9] - hand.joints[0])
    assert 0.07 < palm < 0.13  # metres
    assert np.ptp(hand.joints[:, 2]) < 0.12  # a flat hand that faces the camera


def test_a_left_hand_is_a_right_one_mirrored(reconstructor: Reconstructor) -> None:
    right = only(reconstructor, picture())
    left = only(reconstructor, np.ascontiguousarray(picture()[:, ::-1]))
    assert (right.handedness, left.handedness) == ("right", "left")
    assert np.linalg.norm(left.joints * (-1, 1, 1) - right.joints, axis=1).mean() < 0.015
    assert all(volume(hand.vertices, hand.faces) > 0 for hand in (left, right))
