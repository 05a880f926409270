"""Whether what a data set measured can be people: their size, and that 3D joints lie where the 2D ones are.

Files in other units, with axes exchanged or of other cameras have the right layout, and would train or score so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.errors import BadData
from training.images.datasets.base import DatasetPerson, SampleSet, middle_of_hips
from training.images.datasets.joint_sets import LIMBS_IN_COCO

_LEG = ((0, 1, 2), (5, 4, 3))  # ankle, knee, hip in LSP's order
LEGS = (0.1, 1.5)
"""Metres, from below the legs of newborn children to above those of the tallest people."""
_OFF = 0.15
"""Of the crop's side: how far projected joints may be from the 2D ones. Lenses and annotators make some hundredths."""
_ENOUGH = 1000  # people, evenly spread over the samples


def check_plausible(data: SampleSet, path: Path) -> SampleSet:
    """The samples as they are, if most of them can be people.

    Args:
        data: of a reader.
        path: what was read, for the message.

    Raises:
        BadData: their legs are not as long as people's, or the joints do not project onto those in the image.
    """
    people = data.samples[:: max(1, -(-len(data.samples) // _ENOUGH))]
    legs = [leg_length(person.joints) for person in people if person.joints is not None]
    if legs and not LEGS[0] <= np.median(legs) <= LEGS[1]:
        raise BadData(
            f"{path}: legs are {np.median(legs):.3g} m long in the median, which no people's are: are the 3D joints in "
            f"the unit and in the order of {data.name}?"
        )
    off = [error for person in people if (error := reprojection_error(person)) is not None]
    if off and np.median(off) > _OFF:
        raise BadData(
            f"{path}: 3D joints project {np.median(off):.0%} of the crops' side away from the 2D ones: are axes "
            "exchanged, or is it another camera?"
        )
    return data


def leg_length(joints: np.ndarray) -> float:
    """From the ankle over the knee to the hip, the mean of both legs; joints (12 or 14, 3) in LSP's order."""
    return float(np.mean([np.linalg.norm(np.diff(joints[list(leg)], axis=0), axis=1).sum() for leg in _LEG]))


def reprojection_error(person: DatasetPerson) -> float | None:
    """Median distance of projected limb joints from the 2D ones by the crop's side; None where one is not known."""
    joints, known, point = person.joints, person.joints_2d, person.principal_point
    if joints is None or known is None or point is None or person.focal_length is None or person.translation is None:
        return None
    placed = joints[:12] - middle_of_hips(joints) + person.translation
    pixels = person.focal_length * placed[:, :2] / np.maximum(placed[:, 2:], 1e-6) + np.array(point)
    apart = np.linalg.norm(pixels - known[list(LIMBS_IN_COCO)], axis=1) / person.side
    return float(np.nanmedian(apart)) if np.isfinite(apart).any() else None
