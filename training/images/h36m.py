"""Human3.6M, protocol 2, in the layout of SPIN's preprocessing: `h36m_valid_protocol2.npz` and extracted frames.

HMR, GraphCMR, METRO and others evaluate on it. `h36m_official.py` makes it out of the official files.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from model.errors import BadData
from training.images.h36m_official import FRONTAL, NPZ_NAME, SUBJECTS
from training.images.people import DatasetPerson, SampleSet, read_npz, text

_NAME = re.compile(r"(S\d+)_(.+)\.(\d{8})_\d+\.\w+$")  # S9_Directions_1.60457274_000001.jpg
_LSP_IN_S = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18)
_PELVIS_IN_S = 14
_LARGEST = 5.0  # metres from the root: beyond, it must be millimetres


def read_h36m(annotations: Path, images: Path | None = None) -> SampleSet:
    """Reads protocol 2: subjects S9 and S11, frontal camera, the frames that the file holds (each fifth in SPIN's).

    The crop is the file's; in SPIN's 0.9 times the longer side of the official box.

    Args:
        annotations: npz with `imgname`, `center`, `scale` and `S` (N, 24, 4), metres in the camera frame.
            A folder stands for the npz in it.
        images: the folder that `imgname` starts from; where it is not given, the one of the npz.

    Raises:
        BadData: the file is another one, or nothing in it belongs to protocol 2.
    """
    if annotations.is_dir():
        if not (annotations / NPZ_NAME).is_file():
            raise BadData(
                f"{annotations} is a folder without {NPZ_NAME}. Make that out of Human3.6M's official files: "
                f"python -m training.images.h36m_official {annotations} path/to/output"
            )
        annotations = annotations / NPZ_NAME
    data = read_npz(annotations, {"imgname": (), "center": (2,), "scale": (), "S": (24, 4)})
    used = [*_LSP_IN_S, _PELVIS_IN_S]
    names = [text(name) for name in data["imgname"]]
    samples = []
    for row, name in enumerate(names):
        parts = _NAME.search(name)
        if parts is None:
            raise BadData(
                f"{annotations}: row {row} is called {name!r}, but SPIN's preprocessing calls images as in "
                "S9_Directions_1.60457274_000001.jpg."
            )
        subject, action, camera = parts.groups()
        if subject not in SUBJECTS or camera != FRONTAL:
            continue
        points = data["S"][row].astype(np.float32)
        if not (points[used, 3] > 0).all() or np.abs(points[used, :3]).max() > _LARGEST:
            raise BadData(
                f"{annotations}: `S` in row {row} ({name}) must hold all 14 joints and the pelvis, in metres."
            )
        if not data["scale"][row] > 0:
            raise BadData(f"{annotations}: `scale` in row {row} ({name}) must be above 0.")
        samples.append(
            DatasetPerson(
                image=(images or annotations.parent) / name,
                centre=(float(data["center"][row, 0]), float(data["center"][row, 1])),
                side=200 * float(data["scale"][row]),
                groups={"subject": subject, "action": re.sub(r"_\d+$", "", action)},
                joints=points[list(_LSP_IN_S), :3],
                pelvis=points[_PELVIS_IN_S, :3],
            )
        )
    if not samples:
        raise BadData(f"{annotations} holds no image of S9 or S11 by camera {FRONTAL}, which protocol 2 asks for.")
    left_out = len(names) - len(samples)
    notes = (f"{left_out:,} rows of other subjects or cameras are no part of protocol 2.",) if left_out else ()
    return SampleSet("Human3.6M", "Protocol 2: S9 and S11, frontal camera, the given crops", samples, notes)
