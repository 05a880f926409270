"""Videos written frame by frame, and frames kept to be gone through once more: OpenCV encodes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from model.video.webm import to_webm


class VideoWriter:
    """Writes a silent WebM whose frames come at times of their own; the file appears once it is whole.

    VP8, which browsers play and OpenCV's own packages encode; they have no H.264. libvpx hurries, in a quarter of the
    time and at the same quality, if a frame stands for a second: to it all films are of one frame a second, and in the
    end their header says how fast they play.

    Args:
        path: The file.
        size: Width and height.
        rate: Frames a second.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # As Matroska, which WebM is a part of: of WebM itself OpenCV complains on the terminal.
        self._path, self._partial = path, path.with_name(f".{path.name}.{os.getpid()}.partial.mkv")
        self._rate, self._written = rate, 0
        self._last: np.ndarray | None = None
        self._writer = cv2.VideoWriter(str(self._partial), cv2.VideoWriter.fourcc(*"VP80"), 1.0, size)
        if not self._writer.isOpened():
            raise OSError(0, "This video cannot be written", str(path))

    def add(self, when: float, frame: np.ndarray) -> None:
        """Add a frame, (H, W, 3) uint8 RGB, at a time in seconds; the one before stands until then."""
        while self._last is not None and self._written < round(when * self._rate):
            self._put(self._last)
        self._last = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)

    def finish(self, end: float = 0.0) -> None:
        """Complete the file; the last frame stands until `end`, in seconds, and for one step at least."""
        if self._last is not None:
            for _ in range(max(1, round(end * self._rate) - self._written)):
                self._put(self._last)
        self._writer.release()
        to_webm(self._partial, self._rate)
        self._partial.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind, unless it is finished."""
        self._writer.release()
        self._partial.unlink(missing_ok=True)

    def _put(self, frame: np.ndarray) -> None:
        self._writer.write(frame)
        self._written += 1


class Recording:
    """Frames kept on disk, to be gone through once more.

    Args:
        folder: Where to keep them.
        width: Pixels; larger frames are made smaller.
        height: Pixels.

    Raises:
        OSError: They cannot be written.
    """

    def __init__(self, folder: Path, width: int, height: int) -> None:
        self._path = folder / "frames.avi"
        self.width, self.height = width, height
        self._count = 0
        self._writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (width, height))
        if not self._writer.isOpened():
            raise OSError(0, "The film's frames cannot be kept", str(self._path))

    def add(self, frame: np.ndarray) -> None:
        """Keep a frame, (H, W, 3) uint8 RGB."""
        if frame.shape[:2] != (self.height, self.width):
            frame = cv2.resize(frame, (self.width, self.height), interpolation=cv2.INTER_AREA)
        self._writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        self._count += 1

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames that were kept; after this none can be added.

        Raises:
            OSError: Some could not be kept.
        """
        self.close()
        reader = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        for _ in range(self._count):
            there, frame = reader.read()
            if not there:
                raise OSError(0, "The film's frames could not all be kept; is the disk full?", str(self._path))
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        reader.release()

    def close(self) -> None:
        """Let go of the file."""
        self._writer.release()
