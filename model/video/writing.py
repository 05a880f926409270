"""Videos written frame by frame, and frames kept to be gone through once more: OpenCV encodes."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from model.video.webm import to_webm

_QUALITY = 85  # of JPEG: no worse than the films of JPEGs that FFmpeg writes, and encoded in a third of the time


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
        self._path, self._partial = path, path.with_name(f".{os.getpid()}-{uuid.uuid4().hex[:8]}.partial.mkv")
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
    """Frames kept on disk, to be gone through once more: as JPEG, which OpenCV writes and reads faster than any film.

    Args:
        width: Pixels; larger frames are made smaller.
        height: Pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._sizes: list[int] = []

    def add(self, frame: np.ndarray) -> None:
        """Keep a frame, (H, W, 3) uint8 RGB.

        Raises:
            OSError: It cannot be written.
        """
        if frame.shape[:2] != (self.height, self.width):
            frame = cv2.resize(frame, (self.width, self.height), interpolation=cv2.INTER_AREA)
        quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), quality)[1]
        self._sizes.append(self._file.write(data.data))

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames that were kept.

        Raises:
            OSError: One cannot be read again.
        """
        at = 0
        for size in self._sizes:
            self._file.seek(at)
            at += size
            frame = cv2.imdecode(np.frombuffer(self._file.read(size), np.uint8), cv2.IMREAD_COLOR_RGB)
            if frame is None:
                raise OSError(0, "The film's frames could not all be kept")
            yield frame

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
