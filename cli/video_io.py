"""Videos and webcams frame by frame, and videos written: OpenCV decodes and encodes."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from model.errors import BadInput

# What they say of files that are broken, and of webcams that are not there, is said here in sentences.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_MIN_SIDE = 16
_ASSUMED_RATE = 25.0  # frames a second, where a file does not say it


class Film:
    """Frames of a video file, or of a webcam until somebody stops it.

    Args:
        source: The file, or the webcam's number.
        rate: At most so many frames a second are given.
        max_pixels: Largest width x height.

    Raises:
        BadInput: It cannot be opened, or its frames are too large or too small.
    """

    def __init__(self, source: Path | int, rate: float, max_pixels: int) -> None:
        self._is_live = isinstance(source, int)
        self._capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
        first = self._next() if self._capture.isOpened() else None
        if first is None:
            self.close()
            if self._is_live:
                raise BadInput(f"There is no webcam {source}, or another program uses it.")
            raise BadInput("No frame of this video can be decoded. Convert it to MP4 (H.264) and try again.")
        self._first = first
        self.height, self.width = first.shape[:2]
        if not (min(self.width, self.height) >= _MIN_SIDE and self.width * self.height <= max_pixels):
            self.close()
            raise BadInput(
                f"The video has {self.width} x {self.height} pixels; each side needs {_MIN_SIDE}, "
                f"and at most {max_pixels / 1e6:.1f} million are accepted (MPT_MAX_PIXELS)."
            )
        said = self._capture.get(cv2.CAP_PROP_FPS)
        self._own_rate = said if math.isfinite(said) and 1 <= said <= 1000 else _ASSUMED_RATE
        self.rate = min(rate, self._own_rate)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.count = None if self._is_live or count < 1 else math.ceil(count * self.rate / self._own_rate)
        """How many frames will be given, about; None if nobody knows."""

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """Times in seconds, from 0 and rising, and frames (H, W, 3) uint8 RGB, upright."""
        start, index, given = time.monotonic(), 0, 0
        frame: np.ndarray | None = self._first
        while frame is not None:
            now = time.monotonic() - start if self._is_live else index / self._own_rate
            if now * self.rate > given - 1e-6:  # due
                yield now, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
                given = math.floor(now * self.rate + 1e-6) + 1
            index += 1
            frame = self._next()

    def close(self) -> None:
        """Let go of the file or the webcam."""
        self._capture.release()

    def _next(self) -> np.ndarray | None:
        there, frame = self._capture.read()
        return frame if there and frame is not None and frame.ndim == 3 else None


class FilmWriter:
    """Writes an MP4 whose frames come at times of their own; the file appears once it is whole.

    Args:
        path: The file.
        size: Width and height.
        rate: Frames a second.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._partial = path, path.with_name(f".{path.name}.{os.getpid()}.partial.mp4")
        self._rate, self._written = rate, 0
        self._last: np.ndarray | None = None
        # MPEG-4 part 2: the best that OpenCV's own packages can encode.
        self._writer = cv2.VideoWriter(str(self._partial), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
        if not self._writer.isOpened():
            raise OSError(0, "This video cannot be written", str(path))

    def add(self, when: float, frame: np.ndarray) -> None:
        """Add a frame, (H, W, 3) uint8 RGB, at a time in seconds; the one before stands until then."""
        while self._last is not None and self._written < round(when * self._rate):
            self._put(self._last)
        self._last = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)

    def finish(self) -> None:
        """Complete the file."""
        if self._last is not None:
            self._put(self._last)
        self._writer.release()
        self._partial.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind, unless it is finished."""
        self._writer.release()
        self._partial.unlink(missing_ok=True)

    def _put(self, frame: np.ndarray) -> None:
        self._writer.write(frame)
        self._written += 1
