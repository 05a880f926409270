"""How much of a photo a posed body covers, part by part, and how much a silhouette does."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model.body.fitting import BodyFit
from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global
from model.joints import JOINTS

_NEAREST = 0.1  # metres before the camera: keeps a projection finite
_FAR = 2.0**14  # pixels: no coordinate overflows
_REACH = 0.08  # metres: how far beside the body what the silhouette covers is still hers
_DRAWN = 0.5  # pixels by which polygons are drawn too large: all pixels that they touch
_BESIDE = 1.5  # pixels from a part's outline: free if nothing is drawn there
_IN_SIGHT = 0.3  # of a part's hull, at least
_COVERED = 0.5  # of a part in sight, at least: there is something else in front of the others
_LEAST = 4  # vertices of a part
_SLABS, _AROUND = 6, 12  # slices of each part, and in how many directions the outermost vertices of each are taken
_TRUNK = (0, 3, 6, 9, 13, 14)  # joints that carry the trunk's vertices
_CUTS = (0.28, 0.62)  # of the way from the pelvis up to the neck: where the trunk is cut
_HIPS = [1, 2]
_LIMBS = ((1,), (2,), (4,), (5,), (16,), (17,), (18,), (19,))
_OTHERS = ((7, 10), (8, 11), (20,), (21,), (12, 15))  # feet, hands, head: they only hide, since shoes and hair do


@dataclass(frozen=True)
class Silhouette:
    """Which pixels are a person's."""

    mask: np.ndarray
    """(S, S) 0 to 1; NaN where the photo shows nothing."""
    to_mask: np.ndarray
    """(2, 3) takes a ray (x / z, y / z, 1) to pixels of the mask, whose first one's middle is at (0.5, 0.5)."""


@dataclass(frozen=True)
class Coverage:
    """What a silhouette covers about P parts of a body, at the body's distance."""

    more: np.ndarray
    """(P,) square metres: how much more than the body."""
    changes: np.ndarray
    """(P, S) square metres that the body covers more for each unit of a shape coefficient, by its free outline."""
    outline: np.ndarray
    """(P,) metres: how long the free outline is."""
    uneven: np.ndarray
    """(P,) metres: by how much longer it is on one side; what a part covers more that is a metre beside its place."""
    pixel: float
    """Metres: a side of the mask's pixels."""


class BodyOutline:
    """The parts of a body as convex hulls.

    Args:
        rig: the body, bare.
    """

    def __init__(self, rig: Rig):
        self._rig = rig
        measured, others = _parts(rig)
        parts = [_outermost(rig.template, part) for part in (*measured, *others)]
        ends = np.cumsum([len(part) for part in parts])
        self._parts = [slice(end - len(part), end) for part, end in zip(parts, ends, strict=True)]
        self._told = len(measured)
        vertices = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        self._template, self._weights = rig.template[vertices], rig.dense_weights[vertices]
        self._directions = np.moveaxis(rig.shape_directions[:, vertices], 0, 2).copy()  # (N, 3, S)

    def compare(self, fit: BodyFit, translation: np.ndarray, silhouette: Silhouette) -> Coverage:
        """Compares a body with a silhouette: the parts that are in sight, wholly in the photo, with a free outline.

        Args:
            fit: the body.
            translation: (3,) metres: a point p of the body projects from p + translation.
            silhouette: the person's.
        """
        if not self._told:
            none = np.zeros(0)
            return Coverage(none, np.zeros((0, len(fit.shape))), none, none, 0.0)
        joints, straighten = self._rig.skeleton(fit.shape)
        turns = (to_global(fit.rotations) @ straighten).astype(np.float32)
        blended = np.tensordot(self._weights, turns, axes=1)  # (N, 3, 3)
        places = joint_positions(joints, turns, fit.translation + translation)
        rest = self._template + self._directions @ fit.shape.astype(np.float32)
        vertices = (blended @ rest[..., None])[..., 0]
        vertices += self._weights @ (places - (turns @ joints[..., None])[..., 0])
        depth = np.maximum(vertices[:, 2:], _NEAREST)
        rays = vertices[:, :2] / depth
        axes = silhouette.to_mask[:, :2]
        points = (rays @ axes.T + silhouette.to_mask[:, 2]).clip(-_FAR, _FAR)  # (N, 2) pixels of the mask
        pixel = float(np.median(depth) / np.sqrt(abs(np.linalg.det(axes))))

        rounded, fixed = points.astype(np.float32), np.round(16 * (points - 0.5)).astype(np.int32)
        hulls = [part.start + _hull(rounded[part]) for part in self._parts]
        drawn = np.zeros(silhouette.mask.shape, np.uint8)
        sums = np.add.reduceat(vertices[:, 2], [part.start for part in self._parts])
        for part in np.argsort(-sums / [part.stop - part.start for part in self._parts]):  # the nearest last
            cv2.fillConvexPoly(drawn, fixed[hulls[part]], int(part) + 1, shift=4)
        own, seen, unknown = _covered(drawn, silhouette.mask, _REACH / pixel, self._told)

        hulls = hulls[: self._told]
        corners, sizes = np.concatenate(hulls), np.array([len(hull) for hull in hulls])
        last = np.cumsum(sizes) - 1
        first = last + 1 - sizes
        following = np.arange(1, len(corners) + 1)
        following[last] = first
        start, end = points[corners], points[corners[following]]
        twice = np.add.reduceat(start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0], first)  # their areas
        outward = ((end - start) * np.repeat(np.sign(twice), sizes)[:, None])[:, ::-1] * (1, -1)  # as long as edges
        long = np.linalg.norm(outward, axis=1)
        beside = (start + end) / 2 + _BESIDE * outward / np.maximum(long, 1e-6)[:, None]
        free = _is_free(drawn, beside)
        outward *= free[:, None]
        outline = np.add.reduceat(free * long, first)

        # What the outline sweeps over when it moves with the shape.
        moves = self._moves(turns, blended[corners], corners)  # (E, 3, S)
        flat = axes @ ((moves[:, :2] - rays[corners, :, None] * moves[:, 2:]) / depth[corners, :, None])
        swept = ((flat + flat[following]) * (outward / 2)[..., None]).sum(axis=1)  # (E, S)
        told = (unknown == 0) & (own > _IN_SIGHT * np.abs(twice / 2)) & (seen > _COVERED * own) & (outline > 0)
        return Coverage(
            more=(seen - own + _DRAWN * outline)[told] * pixel**2,
            changes=np.add.reduceat(swept, first)[told] * pixel**2,
            outline=outline[told] * pixel,
            uneven=np.linalg.norm(np.add.reduceat(outward, first), axis=1)[told] * pixel,
            pixel=pixel,
        )

    def _moves(self, turns: np.ndarray, blended: np.ndarray, vertices: np.ndarray) -> np.ndarray:
        """(E, 3, S) where vertices (E,) go for each unit of a shape coefficient, seen from the hips."""
        directions = self._rig.joint_directions
        places = joint_positions(directions, np.broadcast_to(turns, (len(directions), *turns.shape)), np.zeros(3))
        places -= places[:, _HIPS].mean(axis=1, keepdims=True)
        offsets = places - (turns @ directions[..., None])[..., 0]  # (S, 22, 3)
        carried = self._weights[vertices] @ offsets.transpose(1, 2, 0).reshape(JOINTS, -1).astype(np.float32)
        moves: np.ndarray = blended @ self._directions[vertices] + carried.reshape(len(vertices), 3, -1)
        return moves


def _parts(rig: Rig) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Each part's vertices, and the others': those that have enough for a hull."""
    joint, height = rig.dense_weights.argmax(axis=1), rig.template[:, 1]
    low, high = rig.joints[0, 1], rig.joints[12, 1]
    piece, trunk = np.digitize(height, [low + cut * (high - low) for cut in _CUTS]), np.isin(joint, _TRUNK)
    parts = [trunk & (piece == each) for each in range(len(_CUTS) + 1)]
    parts += [np.isin(joint, carriers) for carriers in _LIMBS]
    others = [np.isin(joint, carriers) for carriers in _OTHERS]
    measured, hiding = ([np.flatnonzero(p) for p in each if p.sum() >= _LEAST] for each in (parts, others))
    return measured, hiding


def _outermost(template: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Those of a part's vertices that stick out most, from which its hull comes whatever its pose."""
    points = template[part] - template[part].mean(axis=0)
    along, across, deep = (points @ np.linalg.svd(points, full_matrices=False)[2].T).T
    slab = np.digitize(along, np.linspace(along.min(), along.max(), _SLABS + 1)[1:-1])
    angles = np.arange(_AROUND) * (2 * np.pi / _AROUND)
    out = np.outer(across, np.cos(angles)) + np.outer(deep, np.sin(angles))
    kept = {int(along.argmin()), int(along.argmax())}
    for each in np.unique(slab):
        rows = np.flatnonzero(slab == each)
        kept |= set(rows[out[rows].argmax(axis=0)].tolist())
    return part[sorted(kept)]


def _hull(points: np.ndarray) -> np.ndarray:
    """Indices of those of some points (N, 2) float32 that are their convex hull, in turn."""
    corners: np.ndarray = cv2.convexHull(points, returnPoints=False)[:, 0]
    return corners


def _covered(
    drawn: np.ndarray, mask: np.ndarray, reach: float, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each of the first parts, (count,) in pixels: what it covers; what the silhouette does; what is not known.

    The silhouette's pixels are those of the part that is nearest, if it is no farther than `reach`.
    """
    if not drawn.any():
        return np.zeros(count), np.zeros(count), np.zeros(count)
    margin = int(min(reach, max(drawn.shape))) + 1
    about = tuple(_span(np.flatnonzero(drawn.any(axis=axis)), margin) for axis in (1, 0))
    drawn, mask = drawn[about], mask[about]
    own = np.bincount(drawn.ravel(), minlength=count + 1)[1 : count + 1]
    away, label = cv2.distanceTransformWithLabels(
        (drawn == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    name = np.zeros(int(label.max()) + 1, np.uint8)
    name[label[drawn > 0]] = drawn[drawn > 0]
    close = away <= reach
    nearest, values = name[label[close]], mask[close]
    known = np.isfinite(values)
    seen, unknown = (
        np.bincount(nearest, weights, count + 1)[1 : count + 1] for weights in (np.where(known, values, 0), ~known)
    )
    return own, seen, unknown


def _span(places: np.ndarray, margin: int) -> slice:
    """From the first to the last of some rising places (N,), and so many more on each side."""
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + margin + 1)


def _is_free(drawn: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(E,) bool: the places (E, 2) are in the picture, and nothing is drawn there."""
    size = np.array(drawn.shape[::-1])
    at = np.floor(places.clip(-1, size)).astype(int)
    x, y = at.clip(0, size - 1).T
    free: np.ndarray = ((at >= 0) & (at < size)).all(axis=1) & (drawn[y, x] == 0)
    return free
