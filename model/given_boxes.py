"""Whether she who was seen in a box that was given is in it, or somebody else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.interfaces import Box
from model.people import detections_of, outline
from model.perception.detection import SAME_PERSON, overlaps, similarities, similarity
from model.results import Person

_FLESH = 0.05  # of the keypoints' extent is what reaches beyond them
_PRESENT = 0.2  # of somebody, or of a box that she fills, from which on she is in it
_ONE_BOX = 0.8  # intersection over union of boxes that are given for one person


def presence(box: Box, keypoints: np.ndarray) -> float:
    """How far somebody is in a box that was given, 0 to 1: networks look beyond it, and may see who is beside it.

    She is if a fifth of her is in it, or if she fills a fifth of it, as of one about her head alone.

    Args:
        box: x, y, width and height.
        keypoints: (K, 3) x, y and confidence.
    """
    x, y, width, height = box
    points, seen = keypoints[:, :2], keypoints[:, 2].clip(0)
    inside = ((points >= (x, y)) & (points <= (x + width, y + height))).all(axis=1)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _FLESH * (high - low)
    shared = np.minimum(high + margin, (x + width, y + height)) - np.maximum(low - margin, (x, y))
    filled = shared.clip(0).prod() / (width * height)
    return float(min(1.0, max(seen @ inside / max(seen.sum(), 1e-6), filled) / _PRESENT))


def doubles(people: Sequence[Person]) -> dict[int, list[int]]:
    """Who was answered more than once, in her own box and in those of others behind her: indices, hers to theirs.

    Her own is the box that fits her best. Of boxes that are nearly one, both are hers.

    Args:
        people: of the boxes that were given, in their order.
    """
    seen = detections_of(people)
    boxes = [person.bbox for person in people]
    meshes = [outline(person.camera.project(person.vertices)) for person in people]
    fitting = overlaps(boxes, meshes).diagonal()
    near = overlaps(boxes, boxes)
    best_first = sorted(range(len(people)), key=lambda index: -fitting[index])
    alike = similarities(seen, seen) >= SAME_PERSON
    behind: dict[int, list[int]] = {}
    for rank, other in enumerate(best_first):
        hidden = {index for others in behind.values() for index in others}
        first = next((one for one in best_first[:rank] if alike[one, other] and one not in hidden), None)
        if first is not None and near[first, other] < _ONE_BOX:
            behind.setdefault(first, []).append(other)
    return behind


def is_same(one: Person, other: Person) -> bool:
    """Whether two answers are one person."""
    return similarity(*detections_of([one, other])) >= SAME_PERSON
