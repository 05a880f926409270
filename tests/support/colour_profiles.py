"""ICC profiles as cameras and presses write them, made by hand: Pillow makes sRGB's alone."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Sequence

import numpy as np

Primaries = Sequence[tuple[float, float]]
DISPLAY_P3: Primaries = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
SRGB: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_D65, _D50 = (0.3127, 0.3290), np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_WITH_CYAN = [(55, -37, -50), (50, -65, 27), (24, 22, -46), (23, 0, 0)]
_PAPER_AND_INKS = [(100, 0, 0), (89, -5, 93), (48, 74, -3), (47, 68, 48), *_WITH_CYAN]


def to_xyz(primaries: Primaries) -> np.ndarray:
    """(3, 3): from linear RGB, white being D65, to XYZ."""
    colours = np.array([_xyz(*primary) for primary in primaries]).T
    return colours * np.linalg.solve(colours, _xyz(*_D65))


def phone(primaries: Primaries) -> bytes:
    """A display's with the curve of sRGB."""
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / (_BRADFORD @ _xyz(*_D65))) @ _BRADFORD
    curve = (
        b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _numbers((2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    )
    columns = (adapted @ to_xyz(primaries)).T
    tags = {b"%cXYZ" % letter: b"XYZ " + bytes(4) + _numbers(column) for letter, column in zip(b"rgb", columns)}
    return _profile(b"mntrRGB XYZ ", tags | {b"%cTRC" % letter: curve for letter in b"rgb"})


def press() -> bytes:
    """Of four inks: Lab at the corners of CMYK, each ink there or not; black leaves a sixth of the light."""
    lab = [
        (light / 6, a / 10, b / 10) if black else (light, a, b)
        for (light, a, b), black in itertools.product(_PAPER_AND_INKS, (False, True))
    ]
    table = b"".join(bytes([round(light * 2.55), round(a) + 128, round(b) + 128]) for light, a, b in lab)
    straight = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + _numbers(np.eye(3).ravel()) + 4 * straight + table + 3 * straight
    return _profile(b"prtrCMYKLab ", {b"A2B0": lut})


def _xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _numbers(values: Iterable[float]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _profile(kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": b"XYZ " + bytes(4) + _numbers(_D50), **tags}
    entries, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        entries += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI", start + len(data), b"none", 0x02400000) + kind + bytes(12) + b"acsp" + bytes(28)
    return head + _numbers(_D50) + bytes(48) + struct.pack(">I", len(tags)) + entries + data
