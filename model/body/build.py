"""Bodies' build: shape coefficients from how much of a photo people cover.

Joints tell how long limbs are, and nothing of who is heavy or thin: by them alone everybody is of average build. A
silhouette tells. What it covers about each part of the body (`model.body.silhouette`) is compared with what the body of
average build covers in the same pose, by regularised least squares. A limb a little beside its place covers as much as
in it, so that errors of pose cancel, except where its outline is free on one side only.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.body.fitting import BodyFit
from model.body.rig import Rig
from model.body.silhouette import BodyOutline, Silhouette
from model.body.skeleton import PARENTS

# Metres; measured on rendered training subjects, whose clothes are tight.
_TIGHT, _WIDE = 0.003, 0.015  # standard deviations of how much narrower or wider silhouettes are than bodies
_ROUGH, _BAGGY = 0.01, 0.02  # of each part's own width, less or more
_ASIDE = 0.01  # of how far a part is beside its place
_LENGTH = 0.006  # of how well the lengths of bones are known before: the network tells them, girths hardly move them
_LOOSE = 0.625  # pixels by which silhouettes are wider than bodies all around
_VARIETY = 1.3  # standard deviation of shape coefficients: people are more different than those of training
_GROSS = 2.0  # times a part's error: parts that are off by more count less and less
_ROUNDS = 4
_MOST = 3.0  # of a coefficient, up or down: bodies beyond are nobody's


class BuildEstimator:
    """Estimates the shapes of posed bodies.

    Args:
        rig: the body, bare.
    """

    def __init__(self, rig: Rig):
        self._outline = BodyOutline(rig)
        bones = rig.joints[1:] - rig.joints[PARENTS]
        bones /= np.maximum(np.linalg.norm(bones, axis=1, keepdims=True), 1e-9)
        self._count = rig.build_count  # a person's age is not of her build
        directions = rig.joint_directions[: self._count]
        longer = ((directions[:, 1:] - directions[:, PARENTS]) * bones).sum(axis=2)  # (S, 21)
        self._lengths = (longer @ longer.T / _LENGTH**2).astype(np.float64)
        self._prior = self._lengths + np.eye(self._count) / _VARIETY**2

    def usual(self, shape: np.ndarray) -> np.ndarray:
        """The shape of average build whose bones are about as long as those of the shape (S,)."""
        return self._with(np.linalg.solve(self._prior, self._lengths @ shape[: self._count]), shape)

    def estimate(self, fit: BodyFit, translation: np.ndarray, silhouette: Silhouette) -> np.ndarray:
        """The shape (S,) of a body that covers what the silhouette does, its bones about as long as they were.

        Args:
            fit: the body.
            translation: (3,) metres: a point p of the body projects from p + translation.
            silhouette: the person's; where it tells nothing, the shape is `usual`.
        """
        usual = self.usual(fit.shape)
        cover = self._outline.compare(replace(fit, shape=usual), translation, silhouette)
        if not len(cover.more):
            return usual
        # The unknowns: the shape's change, and how much looser the silhouette is.
        design = np.column_stack([cover.changes[:, : self._count], cover.outline])
        more = cover.more - cover.outline * cover.pixel * _LOOSE
        aside = np.square(_ASIDE * cover.uneven) + np.square(cover.pixel**2)
        stiffness = np.eye(design.shape[1])
        stiffness[:-1, :-1] = self._prior
        change, trust = np.zeros(design.shape[1]), np.ones(len(more))
        off = np.zeros(len(more))
        for _ in range(_ROUNDS):  # re-weighted least squares stand for the robust cost of Geman and McClure
            stiffness[-1, -1] = np.where(change[-1] < 0, _TIGHT, _WIDE) ** -2.0
            noise = aside + np.square(np.where(off < 0, _ROUGH, _BAGGY) * cover.outline)
            gross = _GROSS**2 * noise
            trust = np.square(gross / (gross + np.square(off)))
            weighed = design.T * (trust / noise)
            change = np.linalg.solve(weighed @ design + stiffness, weighed @ more)
            off = more - design @ change
        return self._with(usual[: self._count] + change[:-1], usual)

    def _with(self, build: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """The shape (S,) with the coefficients of another build, as far as people have them."""
        return np.concatenate([build.clip(-_MOST, _MOST), shape[self._count :]])
