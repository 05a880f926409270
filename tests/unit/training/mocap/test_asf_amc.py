"""ASF and AMC on miniature files with CMU's bones: hand-worked poses, variants of the format, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.errors import BadData
from tests.support.asf_amc_files import BONES, COS, SIN, random_amc_frames, write_amc, write_asf
from training.mocap.asf_amc import read_amc, read_asf
from training.mocap.skeleton import Motion


def bone(motion: Motion, name: str, end: str) -> np.ndarray:
    """(T, 3) unit vectors of a bone in the file's axes."""
    names, positions = motion.skeleton.names, motion.positions()
    vector = positions[:, names.index(end)] - positions[:, names.index(name)]
    return vector / np.linalg.norm(vector, axis=1, keepdims=True)


def read(folder: Path, frames: list[dict[str, list[float]]]) -> Motion:
    return read_amc(write_amc(folder / "01_01.amc", frames), read_asf(write_asf(folder / "01.asf")))


def test_at_rest_bones_have_their_directions_and_lengths(tmp_path: Path) -> None:
    motion = read(tmp_path, [{}])
    names, (positions,) = motion.skeleton.names, motion.positions()
    ends = {name: positions[names.index(name)] for name in names}
    for name, (parent, direction, length, _, _) in BONES.items():
        children = [child for child, other in BONES.items() if other[0] == name]
        end = ends[children[0] if children else f"{name} end"]
        expected = np.array(direction) / np.linalg.norm(direction) * length
        np.testing.assert_allclose(end - ends[name], expected, atol=1e-4)
        assert names[motion.skeleton.parents[names.index(name)]] == parent


def test_a_hinge_turns_about_its_own_axis(tmp_path: Path) -> None:
    """By hand: a knee bent by 90 degrees points a shin back; the elbow's slanted axis lifts the forearm by 25."""
    motion = read(tmp_path, [{"ltibia": [90.0], "lradius": [90.0]}])
    np.testing.assert_allclose(bone(motion, "lfemur", "ltibia"), [[SIN, -COS, 0]], atol=1e-5)
    np.testing.assert_allclose(bone(motion, "ltibia", "lfoot"), [[0, 0, -1]], atol=1e-5)
    angle = np.radians(25)
    np.testing.assert_allclose(bone(motion, "lradius", "lwrist"), [[0, np.sin(angle), np.cos(angle)]], atol=1e-5)


def test_turns_follow_each_other_about_fixed_axes(tmp_path: Path) -> None:
    """By hand: x by 90, then z by 90: up goes ahead and stays there; ahead goes down, then to the left."""
    motion = read(tmp_path, [{"root": [1, 2, 3, 90, 0, 90]}])
    turn = motion.world_rotations()[0]
    np.testing.assert_allclose(turn.apply([0, 1, 0]), [[0, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(turn.apply([0, 0, 1]), [[1, 0, 0]], atol=1e-9)


def test_agrees_with_forward_kinematics_by_matrices(tmp_path: Path) -> None:
    """The same in other words: M = C Rz Ry Rx C^-1 for each bone, down the tree."""
    (frame,) = random_amc_frames(1)
    motion = read(tmp_path, [frame])

    def matrix(axis: str, degrees: float) -> np.ndarray:
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        turn = np.eye(3)
        turn[[i, j, i, j], [i, j, j, i]] = c, c, -s, s
        return turn

    def world(name: str) -> np.ndarray:
        parent, _, _, axis, dof = BONES.get(name, (None, None, None, (0, 0, 0), "tx ty tz rx ry rz"))
        frame_of = matrix("z", axis[2]) @ matrix("y", axis[1]) @ matrix("x", axis[0])
        turn = np.eye(3)
        for channel, value in zip(dof.split(), frame.get(name, [])):
            turn = matrix(channel[1], value) @ turn if channel[0] == "r" else turn
        own = frame_of @ turn @ frame_of.T
        return world(parent) @ own if parent else own

    for name, turn in zip(motion.skeleton.names, motion.world_rotations()):
        if not name.endswith(" end"):
            np.testing.assert_allclose(turn.as_matrix()[0], world(name), atol=1e-7)


def test_reads_radians_and_axes_without_an_order(tmp_path: Path) -> None:
    frames = random_amc_frames(2)
    expected = read(tmp_path, frames).positions()

    skeleton = read_asf(write_asf(tmp_path / "02.asf", axis_order="", units="rad", scale=np.pi / 180))
    in_radians = [{name: np.radians(values).tolist() for name, values in frame.items()} for frame in frames]
    for header in (":RADIANS", "# no word on units"):
        motion = read_amc(write_amc(tmp_path / "02_01.amc", in_radians, header), skeleton)
        np.testing.assert_allclose(motion.positions(), expected, atol=1e-5)
    motion = read_amc(write_amc(tmp_path / "02_01.amc", frames), skeleton)  # says :DEGREES itself
    np.testing.assert_allclose(motion.positions(), expected, atol=1e-5)


def test_the_roots_resting_orientation_frames_its_turns(tmp_path: Path) -> None:
    path = write_asf(tmp_path / "01.asf")
    path.write_text(path.read_text().replace("orientation 0 0 0", "orientation 0 90 0"))
    motion = read_amc(write_amc(tmp_path / "01_01.amc", [{"root": [0, 0, 0, 30, 0, 0]}]), read_asf(path))
    expected = Rotation.from_euler("z", -30, degrees=True)  # a quarter turn about y takes x to -z
    np.testing.assert_allclose(motion.world_rotations()[0].as_rotvec(), [expected.as_rotvec()], atol=1e-9)


def test_marks_frames_that_are_not_numbers(tmp_path: Path) -> None:
    path = write_amc(tmp_path / "01_01.amc", [{}, {"ltibia": [90.0]}, {}])
    path.write_text(path.read_text().replace("ltibia 90", "ltibia -1.#IND00"))
    motion = read_amc(path, read_asf(write_asf(tmp_path / "01.asf")))
    assert motion.valid.tolist() == [True, False, True] and np.isfinite(motion.positions()).all()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("", None, "it holds no frame"),
        ("ltibia 0\n", "", "not in its place|cut off"),
        ("ltibia 0\n", "ltibia 0 0\n", "other bones than the first"),
        ("ltibia 0\n", "tail 0\n", "tail is no bone of its skeleton"),
        ("ltibia 0\n", "ltibia zero\n", "could not convert"),
    ],
)
def test_names_the_broken_motion(tmp_path: Path, old: str, new: str | None, sentence: str) -> None:
    path = write_amc(tmp_path / "01_01.amc", [{}, {}, {}])
    path.write_text("" if new is None else path.read_text().replace(old, new, 1))
    with pytest.raises(BadData, match=sentence) as raised:
        read_amc(path, read_asf(write_asf(tmp_path / "01.asf")))
    assert "01_01.amc" in str(raised.value)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_names_the_motion_that_was_cut_off(tmp_path: Path, share: float) -> None:
    path = write_amc(tmp_path / "01_01.amc", random_amc_frames(4))
    whole = path.read_text()
    path.write_text(whole[: int(share * len(whole))].rsplit("\n", 1)[0])
    with pytest.raises(BadData, match=r"01_01\.amc .*cut off"):
        read_amc(path, read_asf(write_asf(tmp_path / "01.asf")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (":bonedata", ":bones"),
        (":hierarchy", ":tree"),
        ("name lfemur", "name femur"),
        ("length 7.0", "length long"),
        ("length 7.0", ""),
        ("direction 1 0 0", "direction 1 0"),
        ("0 0 15 XYZ", "0 15"),
        ("lfemur ltibia", "lfemur ltibia ltibia"),
        ("  axis XYZ", ""),
    ],
)
def test_names_the_broken_skeleton(tmp_path: Path, old: str, new: str) -> None:
    path = write_asf(tmp_path / "01.asf")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BadData, match=r"01\.asf is no ASF skeleton that can be read"):
        read_asf(path)


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 100, b"<html>404</html>"])
def test_names_what_is_no_skeleton_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "01.asf").write_bytes(content)
    with pytest.raises(BadData, match=r"01\.asf is no ASF"):
        read_asf(tmp_path / "01.asf")
