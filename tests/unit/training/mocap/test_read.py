"""Reading folders: formats in any mixture, who is who, what is left out and what is said about it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.errors import BadData
from tests.support.asf_amc_files import write_amc, write_asf
from tests.support.bvh_files import random_bvh_frames, write_bvh
from training.mocap import CMU_HELD_OUT, read_cache, read_mocap, split_by_subject
from training.mocap import read as reading
from training.mocap.bvh import read_bvh
from training.mocap.retarget import to_smpl


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MPT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mocap"


def write_npz(path: Path, frames: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    poses = np.zeros((frames, 156), dtype=np.float32)
    poses[:, 5] = 0.3 * np.arange(frames)
    np.savez(path, poses=poses, mocap_framerate=np.array(120.0))


def write_turning_amc(path: Path, frames: int = 3) -> None:
    write_amc(path, [{"lradius": [20.0 * frame]} for frame in range(frames)])


def write_turning_bvh(path: Path, frames: int = 3) -> None:
    write_bvh(path, [{"LeftForeArm": Rotation.from_euler("y", -20 * frame, degrees=True)} for frame in range(frames)])


def test_reads_all_formats_and_calls_cmus_people_the_same(folder: Path) -> None:
    write_npz(folder / "AMASS/CMU/02/02_01_poses.npz")
    write_asf(folder / "all_asfamc/subjects/02/02.asf")
    write_turning_amc(folder / "all_asfamc/subjects/02/02_01.amc")
    write_turning_bvh(folder / "cgspeed/002/02_01.bvh")
    write_turning_bvh(folder / "cgspeed/127/127_03.BVH")
    write_turning_bvh(folder / "Bandai/person a/walk.bvh")

    poses = read_mocap(folder)

    assert dict(zip(poses.clips, poses.subjects)) == {
        "AMASS/CMU/02/02_01_poses.npz": "CMU/02",
        "Bandai/person a/walk.bvh": "Bandai/person a",
        "all_asfamc/subjects/02/02_01.amc": "CMU/02",
        "cgspeed/002/02_01.bvh": "CMU/02",
        "cgspeed/127/127_03.BVH": "CMU/127",
    }
    assert len(poses) == 5 * 3 and poses.rotations.dtype == np.float32
    training, _, test = split_by_subject(poses, validation=0.0)
    assert set(training.subjects) == {"Bandai/person a", "CMU/127"} and set(test.subjects) == {"CMU/02"}
    assert "02" in CMU_HELD_OUT


def test_bodies_with_fingers_have_them_at_rest_where_a_format_has_none(folder: Path) -> None:
    write_asf(folder / "02/02.asf")
    write_turning_amc(folder / "02/02_01.amc")
    write_turning_bvh(folder / "bandai/walk.bvh")
    poses, bare = read_mocap(folder, 55).rotations, read_mocap(folder).rotations
    np.testing.assert_array_equal(poses[:, :22], bare)
    assert poses.shape == (6, 55, 3) and not poses[:, 22:].any()


def test_files_without_folders_are_cmus_by_their_name_or_people_of_their_own(folder: Path) -> None:
    for name in ("5_01", "05_02", "walk", "run"):
        write_turning_bvh(folder / f"{name}.bvh")
    assert sorted(set(read_mocap(folder).subjects)) == ["CMU/05", "mocap/run", "mocap/walk"]


def test_all_motions_may_lie_in_one_folder_with_their_skeletons(folder: Path) -> None:
    for subject in ("01", "02", "101"):
        write_asf(folder / f"{subject}.asf")
        write_turning_amc(folder / f"{subject}_02.amc")
    assert sorted(set(read_mocap(folder).subjects)) == ["CMU/01", "CMU/02", "CMU/101"]


def test_the_only_skeleton_of_a_folder_serves_all_motions(folder: Path) -> None:
    """So HDM05 names them: HDM_bd.asf beside HDM_bd_01-01_01_120.amc."""
    write_asf(folder / "HDM/bd/HDM_bd.asf")
    write_turning_amc(folder / "HDM/bd/HDM_bd_01-01_01_120.amc")
    write_turning_amc(folder / "HDM/bd/take.amc")
    assert set(read_mocap(folder).subjects) == {"bd/HDM_bd"}


def test_a_motion_without_its_skeleton_says_so(folder: Path) -> None:
    write_turning_amc(folder / "02_01.amc")
    with pytest.raises(BadData, match=r"02_01\.amc needs its skeleton beside it, 02\.asf"):
        read_mocap(folder)


def test_clips_are_the_readers_poses_thinned(folder: Path) -> None:
    frames = random_bvh_frames(4, radians=0.1)
    dense = [frame for frame in frames for _ in range(10)]  # each held for a twelfth of a second
    path = write_bvh(folder / "a.bvh", dense)
    poses = read_mocap(folder)
    np.testing.assert_allclose(poses.rotations, to_smpl(read_bvh(path))[::10], atol=1e-6)


def test_ignores_what_macos_and_amass_put_beside_the_clips(folder: Path) -> None:
    write_turning_bvh(folder / "a.bvh")
    (folder / "._a.bvh").write_bytes(b"\x00\x05\x16\x07")
    (folder / "readme.txt").write_text("hello")
    np.savez(folder / "shape.npz", betas=np.zeros(16))
    assert len(read_mocap(folder)) == 3


def test_says_which_kinds_of_motion_are_not_read(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a/w.fbx", "a/x.FBX", "b/smpl.pkl", "CMU.tar.bz2", "LICENSE.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    with pytest.raises(BadData, match=r"no \.bvh, but 1 \.bz2, 2 \.fbx, 1 \.pkl, which are not read\. Unpack"):
        read_mocap(folder)
    write_turning_bvh(folder / "a.bvh")
    with caplog.at_level(logging.WARNING):
        read_mocap(folder)
    assert "1 .bz2, 2 .fbx, 1 .pkl. Archives" in caplog.text


def test_one_bad_clip_of_many_is_named_and_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(20):
        write_npz(folder / f"KIT/{number}/walk_poses.npz", frames=2)
    (folder / "KIT/7/walk_poses.npz").write_bytes(b"<html>404</html>")
    with caplog.at_level(logging.WARNING):
        poses = read_mocap(folder)
    assert len(poses) == 19 * 2
    assert [record.message for record in caplog.records if "KIT/7/walk_poses.npz" in record.message]

    (folder / "KIT/8/walk_poses.npz").write_bytes(b"")
    with pytest.raises(BadData, match=r"2 of the 20 MoCap clips .*KIT/7/walk_poses\.npz .*KIT/8/walk_poses\.npz"):
        read_mocap(folder)


def test_says_how_many_frames_were_glitches(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = [{"LeftForeArm": Rotation.from_euler("y", -frame, degrees=True)} for frame in range(120)]
    frames[50] = {"Hips": Rotation.from_euler("y", 170, degrees=True)}
    frames[80] = {"LeftLeg": Rotation.from_euler("x", -70, degrees=True)}
    write_bvh(folder / "a.bvh", frames)
    with caplog.at_level(logging.WARNING):
        read_mocap(folder)
    (message,) = [record.message for record in caplog.records]
    assert message.startswith("Of 120 frames 2 were left out: 1 for joints bent") and "1 for jumps" in message


def test_a_clip_of_glitches_only_is_a_bad_clip(folder: Path) -> None:
    write_bvh(folder / "a.bvh", [{"LeftLeg": Rotation.from_euler("x", -70, degrees=True)}] * 10)
    with pytest.raises(BadData, match=r"a\.bvh: most of its 10 frames .*10 joints bent"):
        read_mocap(folder)


def test_an_empty_folder_and_no_folder_say_what_to_do(folder: Path) -> None:
    with pytest.raises(BadData, match="mocap is not a folder"):
        read_mocap(folder)
    folder.mkdir()
    with pytest.raises(BadData, match=r"holds no MoCap clip.*<data set>/<subject>.*make mocap"):
        read_mocap(folder)
    write_asf(folder / "01.asf")
    with pytest.raises(BadData, match="holds no MoCap clip"):
        read_mocap(folder)


def test_many_clips_are_read_once_until_one_changes(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reading, "_MANY_CLIPS", 20)
    for number in range(20):
        write_npz(folder / f"KIT/{number}/walk_poses.npz", frames=2)
    (folder / "KIT/7/walk_poses.npz").write_bytes(b"")
    first = read_mocap(folder)
    assert read_mocap(folder, 52).rotations.shape[1] == 52 and read_mocap(folder).rotations.shape[1] == 22

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setitem(reading._READERS, ".npz", lambda *_: pytest.fail("read again"))
        caplog.clear()
        again = read_mocap(folder)
    np.testing.assert_array_equal(again.rotations, first.rotations)
    assert again.subjects.tolist() == first.subjects.tolist() and again.clips.tolist() == first.clips.tolist()
    assert any("KIT/7/walk_poses.npz" in record.message for record in caplog.records)  # nothing is lost silently

    write_npz(folder / "KIT/7/walk_poses.npz", frames=2)
    assert len(read_mocap(folder)) == 20 * 2
    os.utime(folder / "KIT/3/walk_poses.npz", (1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(read_cache, "_save", lambda path, fingerprint, poses, messages: None)
        assert len(read_mocap(folder)) == 20 * 2

    (kept,) = (cache / "mocap").glob("read-*.npz")
    kept.write_bytes(b"damaged")
    assert len(read_mocap(folder)) == 20 * 2
