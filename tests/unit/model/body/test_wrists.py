"""Wrists that turn to where knuckles were seen: towards the truth, alone, and not for what is no evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.evidence import Seen
from model.body.fitting import BodyFit
from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global
from model.body.wrists import HAND_LANDMARKS, turn_wrists
from model.joints import JOINTS

FOCAL, MIDDLE = 900.0, np.array([320.0, 240.0])
PEOPLE = 6
PLACES = np.array([[0.3 * index - 0.7, 0.1, 3.0 + 0.5 * index] for index in range(PEOPLE)])
ELBOWS, WRISTS = [18, 19], [20, 21]
RIGHT = np.array([[-0.312, -0.067, -0.069], [-0.355, -0.046, 0.054], [-0.245, -0.040, 0.092]])


@pytest.fixture(scope="module")
def truth(rig: Rig) -> list[BodyFit]:
    rng = np.random.default_rng(3)
    made = []
    for _ in range(PEOPLE):
        turns = rng.normal(0, 0.3, (JOINTS, 3))
        turns[0] = (np.pi, 0.0, 0.0)  # from y up to y down
        made.append(BodyFit(Rotation.from_rotvec(turns).as_matrix(), np.zeros(rig.shape_count), np.zeros(3), 0.0))
    return made


@pytest.fixture(scope="module")
def twisted(truth: list[BodyFit]) -> list[BodyFit]:
    """Half a radian about the forearm away from the truth, to either side."""
    return [bent(fit, (0.5 if index % 2 else -0.5, 0, 0)) for index, fit in enumerate(truth)]


def bent(fit: BodyFit, turn: tuple[float, float, float]) -> BodyFit:
    rotations = fit.rotations.copy()
    rotations[WRISTS] = Rotation.from_rotvec(turn).as_matrix() @ rotations[WRISTS]
    return replace(fit, rotations=rotations)


def skeletons(rig: Rig, fits: list[BodyFit]) -> tuple[np.ndarray, np.ndarray]:
    """Turns (B, 22, 3, 3) and joints (B, 22, 3) before the camera."""
    world = to_global(np.stack([fit.rotations for fit in fits]))
    resting, straighten = rig.skeleton(np.stack([fit.shape for fit in fits]))
    return world, joint_positions(resting, world @ straighten, PLACES[: len(fits)])


def seen_of(rig: Rig, fits: list[BodyFit], confidence: float = 0.95) -> Seen:
    """What a perfect 2D network sees of these hands."""
    world, joints = skeletons(rig, fits)
    points = []
    for elbow, wrist, knuckles in zip(ELBOWS, WRISTS, (RIGHT * (-1, 1, 1), RIGHT), strict=True):
        length = np.linalg.norm(joints[:, wrist] - joints[:, elbow], axis=1)[:, None, None]
        hand = knuckles @ np.swapaxes(world[:, wrist], 1, 2) * length
        points += [joints[:, wrist, None], joints[:, wrist, None] + hand]
    there = np.concatenate(points, axis=1)
    pixels = FOCAL * there[..., :2] / there[..., 2:] + MIDDLE
    count = len(fits)
    return Seen(pixels, np.full(pixels.shape[:2], confidence), np.full(count, FOCAL), np.tile(MIDDLE, (count, 1)))


def wrong(rig: Rig, fits: list[BodyFit], truth: list[BodyFit]) -> np.ndarray:
    """Degrees (B, 2) by which hands are turned wrongly."""
    turns, true = (skeletons(rig, each)[0][:, WRISTS] for each in (fits, truth))
    away = Rotation.from_matrix((turns @ np.swapaxes(true, -1, -2)).reshape(-1, 3, 3)).magnitude()
    return np.degrees(away).reshape(-1, 2)


def test_hands_turn_towards_the_truth_by_a_third_and_more(
    rig: Rig, truth: list[BodyFit], twisted: list[BodyFit]
) -> None:
    before = wrong(rig, twisted, truth)
    after = wrong(rig, turn_wrists(rig, twisted, PLACES, seen_of(rig, truth)), truth)
    assert before == pytest.approx(np.degrees(0.5))
    assert after.mean() < 2 / 3 * before.mean()
    assert (after < before + 3).all()  # seen from its edge a hand tells less


def test_hands_that_project_to_what_was_seen_stay(rig: Rig, truth: list[BodyFit]) -> None:
    for fit, turned in zip(truth, turn_wrists(rig, truth, PLACES, seen_of(rig, truth)), strict=True):
        np.testing.assert_allclose(turned.rotations, fit.rotations, atol=1e-9)


def test_joints_stay_where_they_are(rig: Rig, truth: list[BodyFit], twisted: list[BodyFit]) -> None:
    turned = turn_wrists(rig, twisted, PLACES, seen_of(rig, truth))
    np.testing.assert_allclose(skeletons(rig, turned)[1], skeletons(rig, twisted)[1], atol=1e-9)
    others = [joint for joint in range(JOINTS) if joint not in (*ELBOWS, *WRISTS)]
    for fit, each in zip(twisted, turned, strict=True):
        np.testing.assert_array_equal(each.rotations[others], fit.rotations[others])
        assert not np.allclose(each.rotations[ELBOWS], fit.rotations[ELBOWS])  # half of the twist is the forearm's


def test_what_is_no_evidence_turns_nothing(rig: Rig, truth: list[BodyFit], twisted: list[BodyFit]) -> None:
    seen = seen_of(rig, truth)
    unseen = replace(seen, confidence=np.zeros_like(seen.confidence))
    nonsense = replace(seen, joints=np.full_like(seen.joints, np.nan))
    elsewhere = replace(seen, joints=seen.joints + 200.0)  # another's hands
    no_wrists = replace(seen, confidence=seen.confidence * [0, 1, 1, 1, 0, 1, 1, 1])
    for evidence in (unseen, nonsense, elsewhere, no_wrists):
        for fit, turned in zip(twisted, turn_wrists(rig, twisted, PLACES, evidence), strict=True):
            np.testing.assert_allclose(turned.rotations, fit.rotations, atol=1e-9)


def test_the_less_sure_turn_less(rig: Rig, truth: list[BodyFit], twisted: list[BodyFit]) -> None:
    left = [
        wrong(rig, turn_wrists(rig, twisted, PLACES, seen_of(rig, truth, sure)), truth).mean()
        for sure in (0.95, 0.7, 0.5)
    ]
    assert left == sorted(left)


def test_no_wrist_bends_farther_than_wrists_do(rig: Rig, truth: list[BodyFit]) -> None:
    straight = [
        replace(fit, rotations=np.concatenate([fit.rotations[:20], np.tile(np.eye(3), (2, 1, 1))])) for fit in truth
    ]
    at_the_limit = [bent(fit, (0, 0, np.radians(84))) for fit in straight]
    farther = [bent(fit, (0, 0, np.radians(110))) for fit in straight]
    for turned in turn_wrists(rig, at_the_limit, PLACES, seen_of(rig, farther)):
        assert np.degrees(Rotation.from_matrix(turned.rotations[WRISTS]).magnitude()).max() < 86


def test_each_is_turned_as_if_alone(rig: Rig, truth: list[BodyFit], twisted: list[BodyFit]) -> None:
    seen = seen_of(rig, truth)
    together = turn_wrists(rig, twisted, PLACES, seen)
    for index in range(PEOPLE):
        (alone,) = turn_wrists(rig, twisted[index : index + 1], PLACES[[index]], seen.subset([index]))
        np.testing.assert_allclose(alone.rotations, together[index].rotations, atol=1e-12)
    assert turn_wrists(rig, [], PLACES[:0], seen.subset([])) == []


def test_landmarks_are_those_of_both_hands() -> None:
    assert HAND_LANDMARKS[:4] == ("left_wrist", "left_pinky", "left_index", "left_thumb")
    assert HAND_LANDMARKS[4:] == ("right_wrist", "right_pinky", "right_index", "right_thumb")
