"""How one person in one frame of calibrated footage compares with her true joints, and what many say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from model.results import Person
from training.evaluation.metrics import align, similarity
from training.footage.truth import LIMB_JOINTS

LIMBS = ((0, 2), (2, 4), (1, 3), (3, 5), (6, 8), (8, 10), (7, 9), (9, 11))
"""Upper arms, forearms, thighs and shins, as pairs of `LIMB_JOINTS`."""
IN_COCO = slice(5, 17)
_SHOULDERS, _HIPS = [0, 1], [6, 7]
_LEAST_KNOWN = 8  # joints: fewer say little about a pose
_SEEN_FROM_SIDE = 0.5  # of the trunk's length: what the side view shows less of lies across the picture
_CLEAR_DEPTH = 0.1  # metres from a limb's one end to its other: below, measured truth need not know the sign


@dataclass(frozen=True)
class FrameScores:
    """One frame's errors, NaN where the truth is not known. Camera frame, metres unless it says otherwise."""

    aligned: np.ndarray
    """(12,) distances after Procrustes alignment on the known joints, each joint's part in PA-MPJPE."""
    offsets: np.ndarray
    """(12, 3) predicted less true joints, the middle of the hips at the origin; lengths are the parts in MPJPE."""
    seen: np.ndarray
    """(12,) pixels from the 2D network's joints to the true ones."""
    projected: np.ndarray
    """(12,) pixels from the projected answer to the true ones."""
    lean: float
    """Degrees by which the trunk leans farther away from the camera than the true one; negative: towards it.

    NaN if it lies across the picture.
    """
    up: float
    """Degrees from the up direction that the frame's people tell to the true one."""
    size: float
    """The factor of the Procrustes alignment, inverted: above 1, the answer is too large."""
    limbs: np.ndarray
    """(8, 3) from each of `LIMBS`' first joint to its second, predicted."""
    true_limbs: np.ndarray
    """(8, 3) likewise, true."""


def can_be_scored(true: np.ndarray) -> bool:
    """Whether enough of the joints (12, 3) is known: both hips, and eight in all."""
    known = np.isfinite(true).all(axis=1)
    return bool(known[_HIPS].all() and known.sum() >= _LEAST_KNOWN)


def score_frame(
    person: Person,
    true: np.ndarray,
    true_2d: np.ndarray,
    up: np.ndarray | None = None,
    true_up: np.ndarray | None = None,
) -> FrameScores:
    """Compares an answer with the truth.

    Args:
        person: the one whose truth it is.
        true: (12, 3) `LIMB_JOINTS` in the camera's axes, metres, any origin; NaN where one is not known.
        true_2d: (12, 2) pixels.
        up: (3,) unit vector in the camera's axes, as the frame's scene has it; true_up: the true one.
    """
    joints = person.joints[IN_COCO].astype(np.float64)
    known = np.isfinite(true).all(axis=1)
    one, other = torch.from_numpy(joints[known])[None], torch.from_numpy(true[known])[None]
    alignment = similarity(one, other)
    aligned = np.full(len(LIMB_JOINTS), np.nan)
    aligned[known] = np.linalg.norm(align(one, alignment)[0].numpy() - true[known], axis=1)
    return FrameScores(
        aligned=aligned,
        offsets=(joints - joints[_HIPS].mean(axis=0)) - (true - true[_HIPS].mean(axis=0)),
        seen=np.linalg.norm(person.keypoints_2d[IN_COCO, :2] - true_2d, axis=1),
        projected=np.linalg.norm(person.camera.project(person.joints)[IN_COCO] - true_2d, axis=1),
        lean=_lean(joints, true),
        up=np.nan if up is None or true_up is None else float(np.degrees(np.arccos(np.clip(up @ true_up, -1, 1)))),
        size=1 / max(float(alignment.scale), 1e-9),
        limbs=np.array([joints[end] - joints[start] for start, end in LIMBS]),
        true_limbs=np.array([true[end] - true[start] for start, end in LIMBS]),
    )


def _lean(joints: np.ndarray, true: np.ndarray) -> float:
    """Degrees from the true trunk, hips to shoulders, to the predicted one in the side view; away is positive."""
    one, other = (points[_SHOULDERS].mean(axis=0) - points[_HIPS].mean(axis=0) for points in (joints, true))
    if not np.hypot(other[1], other[2]) >= _SEEN_FROM_SIDE * np.linalg.norm(other):
        return np.nan
    predicted, expected = (np.arctan2(trunk[2], -trunk[1]) for trunk in (one, other))
    return float(np.degrees((predicted - expected + np.pi) % (2 * np.pi) - np.pi))


def summarise(frames: Sequence[FrameScores]) -> dict[str, float | None]:
    """The tables' columns over some frames; None where nothing is known.

    Errors of joints are means over the joints of a frame, then over frames; medians and root mean squares are over all
    joints of all frames.
    """
    if not frames:
        return {}
    offsets = np.stack([frame.offsets for frame in frames])  # (N, 12, 3)
    plane, depth = 1000 * np.linalg.norm(offsets[..., :2], axis=-1), 1000 * np.abs(offsets[..., 2])
    limbs, true = (np.stack([getattr(frame, name) for frame in frames]) for name in ("limbs", "true_limbs"))
    ahead, true_ahead = limbs[..., 2], true[..., 2]
    known = np.isfinite(true_ahead)
    clear = known & (np.abs(true_ahead) >= _CLEAR_DEPTH)
    lengths, true_lengths = (np.linalg.norm(each, axis=-1)[known].sum() for each in (limbs, true))
    lean = np.array([frame.lean for frame in frames])
    found = {
        "PA-MPJPE": 1000 * _mean_of_means([frame.aligned for frame in frames]),
        "MPJPE": 1000 * _mean_of_means(list(np.linalg.norm(offsets, axis=-1))),
        "2D seen, px": _mean_of_means([frame.seen for frame in frames]),
        "2D projected, px": _mean_of_means([frame.projected for frame in frames]),
        "lean, degrees": _mean(lean),
        "lean, absolute": _mean(np.abs(lean)),
        "up, degrees, median": _median(np.array([frame.up for frame in frames])),
        "size, %": 100 * _mean(np.array([frame.size for frame in frames])),
        "in the plane, median": _median(plane),
        "in the plane, rms": _rms(plane),
        "depth, median": _median(depth),
        "depth, rms": _rms(depth),
        "depth slope, %": 100 * _ratio((ahead * true_ahead)[known].sum(), np.square(true_ahead[known]).sum()),
        "right depth signs, %": 100 * _mean((np.sign(ahead) == np.sign(true_ahead))[clear].astype(float)),
        "limb length, %": 100 * _ratio(lengths, true_lengths),
    }
    return {name: None if np.isnan(value) else value for name, value in found.items()}


def _mean_of_means(parts: Sequence[np.ndarray]) -> float:
    return _mean(np.array([_mean(part) for part in parts]))


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else np.nan


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else np.nan


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(_mean(np.square(values))))


def _ratio(one: float, other: float) -> float:
    return float(one / other) if other > 0 else np.nan
