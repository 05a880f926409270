"""What the heads of MoveNet's multipose network say of one image, decoded into people. Numpy alone."""

from __future__ import annotations

import cv2
import numpy as np

from model.interfaces import DetectorOutputs
from model.perception.detection import Detection

CELL = 4
"""Pixels of the network's input that one cell of its outputs spans."""

_PEAK_WINDOW = 5  # cells; a centre is the best one of its surroundings
_CANDIDATES = 100  # centres of one image: bounds the work that a crowd makes
_MIN_JOINT_SCORE = 0.127  # below, a joint does not count in its person's score (MoveNet's own threshold)
_JOINT_SPREAD = 0.3  # variance of the prior about a joint's expected place: half of this times the shorter side, cells


def decode_people(outputs: DetectorOutputs, threshold: float = 0.0) -> list[Detection]:
    """Finds people in the outputs for one image, duplicates included, in no order.

    A person is a local maximum of `center`. Each of her joints is the best heatmap cell inside her box, weighted by
    a Gaussian about the place that `displacement` predicts.

    Args:
        outputs: For a batch of one image.
        threshold: lowest score to report.

    Returns:
        Boxes and keypoints in pixels of the network's input.
    """
    centers = _sigmoid(outputs.center[0, 0])  # (h, w)
    best = cv2.dilate(centers, np.ones((_PEAK_WINDOW, _PEAK_WINDOW), np.uint8))
    # A person's score is at most that of her centre: the others need not be decoded.
    cells = np.flatnonzero((centers == best) & (centers >= threshold))
    cells = cells[np.argsort(-centers.ravel()[cells], kind="stable")[:_CANDIDATES]]
    people = [_decode_person(outputs, centers, *divmod(int(cell), centers.shape[1])) for cell in cells]
    return [person for person in people if person.score >= threshold]


def _decode_person(outputs: DetectorOutputs, centers: np.ndarray, row: int, column: int) -> Detection:
    """The person whose centre is in this cell."""
    limit = np.array(centers.shape, np.float32)
    cell = np.array([row, column], np.float32)
    size = outputs.box_size[0, :, row, column].clip(min=0)
    middle = cell + outputs.box_offset[0, :, row, column]
    low, high = (middle - size / 2).clip(0, limit), (middle + size / 2).clip(0, limit)  # (2,) each: y, x

    (top, left), (bottom, right) = np.ceil(low).astype(int), np.ceil(high).astype(int)  # whole cells inside
    expected = outputs.displacement[0, :, row, column].reshape(-1, 2) + cell  # (17, 2)
    rows, columns = np.arange(top, bottom, dtype=np.float32), np.arange(left, right, dtype=np.float32)
    precision = 1 / (_JOINT_SPREAD * limit.min())
    prior_y = np.exp(-((rows - expected[:, :1]) ** 2) * precision)  # (17, rows)
    prior_x = np.exp(-((columns - expected[:, 1:]) ** 2) * precision)  # (17, columns)
    inside = _sigmoid(outputs.heatmap[0, :, top:bottom, left:right]) * prior_y[:, :, None] * prior_x[:, None]

    joints = len(expected)
    scores, positions = np.zeros(joints, np.float32), np.zeros((joints, 2), np.float32)
    if inside.size:
        flat = inside.reshape(joints, -1)
        peaks = flat.argmax(axis=1)
        scores = flat[np.arange(joints), peaks]
        at_y, at_x = peaks // len(columns) + top, peaks % len(columns) + left
        offsets = outputs.offset[0].reshape(joints, 2, *centers.shape)[np.arange(joints), :, at_y, at_x]
        positions = np.stack([at_y, at_x], axis=1) + offsets
    seen = scores > _MIN_JOINT_SCORE
    score = float(centers[row, column] * (scores * seen).sum() / max(1, seen.sum()))
    x, y, w, h = (float(value) * CELL for value in (*low[::-1], *(high - low)[::-1]))
    return Detection((x, y, w, h), score, np.column_stack([positions[:, ::-1] * CELL, scores]).astype(np.float32))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    answer: np.ndarray = 1 / (1 + np.exp(-np.maximum(logits, -80)))  # beyond, float32 would overflow
    return answer
