"""WebM headers: times, lengths and checksums after the speed was changed."""

from __future__ import annotations

import zlib

import cv2
import pytest

from model.video.reading import VideoReader
from model.video.webm import to_webm
from model.video.writing import VideoWriter
from tests.support.film_files import grey


@pytest.mark.parametrize("rate", [1.0, 12.5, 30000 / 1001, 60.0])
def test_frames_are_shown_when_they_were_added(tmp_path, rate):
    path = tmp_path / "a.webm"
    writer = VideoWriter(path, (64, 48), rate)
    for number in range(40):
        writer.add(number / rate, grey(4 * number))
    writer.finish(40 / rate)
    times = [when for when, _ in VideoReader(path, 100, 10**6)]
    assert times == pytest.approx([number / rate for number in range(40)], abs=2e-3)
    film = cv2.VideoCapture(str(path))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(rate, rel=1e-4)
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx(40, abs=1)


def test_what_the_header_says_of_itself_stays_true(tmp_path):
    path = tmp_path / "a.webm"
    writer = VideoWriter(path, (64, 48), 20.0)
    for number in range(70):
        writer.add(number / 20, grey(number))
    writer.finish(3.5)
    head = path.read_bytes()[:1000]
    assert b"webm" in head and b"matroska" not in head
    assert b"00:00:03.500000000\0" in head
    for kind in (b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b", b"\x12\x54\xc3\x67"):  # Info, Tracks, Tags
        at = head.index(kind, 200) + 4
        length = 9 - head[at].bit_length()
        size = int.from_bytes(head[at : at + length], "big") & ((1 << 7 * length) - 1)
        body = head[at + length : at + length + size]
        assert body[:2] == b"\xbf\x84"
        assert int.from_bytes(body[2:6], "little") == zlib.crc32(body[6:])


def test_a_file_without_times_is_refused(tmp_path):
    path = tmp_path / "a.mkv"
    path.write_bytes(b"\x1a\x45\xdf\xa3\x80" + bytes(40))
    with pytest.raises(OSError, match="have no times"):
        to_webm(path, 30.0)
