"""Bodies refined to what was seen: perfect evidence is met, none changes nothing, and nobody depends on the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.evidence import Seen
from model.body.fitting import BodyFit
from model.body.keypoints import Keypoints
from model.body.limits import beyond
from model.body.refinement import refine
from model.body.rig import Rig
from model.joints import COCO_JOINTS, COCO_ROOT, JOINTS, SMPL_JOINT_NAMES
from tests.support.poses import some_adult, within_limits

FOCAL, MIDDLE = 900.0, (320.0, 240.0)
PEOPLE = 6
COLLARS = [SMPL_JOINT_NAMES.index(f"{side}_collar") for side in ("left", "right")]


@pytest.fixture(scope="module")
def regressor(rig: Rig) -> np.ndarray:
    return rig.regressor_of(COCO_JOINTS)


@pytest.fixture(scope="module")
def keypoints(rig: Rig) -> Keypoints:
    return Keypoints.of(rig, COCO_JOINTS)


def bodies(rig: Rig, regressor: np.ndarray) -> list[BodyFit]:
    """People in poses of their own who face the camera, the middle of their hips at the origin."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(PEOPLE):
        turns = rng.normal(0, 0.35, (JOINTS, 3))
        turns[0] = (np.pi, 0.0, 0.0)  # from y up to y down
        rotations, shape = within_limits(Rotation.from_rotvec(turns).as_matrix()), some_adult(rig, rng, 0.5)
        joints = regressor @ rig.pose(rotations, shape, np.zeros(3))
        made.append(BodyFit(rotations, shape, -joints[list(COCO_ROOT)].mean(axis=0), 0.01))
    return made


def joints_of(rig: Rig, regressor: np.ndarray, fits: list[BodyFit]) -> np.ndarray:
    return np.stack([regressor @ rig.pose(fit.rotations, fit.shape, fit.translation) for fit in fits])


def placed() -> np.ndarray:
    return np.array([[0.3 * index - 0.7, 0.1, 3.0 + 0.5 * index] for index in range(PEOPLE)])


def projected(joints: np.ndarray, translations: np.ndarray) -> np.ndarray:
    points = joints + translations[:, None]
    return FOCAL * points[..., :2] / points[..., 2:] + MIDDLE


def seen_as(pixels: np.ndarray, confidence: np.ndarray | None = None) -> Seen:
    people = len(pixels)
    confidence = np.ones(pixels.shape[:2]) if confidence is None else confidence
    return Seen(pixels, confidence, np.full(people, FOCAL), np.tile(MIDDLE, (people, 1)))


def shaken(fits: list[BodyFit]) -> list[BodyFit]:
    """The bodies as a network might answer: each joint's rotation some 10 degrees off."""
    noise = Rotation.from_rotvec(np.random.default_rng(2).normal(0, 0.12, (PEOPLE * JOINTS, 3))).as_matrix()
    return [
        replace(fit, rotations=turn @ fit.rotations) for fit, turn in zip(fits, noise.reshape(PEOPLE, JOINTS, 3, 3))
    ]


def test_keypoints_move_as_the_mesh_does(rig: Rig, regressor: np.ndarray, keypoints: Keypoints) -> None:
    """With nothing seen, the answer is the fit, and its joints those that the regressor finds."""
    fits = bodies(rig, regressor)
    nothing = seen_as(np.full((PEOPLE, 17, 2), np.nan), np.zeros((PEOPLE, 17)))
    for fit, body, place in zip(fits, refine(rig, keypoints, fits, placed(), nothing), placed(), strict=True):
        np.testing.assert_allclose(body.joints, joints_of(rig, regressor, [fit])[0], atol=2e-6)
        np.testing.assert_allclose(body.fit.rotations, fit.rotations, atol=1e-9)
        np.testing.assert_allclose(body.translation, place, atol=2e-6)


def test_perfect_evidence_of_the_same_pose_changes_nothing(
    rig: Rig, regressor: np.ndarray, keypoints: Keypoints
) -> None:
    fits = bodies(rig, regressor)
    seen = seen_as(projected(joints_of(rig, regressor, fits), placed()))
    for fit, body in zip(fits, refine(rig, keypoints, fits, placed(), seen), strict=True):
        np.testing.assert_allclose(body.fit.rotations, fit.rotations, atol=1e-3)


def test_shoulders_are_not_shrugged_where_they_are_seen_too_high(
    rig: Rig, regressor: np.ndarray, keypoints: Keypoints
) -> None:
    """By 3 cm, as 2D networks err where arms cross; collars alone would have to turn by 12 degrees for that."""
    fits = bodies(rig, regressor)
    joints = joints_of(rig, regressor, fits)
    joints[:, [COCO_JOINTS.index(f"{side}_shoulder") for side in ("left", "right")], 1] -= 0.03
    refined = refine(rig, keypoints, fits, placed(), seen_as(projected(joints, placed())))
    before, after = (np.stack([each.rotations[COLLARS] for each in part]) for part in (fits, [r.fit for r in refined]))
    turns = Rotation.from_matrix((after @ np.swapaxes(before, -1, -2)).reshape(-1, 3, 3)).magnitude()
    assert np.degrees(turns).mean() < 1.2


def test_perfect_evidence_brings_the_pose_back(rig: Rig, regressor: np.ndarray, keypoints: Keypoints) -> None:
    fits = bodies(rig, regressor)
    true = joints_of(rig, regressor, fits)
    pixels, answers = projected(true, placed()), shaken(fits)
    wrong = joints_of(rig, regressor, answers)
    refined = refine(rig, keypoints, answers, placed(), seen_as(pixels))
    joints, places = (np.stack([getattr(body, name) for body in refined]) for name in ("joints", "translation"))

    def off(points: np.ndarray, where: np.ndarray) -> np.ndarray:
        return np.linalg.norm(projected(points, where) - pixels, axis=2).mean(axis=1)

    assert (off(joints, places) < 0.2 * off(wrong, placed())).all()
    errors = [np.linalg.norm(found - true, axis=2).mean() for found in (wrong, joints)]
    assert errors[1] < 0.65 * errors[0]
    for body, answer in zip(refined, answers, strict=True):
        assert body.fit.shape is answer.shape
        np.testing.assert_allclose(body.joints[list(COCO_ROOT)].mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(joints_of(rig, regressor, [body.fit])[0], body.joints, atol=2e-6)


def test_joints_without_confidence_do_not_pull(rig: Rig, regressor: np.ndarray, keypoints: Keypoints) -> None:
    fits = bodies(rig, regressor)
    pixels, confidence = projected(joints_of(rig, regressor, fits), placed()), np.ones((PEOPLE, 17))
    confidence[:, 9] = 0
    refined = []
    for value in (0.0, 1e6, np.nan):
        pixels[:, 9] = value
        refined.append(refine(rig, keypoints, shaken(fits), placed(), seen_as(pixels, confidence)))
    for one, two, three in zip(*refined, strict=True):
        np.testing.assert_array_equal(one.joints, two.joints)
        np.testing.assert_array_equal(one.joints, three.joints)


def test_a_gross_error_pulls_little(rig: Rig, regressor: np.ndarray, keypoints: Keypoints) -> None:
    """An ankle seen a metre beside itself moves about as if it were not seen at all; a small error is followed."""
    fits = bodies(rig, regressor)
    pixels, unseen = projected(joints_of(rig, regressor, fits), placed()), np.ones((PEOPLE, 17))
    unseen[:, 15] = 0
    without = refine(rig, keypoints, fits, placed(), seen_as(pixels, unseen))
    for metres, low, high in ((1.0, 0.0, 0.02), (0.04, 0.02, 0.1)):
        moved = pixels.copy()
        moved[:, 15, 0] += metres * FOCAL / placed()[:, 2]
        pulled = refine(rig, keypoints, fits, placed(), seen_as(moved))
        change = [np.linalg.norm(one.joints[15] - two.joints[15]) for one, two in zip(pulled, without, strict=True)]
        assert low <= min(change) and max(change) < high, metres


def test_a_batch_is_its_people_one_by_one(
    rig: Rig, regressor: np.ndarray, keypoints: Keypoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = bodies(rig, regressor)
    pixels, answers = projected(joints_of(rig, regressor, fits), placed()), shaken(fits)
    monkeypatch.setattr("model.body.refinement._BATCH", 4)  # two batches
    together = refine(rig, keypoints, answers, placed(), seen_as(pixels))
    for index, body in enumerate(together):
        part = slice(index, index + 1)
        alone = refine(rig, keypoints, answers[part], placed()[part], seen_as(pixels[part]))[0]
        np.testing.assert_allclose(body.joints, alone.joints, atol=1e-6)
        np.testing.assert_allclose(body.translation, alone.translation, atol=1e-6)
    assert refine(rig, keypoints, [], np.zeros((0, 3)), seen_as(np.zeros((0, 17, 2)))) == []


def test_what_does_not_fit_is_told(rig: Rig, regressor: np.ndarray, keypoints: Keypoints) -> None:
    fits, seen = bodies(rig, regressor), seen_as(np.zeros((PEOPLE, 17, 2)))
    with pytest.raises(ValueError, match="translations of shape"):
        refine(rig, keypoints, fits[:3], placed(), seen)
    with pytest.raises(ValueError, match="confidence of shape"):
        refine(rig, keypoints, fits, placed(), replace(seen, confidence=np.ones((PEOPLE, 16))))
    with pytest.raises(ValueError, match="translations that are not finite"):
        refine(rig, keypoints, fits, placed() * np.nan, seen)
    with pytest.raises(ValueError, match="tail"):
        Keypoints.of(rig, ["nose", "tail"])


@pytest.mark.parametrize("height", [1.0, 0.75])
def test_a_pixel_more_or_less_changes_little(
    rig: Rig, regressor: np.ndarray, keypoints: Keypoints, height: float
) -> None:
    """Nothing decides between two poses: joints seen a pixel (3 to 6 mm) elsewhere move a body by 5 to 10 mm.

    Some of these answers are so far off that bodies go only part of the way; a threshold made that 200 mm, and steps
    that ended early moved single joints by 166.
    """
    fits, confidence = bodies(rig, regressor), np.full((PEOPLE, 17), height)
    pixels, answers = projected(joints_of(rig, regressor, fits), placed()), shaken(fits)

    def refined(noise: np.ndarray) -> np.ndarray:
        seen = seen_as(pixels + noise, confidence)
        return np.stack([body.joints for body in refine(rig, keypoints, answers, placed(), seen)])

    still, rng = refined(np.zeros_like(pixels)), np.random.default_rng(0)
    moved = np.stack([refined(rng.normal(0, 0.7, pixels.shape)) - still for _ in range(8)])
    joints = np.linalg.norm(moved, axis=3)  # (8, B, K)
    people = joints.mean(axis=2)
    assert people.max() < 0.02 and people.mean(axis=0).max() < 0.01 and joints.max() < 0.08


def test_who_is_far_from_the_network_s_answer_is_where_she_was_seen(
    rig: Rig, regressor: np.ndarray, keypoints: Keypoints
) -> None:
    """As of footballers and dancers, whose limbs it answers elsewhere: their picture is to be covered."""
    fits = bodies(rig, regressor)
    pixels = projected(joints_of(rig, regressor, fits), placed())
    turns = np.random.default_rng(3).normal(0, 0.4, (PEOPLE, JOINTS, 3))
    turns[:, :4] = 0  # limbs, not trunks
    away = [within_limits(Rotation.from_rotvec(turn).as_matrix() @ fit.rotations) for fit, turn in zip(fits, turns)]
    answers = [replace(fit, rotations=rotations) for fit, rotations in zip(fits, away, strict=True)]
    metres = placed()[:, 2, None] / FOCAL

    def off(joints: np.ndarray, places: np.ndarray) -> np.ndarray:
        return np.linalg.norm(projected(joints, places) - pixels, axis=2) * metres

    refined = refine(rig, keypoints, answers, placed(), seen_as(pixels))
    joints, places = np.stack([body.joints for body in refined]), np.stack([body.translation for body in refined])
    before, after = off(joints_of(rig, regressor, answers), placed()).mean(axis=1), off(joints, places).mean(axis=1)
    assert before.min() > 0.09 and after.max() < 0.08 and (after < 0.4 * before).all()


def test_joints_come_back_from_beyond_their_limits(rig: Rig, regressor: np.ndarray, keypoints: Keypoints) -> None:
    """A knee that a network bends aside by 20 degrees more than it can; where joints project stays what it was."""
    fits = bodies(rig, regressor)
    for fit in fits:
        fit.rotations[4] = (
            Rotation.from_rotvec((0.0, 0.0, np.radians(28))).as_matrix() @ within_limits(fit.rotations)[4]
        )
    pixels = projected(joints_of(rig, regressor, fits), placed())
    refined = refine(rig, keypoints, fits, placed(), seen_as(pixels))
    before, after = (
        np.degrees(np.abs(beyond(np.stack([fit.rotations for fit in each]))).max(axis=(1, 2)))
        for each in (fits, [body.fit for body in refined])
    )
    assert before.min() > 11 and (after < 0.4 * before).all() and after.max() < 8
    joints, places = (np.stack([getattr(body, name) for body in refined]) for name in ("joints", "translation"))
    assert np.linalg.norm(projected(joints, places) - pixels, axis=2).mean() < 2
