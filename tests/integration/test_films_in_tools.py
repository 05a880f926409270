"""A film's people in the programs that their files are for: the shipped networks see them, one enters late.

`MPT_FOOTAGE=folder` of films (*.mp4) has them go the same way.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import weights
from model.joints import SMPL_JOINT_NAMES, SMPL_PARENTS
from model.network.checkpoint import load_checkpoint
from model.reconstructor import Reconstructor
from model.video.film import FilmJob, reconstruct_film
from tests.support.film_files import film
from tests.support.motion_tools import (
    IN_BLENDER,
    blender_joints,
    blender_vertices,
    bvhio_joints,
    in_mujoco,
    opensim_marker,
    three_vertices,
)
from tests.support.render import draw_person

pytestmark = pytest.mark.slow

RATE, SECONDS, ENTERS = 15, 1.6, 0.4
BLENDER = 30  # frames a second of its scene
SIZE, FOCAL = (480, 360), 420.0
FORMATS = frozenset(("npz", "rigged", "bvh", "trc", "smpl-npz"))
TO_Y_UP = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
"""Of z up, x ahead and y to the left."""


def late(path: Path) -> Path:
    """One walks past; from `ENTERS` on, another one stands behind."""
    topology = load_checkpoint(weights.path("anny-tiny")).topology
    body, faces = topology.template.numpy(), topology.faces.numpy()
    frames = []
    for time in np.arange(round(RATE * SECONDS)) / RATE:
        picture = None
        if time >= ENTERS:
            picture = draw_person(body + np.float32([0.9, 0, 4.2]), faces, body, FOCAL, SIZE)
        front = np.array([0.4 * time - 0.9, 0, 3.3], np.float32)
        frames.append(draw_person(body + front, faces, body, FOCAL, SIZE, picture))
    return film(path, frames, RATE)


FILMS = ["late", *sorted(Path(os.environ.get("MPT_FOOTAGE", "/nowhere")).glob("**/*.mp4"))]


class Written:
    """The files of a film's people."""

    def __init__(self, source: Path, folder: Path) -> None:
        model = Reconstructor.load(device="cpu", engine="torch")
        for formats in (FORMATS, frozenset(["glb"])):  # one GLB that moves is enough at a time
            job = FilmJob(model, formats, frame_rate=RATE, rig=model.rig)
            reconstruct_film(source, folder / f"{source.stem}.video", job, lambda _: None)
        self.stem = folder / f"{source.stem}.video"
        self.people = range(1, 1 + len(list(folder.glob("*.smpl.npz"))))

    def path(self, person: int, ending: str) -> Path:
        """A person's file."""
        return self.stem.with_name(f"{self.stem.name}-{person}{ending}")

    def clip(self, person: int) -> dict[str, np.ndarray]:
        """AMASS' keys."""
        return dict(np.load(self.path(person, ".smpl.npz")))

    def joints(self, person: int) -> np.ndarray:
        """(T, 22, 3) metres, y up."""
        return self.clip(person)["global_joint_positions"] @ TO_Y_UP.T

    def meshes(self, person: int) -> tuple[np.ndarray, np.ndarray]:
        """Times (N,) and vertices (N, V, 3), y up in the film's world."""
        found = np.load(self.path(person, ".npz"))
        placed = found["vertices"] + found["translations"][:, None]
        return found["times"], (placed - found["world_origin"]) @ found["world_rotation"].T


@pytest.fixture(scope="module", params=FILMS, ids=lambda film: Path(film).stem)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("film")
    return Written(late(folder / "late.mp4") if request.param == "late" else request.param, folder / "out")


def some(count: int) -> list[int]:
    return [0, count // 2, count - 1]


def test_who_enters_late_is_there_from_then_on(written):
    if written.stem.name != "late.video":
        pytest.skip("nobody knows who enters")
    assert len(written.people) == 2
    first, second = (written.clip(person)["present"] for person in (1, 2))
    assert first.all() and len(first) == len(second) == round(RATE * SECONDS)
    entered = int(np.argmax(second))
    assert ENTERS <= entered / RATE <= ENTERS + 0.3 and second[entered:].all()


def test_bvh(written):
    for person in written.people:
        joints, path = written.joints(person), written.path(person, ".bvh")
        frames = some(len(joints))
        found = blender_joints("bvh", path, SMPL_JOINT_NAMES, [frame + 1 for frame in frames])
        np.testing.assert_allclose(found, joints[frames] @ IN_BLENDER.T, atol=2e-3)
        np.testing.assert_allclose(bvhio_joints(path, frames) / 100, joints[frames], atol=2e-3)


def test_rigged_glb(written):
    for person in written.people:
        path, joints = written.path(person, ".rigged.glb"), written.joints(person)
        times, meshes = written.meshes(person)
        rows = some(len(times))
        np.testing.assert_allclose(three_vertices(path, times[rows]), meshes[rows], atol=2e-3)
        frames = [round(float(times[row]) * BLENDER) for row in rows]
        if np.allclose(times[rows], np.array(frames) / BLENDER, atol=1e-4):  # else they lie between Blender's frames
            found = blender_joints("glb", path, SMPL_JOINT_NAMES, frames)
            at = [round(float(times[row]) * RATE) for row in rows]
            np.testing.assert_allclose(found, joints[at] @ IN_BLENDER.T, atol=2e-3)


def test_morph_targets(written):
    """Within the 3 mm that they may be off."""
    for person in written.people:
        path = written.path(person, ".glb")
        times, meshes = written.meshes(person)
        rows = some(len(times))
        found = three_vertices(path, times[rows])
        assert np.linalg.norm(found - meshes[rows], axis=2).mean() < 5e-3
        seen = blender_vertices(path, [round(float(times[row]) * BLENDER) for row in rows])
        for one, other in zip(seen, meshes[rows] @ IN_BLENDER.T):
            assert np.abs(one.mean(axis=0) - other.mean(axis=0)).max() < 0.02


def test_trc_in_opensim(written):
    for person in written.people:
        clip, joints = written.clip(person), written.joints(person)
        rows = opensim_marker(written.path(person, ".trc"), "left_ankle")["rows"]
        assert [row is not None for row in rows] == clip["present"].tolist()
        ankle = joints[clip["present"], SMPL_JOINT_NAMES.index("left_ankle")]
        np.testing.assert_allclose([row for row in rows if row], ankle, atol=1e-3)


def test_smpl_npz_in_mujoco(written, tmp_path: Path):
    """Upright, and where the file says that joints are, by the lengths of its own bones."""
    for person in written.people:
        clip = written.clip(person)
        joints = clip["global_joint_positions"]
        local = Rotation.from_rotvec(clip["poses"][0, :66].reshape(22, 3)).as_matrix()
        turns, offsets = local.copy(), np.zeros((22, 3))
        for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
            turns[joint] = turns[parent] @ local[joint]
            offsets[joint] = turns[parent].T @ (joints[0, joint] - joints[0, parent])
        frames = some(len(joints))
        for frame, (places, _) in zip(frames, in_mujoco(written.path(person, ".smpl.npz"), offsets, frames, tmp_path)):
            np.testing.assert_allclose(places, joints[frame], atol=2e-3)
            head, pelvis = (places[SMPL_JOINT_NAMES.index(name)] for name in ("head", "pelvis"))
            assert (head - pelvis)[2] > 0.5 * np.linalg.norm(head - pelvis)  # people of footage bend, too
