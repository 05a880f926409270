"""Photos and videos are told apart by what they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.errors import BadInput
from model.formats.file_kinds import file_kind
from model.formats.photo import BrokenImage, UnsupportedFormat, decode
from tests.support.image_files import LIMIT, encode, smooth

PACKET = b"G" + bytes(187)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe1", "photo"),
        (b"\x89PNG\r\n\x1a\n", "photo"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "photo"),
        (b"\x00\x00\x00\x18ftypheic", "photo"),
        (b"\x00\x00\x00\x18ftypavif", "photo"),
        (b"II*\x00", "other photo"),
        (b"\x00\x00\x00\x18ftypcrx ", "other photo"),  # Canon's raw ones, which are no films
        (b"\x00\x00\x00\x18ftypmp42", "video"),
        (b"\x00\x00\x00\x14ftypqt  ", "video"),
        (b"\x00\x00\x00\x08wide\x00\x00", "video"),
        (b"RIFF\x10\x00\x00\x00AVI LIST", "video"),
        (b"\x1a\x45\xdf\xa3", "video"),
        (b"GIF89a", "video"),
        (b"\x00\x00\x00\x01\x67\x64\x00\x1f", "video"),  # H.264: a parameter set,
        (b"\x00\x00\x00\x01\x06\x05\xff\xff", "video"),  # or what the encoder has to say
        (b"\x00\x00\x00\x01\x40\x01\x0c\x01", "video"),  # H.265
        (4 * PACKET, "video"),
        (4 * (b"\x00\x00\x00\x00" + PACKET), "video"),  # AVCHD, with times
        (bytes(50) + 4 * PACKET, "video"),  # a piece of a broadcast
        (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", "video"),
        (b"#EXTM3U\n", None),
        (b"Good morning. " * 80, None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell(tmp_path: Path, head: bytes, kind: str | None):
    (tmp_path / "file").write_bytes(head)
    assert file_kind(tmp_path / "file") == kind


def test_a_gif_is_a_photo_unless_it_moves(tmp_path: Path):
    one, other = (Image.fromarray(smooth()[::step]) for step in (1, -1))
    one.save(tmp_path / "still.gif", comment=bytes(range(256)) * 4)
    one.save(tmp_path / "moving.gif", save_all=True, append_images=[other], duration=100, comment="a")
    assert (file_kind(tmp_path / "still.gif"), file_kind(tmp_path / "moving.gif")) == ("photo", "video")
    photo = decode((tmp_path / "still.gif").read_bytes(), LIMIT)
    np.testing.assert_array_equal(photo.pixels, np.array(Image.open(tmp_path / "still.gif").convert("RGB")))
    with pytest.raises(UnsupportedFormat, match="is a film, or an animation"):
        decode((tmp_path / "moving.gif").read_bytes(), LIMIT)


def test_gifs_that_are_cut_short_end(tmp_path: Path):
    whole = encode(smooth(), format="GIF")
    for length in range(6, len(whole) - 40, 7):
        with pytest.raises(BadInput, match=r"film|damaged|complete"):
            decode(whole[:length], LIMIT)
    with pytest.raises(BrokenImage, match="too many segments"):
        decode(b"GIF89a\x10\0\x10\0\0\0\0" + b"!\xfe" + b"\1x" * 300_000, LIMIT)


def test_what_cannot_be_read_is_neither(tmp_path):
    assert file_kind(tmp_path) is None and file_kind(tmp_path / "nothing") is None
