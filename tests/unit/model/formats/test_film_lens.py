"""The lens that phones note in their films, by boxes written by hand as Apple's specification has them."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest

from model.formats.film_lens import film_lens_35mm
from tests.support.film_files import box, changed, film, grey, lens_metadata

LENGTH = (21, struct.pack(">i", 26))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return film(tmp_path / "clip.mov", [grey(9), grey(99)])


@pytest.mark.parametrize(
    ("value", "millimetres"),
    [
        (LENGTH, 26),
        ((1, b"27"), 27),
        ((22, b"\x18"), 24),
        ((23, struct.pack(">f", 25.5)), 25.5),
        ((24, struct.pack(">d", 77.0)), 77),
        ((21, struct.pack(">i", 0)), None),
        ((21, struct.pack(">i", -13)), None),
        ((23, struct.pack(">f", float("nan"))), None),
        ((23, b"\x00"), None),
        ((1, b"wide"), None),
    ],
)
def test_the_lens_is_read(clip: Path, value: tuple[int, bytes], millimetres: float | None):
    assert film_lens_35mm(clip) is None
    changed(clip, "moov/trak", lambda body: body + lens_metadata(*value))
    assert film_lens_35mm(clip) == millimetres


@pytest.mark.parametrize("mp4", [False, True])
def test_it_may_be_the_films_and_not_the_tracks(clip: Path, mp4: bool):
    changed(clip, "moov", lambda body: body + lens_metadata(*LENGTH, mp4=mp4))
    assert film_lens_35mm(clip) == 26


def test_it_may_be_where_ffmpeg_puts_it(clip: Path):
    changed(clip, "moov", lambda body: body + box(b"udta", lens_metadata(1, b"26", mp4=True)))
    assert film_lens_35mm(clip) == 26


@pytest.mark.parametrize("kept", [9, 30, 60, 120, 150, 200, -1])
def test_metadata_that_break_off_say_nothing(clip: Path, kept: int):
    broken = lens_metadata(*LENGTH)[:kept]
    changed(clip, "moov/trak", lambda body: body + broken)
    assert film_lens_35mm(clip) is None


def test_what_is_no_film_says_nothing(tmp_path: Path):
    for content in (b"", b"\x00" * 64, b"moov" * 20, struct.pack(">I4s", 1, b"moov") + b"\xff" * 30):
        (tmp_path / "odd").write_bytes(content)
        assert film_lens_35mm(tmp_path / "odd") is None


def test_a_hostile_files_boxes_do_not_take_long(tmp_path: Path):
    name = box(b"mdta", b"camera.focal_length.35mm_equivalent")
    names = box(b"keys", bytes(8) + 2000 * name)
    metadata = box(b"meta", box(b"hdlr", bytes(24)) + 2 * names + 2 * box(b"ilst", 2000 * box(b"free", b"")))
    hostile = tmp_path / "hostile.mov"
    hostile.write_bytes(box(b"moov", 20 * metadata))
    start = time.process_time()
    assert film_lens_35mm(hostile) is None
    assert time.process_time() - start < 1
