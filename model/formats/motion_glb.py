"""A body in motion as one GLB: morph targets that are few, though the frames are many.

A target a frame would take 330 KB each, 100 MB for ten seconds. Bodies that move are much alike, though: each frame's
mesh is turned to face as the others do, and what is left is a sum of few principal shapes (Alexa and Müller,
"Representing Animations by Principal Components", Computer Graphics Forum 2000). These are the targets; each frame is
their weights, a rotation and a translation, and players interpolate between frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.alignment import nearest_rotation
from model.body.motion import absences
from model.body.normals import vertex_normals
from model.formats.gltf import GltfWriter

_ERROR = 0.003  # metres, root mean square: as many shapes as that takes, 330 KB each
_SHAPES = 64  # at most, whatever the error: 21 MB
_SAMPLES = 256  # frames that the shapes are found from
_TURN_UP = np.array([1.0, -1.0, -1.0], np.float32)  # camera frame to y up, a rotation


@dataclass(frozen=True)
class Motion:
    """A mesh that moves, y up, as a sum of shapes."""

    times: np.ndarray
    """(N,) seconds, rising."""
    rotations: np.ndarray
    """(N, 4) quaternions x, y, z, w, without jumps."""
    translations: np.ndarray
    """(N, 3) metres."""
    weights: np.ndarray
    """(N, K) of the shapes, 0..1: Blender and gltfpack cut off what is negative."""
    mean: np.ndarray
    """(V, 3) metres."""
    shapes: np.ndarray
    """(K, V, 3) metres, to be added to the mean."""
    mean_normals: np.ndarray
    """(V, 3)."""
    shape_normals: np.ndarray
    """(K, V, 3), to be added to the mean's; players make the sum a unit vector."""
    error: float
    """Metres: how far vertices are from where they should be, in the mean."""

    def moved(self, rotation: np.ndarray, origin: np.ndarray) -> Motion:
        """In other axes: points p become rotation (3, 3), or each frame's of (N, 3, 3), times p - origin (3,)."""
        turned = rotation @ Rotation.from_quat(self.rotations).as_matrix()
        translations = (rotation @ (self.translations - origin)[..., None])[..., 0].astype(np.float32)
        return replace(self, rotations=_quaternions(turned), translations=translations)


def find_motion(
    times: Sequence[float], meshes: Sequence[np.ndarray] | np.ndarray, translations: np.ndarray, faces: np.ndarray
) -> Motion:
    """Take a motion apart into a mean, principal shapes and their weights.

    Args:
        times: N times in seconds, rising.
        meshes: N of (V, 3) metres, camera frame, pelvis at the origin; read one by one, so that they may be on disk.
        translations: (N, 3) places of the pelvis, metres, camera frame.
        faces: (F, 3).
    """
    count = len(times)
    samples = np.unique(np.linspace(0, count - 1, min(count, _SAMPLES)).round().astype(int))
    some = np.stack([meshes[i] for i in samples]) * _TURN_UP
    reference = some[len(some) // 2]
    for _ in range(2):  # to one mesh first, then to the mean
        reference = np.stack([mesh @ _turn(mesh, reference) for mesh in some]).mean(axis=0)
    turned = np.stack([mesh @ _turn(mesh, reference) for mesh in some])
    shapes = _principal(turned - reference)  # (K, V, 3), orthonormal

    flat = shapes.reshape(len(shapes), reference.size)
    weights = np.zeros((count, len(shapes)), np.float32)
    turns = np.zeros((count, 3, 3))
    distance = 0.0
    for i in range(count):
        mesh = meshes[i] * _TURN_UP
        turns[i] = _turn(mesh, reference)
        off = mesh @ turns[i] - reference
        weights[i] = flat @ off.ravel()
        rest = off - (weights[i] @ flat).reshape(off.shape)
        distance += float(np.sqrt(np.square(rest).sum(axis=1)).mean())

    normals = np.stack([vertex_normals(mesh, faces) for mesh in turned])
    design = np.column_stack([np.ones(len(samples)), weights[samples]])  # (n, 1 + K)
    fitted = np.linalg.lstsq(design, normals.reshape(len(samples), -1), rcond=None)[0].astype(np.float32)
    fitted = fitted.reshape(len(design[0]), *reference.shape)
    lengths = np.linalg.norm(fitted[0], axis=1, keepdims=True)
    mean_normals = np.where(lengths > 1e-6, fitted[0] / np.maximum(lengths, 1e-6), (0, 1, 0))
    if len(shapes):
        weights, shapes, fitted = _positive(weights, shapes, fitted)
    return Motion(
        np.asarray(times, np.float32),
        _quaternions(turns),  # rows times `turn` head as the mean does, so that `turn` times a column is the way back
        np.asarray(translations, np.float32) * _TURN_UP,
        weights,
        reference,
        shapes,
        mean_normals.astype(np.float32),
        fitted[1:],
        distance / count,
    )


def to_glb(motion: Motion, faces: np.ndarray, name: str, colors: np.ndarray | None = None) -> bytes:
    """Write a motion as a binary glTF 2.0 file: y up, times as in the video.

    Args:
        motion: What moves.
        faces: (F, 3), counter-clockwise seen from outside.
        name: Name of the node and the mesh.
        colors: (V, 3) uint8 sRGB of the vertices; None for one colour.
    """
    file = GltfWriter()
    targets = [
        {"POSITION": file.points(shape), "NORMAL": file.points(normals)}
        for shape, normals in zip(motion.shapes, motion.shape_normals)
    ]
    primitive: dict[str, object] = {
        "attributes": {
            "POSITION": file.points(motion.mean),
            "NORMAL": file.points(motion.mean_normals),
            **({} if colors is None else {"COLOR_0": file.colors(colors)}),
        },
        "indices": file.indices(faces),
        "material": 0,
    }
    mesh: dict[str, object] = {"name": name, "primitives": [primitive]}
    paths = {(0, "translation"): motion.translations, (0, "rotation"): motion.rotations}
    node: dict[str, object] = {"name": name, "mesh": 0}
    node |= {path: values[0].tolist() for (_, path), values in paths.items()}
    if targets:
        primitive["targets"] = targets
        mesh["weights"] = motion.weights[0].tolist()
        paths[0, "weights"] = motion.weights
    file.animate(motion.times, paths, 0, absences(motion.times))
    return file.finish([node], mesh)


def _turn(mesh: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) that takes a mesh nearest to a reference by `mesh @ it`."""
    return nearest_rotation(mesh.T.astype(np.float64) @ reference).astype(np.float32)


def _principal(offsets: np.ndarray) -> np.ndarray:
    """The fewest principal shapes (K, V, 3) float32, orthonormal, that leave an error of `_ERROR` of (n, V, 3)."""
    flat = offsets.reshape(len(offsets), -1)
    values, vectors = np.linalg.eigh((flat @ flat.T).astype(np.float64))  # rising
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    left = values.sum() - np.cumsum(values)  # squared metres that are left after 1, 2, ... shapes
    allowed = _ERROR**2 * offsets.shape[0] * offsets.shape[1]
    count = 0 if values.sum() <= allowed else int(np.argmax(left <= allowed)) + 1
    count = min(count, _SHAPES)
    shapes = (vectors[:, :count] / np.sqrt(np.maximum(values[:count], 1e-12))).T.astype(np.float32) @ flat
    return shapes.reshape(count, *offsets.shape[1:])


def _positive(
    weights: np.ndarray, shapes: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights within 0..1 by one more shape, always at 1, that stands where all others are at their least.

    Args:
        weights: (N, K).
        shapes: (K, V, 3).
        normals: (1 + K, V, 3), the mean's and the shapes'.

    Returns:
        (N, 1 + K), (1 + K, V, 3) and (2 + K, V, 3), with the same sums.
    """
    least = weights.min(axis=0)
    extent = np.maximum(weights.max(axis=0) - least, 1e-9)

    def moved(parts: np.ndarray) -> np.ndarray:
        return np.concatenate([np.tensordot(least, parts, 1)[None], parts * extent[:, None, None]])

    weights = np.column_stack([np.ones(len(weights), np.float32), (weights - least) / extent])
    return weights, moved(shapes), np.concatenate([normals[:1], moved(normals[1:])])


def _quaternions(turns: np.ndarray) -> np.ndarray:
    """(N, 4) x, y, z, w float32 of rotations (N, 3, 3), without flips of sign from one to the next."""
    quaternions = Rotation.from_matrix(turns).as_quat()
    flips = np.cumprod(np.where((quaternions[1:] * quaternions[:-1]).sum(axis=1) < 0, -1, 1))
    quaternions[1:] *= flips[:, None]
    return quaternions.astype(np.float32)
