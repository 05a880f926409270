"""People followed from one frame of a film to the next: BlazePose looks where it saw them a moment ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.interfaces import Box
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop
from model.perception.detection import Detection, distinct, mean_confidence
from model.perception.landmarks import LIFTED, SURE, lift_landmarks
from model.perception.refinement import GUESSED, strays


def follow_people(
    before: Sequence[Detection | None], regress: CropRegressor, sure: float = SURE
) -> list[tuple[Detection, CropResult]] | None:
    """Each person as she is now, and what the mesh network answers.

    Args:
        before: they in the frame before, with the joints that BlazePose saw; None of who was seen otherwise.
        regress: answers for this frame.
        sure: least mean height of the joints' heatmaps.

    Returns:
        None if it is not sure of all of them, or one was taken for another one: then look for people anew.
    """
    known = [person for person in before if person is not None]
    if len(known) < len(before):
        return None
    results = lift_landmarks([person.keypoints for person in known], regress, sure)
    found = []
    for index, (person, result) in enumerate(zip(known, results, strict=True)):
        if result is None or strays(result, (person, *known[:index], *known[index + 1 :])):
            return None
        found.append((_moved(person, result.mesh.keypoints, regress.image), result))
    return found if len(distinct([person for person, _ in found])) == len(found) else None


def lift_again(
    keypoints: Sequence[np.ndarray],
    landmarks: Sequence[np.ndarray | None],
    crops: Sequence[Crop],
    regress: CropRegressor,
) -> list[CropResult]:
    """What the mesh network answers to people who were seen already, pixels or not.

    Args:
        keypoints: (17, 3) COCO's joints of each, x, y in photo pixels and confidence.
        landmarks: (33, 3) BlazePose's, whom these are of; None of whom it did not see.
        crops: in which they were regressed.
        regress: answers for their photo.
    """
    points = []
    for joints, seen in zip(keypoints, landmarks, strict=True):
        if seen is not None:
            points.append(seen[LIFTED])
            continue
        guessed = joints[:, 2] < GUESSED
        points.append(np.zeros((len(LIFTED), 3)))
        points[-1][: len(joints)] = np.where(guessed[:, None], 0.0, joints)
    return regress.lift(points, crops)


def _moved(person: Detection, now: np.ndarray, image: np.ndarray) -> Detection:
    """The person with her joints where they are now (17, 3); box and score change as they do."""
    height, width = image.shape[:2]
    (low, high), (new_low, new_high) = (
        (points[:, :2].min(axis=0), points[:, :2].max(axis=0)) for points in (person.keypoints, now)
    )
    corners = np.array([person.box[:2], np.add(person.box[:2], person.box[2:])])
    corners = new_low + (corners - low) * (new_high - new_low) / np.maximum(high - low, 1.0)
    (left, top), (right, bottom) = corners.clip(0, (width, height)).tolist()
    box: Box = (left, top, max(right - left, 1.0), max(bottom - top, 1.0))
    score = person.score * mean_confidence(now) / mean_confidence(person.keypoints)
    return replace(person, box=box, score=min(score, 1.0), keypoints=now)
