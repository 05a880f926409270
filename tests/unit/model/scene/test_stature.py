"""How tall somebody is known to be."""

import numpy as np
import pytest

from model.errors import BadInput
from model.scene.stature import STATURES, check_person_height, stature_by_joints


@pytest.mark.parametrize("height", [0.39, 2.81, float("nan"), float("inf"), -1.8])
def test_heights_that_nobody_has_are_refused(height):
    with pytest.raises(BadInput, match=r"from 0\.4 to 2\.8 metres"):
        check_person_height(height)


def test_two_sizes_of_everything_contradict_each_other():
    for height in (None, *STATURES, 1.8):
        check_person_height(height)
    check_person_height(None, 1.5)
    with pytest.raises(BadInput, match="give one of them"):
        check_person_height(1.8, 1.5)


def test_trunk_and_legs_tell_a_stature_and_odd_frames_do_not():
    joints = np.zeros((17, 3))
    joints[[5, 6], 1] = -0.5  # half a metre of trunk; thighs of 0.4 and shanks of 0.42 go down from hips at 0
    joints[[13, 14], 1], joints[[15, 16], 1] = 0.4, 0.82
    unknown = np.full((17, 3), np.nan)
    assert stature_by_joints([joints, unknown, joints, 3 * joints]) == pytest.approx(1.32 * 1.32)
    assert np.isnan(stature_by_joints([unknown]))
