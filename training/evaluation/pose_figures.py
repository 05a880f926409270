"""Pictures of evaluated poses: the heatmaps with the skeleton, the true and the predicted mesh, also from the side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from model.errors import BadData
from model.joints import COCO_JOINTS
from model.network.heatmaps import CROP_SIZE, draw_heatmaps
from model.rendering.contact_sheet import caption
from model.rendering.overlay import overlay, side_view
from model.rendering.shading import Figure
from training.evaluation.heldout_views import SEED, Views

TILE = CROP_SIZE
_TRUE, _PREDICTED = (0, 158, 115), (230, 159, 0)
GROUND = 245
_LEFT, _RIGHT, _MIDDLE = (255, 140, 60), (90, 180, 255), (230, 230, 230)
_BONES = (
    (0, 5), (0, 6), (5, 6), (11, 12), (5, 7), (7, 9), (11, 13), (13, 15), (5, 11),
    (6, 8), (8, 10), (12, 14), (14, 16), (6, 12),
)  # fmt: skip
_HAND_BONES = tuple((0 if bone == 0 else 4 * f + bone, 4 * f + bone + 1) for f in range(5) for bone in range(4))
_HEADINGS = ("heatmaps", "true", "predicted", "true, from the side", "predicted, from the side")


@dataclass(frozen=True)
class Case:
    """One evaluated pose, as arrays."""

    label: str
    error: float
    joints_2d: np.ndarray
    """(K, 2) crop pixels."""
    true: np.ndarray
    """(V, 3) camera frame, metres, placed before the camera."""
    predicted: np.ndarray
    """Likewise."""
    focal_length: float
    principal_point: tuple[float, float]
    """Both in crop pixels."""


class Gallery:
    """Keeps the worst cases and some random ones while an evaluation goes through its poses.

    Of the worst there is one a label: neighbouring frames of a clip fail alike.
    """

    def __init__(self, labels: Sequence[str], worst: int = 6, random: int = 6):
        """Chooses the random ones.

        Args:
            labels: the clip of each pose that will be evaluated.
        """
        generator = torch.Generator().manual_seed(SEED)
        self.labels, self.count = labels, worst
        self._chosen = set(torch.randperm(len(labels), generator=generator)[:random].tolist())
        self.worst: list[Case] = []
        """The worst first."""
        self.random: list[Case] = []

    def add(self, views: Views, vertices: Tensor, errors: Tensor) -> None:
        """Looks at a batch.

        Args:
            vertices: (B, V, 3) the predicted meshes.
            errors: (B,) millimetres, by which cases are the worst.
        """
        for row, number in enumerate(views.number.tolist()):
            if number in self._chosen:
                self.random.append(_case(self.labels[number], views, vertices, errors, row))
        for row in errors.argsort(descending=True).tolist():
            if len(self.worst) == self.count and errors[row] <= self.worst[-1].error:
                break
            label = self.labels[int(views.number[row])]
            same = next((case for case in self.worst if case.label == label), None)
            if same is None or errors[row] > same.error:
                kept = [case for case in self.worst if case is not same]
                kept.append(_case(label, views, vertices, errors, row))
                self.worst = sorted(kept, key=lambda case: -case.error)[: self.count]


def _case(label: str, views: Views, vertices: Tensor, errors: Tensor, row: int) -> Case:
    place = torch.stack([torch.zeros(()), torch.zeros(()), views.cameras.distance[row]])
    x, y, side = views.crop[row].tolist()
    focal = TILE / side
    return Case(
        label,
        float(errors[row]),
        views.joints_2d[row].numpy(),
        (views.vertices[row] + place).numpy(),
        (vertices[row] + place).numpy(),
        focal,
        (TILE / 2 - focal * x, TILE / 2 - focal * y),
    )


def pose_montage(cases: Sequence[Case], faces: np.ndarray) -> np.ndarray:
    """One row of pictures a case, under headings: (H, W, 3) uint8 RGB."""
    rows = []
    for case in cases:
        true, predicted = Figure(case.true, faces, _TRUE), Figure(case.predicted, faces, _PREDICTED)
        ground = np.full((TILE, TILE, 3), GROUND, np.uint8)
        tiles = [_skeleton(case.joints_2d)]
        tiles += [overlay(ground, [f], case.focal_length, case.principal_point, opacity=1.0) for f in (true, predicted)]
        tiles += [side_view([figure], (TILE, TILE), (GROUND,) * 3) for figure in (true, predicted)]
        rows.append((f"{case.error:.0f} mm PA-MPJPE: {case.label}", tiles))
    return montage(_HEADINGS, rows)


def montage(headings: Sequence[str], rows: Sequence[tuple[str, Sequence[np.ndarray]]]) -> np.ndarray:
    """Rows of square tiles (`TILE`, `TILE`, 3), each under its caption: (H, W, 3) uint8 RGB."""
    parts = [np.concatenate([caption(heading, TILE) for heading in headings], axis=1)]
    for text, tiles in rows:
        parts += [caption(text, len(headings) * TILE), np.concatenate(tiles, axis=1)]
    return np.concatenate(parts)


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Writes an RGB picture; the ending says how.

    Raises:
        BadData: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise BadData(f"{path} cannot be written: choose another folder with --output.")


def shrunk(picture: np.ndarray, longest: int) -> np.ndarray:
    """The picture, smaller if a side is longer than `longest` pixels."""
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _skeleton(joints: np.ndarray) -> np.ndarray:
    """The heatmaps, all in one, and the bones between their peaks."""
    heat = draw_heatmaps(torch.from_numpy(joints)[None], TILE)[0].amax(dim=0).numpy()
    picture = np.repeat((255 * heat).astype(np.uint8)[..., None], 3, axis=2)
    points = (joints * 16).round().astype(int)
    for start, end in _BONES if len(joints) == len(COCO_JOINTS) else _HAND_BONES:
        same_side = len(joints) == len(COCO_JOINTS) and start % 2 == end % 2 and start > 0
        colour = (_LEFT if start % 2 else _RIGHT) if same_side else _MIDDLE  # COCO's odd joints are left ones
        cv2.line(picture, points[start].tolist(), points[end].tolist(), colour, 2, cv2.LINE_AA, shift=4)
    return picture
