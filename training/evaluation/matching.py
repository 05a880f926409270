"""Which reconstructed person is which annotated or measured one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from training.images.datasets.photo_annotations import AnnotatedPerson

# How far annotators disagree on each of COCO's 17 joints, over the root of the person's area (COCO's evaluation).
_SIGMAS = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
_AREA_OF_BOX = 0.5  # a person fills about half of the box; COCO takes the segment's area
_LEAST = 0.1  # below, two people have hardly a joint in common
_FARTHEST = 0.25  # of a person's size: a mean distance of joints beyond is somebody else's


def keypoint_similarity(joints: np.ndarray, person: AnnotatedPerson) -> float:
    """Object keypoint similarity in 0..1, COCO's measure, over the annotated joints.

    Args:
        joints: (17, 2) pixels.
    """
    area = _AREA_OF_BOX * person.box[2] * person.box[3]
    squared = ((joints - person.keypoints) ** 2).sum(axis=1)
    likeness = np.exp(-squared / (2 * area * (2 * _SIGMAS) ** 2 + 1e-9))
    return float(likeness[person.annotated].mean())


def match_people(found: Sequence[np.ndarray], people: Sequence[AnnotatedPerson]) -> list[int | None]:
    """For each annotated person the index of the reconstructed one, None if missed.

    The assignment with the largest total similarity; nobody is matched twice, and nobody who is no match at all.

    Args:
        found: (17, 2) projected joints of each reconstructed person.
    """
    if not found or not people:
        return [None] * len(people)
    table = np.array([[keypoint_similarity(joints, person) for joints in found] for person in people])
    matches: list[int | None] = [None] * len(people)
    for row, column in zip(*linear_sum_assignment(table, maximize=True), strict=True):
        if table[row, column] >= _LEAST:
            matches[row] = int(column)
    return matches


def person_at(joints: np.ndarray, found: Sequence[np.ndarray]) -> int | None:
    """Which of the reconstructed people is where a measured one is; None if nobody is.

    Args:
        joints: (N, 2) pixels of the measured one's joints, NaN where one is not known.
        found: (N, 2) the same joints of each reconstructed person, projected.
    """
    known = np.isfinite(joints).all(axis=1)
    away = [float(np.linalg.norm(points[known] - joints[known], axis=1).mean()) for points in found]
    if not away or min(away) > _FARTHEST * np.ptp(joints[known], axis=0).max():
        return None
    return int(np.argmin(away))
