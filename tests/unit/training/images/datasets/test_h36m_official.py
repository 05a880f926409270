"""Human3.6M's official files in miniature: CDF poses and a video in, protocol 2 out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from model.errors import BadData
from training.images.datasets.h36m import read_h36m, read_h36m_training
from training.images.datasets.h36m_official import extract, main
from training.images.datasets.joint_sets import LIMBS_IN_COCO

pytest.importorskip("cdflib", reason="needs cdflib, which reads NASA's CDF")
from cdflib.cdfwrite import CDF as Writer

FRAMES = 12


def write_cdf(path: Path, values: np.ndarray) -> None:
    """As the official files hold it: one record of (T, columns) under `Pose`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = Writer(path)
    about = {
        "Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Var_Type": "zVariable",
        "Dim_Sizes": list(values.shape), "Dim_Vary": [True, True],
    }  # fmt: skip
    writer.write_var(about, var_data=values[None].astype(np.float32))
    writer.close()


def write_video(path: Path, frames: int = FRAMES) -> None:
    """Frame n is grey, 20 n bright."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 50, (64, 64))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no video")
    for frame in range(frames):
        writer.write(np.full((64, 64, 3), 20 * frame, np.uint8))
    writer.release()


def poses(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(T, 32, 3) millimetres and (T, 32, 2) pixels."""
    rng = np.random.default_rng(seed)
    return rng.normal((0, 0, 5000), 400, (FRAMES, 32, 3)), rng.uniform(100, 900, (FRAMES, 32, 2))


@pytest.fixture
def official(tmp_path: Path) -> Path:
    for seed, subject in enumerate(("S9", "S11")):
        joints, pixels = poses(seed)
        for camera in ("60457274", "54138969"):
            features = tmp_path / "h36m" / subject / "MyPoseFeatures"
            write_cdf(features / "D3_Positions_mono" / f"Walking 1.{camera}.cdf", joints.reshape(FRAMES, 96))
            write_cdf(features / "D2_Positions" / f"Walking 1.{camera}.cdf", pixels.reshape(FRAMES, 64))
        write_video(tmp_path / "h36m" / subject / "Videos" / "Walking 1.60457274.mp4")
    return tmp_path / "h36m"


def test_protocol_2_of_the_official_files(official: Path, tmp_path: Path) -> None:
    data = read_h36m(extract(official, tmp_path / "out"))
    names = [sample.image.name for sample in data.samples]
    frames = ("000001", "000006", "000011")
    assert names == [f"{s}_Walking_1.60457274_{frame}.jpg" for s in ("S9", "S11") for frame in frames]
    for index, sample in enumerate(data.samples):
        frame = 5 * (index % 3)
        joints, pixels = (values[frame] for values in poses(index // 3))
        relative = (joints - joints[11]) / 1000
        assert sample.joints is not None and sample.pelvis is not None
        np.testing.assert_allclose(sample.joints[0], relative[3], atol=1e-6)  # the right ankle
        np.testing.assert_allclose(sample.joints[9], relative[17], atol=1e-6)  # the left shoulder
        np.testing.assert_allclose(sample.joints[13], relative[15], atol=1e-6)  # the head
        assert np.abs(sample.pelvis).max() == 0
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        assert sample.centre == pytest.approx((low + high) / 2)
        assert sample.side == pytest.approx(1.2 * (high - low).max())
        assert cv2.imread(str(sample.image)).mean() == pytest.approx(20 * frame, abs=6)
        assert sample.groups["action"] == "Walking"


def test_the_command_says_how_to_go_on(official: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(official), str(tmp_path / "out")])
    assert f"--h36m {tmp_path / 'out'}" in capsys.readouterr().out
    for video in official.rglob("*.mp4"):
        video.unlink()
    main([str(official), str(tmp_path / "out")])  # the frames are there already
    with pytest.raises(BadData, match="h36m_official"):
        read_h36m(official)
    assert len(read_h36m(tmp_path / "out").samples) == 6


def test_missing_and_broken_files_get_a_sentence(official: Path, tmp_path: Path) -> None:
    video = official / "S11" / "Videos" / "Walking 1.60457274.mp4"
    write_video(video, frames=7)
    with pytest.raises(BadData, match="ends after 7 frames"):
        extract(official, tmp_path / "a")
    video.unlink()
    with pytest.raises(BadData, match=r"60457274\.mp4 is not there"):
        extract(official, tmp_path / "b")
    flat = official / "S9" / "MyPoseFeatures" / "D2_Positions" / "Walking 1.60457274.cdf"
    flat.write_bytes(b"no CDF")
    with pytest.raises(BadData, match=r"60457274\.cdf is no pose file"):
        extract(official, tmp_path / "c")
    flat.unlink()
    with pytest.raises(SystemExit, match=r"Error: .*60457274\.cdf is not there"):
        main([str(official), str(tmp_path / "d")])
    with pytest.raises(BadData, match="holds no"):
        extract(tmp_path, tmp_path / "e")


def test_training_subjects_of_the_official_files(tmp_path: Path) -> None:
    """Two cameras of five subjects, with 2D joints and the camera."""
    subjects, cameras = ("S1", "S5", "S6", "S7", "S8"), ("58860488", "60457274")
    for seed, subject in enumerate(subjects):
        joints, pixels = poses(seed)
        for camera in cameras:
            features = tmp_path / "h36m" / subject / "MyPoseFeatures"
            write_cdf(features / "D3_Positions_mono" / f"Walking 1.{camera}.cdf", joints.reshape(FRAMES, 96))
            write_cdf(features / "D2_Positions" / f"Walking 1.{camera}.cdf", pixels.reshape(FRAMES, 64))
            write_video(tmp_path / "h36m" / subject / "Videos" / f"Walking 1.{camera}.mp4")
    main(["--split", "train", str(tmp_path / "h36m"), str(tmp_path / "out")])
    data = read_h36m_training(tmp_path / "out")
    assert len(data.samples) == 5 * 2 * 3
    sample = data.samples[4]  # S1, the second camera, its second frame
    assert sample.image == tmp_path / "out" / "images" / "S1_Walking_1.60457274_000006.jpg" and sample.image.is_file()
    joints, pixels = (values[5] for values in poses(0))
    assert sample.joints is not None and sample.joints_2d is not None
    assert sample.focal_length == pytest.approx(1145.1, abs=0.1) and sample.principal_point == (514.97, 501.88)
    for coco, theirs in ((16, 3), (11, 6), (5, 17), (10, 27)):  # right ankle, left hip, left shoulder, right wrist
        np.testing.assert_allclose(sample.joints_2d[coco], pixels[theirs], rtol=1e-5)
        row = LIMBS_IN_COCO.index(coco)
        np.testing.assert_allclose(sample.joints[row], (joints[theirs] - joints[11]) / 1000, atol=1e-6)
    with pytest.raises(BadData, match=r"--split train"):
        read_h36m_training(tmp_path)
