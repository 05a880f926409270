"""Files that end before they say that they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.formats.container import is_cut_short


def box(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    return (8 + len(content) if size is None else size).to_bytes(4, "big") + kind + content


LONG = (1).to_bytes(4, "big") + b"mdat" + (16 + 50).to_bytes(8, "big") + b"x" * 50
AVI = b"RIFF" + (44).to_bytes(4, "little") + b"AVI " + b"x" * 40
EBML = b"\x1a\x45\xdf\xa3\x84abcd"
SEGMENT = EBML + b"\x18\x53\x80\x67\x40\x64" + b"x" * 100  # of 100 bytes, told in two


@pytest.mark.parametrize(
    "whole", [box(b"ftyp", b"isom") + box(b"mdat", b"x" * 60), box(b"ftyp", b"isom") + LONG, AVI, SEGMENT]
)
def test_the_last_byte_tells(tmp_path: Path, whole: bytes):
    path = tmp_path / "film"
    path.write_bytes(whole)
    assert not is_cut_short(path, ends_early=False) and not is_cut_short(path, ends_early=True)
    path.write_bytes(whole[:-2])
    assert is_cut_short(path, ends_early=False)


@pytest.mark.parametrize(
    "live",
    [
        box(b"ftyp", b"isom") + box(b"mdat", b"x" * 60, size=0),  # to the end of the file
        EBML + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"x" * 100,  # of a length that nobody knows
        b"RIFF" + bytes(4) + b"AVI " + b"x" * 40,
        EBML,
        b"\x1a\x45\xdf\xa3",
        b"\x00\x00\x00\x05ftyp....",  # no box is that short
    ],
)
def test_who_does_not_say_how_long_is_never_cut_short(tmp_path: Path, live: bytes):
    (tmp_path / "film").write_bytes(live)
    assert not is_cut_short(tmp_path / "film", ends_early=False)


def test_a_reserved_place_is_no_film(tmp_path):
    (tmp_path / "film").write_bytes(box(b"ftyp", b"isom") + box(b"mdat", b"x" * 60 + bytes(5000)))
    assert is_cut_short(tmp_path / "film", ends_early=True)
    assert not is_cut_short(tmp_path / "film", ends_early=False)
