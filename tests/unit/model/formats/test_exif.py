"""EXIF entry by entry: what is odd counts as absent, and voids nothing else."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.formats.exif import read_exif
from tests.support.image_files import (
    ASCII,
    DETAILS,
    FOCAL_LENGTH_35MM,
    LONG,
    ORIENTATION,
    RATIONAL,
    SHORT,
    Entry,
    raw_exif,
    short,
)

SIDEWAYS, FOCAL = short(ORIENTATION, 6), short(FOCAL_LENGTH_35MM, 28)
NOWHERE = struct.pack("<I", 0x7FFFFFF0)


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(order):
    block = raw_exif([short(ORIENTATION, 6, order)], [short(FOCAL_LENGTH_35MM, 28, order)], order)
    assert read_exif(block) == read_exif(b"Exif\0\0" + block) == read_exif(2 * b"Exif\0\0" + block) == (6, 28.0)


FOCALS: dict[str, tuple[Entry, float | None]] = {
    "of two numbers": ((FOCAL_LENGTH_35MM, SHORT, 2, struct.pack("<HH", 26, 27)), 26),
    "a long": ((FOCAL_LENGTH_35MM, LONG, 1, struct.pack("<I", 26)), 26),
    "text": ((FOCAL_LENGTH_35MM, ASCII, 4, b"26m\0"), None),
    "no number": ((FOCAL_LENGTH_35MM, SHORT, 0, bytes(4)), None),
    "of an unknown type": ((FOCAL_LENGTH_35MM, 99, 1, struct.pack("<I", 26)), None),
    "elsewhere, which is nowhere": ((FOCAL_LENGTH_35MM, SHORT, 3, NOWHERE), None),
    "unknown": (short(FOCAL_LENGTH_35MM, 0), None),
    "of a telescope": (short(FOCAL_LENGTH_35MM, 40_000), None),
}


@pytest.mark.parametrize(("entry", "focal_length"), FOCALS.values(), ids=FOCALS.keys())
def test_an_odd_focal_length_leaves_the_orientation(entry, focal_length):
    assert read_exif(raw_exif([SIDEWAYS], [entry])) == (6, focal_length)


@pytest.mark.parametrize(("number", "divisor", "focal_length"), [(53, 2, 26.5), (26, 0, None)])
def test_a_rational_focal_length_is_divided(number, divisor, focal_length):
    block = raw_exif([SIDEWAYS], [(FOCAL_LENGTH_35MM, RATIONAL, 1, struct.pack("<I", 56))])
    assert len(block) == 56
    assert read_exif(block + struct.pack("<II", number, divisor)) == (6, focal_length)


ODD: dict[str, Entry] = {
    "a text that is nowhere": (0x010E, ASCII, 5000, NOWHERE),
    "a text longer than the block": (0x010F, ASCII, 0xFFFFFFFF, struct.pack("<I", 8)),
    "an unknown type": (0x0110, 77, 1, bytes(4)),
    "orientation without a number": (ORIENTATION, SHORT, 0, bytes(4)),
}


@pytest.mark.parametrize("entry", ODD.values(), ids=ODD.keys())
def test_an_odd_entry_before_the_others_voids_none(entry):
    assert read_exif(raw_exif([entry, SIDEWAYS], [FOCAL])) == (6, 28.0)


@pytest.mark.parametrize("value", [struct.pack("<I", at) for at in (0, 7, 0x7FFFFFF0, 0xFFFFFFFF)])
def test_a_pointer_that_leads_nowhere_leaves_the_orientation(value):
    assert read_exif(raw_exif([SIDEWAYS, (DETAILS, LONG, 1, value)])) == (6, None)


def test_a_directory_that_ends_too_soon_is_read_as_far_as_it_goes():
    block = raw_exif([SIDEWAYS, FOCAL])
    assert read_exif(block[: 10 + 12]) == (6, None)


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_orientation_that_is_none_is_upright(value):
    assert read_exif(raw_exif([short(ORIENTATION, value)], [FOCAL])) == (1, 28.0)


def test_orientation_of_two_numbers_is_the_first():
    assert read_exif(raw_exif([(ORIENTATION, SHORT, 2, struct.pack("<HH", 6, 3))]))[0] == 6


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_noise_is_absent(noise):
    for block in (noise, b"II*\0" + noise, b"MM\0*\0\0\0\x08" + noise):
        orientation, focal_length = read_exif(block)
        assert 1 <= orientation <= 8
        assert focal_length is None or 4 <= focal_length <= 2000


def test_hostile_blocks_take_no_time():
    started = time.process_time()
    read_exif(b"Exif\0\0" * 3_000_000)
    entries = [(tag, 7, 2**19, struct.pack("<I", 8)) for tag in range(ORIENTATION + 1, 60_000)]  # 30 GB in all
    assert read_exif(raw_exif([SIDEWAYS, *entries], tail=bytes(2**19))) == (6, None)
    assert time.process_time() - started < 2.0
