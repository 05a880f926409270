"""From the detector's dense predictions to a list of people: decoding and suppression of duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CELL = 4  # pixels of the network's input that one cell of its outputs spans
_PEAK_WINDOW = 5  # cells; a centre is the best one of its surroundings
_CANDIDATES = 16  # centres looked at in one image
_MIN_JOINT_SCORE = 0.127  # below, a joint does not count in its person's score (MoveNet's own threshold)
_JOINT_SPREAD = 0.3  # variance of the prior about a joint's expected place: half of this times the shorter side, cells
_SAME_JOINT = 0.1  # two estimates of a joint agree within about this part of the person's size
_SAME_PERSON = 0.5  # similarity above which two candidates are one person


class DetectorOutputs(NamedTuple):
    """What the detector's heads predict a cell, at a quarter of the input's size.

    Attributes:
        heatmap: (B, 17, h, w) logits: a joint is here.
        center: (B, 1, h, w) logits: a person's centre is here.
        displacement: (B, 34, h, w) dy, dx to each joint of the person whose centre is here, in cells.
        offset: (B, 34, h, w) dy, dx within the cell of each joint that is here, in cells.
        box_offset: (B, 2, h, w) dy, dx to the middle of that person's box, in cells.
        box_size: (B, 2, h, w) height, width of that box, in cells.
    """

    heatmap: Tensor
    center: Tensor
    displacement: Tensor
    offset: Tensor
    box_offset: Tensor
    box_size: Tensor


@dataclass(frozen=True)
class Detection:
    """A person found in an image.

    Attributes:
        box: x, y, width, height in image pixels, inside the image.
        score: 0..1, confidence in the person times mean confidence in the joints that are seen.
        keypoints: (17, 3) float32 x, y in image pixels and score 0..1 of the COCO joints.
    """

    box: tuple[float, float, float, float]
    score: float
    keypoints: np.ndarray


def decode_people(outputs: DetectorOutputs) -> list[Detection]:
    """Finds people in the outputs for one image, duplicates included, in no order.

    A person is a local maximum of `center`. Each of her joints is the best heatmap cell inside her box, weighted by
    a Gaussian about the place that `displacement` predicts.

    Args:
        outputs: For a batch of one image.

    Returns:
        Boxes and keypoints in pixels of the network's input.
    """
    centers = outputs.center[0, 0].sigmoid()
    heatmaps = outputs.heatmap[0].sigmoid()  # (17, h, w)
    joints, height, width = heatmaps.shape
    offsets = outputs.offset[0].view(joints, 2, height, width)
    rows = torch.arange(height, device=centers.device).view(-1, 1)
    columns = torch.arange(width, device=centers.device)

    best = F.max_pool2d(centers[None, None], _PEAK_WINDOW, stride=1, padding=_PEAK_WINDOW // 2)[0, 0]
    confidence, cells = (centers * (centers == best)).flatten().topk(min(_CANDIDATES, centers.numel()))  # (N,)
    row, column = cells // width, cells % width
    cell = torch.stack([row, column], 1)  # (N, 2)

    size = outputs.box_size[0, :, row, column].T.clamp(min=0)  # (N, 2)
    middle = cell + outputs.box_offset[0, :, row, column].T
    limit = torch.tensor([height, width], device=cell.device)
    low = torch.minimum((middle - size / 2).clamp(min=0), limit)
    high = torch.minimum((middle + size / 2).clamp(min=0), limit)

    expected = outputs.displacement[0, :, row, column].T.view(-1, joints, 2) + cell[:, None]  # (N, 17, 2)
    squared = (rows - expected[..., 0, None, None]) ** 2 + (columns - expected[..., 1, None, None]) ** 2
    prior = torch.exp(-squared / (_JOINT_SPREAD * min(height, width)))  # (N, 17, h, w)
    low_, high_ = low[..., None, None], high[..., None, None]
    inside = (rows >= low_[:, 0]) & (rows < high_[:, 0]) & (columns >= low_[:, 1]) & (columns < high_[:, 1])
    scores, peaks = (heatmaps * prior * inside[:, None]).flatten(2).max(2)  # (N, 17)
    peak = torch.stack([peaks // width, peaks % width], 2)  # (N, 17, 2)
    places = peak + offsets[torch.arange(joints, device=peak.device), :, peak[..., 0], peak[..., 1]]

    seen = scores > _MIN_JOINT_SCORE
    totals = confidence * (scores * seen).sum(1) / seen.sum(1).clamp(min=1)  # (N,)
    boxes = torch.cat([low.flip(1), (high - low).flip(1)], 1) * CELL  # (N, 4) x, y, width, height
    keypoints = torch.cat([places.flip(2) * CELL, scores[..., None]], 2)  # (N, 17, 3)
    return [
        Detection((x, y, w, h), score, points)
        for (x, y, w, h), score, points in zip(boxes.tolist(), totals.tolist(), keypoints.cpu().numpy(), strict=True)
    ]


def suppress_duplicates(detections: Sequence[Detection]) -> list[Detection]:
    """Best first; of candidates whose joints coincide, only the best one.

    Joints tell two people who overlap from one person seen twice, which boxes cannot.
    """
    ranked = sorted(detections, key=lambda detection: detection.score, reverse=True)
    return [ranked[index] for index in distinct(ranked)]


def distinct(detections: Sequence[Detection]) -> list[int]:
    """The indices of those detections, in order, whose joints do not coincide with an earlier one's."""
    kept: list[int] = []
    for index, candidate in enumerate(detections):
        if all(similarity(candidate, detections[other]) < _SAME_PERSON for other in kept):
            kept.append(index)
    return kept


def similarity(one: Detection, other: Detection) -> float:
    """Object keypoint similarity in 0..1: how far the joints coincide, weighted by confidence in both."""
    scale = _SAME_JOINT * max(*one.box[2:], *other.box[2:])
    squared = ((one.keypoints[:, :2] - other.keypoints[:, :2]) ** 2).sum(1)
    weights = one.keypoints[:, 2] * other.keypoints[:, 2]
    agreement = np.exp(-squared / (2 * scale**2 + 1e-9))
    return float((weights * agreement).sum() / (weights.sum() + 1e-9))
