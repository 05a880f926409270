"""Rendered films: motion at even steps, a scene that stands still, and truth that lies on the person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from model.errors import BadData
from model.network.checkpoint import load_checkpoint
from model.runtime.loading import default_checkpoint
from training.bodies.anny import AnnyBody
from training.images.rendered.config import RenderConfig
from training.images.rendered.dataset import RenderedPeople
from training.images.rendered.film import read_walk, render_crossing, render_film

SIZE = 192


def clip(path: Path, times: np.ndarray) -> Path:
    """Somebody who turns about the vertical axis by a radian a second and walks a metre a second along x."""
    poses = np.zeros((len(times), 156))
    turned = Rotation.from_euler("z", times[:, None]) * Rotation.from_euler("x", np.pi / 2)
    poses[:, :3] = turned.as_rotvec()
    trans = np.stack([times, 0 * times, 0 * times + 0.9], axis=1)
    np.savez(path, poses=poses, trans=trans, mocap_framerate=100.0, frame=np.round(100 * times).astype(int))
    return path


def test_a_thinned_clip_comes_at_even_steps_from_its_first_whole_part(tmp_path: Path) -> None:
    uneven = np.array([0.0, 0.4, 5.0, 5.3, 5.4, 5.9, 6.4, 6.5])  # a gap of 4.6 seconds
    path = clip(tmp_path / "walk.npz", uneven)
    walk = read_walk(path, 10.0, 1.0)
    assert walk is not None and walk.rotations.shape == (10, 22, 3, 3)
    assert walk.roots == pytest.approx(np.stack([5 + np.arange(10) / 10, np.zeros(10), np.full(10, 0.9)], axis=1))
    expected = Rotation.from_euler("z", 5 + np.arange(10)[:, None] / 10) * Rotation.from_euler("x", np.pi / 2)
    assert walk.rotations[:, 0] == pytest.approx(expected.as_matrix(), abs=1e-6)
    assert read_walk(path, 10.0, 2.0) is None
    np.savez(tmp_path / "other.npz", poses=np.zeros((3, 156)))
    with pytest.raises(BadData, match=r"other\.npz"):
        read_walk(tmp_path / "other.npz", 10.0, 1.0)


def test_a_clip_begins_once_it_has_left_its_resting_pose(tmp_path: Path) -> None:
    """Converted clips slide out of the T-pose within a few frames: an arm falls by 1.2 radians in 0.03 seconds."""
    times = np.arange(0, 2, 0.01)
    path = clip(tmp_path / "walk.npz", times)
    with np.load(path) as arrays:
        content = dict(arrays)
    content["poses"][:, 3 * 16 + 2] = -np.interp(times, [0, 0.03], [0, 1.2])
    np.savez(path, **content)
    walk = read_walk(path, 10.0, 1.0)
    assert walk is not None and walk.roots[0, 0] == pytest.approx(0.03)
    arms = Rotation.from_matrix(walk.rotations[:, 16]).magnitude()
    assert arms == pytest.approx(np.full(10, 1.2))


@pytest.fixture(scope="module")
def people() -> RenderedPeople:
    topology, config = load_checkpoint(default_checkpoint()).topology, RenderConfig(size=SIZE, occluded=0)
    return RenderedPeople(AnnyBody.load(), topology, torch.zeros(1, 22, 3), config)


def test_two_pass_one_another_in_the_middle(people: RenderedPeople, tmp_path: Path) -> None:
    walk = read_walk(clip(tmp_path / "walk.npz", np.arange(0, 2.3, 0.25)), 1.5, 2.0)
    assert walk is not None
    frames = list(render_crossing(people, (walk, walk), seed=3))
    assert len(frames) == 3 and frames[0].picture.shape == (SIZE, SIZE, 3)
    first, second = np.array([frame.joints[:, [11, 12]].mean(axis=1) for frame in frames]).swapaxes(0, 1)  # (3, 3)
    assert first[0, 0] < first[1, 0] < first[2, 0] and second[0, 0] > second[1, 0] > second[2, 0]
    assert abs(first[1, 0] - second[1, 0]) < 0.1
    assert second[1, 2] - first[1, 2] == pytest.approx(0.7, abs=0.15)
    lowest = [frame.joints[:, [15, 16], 1].max(axis=1) for frame in frames]  # y is down
    assert np.ptp(lowest) < 0.2


def test_the_person_moves_before_what_stands_still(people: RenderedPeople, tmp_path: Path) -> None:
    walk = read_walk(clip(tmp_path / "walk.npz", np.arange(0, 1.3, 0.25)), 2.0, 1.0)
    assert walk is not None
    frames = list(render_film(people, walk, seed=2))
    assert len(frames) == 2
    one, other = (frame.picture.astype(int) for frame in frames)
    moved = np.abs(one - other).max(axis=2) > 30
    assert 0.01 < moved.mean() < 0.4  # the person, at two places: nothing else
    way = [frame.joints[0, [11, 12]].mean(axis=0) for frame in frames]
    longer = np.linalg.norm(way[1] - way[0]) / 0.5  # as her legs are
    assert 0.8 < longer < 1.2
    for frame in frames:
        assert (frame.joints[..., 2] > 1).all() and frame.joints.shape == (1, 17, 3)
    again = next(iter(render_film(people, walk, seed=2)))
    assert (again.picture == frames[0].picture).all() and (again.joints == frames[0].joints).all()


def test_before_a_camera_that_moves_she_is_where_its_way_says(people: RenderedPeople, tmp_path: Path) -> None:
    walk = read_walk(clip(tmp_path / "walk.npz", np.arange(0, 2.3, 0.25)), 1.5, 2.0)
    assert walk is not None
    first, *others = render_film(people, walk, seed=4, way="carried")
    np.testing.assert_allclose(first.joints, first.still, atol=1e-5)
    frames = [first, *others]
    hips = np.array([frame.joints[0, [11, 12]].mean(axis=0) for frame in frames])
    still = np.array([frame.still[0, [11, 12]].mean(axis=0) for frame in frames])
    longer = np.linalg.norm(still[2] - still[0]) / (4 / 3)
    assert 0.8 < longer < 1.2  # as her legs are; the camera goes along, so that she hardly goes before it
    assert np.linalg.norm(hips[2] - hips[0]) < 0.5
    for one, other in zip(frames, others):
        height = np.linalg.norm(one.joints[0, 5] - one.joints[0, 16])
        assert height == pytest.approx(np.linalg.norm(one.still[0, 5] - one.still[0, 16]), abs=1e-4)
        assert np.abs(one.picture.astype(int) - other.picture).mean() > 5  # the room moves, too
