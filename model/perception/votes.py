"""Landmarks of a person whom BlazePose has seen twice, once in the mirror: of each joint what most witnesses say.

A network that takes one leg for the other, or a leg for the one behind it, seldom does so in the mirror too.
"""

from __future__ import annotations

import numpy as np

from model.joints import BLAZEPOSE_COCO

_NEAR = 0.05
"""Standard deviation of where witnesses see the same joint, as a part of the person's extent."""
_COCO = list(BLAZEPOSE_COCO)


def vote(one: np.ndarray, other: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """What two sights of a person and a rough third one agree on.

    Each says where a joint is, as strongly as it is sure. The place with most voices about it wins, and is the mean of
    the sights there; the rough one gives the place only where it wins alone.

    Args:
        one, other: (33, 3) BlazePose's landmarks: x, y in photo pixels and confidence.
        rough: (17, 3) COCO's joints as some other network saw them, likewise.

    Returns:
        (33, 3) landmarks, as sure as both sights in the mean.
    """
    sights = np.stack([one, other]).astype(np.float64)
    weights = np.maximum(sights[..., 2:], 1e-6)
    agreed = np.column_stack(
        [(weights * sights[..., :2]).sum(axis=0) / weights.sum(axis=0), sights[..., 2].mean(axis=0)]
    )
    witnesses = np.concatenate([sights[:, _COCO], rough[None]])  # (3, 17, 3)
    extent = float(np.ptp(agreed[_COCO, :2], axis=0).max())
    apart = np.linalg.norm(witnesses[:, None, :, :2] - witnesses[None, ..., :2], axis=-1)  # (3, 3, 17)
    near = np.exp(-0.5 * np.square(apart / max(_NEAR * extent, 1e-6)))
    voices = (near * witnesses[:, None, :, 2]).sum(axis=0)  # (3, 17) that each witness's place has
    winner = voices.argmax(axis=0)
    about = np.take_along_axis(near, winner[None, None], axis=1)[:2, 0, :, None] * weights[:, _COCO]  # (2, 17, 1)
    places = (about * sights[:, _COCO, :2]).sum(axis=0) / np.maximum(about.sum(axis=0), 1e-12)
    alone = (winner == 2) & (near[:2, 2].max(axis=0) < np.exp(-0.5 * 2**2))
    agreed[_COCO, :2] = np.where(alone[:, None], rough[:, :2], places)
    return agreed
