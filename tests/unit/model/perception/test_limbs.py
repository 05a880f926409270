"""Arms and feet of people: which hand is whose, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from model.perception.limbs import Arm, arm_of, arms_of, is_elbow
from tests.support.fake_landmarker import HAND, person


def test_an_elbow_is_no_hand() -> None:
    joints = 100 * HAND + (400, 400)
    middle = joints.mean(axis=0)
    elbow = [Arm("left", middle, middle + 150, 200.0)]
    assert is_elbow(joints, elbow)
    crossed = [*elbow, Arm("right", middle - 200, joints[0] + 5, 200.0)]  # a hand that lies on the other arm's elbow
    assert not is_elbow(joints, crossed)
    assert arm_of(joints, crossed) is crossed[1] and arm_of(joints, []) is None
    assert not is_elbow(joints, [])
    imagined = [Arm("left", middle, middle + 20, 30.0)]  # much smaller than the hand
    assert not is_elbow(joints, imagined) and arm_of(joints, [Arm("left", joints[0] + 20, joints[0], 30.0)]) is None


def test_a_forearm_that_points_at_the_camera_has_the_length_of_others() -> None:
    (arm,) = arms_of([person(wrist=(300, 300), elbow=(300, 296))])
    assert arm.forearm == 60  # a tenth of the person
    assert arm.crop.centre == pytest.approx((300, 327)) and arm.crop.side == pytest.approx(78)
    assert abs(arm.crop.angle) == pytest.approx(np.pi)  # it hangs down
    assert np.isfinite(arms_of([person((300, 300), (300, 300))])[0].crop.centre).all()
