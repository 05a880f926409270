"""BVH on miniature files: orders of channels, oddities of real files, damage."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData
from tests.support.bvh_files import random_bvh_frames, write_bvh
from training.mocap.bvh import read_bvh

ARM = """HIERARCHY
ROOT Shoulder
{
  OFFSET 5 6 7
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT fore arm
  {
    OFFSET 0 -2 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 0 -1 0
    }
  }
}
MOTION
Frames: 2
Frame Time: .04
1 2 3 0 0 0 0 0 0
1 2 3 90 0 90 0 0 90
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "arm.bvh"
    path.write_text(text)
    return path


def test_an_arm_by_hand(tmp_path: Path) -> None:
    """The last channel turns first.

    The shoulder turns by 90 about y, which leaves the hanging arm alone, then by 90 about z, which takes -y to +x. The
    forearm bends by 90 about x, which takes -y to -z; the shoulder's y takes that to -x, and its z to -y.
    """
    motion = read_bvh(write(tmp_path, ARM))
    assert motion.skeleton.names == ("Shoulder", "fore arm", "fore arm end") and motion.skeleton.parents == (-1, 0, 1)
    assert motion.framerate == pytest.approx(25)
    rest, posed = motion.positions()
    np.testing.assert_allclose(rest, [[0, 0, 0], [0, -2, 0], [0, -3, 0]], atol=1e-12)
    np.testing.assert_allclose(posed, [[0, 0, 0], [2, 0, 0], [2, -1, 0]], atol=1e-12)


@pytest.mark.parametrize(("angle", "told"), [("90", False), ("1.5708", True), ("6.3", False), ("0", False)])
def test_angles_that_may_be_radians_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, angle: str, told: bool
) -> None:
    """Where it was read as degrees, everybody stood nearly as at rest, and nothing said so; places are no angles."""
    read_bvh(write(tmp_path, ARM.replace(" 90", f" {angle}")))
    assert ("if these are radians" in caplog.text and "arm.bvh" in caplog.text) == told


@pytest.mark.parametrize("order", ["".join(order) for order in itertools.permutations("XYZ")])
def test_any_order_of_channels_gives_the_same_motion(tmp_path: Path, order: str) -> None:
    frames = random_bvh_frames(4)
    expected = read_bvh(write_bvh(tmp_path / "1.bvh", frames)).positions()
    motion = read_bvh(write_bvh(tmp_path / "2.bvh", frames, order=order))
    np.testing.assert_allclose(motion.positions(), expected, atol=1e-6)
    world = dict(zip(motion.skeleton.names, motion.world_rotations()))
    direct = frames[2]["Hips"] * frames[2]["LeftUpLeg"] * frames[2]["LeftLeg"]
    assert (world["LeftLeg"][2].inv() * direct).magnitude() < 1e-6


def test_reads_positions_before_or_after_rotations_and_windows_lines(tmp_path: Path) -> None:
    expected = read_bvh(write(tmp_path, ARM)).positions()
    text = ARM.replace("Xposition Yposition Zposition Zrotation Xrotation Yrotation", "ZROTATION Xrotation Yposition "
                       "Xposition Zposition Yrotation").replace("1 2 3 90 0 90", "90 0 1 2 3 90")  # fmt: skip
    path = write(tmp_path, text.replace("1 2 3 0 0 0", "0 0 1 2 3 0"))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    np.testing.assert_allclose(read_bvh(path).positions(), expected, atol=1e-12)


def test_six_channels_and_six_numbers_of_offset_on_any_joint(tmp_path: Path) -> None:
    """Where joints are is in their OFFSET's first three numbers already; the others repeat what the channels hold."""
    expected = read_bvh(write(tmp_path, ARM)).positions()
    six = ARM.replace("OFFSET 0 -2 0", "OFFSET 0 -2 0 0 0 90").replace("OFFSET 0 -1 0", "OFFSET 0 -1 0 5 6 7")
    six = six.replace("CHANNELS 3 Zrotation", "CHANNELS 6 Xposition Yposition Zposition Zrotation")
    six = six.replace("1 2 3 0 0 0 0 0 0", "1 2 3 0 0 0 0 -2 0 0 0 0").replace(
        "90 0 90 0 0 90", "90 0 90 0 -2 0 0 0 90"
    )
    np.testing.assert_allclose(read_bvh(write(tmp_path, six)).positions(), expected, atol=1e-12)


def test_a_joint_without_offset_is_where_its_channels_are(tmp_path: Path) -> None:
    expected = read_bvh(write(tmp_path, ARM)).positions()
    six = ARM.replace("OFFSET 0 -2 0", "OFFSET 0 0 0")
    six = six.replace("CHANNELS 3 Zrotation", "CHANNELS 6 Zposition Yposition Xposition Zrotation")
    six = six.replace("1 2 3 0 0 0 0 0 0", "1 2 3 0 0 0 0 -2 0 0 0 0").replace(
        "90 0 90 0 0 90", "90 0 90 0 -2 0 0 0 90"
    )
    np.testing.assert_allclose(read_bvh(write(tmp_path, six)).positions(), expected, atol=1e-12)


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.encode("utf-8-sig"),  # as Notepad saves
        lambda text: text.encode("utf-16"),
        lambda text: text.encode() + b"\r\n\x1a",  # as DOS ends files
        lambda text: text.replace("MOTION", "Motion").encode(),
        lambda text: text.replace(".", ",").encode(),  # where the system's numbers have a comma
        lambda text: text.replace("\n{", "{").replace("arm", "MOTION arm").encode(),
    ],
)
def test_what_programs_write_otherwise_is_the_same_motion(tmp_path: Path, changed: Callable[[str], bytes]) -> None:
    expected = read_bvh(write(tmp_path, ARM))
    (tmp_path / "other.bvh").write_bytes(changed(ARM))
    found = read_bvh(tmp_path / "other.bvh")
    np.testing.assert_array_equal(found.positions(), expected.positions())
    assert found.framerate == expected.framerate and len(found.skeleton.names) == len(expected.skeleton.names)


@pytest.mark.parametrize("bad", ["nan", "-1.#IND", "1.#QNAN0", "inf", "-1.#INF"])
def test_marks_frames_that_are_not_numbers(tmp_path: Path, bad: str) -> None:
    motion = read_bvh(write(tmp_path, ARM.replace("1 2 3 90", f"1 2 3 {bad}")))
    assert motion.valid.tolist() == [True, False] and np.isfinite(motion.positions()).all()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("MOTION", "", "has no MOTION"),
        ("Frame Time: .04", "", "no `Frames:` and `Frame Time:`"),
        ("Frame Time: .04", "Frame Time: 0", "`Frame Time:` is 0"),
        ("0 0 90\n", "0 0\n", "17 numbers are no whole frames of 9: it is cut off"),
        ("0 0 90\n", "0 0 x\n", "could not convert"),
        ("1 2 3 0 0 0 0 0 0\n1 2 3 90 0 90 0 0 90\n", "", "it holds no frame"),
        ("Zrotation Yrotation Xrotation", "Zrotation Yrotation Wrotation", "CHANNELS of fore arm"),
        ("Zrotation Yrotation Xrotation", "Zrotation Zrotation Xrotation", "consecutive axes"),
        ("OFFSET 0 -2 0", "OFFSET 0 down 0", "could not convert"),
        ("OFFSET 0 -2 0", "OFFSET 0 -2", "the OFFSET of fore arm has 2 numbers"),
        ("OFFSET 0 -2 0", "OFFSET 0 -2 0 1", "the OFFSET of fore arm has 4 numbers"),
        ("OFFSET 0 -2 0", "OFFSET 0 nan 0", "an OFFSET is no number"),
        ("CHANNELS 3", "CHANNELS three", "invalid literal"),
        ("}\nMOTION", "MOTION", "not one tree"),
        ("}\nMOTION", "}\n}\nMOTION", "cannot be|can be read"),
        ("}\nMOTION", "}\nROOT Other\n{\nOFFSET 0 0 0\nCHANNELS 0\n}\nMOTION", "not one tree"),
        ("OFFSET 5 6 7", "Hello", "'Hello' is not expected"),
    ],
)
def test_names_the_broken_file(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in ARM
    with pytest.raises(BadData, match=sentence) as raised:
        read_bvh(write(tmp_path, ARM.replace(old, new)))
    assert "arm.bvh" in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 100, b"<html>404</html>", b"MOTION", b"HIERARCHY\nMOTION\n"])
def test_names_what_is_no_bvh_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.bvh").write_bytes(content)
    with pytest.raises(BadData, match=r"bad\.bvh"):
        read_bvh(tmp_path / "bad.bvh")
