"""From meshes to bodies: consistent in themselves, each as if alone, and no evidence makes a wreck of one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.evidence import Seen
from model.body.fitter import Body, BodyFitter
from model.body.fitting import BodyFit, fit
from model.body.rig import Rig
from model.body.silhouette import Silhouette
from model.joints import COCO_JOINTS, COCO_MIRROR, COCO_ROOT, JOINTS
from tests.support.poses import some_adult, within_limits

FOCAL, MIDDLE = 900.0, np.array([320.0, 240.0])
PEOPLE = 4
PLACES = np.array([[0.3 * index - 0.5, 0.1, 3.0 + 0.5 * index] for index in range(PEOPLE)])


@pytest.fixture(scope="module")
def fitter(rig: Rig) -> BodyFitter:
    return BodyFitter(rig, rig, COCO_JOINTS)


@pytest.fixture(scope="module")
def truth(rig: Rig) -> list[BodyFit]:
    """People of all shapes who face the camera, the middle of the hips at the origin."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(PEOPLE):
        turns = rng.normal(0, 0.3, (JOINTS, 3))
        turns[0] = (np.pi, 0.0, 0.0)  # from y up to y down
        rotations = within_limits(Rotation.from_rotvec(turns).as_matrix())
        body = BodyFit(rotations, some_adult(rig, rng, 0.7), np.zeros(3), 0.0)
        hips = (rig.regressor_of(COCO_JOINTS) @ mesh_of(rig, body))[list(COCO_ROOT)].mean(axis=0)
        made.append(replace(body, translation=-hips))
    return made


@pytest.fixture(scope="module")
def meshes(rig: Rig, truth: list[BodyFit]) -> np.ndarray:
    """As a network answers: smooth errors of some centimetres, and a pose that is a little off."""
    rng = np.random.default_rng(1)
    shaken = [
        replace(body, rotations=Rotation.from_rotvec(rng.normal(0, 0.08, (JOINTS, 3))).as_matrix() @ body.rotations)
        for body in truth
    ]
    waves = np.sin(7 * rig.template @ rng.normal(0, 1, (3, 3)) + rng.uniform(0, 6, 3))
    return np.stack([mesh_of(rig, body) + 0.01 * waves for body in shaken]).astype(np.float32)


@pytest.fixture(scope="module")
def seen(rig: Rig, truth: list[BodyFit]) -> Seen:
    joints = np.stack([rig.regressor_of(COCO_JOINTS) @ mesh_of(rig, body) for body in truth]) + PLACES[:, None]
    pixels = FOCAL * joints[..., :2] / joints[..., 2:] + MIDDLE
    return Seen(pixels, np.ones((PEOPLE, 17)), np.full(PEOPLE, FOCAL), np.tile(MIDDLE, (PEOPLE, 1)))


def mesh_of(rig: Rig, body: BodyFit) -> np.ndarray:
    return rig.pose(body.rotations, body.shape, body.translation)


def there(bodies: list[Body | None]) -> list[Body]:
    assert all(body is not None for body in bodies)
    return [body for body in bodies if body is not None]


def projected(body: Body) -> np.ndarray:
    points = body.joints + body.translation
    pixels: np.ndarray = FOCAL * points[:, :2] / points[:, 2:] + MIDDLE
    return pixels


def turned(body: Body, fitted: BodyFit) -> float:
    """Degrees that the joint that turned most has turned."""
    between = Rotation.from_matrix(body.fit.rotations) * Rotation.from_matrix(fitted.rotations).inv()
    return float(np.degrees(between.magnitude()).max())


def test_joints_vertices_and_pose_agree_and_the_hips_are_the_origin(
    rig: Rig, fitter: BodyFitter, meshes: np.ndarray, seen: Seen
) -> None:
    for body in there(fitter.bodies(meshes, PLACES, seen)):
        assert body.vertices.dtype == body.joints.dtype == np.float32
        np.testing.assert_allclose(mesh_of(rig, body.fit), body.vertices, atol=1e-5)
        np.testing.assert_allclose(rig.regressor_of(COCO_JOINTS) @ body.vertices, body.joints, atol=1e-5)
        np.testing.assert_allclose(body.joints[list(COCO_ROOT)].mean(axis=0), 0, atol=1e-5)


def test_bodies_are_nearer_to_the_truth_than_the_meshes(
    rig: Rig, fitter: BodyFitter, truth: list[BodyFit], meshes: np.ndarray, seen: Seen
) -> None:
    for index, body in enumerate(there(fitter.bodies(meshes, PLACES, seen))):
        true = mesh_of(rig, truth[index])
        raw = rig.regressor_of(COCO_JOINTS) @ meshes[index] + PLACES[index]
        before = np.abs(FOCAL * raw[:, :2] / raw[:, 2:] + MIDDLE - seen.joints[index]).mean()
        assert np.abs(projected(body) - seen.joints[index]).mean() < 0.35 * before
        off = [np.linalg.norm(mesh - true, axis=1).mean() for mesh in (body.vertices, meshes[index])]
        assert off[0] < 0.9 * off[1]


def test_each_comes_out_as_if_alone(fitter: BodyFitter, meshes: np.ndarray, seen: Seen) -> None:
    together = there(fitter.bodies(meshes, PLACES, seen))
    for index in range(PEOPLE):
        (alone,) = there(fitter.bodies(meshes[[index]], PLACES[[index]], seen.subset([index])))
        np.testing.assert_allclose(alone.vertices, together[index].vertices, atol=2e-4)
        np.testing.assert_allclose(alone.translation, together[index].translation, atol=2e-4)
    assert fitter.bodies(meshes[:0], PLACES[:0], seen.subset([])) == []


def test_who_is_no_body_has_none_and_the_others_are_as_before(
    fitter: BodyFitter, meshes: np.ndarray, seen: Seen
) -> None:
    mixed, places = meshes.copy(), PLACES.copy()
    mixed[0, 5, 1] = np.nan
    places[1, 2] = np.inf
    mixed[2] = np.random.default_rng(0).normal(0, 0.5, meshes[2].shape)  # a cloud
    found = fitter.bodies(mixed, places, seen)
    assert found[:3] == [None, None, None]
    expected = there(fitter.bodies(meshes, PLACES, seen))[3]
    np.testing.assert_allclose(there(found[3:])[0].vertices, expected.vertices, atol=2e-4)


@pytest.mark.parametrize("wrong", ["exchanged", "another's", "half as large"])
def test_evidence_of_somebody_else_leaves_the_fit(
    rig: Rig, fitter: BodyFitter, meshes: np.ndarray, seen: Seen, wrong: str
) -> None:
    """Left and right of all joints, somebody elsewhere, somebody smaller: nobody bends so far."""
    middle = seen.joints.mean(axis=1, keepdims=True)
    joints = {
        "exchanged": seen.joints[:, list(COCO_MIRROR)],
        "another's": np.roll(seen.joints, 1, axis=0),
        "half as large": middle + (seen.joints - middle) / 2,
    }[wrong]
    for body, fitted in zip(
        there(fitter.bodies(meshes, PLACES, replace(seen, joints=joints))), fit(rig, meshes), strict=True
    ):
        assert turned(body, fitted) < 35


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e12, -1e30, 0.0])
@pytest.mark.parametrize("confidence", [0.0, 1.0, np.nan, 1e9])
def test_evidence_that_is_none_breaks_nobody(
    rig: Rig, fitter: BodyFitter, meshes: np.ndarray, seen: Seen, value: float, confidence: float
) -> None:
    """All joints at one place that is nowhere, or at the photo's corner."""
    nonsense = replace(seen, joints=np.full_like(seen.joints, value), confidence=np.full((PEOPLE, 17), confidence))
    for body, fitted, place in zip(
        there(fitter.bodies(meshes, PLACES, nonsense)), fit(rig, meshes), PLACES, strict=True
    ):
        assert np.isfinite(body.vertices).all() and turned(body, fitted) < 35
        assert np.linalg.norm(body.translation - place) < 0.5


def test_a_near_start_leads_to_the_same_body(fitter: BodyFitter, meshes: np.ndarray, seen: Seen) -> None:
    starts = [body.fit for body in there(fitter.bodies(meshes, PLACES, seen))]
    for one, other in zip(fitter.fits(meshes, PLACES), fitter.fits(meshes, PLACES, starts), strict=True):
        assert one is not None and other is not None
        joints, again = (fitter.posed(each).joints for each in (one, other))
        assert np.linalg.norm(joints - again, axis=1).mean() < 0.02


@pytest.mark.parametrize("factor", [0.85, 1.0, 1.1])
def test_another_size_is_a_shape_of_that_size(
    rig: Rig, fitter: BodyFitter, truth: list[BodyFit], factor: float
) -> None:
    for body in truth:
        resized = fitter.resized(body, factor)
        expected = factor * mesh_of(rig, body)
        assert np.linalg.norm(resized.vertices - expected, axis=1).mean() < 0.02
        np.testing.assert_allclose(resized.fit.rotations, body.rotations)
        np.testing.assert_allclose(mesh_of(rig, resized.fit), resized.vertices, atol=1e-5)


def test_keypoints_that_the_rig_does_not_know_are_told(rig: Rig) -> None:
    with pytest.raises(ValueError, match="tail"):
        BodyFitter(rig, rig, (*COCO_JOINTS, "tail"))


def test_feet_point_where_toes_were_seen(rig: Rig, truth: list[BodyFit], meshes: np.ndarray, seen: Seen) -> None:
    fitter = BodyFitter(rig, rig, COCO_JOINTS, ("left_foot_index", "right_foot_index", "tail"))
    assert fitter.details == ("left_foot_index", "right_foot_index")  # the rig has no tail
    turned = []
    for body in truth:
        rotations = body.rotations.copy()
        rotations[[7, 8]] = rotations[[7, 8]] @ Rotation.from_euler("y", [[40], [-40]], degrees=True).as_matrix()
        turned.append(replace(body, rotations=rotations))
    tips = np.stack([rig.regressor_of(fitter.details) @ mesh_of(rig, body) for body in turned])
    placed = tips + PLACES[:, None]
    pixels = np.concatenate([seen.joints, FOCAL * placed[..., :2] / placed[..., 2:] + MIDDLE], axis=1)

    def miss(confidence: float) -> float:
        """Mean metres across the picture from the toes' tips to the true ones."""
        sure = np.concatenate([seen.confidence, np.full((PEOPLE, 2), confidence)], axis=1)
        found = there(fitter.bodies(meshes, PLACES, replace(seen, joints=pixels, confidence=sure)))
        answers = np.stack([rig.regressor_of(fitter.details) @ body.vertices for body in found])
        assert all(body.joints.shape == (17, 3) for body in found)
        return float(np.linalg.norm((answers - tips)[..., :2], axis=-1).mean())

    assert miss(1.0) < 0.5 * miss(0.0)


def test_who_has_a_silhouette_is_of_another_build_and_meets_her_joints(
    fitter: BodyFitter, meshes: np.ndarray, seen: Seen
) -> None:
    """Nothing that is seen is a silhouette, too: who has such a one is of average build, the others of their own."""
    unseen = Silhouette(np.zeros((64, 64)), np.array([[80.0, 0, 32], [0, 80, 32]]))
    silhouettes = [unseen, None, unseen, None]
    own = there(fitter.bodies(meshes, PLACES, seen))
    built = there(fitter.bodies(meshes, PLACES, seen, silhouettes=silhouettes))
    for index, (before, after) in enumerate(zip(own, built, strict=True)):
        assert np.array_equal(after.fit.shape, before.fit.shape) == (silhouettes[index] is None)
        np.testing.assert_allclose(after.joints[list(COCO_ROOT)].mean(axis=0), 0, atol=1e-6)
        far = [np.linalg.norm(projected(body) - seen.joints[index], axis=1).mean() for body in (before, after)]
        assert far[1] < far[0] + 1  # pixel, of persons of 400


def test_a_child_covers_what_the_grown_up_did_and_stands_nearer(
    rig: Rig, fitter: BodyFitter, meshes: np.ndarray, seen: Seen
) -> None:
    ages = np.array([np.nan, 5.0, 30.0, np.nan])
    adults, family = there(fitter.bodies(meshes, PLACES, seen)), there(fitter.bodies(meshes, PLACES, seen, ages=ages))
    for index in (0, 2, 3):
        np.testing.assert_allclose(family[index].vertices, adults[index].vertices, atol=1e-5)
    child, adult = family[1], adults[1]
    np.testing.assert_array_equal(child.fit.shape, rig.grown(5))
    size = np.ptp(rig.rest(rig.grown(5)).vertices[:, 1]) / np.ptp(rig.rest(adult.fit.shape).vertices[:, 1])
    assert child.translation[2] == pytest.approx(size * adult.translation[2], rel=0.05)
    off = np.linalg.norm(projected(child) - seen.joints[1], axis=1)
    assert off.mean() < 0.05 * np.ptp(seen.joints[1], axis=0).max()  # her proportions are others
    hips = child.joints[list(COCO_ROOT)].mean(axis=0)
    np.testing.assert_allclose(hips, 0, atol=1e-5)
