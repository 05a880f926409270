"""Videos in and out: what is written is read back, at the times that were said."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.video_io import Film, FilmWriter
from model.errors import BadInput

PIXELS = 1_000_000


def grey(value: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second at 20 frames a second; frame i is grey of 10 i, its left half red."""
    path = tmp_path / "deep" / "clip.mp4"
    writer = FilmWriter(path, (64, 48), 20.0)
    for index in range(20):
        frame = grey(10 * index)
        frame[:, :32] = (200, 0, 0)
        writer.add(index / 20, frame)
    assert not path.exists()
    writer.finish()
    writer.abandon()  # does nothing any more
    assert [file.name for file in path.parent.iterdir()] == ["clip.mp4"]
    return path


def brightness(frame: np.ndarray) -> float:
    return float(frame[:, 40:].mean())


def test_what_is_written_is_read_back(clip):
    film = Film(clip, 100, PIXELS)
    assert (film.width, film.height, film.rate, film.count) == (64, 48, 20.0, 20)
    frames = list(film)
    film.close()
    assert [when for when, _ in frames] == pytest.approx([index / 20 for index in range(20)])
    assert [brightness(frame) for _, frame in frames] == pytest.approx([10 * index for index in range(20)], abs=6)
    assert frames[0][1][:, :28].mean(axis=(0, 1)) == pytest.approx([200, 0, 0], abs=12)  # RGB


@pytest.mark.parametrize(("rate", "indices"), [(10, range(0, 20, 2)), (5, range(0, 20, 4)), (1, [0])])
def test_fewer_frames_can_be_asked_for(clip, rate, indices):
    film = Film(clip, rate, PIXELS)
    assert film.count == len(list(indices))
    assert [round(when * 20) for when, _ in film] == list(indices)


def test_an_uneven_rate_keeps_its_mean(clip):
    times = [when for when, _ in Film(clip, 15, PIXELS)]
    assert len(times) == 15
    assert np.diff(times).max() < 0.11


def test_a_frame_stands_until_the_next_one(tmp_path):
    writer = FilmWriter(tmp_path / "a.mp4", (64, 48), 10.0)
    for when, value in ((0.0, 20), (0.1, 60), (0.5, 120)):
        writer.add(when, grey(value))
    writer.finish()
    values = [brightness(frame) for _, frame in Film(tmp_path / "a.mp4", 100, PIXELS)]
    assert values == pytest.approx([20, 60, 60, 60, 60, 120], abs=6)


def test_odd_sizes_can_be_written(tmp_path):
    writer = FilmWriter(tmp_path / "a.mp4", (65, 49), 10.0)
    writer.add(0, grey(50, 65, 49))
    writer.finish()
    ((_, frame),) = Film(tmp_path / "a.mp4", 100, PIXELS)
    assert frame.mean() == pytest.approx(50, abs=6)


def test_what_is_not_finished_leaves_nothing(tmp_path):
    writer = FilmWriter(tmp_path / "a.mp4", (64, 48), 10.0)
    writer.add(0, grey(50))
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_video_is_refused(tmp_path, capfd):
    (tmp_path / "a.mp4").write_bytes(b"no video at all" * 100)
    with pytest.raises(BadInput, match="Convert it to MP4"):
        Film(tmp_path / "a.mp4", 30, PIXELS)
    assert capfd.readouterr() == ("", "")  # the decoders would grumble


def test_a_video_with_too_many_pixels_is_refused(clip):
    with pytest.raises(BadInput, match="64 x 48 pixels"):
        Film(clip, 30, 1000)


def test_a_webcam_that_is_not_there_is_said(monkeypatch):
    class Nothing:
        def __init__(self, source: int) -> None:
            assert source == 7

        def isOpened(self) -> bool:
            return False

        def release(self) -> None:
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Nothing)
    with pytest.raises(BadInput, match="no webcam 7"):
        Film(7, 30, PIXELS)


def test_a_webcam_tells_the_real_time(monkeypatch):
    class Webcam:
        frames = 4

        def __init__(self, source: int) -> None:
            pass

        def isOpened(self) -> bool:
            return True

        def read(self) -> tuple[bool, np.ndarray | None]:
            self.frames -= 1
            time.sleep(0.05)
            return (True, grey(9)) if self.frames >= 0 else (False, None)

        def get(self, what: int) -> float:
            return 30.0 if what == cv2.CAP_PROP_FPS else -1.0

        def release(self) -> None:
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    film = Film(0, 30, PIXELS)
    assert film.count is None
    times = [when for when, _ in film]
    assert len(times) == 4
    assert times[0] < 0.04 and (np.diff(times) > 0.04).all()
