"""Videos and webcams frame by frame, with the times at which frames are shown: OpenCV decodes."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from model.errors import BadInput
from model.formats.container import is_cut_short
from model.formats.file_kinds import file_kind
from model.formats.film_lens import film_lens_35mm
from model.video.known_memory import known_memory
from model.video.timing import Clock, Thinning

# What they say of files that are broken, and of webcams that are not there, is said here in sentences.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_MIN_SIDE = 16
_ASSUMED_RATE = 25.0  # frames a second, where a file does not say it
_ODDEST_PIXEL = 4.0  # times as wide as high, or as high as wide; more is an error in the file
_DAMAGED = 256  # frames in a row that cannot be decoded, before what follows is given up
_UNTOUCHED = 170, 90  # two bytes that tell memory that nobody has written; a picture may be all of one of them
_CODECS = {"AV01": "AV1", "THEO": "Theora", "VVC1": "H.266", "APV1": "APV"}


class VideoReader:
    """Frames of a video file, or of a webcam until somebody stops it, with the times at which they are shown.

    Pixels are square and pictures upright, whatever the file's are.

    Args:
        source: The file, or the webcam's number.
        rate: Frames a second to give, at most.
        max_pixels: Largest width x height.
        max_frames: Most frames that are given; None for any number.

    Raises:
        BadInput: It cannot be opened, or its frames are too large, too small or, as far as the file says, too many.
    """

    def __init__(self, source: Path | int, rate: float, max_pixels: int, max_frames: int | None = None) -> None:
        self._source, self._wanted, self._most = source, rate, max_frames
        self.lens_35mm: float | None = None
        """Millimetres of an equivalent lens before 35 mm film, if the file says it."""
        self.read = 0
        """Frames that were decoded so far, wanted or not."""
        self._damaged = 0
        self._decoded: np.ndarray | None = None  # each frame is put here: new memory for each would take as long again
        # Only what is known by its first bytes: decoders would also follow playlists to files and servers elsewhere.
        if isinstance(source, int):
            self._capture = cv2.VideoCapture(source)
        elif file_kind(source) == "video":
            self._capture = cv2.VideoCapture(str(source.resolve()), cv2.CAP_FFMPEG)
            self.lens_35mm = film_lens_35mm(source)
        else:
            raise BadInput("This file holds no video that is known here. Convert it to MP4 (H.264) and try again.")
        sides = (self._capture.get(key) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        self.width, self.height = map(round, sides)
        self._refuse_if(self.width * self.height > max_pixels, max_pixels)  # before a frame takes memory
        first = None
        if self._capture.isOpened() and self._next():
            with known_memory(_UNTOUCHED[0]):
                first = self._picture()
        if first is not None and (first == _UNTOUCHED[0]).all() and self._leaves_memory():
            self.close()
            raise BadInput(
                "The film is interlaced, as DVDs and old camcorders have it, which cannot be decoded here. Make it "
                "progressive and try again: ffmpeg -i film.mts -vf bwdif film.mp4"
            )
        if first is None:
            reason = self._why_nothing()
            self.close()
            raise BadInput(reason)
        told = self._capture.get(cv2.CAP_PROP_FPS)
        is_rate = math.isfinite(told) and 0.001 <= told <= 1000
        self.told_rate = told if is_rate else _ASSUMED_RATE
        """Frames a second as the file says, which is often wrong."""
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        # Without a rate it is no count: songs have a cover of 90,000 frames a second for as long as they play.
        self._expected = round(count) if is_rate and isinstance(source, Path) and 1 <= count < 1e9 else None
        self._first = first
        self.width, self.height = self._square_size(first)
        self._refuse_if(min(first.shape[:2]) < _MIN_SIDE or self.width * self.height > max_pixels, max_pixels)
        self.count = None if self._expected is None else math.ceil(self._expected * min(1.0, rate / self.told_rate))
        """How many frames will be given, about; None if nobody knows."""
        self._end, self._step = 0.0, 0.0
        if self.count is not None:
            self._refuse_length(self.count)

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """Times in seconds, from 0 and rising, and frames (H, W, 3) uint8 RGB.

        Raises:
            BadInput: There are more than may be.
        """
        given = 0
        clock, is_wanted, start = Clock(1 / self.told_rate), Thinning(self._wanted), time.perf_counter()
        there, first = True, self._first
        while there:
            # OpenCV's position after a frame was read is when that frame is shown, and not the one that follows.
            told = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if isinstance(self._source, Path) else 0.0
            now = clock(told) if isinstance(self._source, Path) else time.perf_counter() - start
            self.read += 1
            self._step, self._end = now - self._end, now
            # Half of the time goes into a picture's colours, which frames that nobody wants can do without.
            frame = (self._picture() if self.read > 1 else first) if is_wanted(now) else None
            if frame is not None:
                given += 1
                self._refuse_length(given)
                yield now, cv2.cvtColor(self._squared(frame), cv2.COLOR_BGR2RGB)
            there = self._next()

    def glimpses(self, times: Sequence[float]) -> Iterator[np.ndarray]:
        """Before the film is gone through, some of its frames (H, W, 3) uint8 BGR: of a webcam the first one alone.

        Args:
            times: Seconds, rising: where frames after the first one are looked for, as far as the file goes.
        """
        yield self._squared(self._first)
        if not isinstance(self._source, Path):
            return
        capture = cv2.VideoCapture(str(self._source.resolve()), cv2.CAP_FFMPEG)
        for when in times:
            there, frame = capture.read() if capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * when) else (False, None)
            if not there or frame is None or frame.ndim != 3:
                break
            yield self._squared(frame)
        capture.release()

    def missing(self) -> str | None:
        """Once all frames were given: a sentence on what the file should have and has not; None if it is whole."""
        if not isinstance(self._source, Path):
            return None
        ends_early = False
        if self._expected is not None and self.read < self._expected:
            length, end = self._expected / self.told_rate, self._end + self._step
            ends_early = length - end > max(0.5, 2 * self._step, 0.05 * length)
        breaks_off = is_cut_short(self._source, ends_early)
        # Decoders also stumble over long stretches of sound and sensors' data, and lose nothing by it.
        is_damaged = self._damaged > 0 and (self._expected is None or self.read < self._expected)
        if not (breaks_off or is_damaged):
            return None
        of = f" of {self._expected}" if self._expected and self._expected > self.read else ""
        frames = f"{self.read}{of} frame{'' if self.read == 1 and not of else 's'}"
        how = "breaks off" if breaks_off else "is damaged"
        return f"The film {how}: {frames} could be read. What was read is written."

    def close(self) -> None:
        """Let go of the file or the webcam."""
        self._capture.release()

    def _next(self) -> bool:
        """Goes on to the next frame that can be decoded; whether there is one."""
        for failed in range(_DAMAGED if isinstance(self._source, Path) else 1):
            if self._capture.grab():
                # A frame of nothing, in Theora, is the one before once more, and no damage.
                self._damaged += failed if self._codec() != "Theora" else 0
                return True
        return False

    def _picture(self) -> np.ndarray | None:
        """The frame as it lies in the file, (h, w, 3) uint8 BGR, until the next one; None if it has no such picture."""
        there, self._decoded = self._capture.retrieve(self._decoded)
        return self._decoded if there and self._decoded is not None and self._decoded.ndim == 3 else None

    def _squared(self, frame: np.ndarray) -> np.ndarray:
        """A frame with square pixels, and of the size that all have."""
        if frame.shape[:2] == (self.height, self.width):
            return frame
        return cv2.resize(frame, (self.width, self.height), interpolation=cv2.INTER_AREA)

    def _leaves_memory(self) -> bool:
        """Whether decoders give whatever was in memory, and no picture.

        OpenCV 4.13 and 5.0 do so of interlaced films, and say that they were read: nobody may see what that was.
        """
        capture = cv2.VideoCapture(str(self._source), cv2.CAP_FFMPEG)
        with known_memory(_UNTOUCHED[1]):
            there, picture = capture.read()
        capture.release()
        return there and bool((picture == _UNTOUCHED[1]).all())

    def _refuse_if(self, unfit: bool, max_pixels: int) -> None:
        if unfit:
            self.close()
            raise BadInput(
                f"The video has {self.width} x {self.height} pixels; each side needs {_MIN_SIDE}, "
                f"and at most {max_pixels / 1e6:.1f} million are accepted (MPT_MAX_PIXELS)."
            )

    def _refuse_length(self, frames: int) -> None:
        if self._most is not None and frames > self._most:
            self.close()
            raise BadInput(
                f"The video has more than the {self._most} frames that are accepted. Cut it, or ask for fewer frames "
                "a second."
            )

    def _codec(self) -> str:
        """The name of the film's codec, or its four letters."""
        letters = int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        name = letters.to_bytes(4, "little").decode("latin-1").strip().upper()
        return _CODECS.get(name, name)

    def _why_nothing(self) -> str:
        if isinstance(self._source, int):
            return f"There is no webcam {self._source}, or another program uses it."
        if is_cut_short(self._source, ends_early=False):
            return "The file breaks off before its first frame. Copy or download it again."
        if self._capture.isOpened() and self._codec() in _CODECS.values():
            return f"The video is coded as {self._codec()}, which cannot be decoded here. Convert it to MP4 (H.264)."
        return (
            "No frame of this video can be decoded: it has no pictures, or they are coded in a way that is not known "
            "here. If it has some, convert it to MP4 (H.264) and try again."
        )

    def _square_size(self, frame: np.ndarray) -> tuple[int, int]:
        """Width and height with square pixels: the shorter way of a pixel is stretched, so that nothing is lost."""
        height, width = frame.shape[:2]
        above, below = (self._capture.get(key) for key in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
        shape = above / below if above > 0 and below > 0 else 1.0  # width to height of a pixel
        if self._capture.get(cv2.CAP_PROP_ORIENTATION_META) % 180 == 90:  # turned by the decoder, without this
            shape = 1 / shape
        if not 1 / _ODDEST_PIXEL <= shape <= _ODDEST_PIXEL:
            return width, height
        return (round(width * shape), height) if shape > 1 else (width, round(height / shape))
