"""A landmark network that knows where the hands are, and the people whose arms lead to them."""

from __future__ import annotations

import numpy as np

from model.interfaces import Landmarks
from model.perception.detection import Detection
from tests.support.drawn_hand import JOINTS

HAND = (JOINTS - JOINTS[0]) / 220
"""(21, 2) joints with the fingers up, one hand long, the wrist at the origin."""


def fake_landmarker(hands: list[tuple[np.ndarray, float, float]], image: np.ndarray) -> tuple:
    """A landmark network that sees whatever of these hands (joints, presence, right) is near the middle of its crop.

    A photo whose colours say where each pixel is tells the network where it batches.
    """
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    image[..., 0], image[..., 1] = columns // 4, rows // 4

    def landmarker(crops: np.ndarray) -> Landmarks:
        points, presence, right = [], [], []
        for crop in crops:
            at = 4.0 * crop[108:116, 108:116, :2].reshape(-1, 2).mean(axis=0) + 2
            across = 4.0 * (crop[112, 160, :2].astype(float) - crop[112, 64, :2]) / 96  # photo pixels a crop pixel
            down = 4.0 * (crop[160, 112, :2].astype(float) - crop[64, 112, :2]) / 96
            near = min(hands, key=lambda hand: np.linalg.norm(hand[0].mean(axis=0) - at))
            close = np.linalg.norm(near[0].mean(axis=0) - at) < 0.7 * np.ptp(near[0], axis=0).max()
            to_crop = np.linalg.inv(np.column_stack([across, down]))
            points.append(np.column_stack([(near[0] - at) @ to_crop.T + 112, np.zeros(21)]))
            presence.append(near[1] if close else 0.01)
            right.append(near[2])
        return Landmarks(np.array(points), np.array(presence), np.array(right))

    return landmarker, image


def person(wrist: tuple[float, float], elbow: tuple[float, float], side: str = "left") -> Detection:
    keypoints = np.zeros((17, 3), np.float32)
    for joint, place in zip((7, 9) if side == "left" else (8, 10), (elbow, wrist), strict=True):
        keypoints[joint] = (*place, 0.9)
    return Detection((100.0, 100.0, 300.0, 600.0), 0.9, keypoints)
