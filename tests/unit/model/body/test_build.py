"""Builds from silhouettes: those of bodies that are known come back, and no silhouette makes a wreck of one."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.build import BuildEstimator
from model.body.fitting import BodyFit
from model.body.rig import Rig
from model.body.silhouette import Silhouette
from model.joints import JOINTS
from tests.support.poses import some_adult

SIZE, FOCAL, DISTANCE = 128, 165.0, 3.0  # two metres are 110 pixels
PLACE = np.array([0.0, 0.0, DISTANCE])
TO_MASK = np.array([[FOCAL, 0, SIZE / 2], [0, FOCAL, SIZE / 2]])


@pytest.fixture(scope="module")
def builds(rig: Rig) -> BuildEstimator:
    return BuildEstimator(rig)


def standing(rig: Rig, shape: np.ndarray, sideways: float = 0.0) -> BodyFit:
    """Somebody with arms and legs apart, the middle of the body where the camera looks."""
    turns = np.zeros((JOINTS, 3))
    turns[0] = (np.pi, 0, 0)  # from y up to y down
    turns[[1, 2], 2], turns[[16, 17], 2] = (0.2, -0.2), (-0.6, 0.6)
    rotations = Rotation.from_rotvec(turns).as_matrix()
    rotations[0] = Rotation.from_rotvec((0, sideways, 0)).as_matrix() @ rotations[0]
    return BodyFit(rotations, shape, -rig.skeleton(shape)[0][0] - (0, 0.05, 0), 0.0)


def silhouette_of(rig: Rig, body: BodyFit, place: np.ndarray = PLACE) -> Silhouette:
    """Drawn from vertices, which lie closer than the mask's pixels, and about as loose as the network's are."""
    points = rig.pose(body.rotations, body.shape, body.translation) + place
    pixels = points[:, :2] / points[:, 2:] @ TO_MASK[:, :2].T + TO_MASK[:, 2]
    drawn = np.zeros((2 * SIZE, 2 * SIZE), np.uint8)
    x, y = np.floor(2 * pixels).astype(int).clip(0, 2 * SIZE - 1).T
    drawn[y, x] = 1
    drawn = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    drawn = cv2.dilate(drawn, np.ones((3, 3), np.uint8))  # by half a pixel of the mask
    return Silhouette(drawn.reshape(SIZE, 2, SIZE, 2).mean(axis=(1, 3)), TO_MASK)


def shape_by(rig: Rig, **measures: float) -> np.ndarray:
    """The smallest shape that has these phenotypes."""
    columns = [rig.measure_names.index(name) for name in measures]
    usual, slopes = rig.measures[0, columns], rig.measures[1:, columns]
    shape: np.ndarray = np.linalg.lstsq(slopes.T, np.array(list(measures.values())) - usual, rcond=None)[0]
    return shape


def weight_of(rig: Rig, shape: np.ndarray) -> float:
    return float((np.append(1, shape) @ rig.measures)[rig.measure_names.index("weight")])


def estimate(builds: BuildEstimator, body: BodyFit, silhouette: Silhouette, place: np.ndarray = PLACE) -> np.ndarray:
    shape = builds.estimate(body, place, silhouette)
    assert np.isfinite(shape).all() and shape.shape == body.shape.shape
    return shape


@pytest.mark.parametrize("sideways", [0.0, 0.7, 1.57])
def test_the_heavy_and_the_thin_are_told_apart_from_any_side(rig: Rig, builds: BuildEstimator, sideways: float) -> None:
    found = []
    for weight in (0.2, 0.55, 0.95):
        truth = standing(rig, shape_by(rig, weight=weight), sideways)
        seen = replace(truth, shape=np.zeros(rig.shape_count))  # nothing of it is known
        found.append(weight_of(rig, estimate(builds, seen, silhouette_of(rig, truth))))
    usual = weight_of(rig, np.zeros(rig.shape_count))
    assert found[0] < usual - 0.1 and found[2] > usual + 0.1
    assert found[0] < found[1] - 0.05 < found[2] - 0.1


def test_the_build_of_most_is_nearer_than_the_average(rig: Rig, builds: BuildEstimator) -> None:
    """Widths of people of all shapes: what is left of their difference from the average."""
    rng, before, after = np.random.default_rng(0), [], []
    directions = rig.sampled.shape_directions.reshape(rig.shape_count, -1)
    for _ in range(8):
        shape = some_adult(rig, rng)
        shape[0] = 0.0  # the size, which one photo does not tell
        truth = standing(rig, shape, rng.uniform(0, 3))
        found = estimate(builds, truth, silhouette_of(rig, truth))
        before.append(np.square((builds.usual(shape) - shape) @ directions).sum())
        after.append(np.square((found - shape) @ directions).sum())
    assert np.mean(after) < 0.8 * np.mean(before)


def test_a_pixel_aside_changes_little(rig: Rig, builds: BuildEstimator) -> None:
    body = standing(rig, np.zeros(rig.shape_count))
    silhouette = silhouette_of(rig, body)
    usual = estimate(builds, body, silhouette)
    directions = rig.sampled.shape_directions
    for shift in ((1, 0), (0, 1), (-1, -1)):
        moved = replace(silhouette, mask=np.roll(silhouette.mask, shift, axis=(1, 0)))
        change = np.tensordot(estimate(builds, body, moved) - usual, directions, axes=1)
        assert np.linalg.norm(change, axis=1).mean() < 0.004  # metres; a pixel is 18 mm of this body


def test_wide_clothes_make_less_of_a_body_than_thin_limbs(rig: Rig, builds: BuildEstimator) -> None:
    """A silhouette may be wider than its body, by clothes, but hardly narrower."""
    body = standing(rig, np.zeros(rig.shape_count))
    silhouette = silhouette_of(rig, body)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    usual = weight_of(rig, estimate(builds, body, silhouette))
    wide = weight_of(rig, estimate(builds, body, replace(silhouette, mask=cv2.dilate(silhouette.mask, disk))))
    thin = weight_of(rig, estimate(builds, body, replace(silhouette, mask=cv2.erode(silhouette.mask, disk))))
    assert thin < usual < wide
    assert wide - usual < usual - thin


@pytest.mark.parametrize("mask", [np.zeros((SIZE, SIZE)), np.full((SIZE, SIZE), np.nan)])
def test_where_nothing_is_seen_people_are_of_average_build(rig: Rig, builds: BuildEstimator, mask: np.ndarray) -> None:
    shape = some_adult(rig, np.random.default_rng(1))
    body = standing(rig, shape)
    for place in (PLACE, PLACE * 100, -PLACE, np.array([50.0, 0, 1])):
        found = estimate(builds, body, Silhouette(mask, TO_MASK), place)
        np.testing.assert_allclose(found, builds.usual(shape))
    joints, known = (rig.skeleton(each)[0] for each in (found, shape))
    limbs = [(4, 1), (7, 4), (18, 16), (20, 18)]
    longer = [
        np.linalg.norm(np.subtract(*joints[[a, b]])) - np.linalg.norm(np.subtract(*known[[a, b]])) for a, b in limbs
    ]
    assert np.abs(longer).max() < 0.015  # metres: bones keep their lengths


def test_no_silhouette_makes_a_wreck(rig: Rig, builds: BuildEstimator) -> None:
    rng = np.random.default_rng(2)
    for _ in range(10):
        turns = rng.normal(0, 1.0, (JOINTS, 3))
        body = BodyFit(Rotation.from_rotvec(turns).as_matrix(), some_adult(rig, rng, 2), rng.normal(0, 1, 3), 0.0)
        mask = (cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)), (0, 0), 6) > 0).astype(float)
        for each in (mask, np.ones((SIZE, SIZE))):
            assert np.abs(estimate(builds, body, Silhouette(each, TO_MASK))).max() <= 3


def test_a_part_at_the_photos_edge_tells_nothing(rig: Rig, builds: BuildEstimator) -> None:
    """Legs that are cut off are no thin legs."""
    truth = standing(rig, np.zeros(rig.shape_count))
    whole = silhouette_of(rig, truth)
    cut = whole.mask.copy()
    cut[75:] = np.nan
    above = weight_of(rig, estimate(builds, truth, replace(whole, mask=cut)))
    assert above == pytest.approx(weight_of(rig, estimate(builds, truth, whole)), abs=0.12)
