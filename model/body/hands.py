"""The fingers of a rig's body: SMPL-H's 30 joints, which turn before the body is posed, and how they rest.

Fitting knows hands as one piece, since networks answer with flat ones; fingers are turned on the body that people get.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix
from scipy.spatial.transform import Rotation

from model.body.body_file import read_body_file, refusing_broken
from model.files import atomic_write
from model.joints import FINGER_NAMES, FINGER_PARENTS, JOINTS

FINGERS = len(FINGER_NAMES)
WRISTS = (20, 21)
_FORMAT = "mpt-hands-1"
_TENSORS = ("vertices", "shares", "head_columns", "head_weights", "relaxed")


@dataclass(frozen=True)
class Hands:
    """The fingers of bodies of V vertices, of which M hang on fingers."""

    size: int
    """V."""
    vertices: np.ndarray
    """(M,) int64."""
    shares: np.ndarray
    """(M, 30) float32: how much of each vertex's motion each finger joint has; what is left goes with the wrist."""
    head_columns: np.ndarray
    """(30, N) int64: vertices between which each finger joint lies,"""
    head_weights: np.ndarray
    """(30, N) float32: and their weights, rows sum to 1."""
    relaxed: np.ndarray
    """(30, 3) axis-angle relative to the parent's, in the T-pose's axes: hands nobody saw. Zeros are flat hands."""

    @cached_property
    def relaxed_rotations(self) -> np.ndarray:
        """(30, 3, 3)."""
        found: np.ndarray = Rotation.from_rotvec(self.relaxed).as_matrix()
        return found

    @cached_property
    def _regressor(self) -> csr_matrix:
        rows = np.repeat(np.arange(FINGERS), self.head_columns.shape[1])
        entries = (self.head_weights.ravel().astype(np.float64), (rows, self.head_columns.ravel()))
        return csr_matrix(entries, (FINGERS, self.size))

    def heads(self, vertices: np.ndarray) -> np.ndarray:
        """Where the finger joints are on a flat-handed body's vertices (..., V, 3): (..., 30, 3)."""
        flat = vertices.reshape(-1, self.size, 3)
        found = np.stack([self._regressor @ each for each in flat.astype(np.float64)])
        return found.reshape(*vertices.shape[:-2], FINGERS, 3)

    def tips(self, vertices: np.ndarray) -> np.ndarray:
        """(10, 3) where fingers end on a flat-handed body's vertices (V, 3), in the order of the joints."""
        heads, ends = self.heads(vertices), []
        for last in range(2, FINGERS, 3):
            own = vertices[self.vertices[self.shares[:, last] > 0.5]]
            ends.append(own[np.linalg.norm(own - heads[last], axis=1).argmax()])
        return np.array(ends)

    def bend(self, vertices: np.ndarray, straighten: np.ndarray, rotations: np.ndarray | None = None) -> np.ndarray:
        """Turns the fingers of bodies that stand as they were modelled, with flat hands.

        Args:
            vertices: (..., V, 3) metres.
            straighten: (..., 22, 3, 3) see `Rest.straighten`.
            rotations: (..., 30, 3, 3) relative to the parent's in the T-pose; None for relaxed hands.

        Returns:
            (..., V, 3), the same but for the fingers.
        """
        local = self.relaxed_rotations if rotations is None else rotations
        heads = self.heads(vertices)  # (..., 30, 3)
        turns, shifts = np.empty((*heads.shape, 3)), np.empty(heads.shape)
        for finger, parent in enumerate(FINGER_PARENTS):
            own = straighten[..., WRISTS[finger // 15], :, :]  # from as modelled to the T-pose
            turn = np.swapaxes(own, -1, -2) @ local[..., finger, :, :] @ own
            shift = heads[..., finger, :] - _turned(turn, heads[..., finger, :])
            if parent >= JOINTS:
                above, before = turns[..., parent - JOINTS, :, :], shifts[..., parent - JOINTS, :]
                turn, shift = above @ turn, _turned(above, shift) + before
            turns[..., finger, :, :], shifts[..., finger, :] = turn, shift
        motions = np.concatenate([turns - np.eye(3), shifts[..., None]], axis=-1, dtype=np.float32)  # (..., 30, 3, 4)
        flat = self.shares @ motions.reshape(*motions.shape[:-2], 12)  # (..., M, 12)
        blended = flat.reshape(*flat.shape[:-1], 3, 4)  # what moves beyond rest
        own = vertices[..., self.vertices, :]
        bent = vertices.copy()
        bent[..., self.vertices, :] = own + _turned(blended[..., :3], own) + blended[..., 3]
        return bent

    def offsets(self, rest_joints: np.ndarray, vertices: np.ndarray, straighten: np.ndarray) -> np.ndarray:
        """(30, 3) from each finger joint's parent to the joint in the T-pose, of one flat-handed body.

        Args:
            rest_joints: (22, 3); vertices: (V, 3); straighten: (22, 3, 3): see `Rest`.
        """
        places = np.concatenate([rest_joints, self.heads(vertices)])  # (52, 3)
        along = places[JOINTS:] - places[list(FINGER_PARENTS)]
        return _turned(with_fingers(straighten)[JOINTS:], along)

    def weights(self, dense: np.ndarray) -> np.ndarray:
        """Dense skinning weights (V, 22) of hands in one piece to those of all joints (V, 52)."""
        split = np.concatenate([dense, np.zeros((self.size, FINGERS), dense.dtype)], axis=1)
        for side, wrist in enumerate(WRISTS):
            own = slice(side * FINGERS // 2, (side + 1) * FINGERS // 2)
            shares, whole = self.shares[:, own], dense[self.vertices, wrist]
            split[self.vertices, JOINTS + own.start : JOINTS + own.stop] = shares * whole[:, None]
            split[self.vertices, wrist] = whole * (1 - shares.sum(axis=1)).clip(0)
        return split


def with_fingers(values: np.ndarray) -> np.ndarray:
    """Values (22, ...) of the joints, and behind them each finger joint's, which are its wrist's: (52, ...)."""
    return np.concatenate([values, values[np.repeat(WRISTS, FINGERS // 2)]])


def _turned(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(..., 3, 3) times (..., 3)."""
    return (matrices @ points[..., None])[..., 0]


def save_hands(path: Path, hands: Hands) -> None:
    """Writes hands as safetensors."""
    tensors: dict[str, np.ndarray] = {
        "vertices": hands.vertices.astype(np.uint16),
        "shares": hands.shares.astype(np.float16),
        "head_columns": hands.head_columns.astype(np.uint16),
        "head_weights": hands.head_weights.astype(np.float32),
        "relaxed": hands.relaxed.astype(np.float32),
    }
    with atomic_write(path) as partial:
        save_file(tensors, partial, metadata={"mpt": json.dumps({"format": _FORMAT, "size": hands.size})})


def load_hands(path: Path) -> Hands:
    """Reads hands and checks them: it is a file from outside.

    Raises:
        BadData: it is not there, is none of ours, or contradicts itself; the message names it.
    """
    with refusing_broken(path, "hands", "training.bodies.fingers"):
        about, (vertices, shares, columns, weights, relaxed) = read_body_file(path, _FORMAT, _TENSORS)
        size = int(about["size"])
        shapes = (shares.shape, columns.shape, weights.shape, relaxed.shape)
        if shapes != ((len(vertices), FINGERS), (FINGERS, columns.shape[1]), columns.shape, (FINGERS, 3)):
            raise ValueError("its sizes are of no hands")
        if not len(vertices) or max(vertices.max(), columns.max()) >= size:
            raise ValueError("it points nowhere")
        if not all(np.isfinite(array).all() for array in (shares, weights, relaxed)):
            raise ValueError("it holds NaN or infinity")
        if np.abs(weights.sum(axis=1) - 1).max() > 0.01 or shares.min() < 0 or shares.sum(axis=1).max() > 1.01:
            raise ValueError("its weights do not sum to 1")
    indices = (vertices.astype(np.int64), shares.astype(np.float32), columns.astype(np.int64))
    return Hands(size, *indices, weights.astype(np.float32), relaxed.astype(np.float64))
