"""Joints in motion as C3D, the binary file of motion laboratories: millimetres, z up, x ahead. Needs ezc3d."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from model.formats.markers import Markers
from model.formats.smpl_npz import TO_Z_UP

_MILLIMETRES = 1000.0
_HIDDEN = -1.0  # a point's residual where nobody is there


def to_c3d(markers: Markers) -> bytes:
    """Write points, which are invalid where nobody is there.

    Raises:
        ImportError: ezc3d is not installed.
    """
    import ezc3d

    points = markers.positions @ TO_Z_UP.T * _MILLIMETRES  # (T, M, 3)
    seen = np.isfinite(points).all(axis=2).T[None]  # (1, M, T)
    file = ezc3d.c3d()
    about = file["parameters"]["POINT"]
    about["UNITS"]["value"], about["RATE"]["value"] = ["mm"], [markers.rate]
    about["LABELS"]["value"] = list(markers.names)
    file.add_parameter("POINT", "X_SCREEN", ["+X"])
    file.add_parameter("POINT", "Y_SCREEN", ["+Z"])
    file["data"]["points"] = np.concatenate([np.moveaxis(points, (0, 1, 2), (2, 1, 0)), np.ones_like(seen, float)])
    file["data"]["meta_points"] = {
        "residuals": np.where(seen, 0.0, _HIDDEN),
        "camera_masks": np.zeros((7, *seen.shape[1:]), bool),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "motion.c3d")
        file.write(str(path))
        return path.read_bytes()
