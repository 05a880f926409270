"""A folder in Pose2Sim's layout: what belongs together is found, and what does not is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData
from tests.support.footage_files import camera_at, standing, write_film, write_qualisys, write_toml, write_trc
from training.footage.recording import check_size, read_frames, read_recording

JOINTS = np.stack([standing()] * 3)


def folder_of(tmp_path: Path, films: tuple[str, ...] = ("cam02", "cam01")) -> Path:
    """Two cameras and a TRC."""
    for film in films:
        write_film(tmp_path / "videos" / f"{film}.mp4", 3)
    write_toml(tmp_path / "calibration" / "Calib_scene.toml", [camera_at(0.0, "cam01"), camera_at(1.5, "cam02")])
    write_trc(tmp_path / "pose-3d" / "trial_0-2.trc", JOINTS)
    return tmp_path


def test_a_folder_is_read(tmp_path: Path) -> None:
    recording = read_recording(folder_of(tmp_path))
    assert [(view.camera.name, view.film.name) for view in recording.views] == [
        ("cam01", "cam01.mp4"),
        ("cam02", "cam02.mp4"),
    ]
    np.testing.assert_allclose(recording.truth.joints, JOINTS, atol=1e-12)  # z is up again


def test_points_with_z_up_are_taken_as_they_are(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    write_trc(folder / "other.trc", JOINTS[..., [2, 0, 1]])  # which the file writes as x, y, z
    np.testing.assert_allclose(read_recording(folder, folder / "other.trc").truth.joints, JOINTS, atol=1e-12)


def test_films_are_matched_in_order_where_names_do_not_say(tmp_path: Path) -> None:
    recording = read_recording(folder_of(tmp_path, ("a10", "a9")))
    assert [view.film.stem for view in recording.views] == ["a9", "a10"]
    write_film(tmp_path / "videos" / "a11.mp4", 1)
    with pytest.raises(BadData, match=r"2 cameras .* 3 films"):
        read_recording(tmp_path)


def test_toml_goes_before_what_it_was_made_of(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    write_qualisys(folder / "calibration" / "Calib.qca.txt", [camera_at(2.0, "cam01")])
    assert len(read_recording(folder).views) == 2
    (folder / "calibration" / "Calib_scene.toml").unlink()
    (folder / "videos" / "cam01.mp4").rename(folder / "videos" / "x.mp4")
    with pytest.raises(BadData, match="1 cameras"):
        read_recording(folder)


def test_an_npz_may_bring_its_cameras(tmp_path: Path) -> None:
    cameras = [camera_at(0.0), camera_at(1.5)]
    fields = {"K": "intrinsics", "dist": "distortion", "R": "rotation", "t": "translation"}
    arrays = {key: np.stack([getattr(camera, field) for camera in cameras]) for key, field in fields.items()}
    np.savez(tmp_path / "truth.npz", joints=JOINTS, **arrays)
    for name in ("a", "b"):
        write_film(tmp_path / "videos" / f"{name}.mp4", 1)
    recording = read_recording(tmp_path)
    for view, camera in zip(recording.views, cameras, strict=True):
        np.testing.assert_allclose(view.camera.project(JOINTS), camera.project(JOINTS))
    np.savez(tmp_path / "truth.npz", joints=10 * JOINTS, **{**arrays, "t": 10 * arrays["t"]})  # decimetres, both
    with pytest.raises(BadData, match=r"legs are 8.* m long"):
        read_recording(tmp_path)
    np.savez(tmp_path / "truth.npz", joints=JOINTS)
    with pytest.raises(BadData, match="no calibration"):
        read_recording(tmp_path)


def test_what_is_missing_or_doubtful_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="not a folder"):
        read_recording(tmp_path / "none")
    folder = folder_of(tmp_path)
    write_trc(folder / "far.trc", JOINTS + 30)
    with pytest.raises(BadData, match="does not belong to these cameras"):
        read_recording(folder, folder / "far.trc")
    write_trc(folder / "pose-3d" / "second.trc", JOINTS)
    with pytest.raises(BadData, match="--truth"):
        read_recording(folder)
    for film in (folder / "videos").iterdir():
        film.unlink()
    with pytest.raises(BadData, match="no film"):
        read_recording(folder, folder / "pose-3d" / "second.trc")


def test_frames_come_with_numbers_and_times(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", 6)
    frames = list(read_frames(film, every=2))
    assert [number for number, _, _ in frames] == [0, 2, 4]
    assert [time for _, time, _ in frames] == pytest.approx([0, 0.2, 0.4])
    assert [float(picture.mean()) for _, _, picture in frames] == pytest.approx([40, 80, 120], abs=3)
    (tmp_path / "b.mp4").write_bytes(b"no film")
    with pytest.raises(BadData, match=r"b\.mp4"):
        next(read_frames(tmp_path / "b.mp4"))


def test_a_film_of_another_size_is_told(tmp_path: Path) -> None:
    view = read_recording(folder_of(tmp_path)).views[0]
    check_size(view, np.zeros((160, 122, 3), np.uint8))  # padded to whole blocks
    with pytest.raises(BadData, match="240 x 320 pixels"):
        check_size(view, np.zeros((320, 240, 3), np.uint8))
