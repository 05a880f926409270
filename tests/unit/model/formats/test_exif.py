"""EXIF entry by entry: what is odd counts as absent, and voids nothing else."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from model.formats.exif import read_exif, read_tilt
from model.scene.up import Tilt, directions
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


FULL_FRAME = {
    "focal_length": 50.0,
    "size": (6000, 4000),
    "resolution": (4233.333, 4233.333),
    "unit": 2,
}  # 36 x 24 mm, in inches


def by_sensor(focal_length, size, resolution, unit, equivalent=None) -> bytes:
    """EXIF of a camera that tells its focal length and how fine its sensor is, but no equivalent."""
    fractions = list(zip((0x920A, 0xA20E, 0xA20F), (focal_length, *resolution)))
    entries = [(0xA002 + index, LONG, 1, struct.pack("<I", side)) for index, side in enumerate(size)]
    entries += [short(0xA210, unit)] if unit is not None else []
    entries += [short(FOCAL_LENGTH_35MM, equivalent)] if equivalent is not None else []
    at = 8 + 18 + 2 + 12 * (len(entries) + len(fractions)) + 4
    for index, (tag, _) in enumerate(fractions):
        entries.append((tag, RATIONAL, 1, struct.pack("<I", at + 8 * index)))
    tail = b"".join(struct.pack("<II", round(1000 * value), 1000) for _, value in fractions)
    return raw_exif([], entries, tail=tail)


@pytest.mark.parametrize(
    ("told", "focal_length"),
    [
        ({}, 50),
        ({"unit": 3, "resolution": (1666.667, 1666.667)}, 50),  # in centimetres
        ({"unit": 4, "resolution": (166.667, 166.667)}, 50),
        ({"unit": None}, 50),  # inches are what the standard says then
        ({"resolution": (4233.333,)}, 50),
        ({"resolution": (6773.333, 6773.333)}, 80),  # of a sensor of 22.5 x 15 mm
        ({"size": (1500, 1000), "resolution": (1058.333, 1058.333)}, 50),  # scaled down, and the camera knows it
        ({"equivalent": 75}, 75),  # what the camera says itself
        ({"equivalent": 0}, 50),  # 0 means unknown
        ({"unit": 1}, None),
        ({"unit": 99}, None),
        ({"size": ()}, None),
        ({"size": (6000,)}, None),
        ({"resolution": ()}, None),
        ({"resolution": (0.0, 0.0)}, None),
        ({"focal_length": 0.0}, None),
        ({"resolution": (300.0, 300.0)}, None),  # of print: a sensor half a metre wide
        ({"resolution": (400_000.0, 400_000.0)}, None),
        ({"focal_length": 5000.0}, None),
        ({"focal_length": 3.0}, None),
    ],
)
def test_a_focal_length_by_the_sensor_where_no_equivalent_is_told(told, focal_length):
    _, found = read_exif(by_sensor(**(FULL_FRAME | told)))
    assert found == (None if focal_length is None else pytest.approx(focal_length, rel=1e-4))


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


ELEVATION, MAKER_NOTE, LENS, SIGNED_RATIONAL, UNDEFINED = 0x9405, 0x927C, 0xA434, 10, 7


def elsewhere(main: Sequence[Entry], details: Sequence[tuple[int, int, int, bytes]], order: str = ">") -> bytes:
    """EXIF whose details have values of any length, which stand behind all directories."""
    at = 8 + 2 + 12 * (len(main) + 1) + 4 + 2 + 12 * len(details) + 4
    entries, tail = [], b""
    for tag, kind, length, value in details:
        entries.append((tag, kind, length, struct.pack(order + "I", at + len(tail))))
        tail += value
    return raw_exif(main, entries, order, tail)


def iphone(
    acceleration: Sequence[float], lens: bytes = b"iPhone 15 back camera 6mm f/1.6\0", orientation: int = 1
) -> bytes:
    """EXIF as an iPhone writes it, whose maker note has what it felt, in units of g."""
    directory = struct.pack(">H", 1) + struct.pack(">HHII", 0x0008, SIGNED_RATIONAL, 3, 14 + 2 + 12 + 4) + bytes(4)
    numbers = b"".join(struct.pack(">ii", round(100_000 * value), 100_000) for value in acceleration)
    note = b"Apple iOS\0\0\1MM" + directory + numbers
    details = [(MAKER_NOTE, UNDEFINED, len(note), note), (LENS, ASCII, len(lens), lens)]
    return elsewhere([short(ORIENTATION, orientation, ">")], details)


@pytest.mark.parametrize(
    ("acceleration", "orientation", "pitch", "roll"),
    [
        # x to the left, y to the bottom, z into the face; at rest the acceleration points up.
        ((0, -1, 0), 6, 0, 0),  # held upright
        ((-1, 0, 0), 1, 0, 0),  # its top to the left
        ((1, 0, 0), 3, 0, 0),  # its top to the right
        ((0, 1, 0), 8, 0, 0),  # upside down
        ((0, -np.cos(0.5), -np.sin(0.5)), 6, -np.degrees(0.5), 0),  # the camera looks down, the face up
        ((-np.cos(0.2), 0, np.sin(0.2)), 1, np.degrees(0.2), 0),
        ((np.sin(0.1), -np.cos(0.1), 0), 6, 0, -np.degrees(0.1)),  # up is to the left of the phone's top
        ((0.1, -0.1, -0.98), 6, -81.8, -45),  # nearly straight down
    ],
)
def test_an_iphone_felt_which_way_is_up(acceleration, orientation, pitch, roll):
    tilt = read_tilt(iphone(acceleration, orientation=orientation), orientation)
    assert tilt is not None and tilt.source == "exif"
    assert (tilt.pitch, tilt.roll) == (pytest.approx(pitch, abs=0.1), pytest.approx(roll, abs=0.1))
    up = directions(*np.radians([tilt.pitch, tilt.roll]))
    assert up[2] == pytest.approx(acceleration[2] / np.linalg.norm(acceleration), abs=1e-4)


@pytest.mark.parametrize(
    ("block", "orientation"),
    [
        (iphone((0, -1, 0), lens=b"iPhone 15 front camera 2.69mm f/1.9\0"), 6),  # it looks the other way
        (iphone((0, -1, 0)), 1),  # somebody turned the picture since
        (iphone((0, -1, 0)), 5),  # mirrored
        (iphone((0, -0.2, 0)), 6),  # falling
        (iphone((0, -20, 0)), 6),
        (iphone((0, -1, 0))[:-50], 6),  # cut short
    ],
)
def test_what_an_iphone_cannot_know_is_not_believed(block, orientation):
    assert read_tilt(block, orientation) is None


@pytest.mark.parametrize(
    ("angle", "divisor", "pitch"),
    [(-1250, 100, -12.5), (90, 1, 90), (91, 1, None), (5, 0, None), (5, -1, None), (-2147483648, 1, None)],
)
def test_the_elevation_angle_is_the_pitch(angle, divisor, pitch):
    block = elsewhere([], [(ELEVATION, SIGNED_RATIONAL, 1, struct.pack(">ii", angle, divisor))])
    assert read_tilt(block, 1) == (None if pitch is None else Tilt(pitch, None, "exif"))


def test_an_elevation_that_a_program_wrote_without_sign_counts_too():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[ELEVATION] = IFDRational(25, 2)  # as a rational, not a signed one
    assert read_tilt(exif.tobytes(), 1) == Tilt(12.5, None, "exif")
    unknown = elsewhere([], [(ELEVATION, RATIONAL, 1, struct.pack(">II", 0, 0xFFFFFFFF))])
    assert read_tilt(unknown, 1) is None


def test_an_elevation_of_another_type_or_nowhere_counts_as_absent():
    assert read_tilt(raw_exif([], [short(ELEVATION, 5)]), 1) is None
    assert read_tilt(raw_exif([], [(ELEVATION, SIGNED_RATIONAL, 1, NOWHERE)]), 1) is None
    assert read_tilt(raw_exif([SIDEWAYS], [FOCAL]), 6) is None
    assert read_tilt(b"", 1) is None


@given(st.binary(max_size=120), st.integers(1, 8))
@settings(max_examples=200, deadline=None)
def test_any_maker_note_gives_a_cameras_angles_or_nothing(noise, orientation):
    block = iphone((0, -1, 0))
    for data in (block[: len(block) // 2] + noise, block[:60] + noise + block[60 + len(noise) :], noise):
        tilt = read_tilt(data, orientation)
        assert tilt is None or (abs(tilt.pitch) <= 90 and (tilt.roll is None or abs(tilt.roll) <= 180))


def test_thousands_of_maker_notes_take_no_time():
    note = (
        b"Apple iOS\0\0\1MM" + struct.pack(">H", 60_000) + struct.pack(">HHII", 0x0008, SIGNED_RATIONAL, 4, 14) * 60_000
    )
    lens = (LENS, ASCII, 2**31, struct.pack(">I", 8))
    entries = [
        entry for _ in range(2_700) for entry in ((MAKER_NOTE, UNDEFINED, len(note), struct.pack(">I", 70_000)), lens)
    ]
    block = raw_exif([], entries, ">", b"back " * 4_000 + note)
    start = time.process_time()
    assert read_tilt(block, 6) is None
    assert time.process_time() - start < 2.0  # one note has 60,000 entries
