"""True joints out of TRC, C3D and npz: the same points, what is missing, which row is whose frame, and broken files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData
from tests.support.footage_files import NAMES, standing, write_trc
from training.footage.truth import TrueJoints, read_truth


@pytest.fixture
def joints() -> np.ndarray:
    """(4, 12, 3) someone who walks along x; a wrist is not known in the second frame."""
    walk = standing() + np.arange(4)[:, None, None] * [0.1, 0.0, 0.0]
    walk[1, 5] = np.nan
    return walk


@pytest.mark.parametrize("unit", ["m", "mm"])
def test_trc(tmp_path: Path, joints: np.ndarray, unit: str) -> None:
    truth = read_truth(write_trc(tmp_path / "a.trc", joints, rate=20.0, first=3, unit=unit))
    np.testing.assert_allclose(truth.turned().joints, joints, atol=1e-12)
    assert truth.times == pytest.approx([0.15, 0.2, 0.25, 0.3])


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_trc_of_any_encoding_and_windows_lines(tmp_path: Path, joints: np.ndarray, encoding: str) -> None:
    """The first line names the file, in the letters of wherever it was written."""
    path = write_trc(tmp_path / "a.trc", joints)
    text = path.read_text().replace("a.trc", "C:\\Åsa Müller\\gång.trc").replace("\n", "\r\n")
    path.write_bytes((text + "\x1a").encode(encoding))
    np.testing.assert_allclose(read_truth(path).turned().joints, joints, atol=1e-12)


def test_c3d(tmp_path: Path, joints: np.ndarray) -> None:
    ezc3d = pytest.importorskip("ezc3d", reason="needs the extra footage")
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["LABELS"]["value"] = ["Anna:Nose", *(f"Anna:{name}" for name in NAMES)]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["RATE"]["value"] = [100.0]
    points = np.concatenate([np.zeros((4, 1, 3)), 1000 * joints], axis=1)
    file["data"]["points"] = np.concatenate([np.moveaxis(points, 2, 0).swapaxes(1, 2), np.ones((1, 13, 4))])
    file.write(str(tmp_path / "a.c3d"))
    truth = read_truth(tmp_path / "a.c3d")
    np.testing.assert_allclose(truth.joints, joints, atol=1e-6)
    assert truth.times == pytest.approx([0, 0.01, 0.02, 0.03])
    (tmp_path / "b.c3d").write_bytes((tmp_path / "a.c3d").read_bytes()[:700])
    (tmp_path / "c.c3d").write_bytes(b"no C3D at all")
    for broken in ("b.c3d", "c.c3d"):
        with pytest.raises(BadData, match=broken):
            read_truth(tmp_path / broken)


def test_npz(tmp_path: Path, joints: np.ndarray) -> None:
    known = np.ones((4, 12), bool)
    known[2, 0] = False
    np.savez(tmp_path / "a.npz", joints=joints, ok=known)
    truth = read_truth(tmp_path / "a.npz")
    joints[2, 0] = np.nan
    np.testing.assert_array_equal(truth.joints, joints)
    assert truth.times is None and [truth.row(frame, 9.0) for frame in (0, 3, 4)] == [0, 3, None]


def test_rows_are_found_by_time() -> None:
    truth = TrueJoints(np.zeros((3, 12, 3)), np.array([0.10, 0.12, 0.14]))
    rows = [truth.row(0, time) for time in (0.05, 0.095, 0.12, 0.131, 0.149, 0.16)]
    assert rows == [None, 0, 1, 2, 2, None]


@pytest.mark.parametrize("spelling", ["left_{}", "l_{}", "L{}", "{}_L", "Left {}", "{}Left"])
def test_joints_are_known_by_many_names(tmp_path: Path, joints: np.ndarray, spelling: str) -> None:
    path = write_trc(tmp_path / "a.trc", joints)
    text = path.read_text()
    for name in NAMES[::2]:
        text = text.replace(name, spelling.format(name[1:].lower() if spelling[0].islower() else name[1:]))
    path.write_text(text)
    np.testing.assert_allclose(read_truth(path).turned().joints, joints, atol=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("LHip", "LHipMarker", "lacks left_hip"),
        ("\tm\t", "\tinch\t", "inch"),
        ("\t0.9\t", "\tsome\t", "some"),
        ("\t0.9\t", "\t9000\t", "kilometres"),
        ("\n1\t0.1\t", "\n1\t0.0\t", "rise"),
    ],
)
def test_broken_trc_is_told(tmp_path: Path, joints: np.ndarray, old: str, new: str, said: str) -> None:
    path = write_trc(tmp_path / "a.trc", joints)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadData, match=said):
        read_truth(path)


def test_other_broken_files_are_told(tmp_path: Path, joints: np.ndarray) -> None:
    (tmp_path / "a.trc").write_text("PathFileType\n")
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 and no more")
    np.savez(tmp_path / "b.npz", joints=joints[:, :11])
    np.savez(tmp_path / "c.npz", joints=joints, ok=np.ones((2, 12), bool))
    np.savez(tmp_path / "d.npz", joints=np.full((2, 12, 3), np.nan))
    np.savez(tmp_path / "e.npz", joints=np.array([{}], dtype=object))
    for name in ("a.trc", "a.npz", "b.npz", "c.npz", "d.npz", "e.npz", "none.trc", "a.csv"):
        with pytest.raises(BadData, match=name):
            read_truth(tmp_path / name)
