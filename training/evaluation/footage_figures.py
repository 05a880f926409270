"""Pictures of the worst frames of footage: the true joints, the answer over the frame, and both from the side."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import cv2
import numpy as np

from model.perception.crops import cut_crop
from model.rendering.overlay import overlay, side_view
from model.rendering.shading import Figure
from model.results import Person
from training.evaluation.footage_scores import IN_COCO, LIMBS, FrameScores
from training.evaluation.pose_figures import GROUND, TILE

HEADINGS = ("true (green), seen (blue)", "predicted", "predicted, from the side", "joints from the side")
_TRUE, _SEEN, _PREDICTED = (0, 158, 115), (60, 120, 255), (230, 110, 0)
_TRUNK = ((0, 1), (6, 7), (0, 6), (1, 7))
_METRES = 2.2  # what a tile from the side shows


@dataclass(frozen=True)
class _Case:
    label: str
    error: float
    tiles: list[np.ndarray]


class WorstFrames:
    """Keeps the frames with the largest PA-MPJPE, one of each group, such as a second of a camera."""

    def __init__(self, faces: np.ndarray, count: int = 8):
        self._faces, self._count = faces, count
        self._cases: dict[Hashable, _Case] = {}

    def add(
        self,
        label: str,
        group: Hashable,
        score: FrameScores,
        picture: np.ndarray,
        person: Person,
        true: np.ndarray,
        true_2d: np.ndarray,
    ) -> None:
        """Draws a frame if it is among the worst so far; arguments as of `score_frame`."""
        error = 1000 * float(np.nanmean(score.aligned))
        same = self._cases.get(group)
        least = min((case.error for case in self._cases.values()), default=0.0)
        if error <= (same.error if same else least if len(self._cases) >= self._count else 0.0):
            return
        self._cases[group] = _Case(label, error, self._tiles(picture, person, true, true_2d))
        if len(self._cases) > self._count:
            del self._cases[min(self._cases, key=lambda key: self._cases[key].error)]

    def rows(self) -> list[tuple[str, list[np.ndarray]]]:
        """Captions and tiles, the worst first."""
        cases = sorted(self._cases.values(), key=lambda case: -case.error)
        return [(f"{case.error:.0f} mm PA-MPJPE: {case.label}", case.tiles) for case in cases]

    def _tiles(self, picture: np.ndarray, person: Person, true: np.ndarray, true_2d: np.ndarray) -> list[np.ndarray]:
        low, high = np.nanmin(true_2d, axis=0), np.nanmax(true_2d, axis=0)
        (x, y), side = (low + high) / 2, 1.5 * float((high - low).max())
        crop, scale, corner = cut_crop(picture, (x, y, side), TILE), TILE / side, np.array([x, y]) - side / 2
        joints = crop.copy()
        _draw(joints, (true_2d - corner) * scale, _TRUE)
        _draw(joints, (person.keypoints_2d[IN_COCO, :2] - corner) * scale, _SEEN)
        middle = (np.array(person.camera.principal_point) - corner) * scale
        figure = Figure(person.camera.to_camera(person.vertices), self._faces)
        drawn = overlay(crop, [figure], person.camera.focal_length * scale, (float(middle[0]), float(middle[1])))
        beside = np.full((TILE, TILE, 3), GROUND, np.uint8)
        hips = true[6:8].mean(axis=0)
        for points, colour in ((true - hips, _TRUE), (person.joints[IN_COCO], _PREDICTED)):
            _draw(beside, TILE / 2 + points[:, [2, 1]] * (TILE / _METRES), colour)  # the camera is on the left
        return [joints, drawn, side_view([figure], (TILE, TILE), (GROUND,) * 3), beside]


def _draw(picture: np.ndarray, points: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Draws a skeleton (12, 2) into a picture; what is not known is left out."""
    for start, end in (*LIMBS, *_TRUNK):
        if np.isfinite(points[[start, end]]).all():
            one, other = (points[[start, end]] * 16).round().clip(-(2**20), 2**20).astype(int).tolist()
            cv2.line(picture, one, other, colour, 2, cv2.LINE_AA, shift=4)
