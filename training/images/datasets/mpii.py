"""MPII Human Pose, in the JSON layout of Simple Baselines and HRNet: `annot/train.json`. 2D joints alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.errors import BadData
from model.interfaces import CROP_SCALE
from training.images.datasets.base import DatasetPerson, SampleSet, limbs_to_coco, read_json

_LIMBS = (0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15)  # of the 16; the others are pelvis, thorax, neck and head
_HEIGHT = 200.0  # pixels: `scale` is the person's height over this
_FEWEST = 6  # joints


def read_mpii(annotations: Path, images: Path | None = None) -> SampleSet:
    """Reads a split.

    MPII counts pixels from 1: half a pixel is taken off, to say where in the picture their middles are. As its users
    do, the crop's centre is moved down by 15 pixels at scale 1, so that feet are in it.

    Args:
        annotations: `train.json`, `valid.json` or `trainval.json`: a list of `image`, `center`, `scale`, `joints`
            (16, 2) and `joints_vis` (16).
        images: the folder of MPII's images; where it is not given, `images` beside the file's folder.

    Raises:
        BadData: the file is missing or another one.
    """
    content, folder = read_json(annotations), images or annotations.parent.parent / "images"
    if not isinstance(content, list):
        raise BadData(f"{annotations} must be a list of people, as Simple Baselines' annot/train.json is.")
    samples, left_out = [], 0
    for row, entry in enumerate(content):
        try:
            joints = np.array(entry["joints"], dtype=np.float64).reshape(16, 2) - 0.5
            known = np.array(entry["joints_vis"], dtype=np.float64).reshape(16) > 0
            x, y = (float(value) for value in entry["center"])
            scale, name = float(entry["scale"]), entry["image"]
            if not (np.isfinite([x, y, scale]).all() and np.isfinite(joints[known]).all() and isinstance(name, str)):
                raise ValueError("numbers must be finite, and the image a name")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadData(
                f"{annotations}, entry {row}: {type(error).__name__}: {error}. It needs `image`, `center`, `scale`, 16 "
                "`joints` and `joints_vis`, as in Simple Baselines' annot/train.json."
            ) from None
        limbs = np.where(known[:, None], joints, np.nan)[list(_LIMBS)]
        if scale <= 0 or x < 0 or known[list(_LIMBS)].sum() < _FEWEST:
            left_out += 1
            continue
        samples.append(
            DatasetPerson(
                image=folder / name,
                centre=(x - 0.5, y - 0.5 + 15 * scale),
                side=CROP_SCALE * _HEIGHT * scale,
                groups={},
                joints_2d=limbs_to_coco(limbs),
            )
        )
    if not samples:
        raise BadData(f"{annotations} holds nobody with a place, a scale and at least {_FEWEST} limb joints.")
    notes = (f"{left_out:,} people without place, scale or {_FEWEST} limb joints are left out.",) if left_out else ()
    return SampleSet("MPII", "Everyone annotated, crops of 1.25 times the given height", samples, notes)
