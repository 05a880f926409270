"""A webcam that is read: on the clock's time, or not there."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from model.errors import BadInput
from model.video.reading import VideoReader
from tests.support.film_files import grey

PIXELS = 1_000_000


def test_a_webcam_that_is_not_there_is_said(monkeypatch):
    class Nothing:
        def __init__(self, source: int) -> None:
            assert source == 7

        def isOpened(self) -> bool:
            return False

        def get(self, what: int) -> float:
            return 0.0

        def release(self) -> None:
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Nothing)
    with pytest.raises(BadInput, match="no webcam 7"):
        VideoReader(7, 30, PIXELS)


class Webcam:
    """Four frames."""

    waits = 0.0  # seconds for each

    def __init__(self, source: int) -> None:
        self._frames = 4

    def isOpened(self) -> bool:
        return True

    def grab(self) -> bool:
        self._frames -= 1
        time.sleep(self.waits)
        return self._frames >= 0

    def retrieve(self, image: np.ndarray | None) -> tuple[bool, np.ndarray]:
        return True, grey(9)

    def get(self, what: int) -> float:
        return 30.0 if what == cv2.CAP_PROP_FPS else -1.0

    def release(self) -> None:
        pass


def test_a_webcam_tells_the_real_time(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    monkeypatch.setattr(Webcam, "waits", 0.05)
    film = VideoReader(0, 30, PIXELS)
    assert film.count is None
    start = time.monotonic()
    times = [when for when, _ in film]
    assert len(times) == 4
    assert times[0] >= 0 and (np.diff(times) >= 0.05).all() and times[-1] <= time.monotonic() - start
    assert film.missing() is None


def test_two_frames_of_a_webcam_never_have_the_same_time(monkeypatch):
    """Though the system's clock goes on in steps of 16 ms, as that of Windows does: speeds would be infinite."""
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() // 0.016 * 0.016)
    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    times = [when for when, _ in VideoReader(0, 1e6, PIXELS)]
    assert len(times) == 4 and (np.diff(times) > 0).all()
