"""Hand poses: anatomical angles, gestures, limits; on a hand of sticks, so that no body has to be made."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.hands.anatomy import ANGLES, HIGHEST, LOWEST, to_rotations
from training.hands.gestures import GESTURES, HELD_OUT_GESTURES
from training.hands.sampling import within_limits


def _angles(**changes: float) -> torch.Tensor:
    angles = torch.from_numpy(GESTURES["relaxed"])[None].clone()
    for name, value in changes.items():
        angles[0, ANGLES.index(name)] = value
    return angles


def _turn(joint: int, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """How a joint of the hand turns from one pose to another, axis-angle over the angle, (3,), and the angle."""
    change = to_rotations(before)[0, joint].T @ to_rotations(after)[0, joint]
    return torch.stack([change[2, 1] - change[1, 2], change[0, 2] - change[2, 0], change[1, 0] - change[0, 1]]) / 2


def test_rotations_are_rotations() -> None:
    rotations = to_rotations(torch.from_numpy(np.stack(list(GESTURES.values()))))
    eye = torch.eye(3).expand_as(rotations)
    torch.testing.assert_close(rotations @ rotations.mT, eye, atol=1e-5, rtol=0)
    assert torch.linalg.det(rotations).min() > 0.999
    assert torch.equal(rotations[:, 0], eye[:, 0])  # the wrist


@pytest.mark.parametrize("finger", range(4))
def test_flexion_takes_a_finger_towards_the_palm_by_so_many_degrees(finger: int) -> None:
    name = ("index", "middle", "ring", "little")[finger]
    straight, bent = _angles(**{f"{name}_pip": 0}), _angles(**{f"{name}_pip": 90})
    middle_bone = 4 + 4 * finger + 2
    turn = _turn(middle_bone, straight, bent)
    assert turn.norm() == pytest.approx(1.0, abs=1e-4)  # the sine of 90 degrees
    assert turn[0] > 0.85 and abs(turn[2]) < 1e-4  # about x: fingers, which point to +y, go to +z, out of the palm
    others = [joint for joint in range(20) if joint != middle_bone]
    assert torch.equal(to_rotations(straight)[0, others], to_rotations(bent)[0, others])


def test_spreading_takes_index_and_little_finger_apart_and_a_fist_does_not_spread() -> None:
    closed = _angles(index_spread=0, little_spread=0, index_mcp=0, little_mcp=0)
    spread = _angles(index_spread=1, little_spread=1, index_mcp=0, little_mcp=0)
    assert _turn(5, closed, spread)[2] < -0.3  # towards the thumb, at +x: clockwise about z
    assert _turn(17, closed, spread)[2] > 0.3
    fist, spread_fist = (_angles(index_spread=s, index_mcp=90) for s in (0, 1))
    torch.testing.assert_close(to_rotations(fist), to_rotations(spread_fist))


def test_limits_hold_and_tie_joints_together() -> None:
    wild = np.random.default_rng(0).uniform(-300, 300, (500, 20)).astype(np.float32)
    tamed = within_limits(wild)
    assert (tamed >= LOWEST - 1e-4).all()
    assert (tamed <= HIGHEST + 1e-4).all()
    pip, dip = tamed[:, 5::4], tamed[:, 6::4]
    assert (dip <= np.maximum(pip * 2 / 3 + 18, LOWEST[6::4]) + 1e-3).all()  # no bent tip on a straight finger
    middle, ring, little = tamed[:, 8], tamed[:, 12], tamed[:, 16]
    assert (ring >= np.minimum(middle, little) - 40 - 1e-3).all()


@pytest.mark.parametrize("name", list(GESTURES))
def test_gestures_are_within_what_a_hand_can_do(name: str) -> None:
    np.testing.assert_array_equal(within_limits(GESTURES[name][None].copy())[0], GESTURES[name])


def test_held_out_gestures_are_gestures() -> None:
    assert set(HELD_OUT_GESTURES) < set(GESTURES)
