"""Calibration files of two kinds: the same cameras out of both, points projected by hand, and broken files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData
from tests.support.footage_files import camera_at, write_qualisys, write_toml
from training.footage.cameras import read_cameras


def test_both_formats_tell_the_same_cameras(tmp_path: Path) -> None:
    cameras = [camera_at(0.3 + index, f"cam{index}", (-0.05, 0.1, 1e-3, -2e-3)) for index in (10, 2)]
    files = write_toml(tmp_path / "Calib.toml", cameras), write_qualisys(tmp_path / "Calib.qca.txt", cameras, corner=8)
    for file in files:
        found = read_cameras(file)
        assert [camera.name for camera in found] == ["cam2", "cam10"]  # and none that sees markers only
        for camera, true in zip(found, cameras[::-1], strict=True):
            for field in ("intrinsics", "distortion", "rotation", "translation", "size"):
                np.testing.assert_allclose(getattr(camera, field), getattr(true, field), atol=1e-9)


def test_points_are_projected_as_by_hand() -> None:
    camera = camera_at(0.0)  # on the x axis, four metres off, one up
    points = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [2.0, 0.0, 2.0], [5.0, 0.0, 1.0], [np.nan, 0.0, 1.0]])
    np.testing.assert_allclose(camera.to_camera(points)[:3], [[0, 0, 4], [1, 0, 4], [0, -1, 2]], atol=1e-12)
    expected = [[60.5, 80.5], [60.5 + 150 / 4, 80.5], [60.5, 80.5 - 150 / 2]]
    np.testing.assert_allclose(camera.project(points)[:3], expected)
    assert np.isnan(camera.project(points)[3:]).all()  # behind the camera, and not known
    bent = camera_at(0.0, distortion=(0.2, 0.0, 0.0, 0.0))  # 1 m aside at 4 m: r = 1/4, factor 1 + 0.2 / 16
    assert bent.project(points)[1, 0] == pytest.approx(60.5 + 150 / 4 * (1 + 0.2 / 16))
    assert camera.focal_length == 150


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fisheye = false", "fisheye = true", "fisheye"),
        ("matrix = [[150.0", "matrix = [[nan", "matrix of cam01"),
        ("matrix = [[150.0", "matrix = [[-150.0", "focal length"),
        ("distortions = [0.0, ", "distortions = [", "distortion of cam01"),
        ("translation = [", "translation = [5000.0, ", "translation of cam01"),
        ("size = [ 120.0", "size = [ 0.0", "picture"),
        ("rotation", "rotations", "KeyError"),
        ("[cam01]", "[cam01", "TOMLDecodeError"),
        ("[cam01]", "[metadata.x]", "no camera"),
    ],
)
def test_broken_toml_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write_toml(tmp_path / "Calib.toml", [camera_at(0.0)])
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadData, match=said):
        read_cameras(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<intrinsic", "<lens", "intrinsic"),
        ('r11="', 'r11="7', "rotation"),
        ('centerPointU="', 'centerPointU="x', "centerPointU"),
        ("</cameras>", "", "ParseError"),
        ("Miqus Video", "Oqus", "no camera"),
    ],
)
def test_broken_qualisys_files_are_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write_qualisys(tmp_path / "x.qca.txt", [camera_at(0.0)])
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadData, match=said):
        read_cameras(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="FileNotFoundError"):
        read_cameras(tmp_path / "Calib.toml")
