"""Motion files in the programs that they are for: all of them show the same walk."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from model.body.motion import SkeletonMotion, even_times
from model.body.skeleton import TURN_UP
from model.formats.bvh import to_bvh
from model.formats.markers import markers_of
from model.formats.motion_glb import find_motion, to_glb
from model.formats.rigged_glb import to_rigged_glb
from model.formats.skeletons import SKELETONS
from model.formats.smpl_npz import TO_Z_UP, to_smpl_npz
from model.formats.trc import to_trc
from model.joints import JOINTS, SMPL_JOINT_NAMES
from tests.support.motion_tools import (
    IN_BLENDER,
    blender_joints,
    blender_vertices,
    bvhio_joints,
    in_mujoco,
    opensim_marker,
    three_vertices,
)
from tests.support.npm import npm_package
from tests.support.walker import walker

pytestmark = pytest.mark.slow

RATE = 30.0
FRAMES = (0, 7, 20)


@pytest.fixture(scope="module")
def walk() -> SkeletonMotion:
    """A second, on the floor, from the origin towards +z."""
    return walker(1.0, RATE)[0]


def closed(count: int) -> np.ndarray:
    """Faces that use every vertex; any will do."""
    return np.arange(count - count % 3).reshape(-1, 3)


def meshes(walk: SkeletonMotion) -> np.ndarray:
    """(N, V, 3) y up."""
    shapes = np.broadcast_to(walk.shape, (len(walk), len(walk.shape)))
    return walk.rig.pose(walk.rotations, shapes, walk.roots - walk.rest.joints[0])


@pytest.mark.parametrize("skeleton", ["smpl", "mixamo", "unreal", "lafan1"])
def test_bvh_in_blender(walk, tmp_path: Path, skeleton: str):
    """At scale 0.01, and from frame 1."""
    path, names = tmp_path / "walk.bvh", SKELETONS[skeleton].names[:JOINTS]
    path.write_bytes(to_bvh(walk, RATE, SKELETONS[skeleton]))
    found = blender_joints("bvh", path, names, [frame + 1 for frame in FRAMES])
    np.testing.assert_allclose(found, walk.joints[list(FRAMES)] @ IN_BLENDER.T, atol=1e-3)


def test_rigged_glb_in_blender(walk, tmp_path: Path):
    """Joints by name, from frame 0 at the scene's rate; and the skin."""
    path = tmp_path / "walk.rigged.glb"
    path.write_bytes(to_rigged_glb(walk, closed(walk.rig.vertex_count), "walk", moves=True))
    found = blender_joints("glb", path, SMPL_JOINT_NAMES, FRAMES)
    np.testing.assert_allclose(found, walk.joints[list(FRAMES)] @ IN_BLENDER.T, atol=1e-3)
    skin = blender_vertices(path, FRAMES)
    expected = meshes(walk)[list(FRAMES)] @ IN_BLENDER.T
    for one, other in zip(skin, expected):
        assert cKDTree(one).query(other[: len(other) // 3 * 3])[0].max() < 1e-4


@pytest.fixture(scope="module")
def morphs(walk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The walk as morph targets: bodies as a film has them, turned into the camera's frame."""
    bodies, path = meshes(walk) - walk.roots[:, None], tmp_path_factory.mktemp("morphs") / "walk.glb"
    faces = closed(walk.rig.vertex_count)
    path.write_bytes(to_glb(find_motion(walk.times, bodies * TURN_UP, walk.roots * TURN_UP, faces), faces, "walk"))
    return path


def test_morph_targets_in_blender(walk, morphs):
    """Blender cuts weights off at 0 and 1: within 3 mm in the mean, they are within that."""
    found = blender_vertices(morphs, FRAMES)
    for one, other in zip(found, meshes(walk)[list(FRAMES)] @ IN_BLENDER.T):
        assert cKDTree(one).query(other)[0].mean() < 3e-3


@pytest.mark.parametrize("skeleton", [True, False])
def test_who_is_out_of_sight_is_not_to_be_seen_in_blender_and_three(walk, tmp_path: Path, skeleton: bool):
    """Half a second of the walk, two seconds of nobody, the rest."""
    times = walk.times + 2.0 * (np.arange(len(walk)) > 15)
    away = dataclasses.replace(walk, times=times)
    faces, path = closed(walk.rig.vertex_count), tmp_path / "away.glb"
    bodies = (meshes(walk) - walk.roots[:, None]) * TURN_UP
    morphs = None if skeleton else to_glb(find_motion(times, bodies, walk.roots * TURN_UP, faces), faces, "away")
    path.write_bytes(morphs or to_rigged_glb(away, faces, "away", moves=True))
    frames = (15, 16, 45, 75, 76)
    for shown in (blender_vertices(path, frames), three_vertices(path, [frame / RATE for frame in frames])):
        heights = np.ptp(shown, axis=1).max(axis=1)
        assert heights[[0, 4]].min() > 1.5 and heights[1:4].max() < 1e-3


def test_morph_targets_after_gltfpack(walk, morphs, tmp_path: Path):
    """Which cuts off negative weights, and puts vertices into another order."""
    packed, cli = tmp_path / "packed.glb", npm_package("gltfpack", "1.3.0") / "cli.js"
    subprocess.run(["node", cli, "-i", morphs, "-o", packed, "-noq", "-af", "30"], check=True, capture_output=True)
    found = blender_vertices(packed, FRAMES)
    for one, other in zip(found, meshes(walk)[list(FRAMES)] @ IN_BLENDER.T):
        assert cKDTree(one).query(other)[0].mean() < 3e-3


def test_bvh_in_bvhio(walk, tmp_path: Path):
    path = tmp_path / "walk.bvh"
    path.write_bytes(to_bvh(walk, RATE))
    joints = bvhio_joints(path, FRAMES) / 100
    np.testing.assert_allclose(joints, walk.joints[list(FRAMES)], atol=1e-3)


def test_trc_in_opensim(walk, tmp_path: Path):
    """Metres, by name, on the film's clock; who enters late is not there before."""
    late = SkeletonMotion(walk.rig, walk.shape, walk.times + 0.5, walk.rotations, walk.roots)
    path = tmp_path / "walk.trc"
    path.write_bytes(to_trc(markers_of(late, RATE, 2.0), path.name))
    found = opensim_marker(path, "left_ankle")
    assert (found["units"], float(found["rate"])) == ("m", RATE)
    assert found["labels"] == list(SMPL_JOINT_NAMES)
    at = even_times(RATE, 2.0)
    np.testing.assert_allclose(found["times"], at, atol=1e-5)
    there = late.is_there(at)
    assert [row is not None for row in found["rows"]] == there.tolist()
    expected = late.at(at).joints[there, SMPL_JOINT_NAMES.index("left_ankle")]
    np.testing.assert_allclose([row for row in found["rows"] if row], expected, atol=1e-4)


def test_a_humanoid_in_mujoco_stands_on_the_floor(walk, tmp_path: Path):
    """AMASS' keys as joints' rotations of a humanoid of the same bones: upright, its feet on the floor, z up."""
    path = tmp_path / "walk.npz"
    path.write_bytes(to_smpl_npz(walk, RATE, 1.0))
    for frame, (places, contacts) in zip(FRAMES, in_mujoco(path, walk.offsets, FRAMES, tmp_path)):
        np.testing.assert_allclose(places, walk.joints[frame] @ TO_Z_UP.T, atol=1e-3)
        head, pelvis = (places[SMPL_JOINT_NAMES.index(name)] for name in ("head", "pelvis"))
        assert (head - pelvis)[2] > 0.95 * np.linalg.norm(head - pelvis)
        # The sole is two centimetres of a sphere under each ankle: on the floor, not in it.
        assert contacts and min(contacts) > -0.02


def test_morph_targets_in_three(walk, morphs):
    """In the order of the file's vertices, of which none is lost."""
    found = three_vertices(morphs, [frame / RATE for frame in FRAMES])
    off = np.linalg.norm(found - meshes(walk)[list(FRAMES)][:, : found.shape[1]], axis=2)
    assert off.mean(axis=1).max() < 3e-3


def test_rigged_glb_in_three(walk, tmp_path: Path):
    path = tmp_path / "walk.rigged.glb"
    path.write_bytes(to_rigged_glb(walk, closed(walk.rig.vertex_count), "walk", moves=True))
    found = three_vertices(path, [frame / RATE for frame in FRAMES])
    np.testing.assert_allclose(found, meshes(walk)[list(FRAMES)], atol=1e-4)
