"""Small films as phones, camcorders, browsers and broken copies leave them: OpenCV writes, then bytes are changed."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

CODECS = {".avi": "MJPG", ".flv": "FLV1", ".mkv": "VP80", ".ts": "MPG2", ".mts": "MPG2", ".mxf": "MPG2", ".m2v": "MPG2"}
TURNED = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
"""An MP4's matrix for pictures to be turned by 90 degrees clockwise."""

_LENS_NAMES = ("com.apple.quicktime.camera.lens_model", "com.apple.quicktime.camera.focal_length.35mm_equivalent")


def grey(value: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def film(path: Path, frames: Sequence[np.ndarray], rate: float = 20.0) -> Path:
    """A film of frames (H, W, 3) uint8 RGB in the container that the name's ending says."""
    height, width = frames[0].shape[:2]
    code = cv2.VideoWriter.fourcc(*CODECS.get(path.suffix, "mp4v"))
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, rate, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def changed(path: Path, box: str, change: Callable[[bytes], bytes]) -> Path:
    """Change the content of an MP4's boxes, named from the outside in, as in "moov/trak/tkhd"."""
    path.write_bytes(_changed(path.read_bytes(), [name.encode() for name in box.split("/")], change))
    return path


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def lens_metadata(kind: int, value: bytes, mp4: bool = False) -> bytes:
    """An iPhone's box with the lens's name, and its length as a value of some type."""
    names = b"".join(box(b"mdta", name.encode()) for name in _LENS_NAMES)
    values = [(1, b"iPhone back camera 4.2mm f/1.6"), (kind, value)]
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", one, 0) + data))
        for number, (one, data) in enumerate(values, 1)
    )
    keys = box(b"keys", struct.pack(">II", 0, len(_LENS_NAMES)) + names)
    handler = box(b"hdlr", struct.pack(">II", 0, 0) + b"mdta" + bytes(12))
    return box(b"meta", (bytes(4) if mp4 else b"") + handler + keys + box(b"ilst", items))


def _ticks_per_second(path: Path) -> int:
    """What an MP4's track counts its times in."""
    headers: list[bytes] = []

    def keep(body: bytes) -> bytes:
        headers.append(body)
        return body

    changed(path, "moov/trak/mdia/mdhd", keep)
    return int.from_bytes(headers[0][12:16], "big")


def _changed(data: bytes, names: list[bytes], change: Callable[[bytes], bytes]) -> bytes:
    out, at = b"", 0
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + size]
        if kind == names[0]:
            body = change(body) if len(names) == 1 else _changed(body, names[1:], change)
        out += struct.pack(">I", 8 + len(body)) + kind + body
        at += size
    return out


def at_times(path: Path, seconds: Sequence[float]) -> Path:
    """Give an MP4's frames other times, that of the first 0."""
    scale = _ticks_per_second(path)
    steps = np.diff(np.round(np.array([*seconds, 2 * seconds[-1] - seconds[-2]]) * scale).astype(int))
    table = struct.pack(">II", 0, len(steps)) + b"".join(struct.pack(">II", 1, step) for step in steps)
    changed(path, "moov/trak/edts/elst", lambda body: body[:8] + struct.pack(">I", 2**31 - 1) + body[12:])
    return changed(path, "moov/trak/mdia/minf/stbl/stts", lambda _: table)


def trimmed(path: Path, seconds: float) -> Path:
    """Hide the beginning of an MP4, as phones do: its frames stay in the file."""
    scale = _ticks_per_second(path)
    start = struct.pack(">I", round(seconds * scale))
    return changed(path, "moov/trak/edts/elst", lambda body: body[:12] + start + body[16:])


def shown_as_wide(path: Path, width: int) -> Path:
    """Say in an MP4 that its pictures are so many square pixels wide."""
    return changed(path, "moov/trak/tkhd", lambda body: body[:-8] + struct.pack(">I", width << 16) + body[-4:])


def turned(path: Path) -> Path:
    """Say in an MP4 that its pictures are to be turned by 90 degrees clockwise."""
    return changed(path, "moov/trak/tkhd", lambda body: body[:40] + TURNED + body[76:])


def of_sound(path: Path) -> Path:
    """Say in an MP4 that its pictures are sound."""
    return changed(path, "moov/trak/mdia/hdlr", lambda body: body.replace(b"vide", b"soun"))


def with_cover(path: Path, cover: bytes) -> Path:
    """Put a cover, a JPEG, into an MP4 as music players do."""

    def box(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", 8 + len(body)) + name + body

    data = box(b"data", struct.pack(">II", 13, 0) + cover)
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    own = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", box(b"covr", data))))
    return changed(path, "moov", lambda body: body[: body.rindex(b"udta") - 4] + own)  # in place of what comes last


def interlaced(path: Path) -> Path:
    """Say in an MPEG-2 film that its frames were filmed as two halves, one after the other."""
    data = bytearray(path.read_bytes())
    for match in re.finditer(rb"\x00\x00\x01\xb5", bytes(data)):
        at = match.end()
        if data[at] >> 4 == 1:  # sequence extension: progressive_sequence
            data[at + 1] &= ~0x08
        elif data[at] >> 4 == 8:  # picture coding extension: chroma_420_type, progressive_frame
            data[at + 3] &= ~0x01
            data[at + 4] &= ~0x80
    path.write_bytes(data)
    return path


def table_first(path: Path) -> Path:
    """Put an MP4's table of frames before its frames, as for the web."""
    data = path.read_bytes()
    at = data.rindex(b"moov") - 4
    moov = data[at:]

    def moved(body: bytes) -> bytes:
        places = np.frombuffer(body[8:], ">u4") + len(moov)
        return body[:8] + places.astype(">u4").tobytes()

    path.write_bytes(moov)
    changed(path, "moov/trak/mdia/minf/stbl/stco", moved)
    start = int.from_bytes(data[:4], "big")  # after the file type
    path.write_bytes(data[:start] + path.read_bytes() + data[start:at])
    return path


def cut(path: Path, share: float) -> Path:
    """Keep the first share of a file's bytes: a copy that stopped."""
    data = path.read_bytes()
    path.write_bytes(data[: round(share * len(data))])
    return path
