"""The close suit that a rig's body may wear: its surface evened out, with shoes.

It is one linear map of resting vertices, which `training.bodies.suit` makes. It dresses shape directions as it dresses
the template, so that bodies of all shapes in all poses wear it at no cost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix, diags

from model.body.body_file import read_body_file, refusing_broken
from model.body.hands import load_hands
from model.body.rig import Rig
from model.body.rig_file import find_rig
from model.files import atomic_write

_FORMAT = "mpt-suit-1"
_TENSORS = ("vertices", "counts", "sources", "shares")


@dataclass(frozen=True)
class Suit:
    """For bodies of V vertices, of which M are moved."""

    vertices: np.ndarray
    """(M,) int64."""
    blend: csr_matrix
    """(M, V) rows sum to 1: each one as a blend of bare vertices."""

    def wear(self, resting: np.ndarray) -> np.ndarray:
        """Dresses resting vertices, or directions of them, (..., V, 3)."""
        worn, columns = resting.copy(), np.moveaxis(resting, -2, 0)
        moved = self.blend @ columns.reshape(len(columns), -1)
        worn[..., self.vertices, :] = np.moveaxis(moved.reshape(-1, *columns.shape[1:]), 0, -2)
        return worn


@lru_cache(maxsize=4)
def find_worn(vertex_count: int, path: Path | None = None) -> Rig | None:
    """The rig of the bodies that people get: that of `find_rig`, dressed, and with fingers where they are known."""
    from weights import path as shipped

    rig = find_rig(vertex_count, path)
    if rig is None:
        return None
    hands = load_hands(shipped("anny-hands"))
    return dressed(replace(rig, hands=hands if hands.size == vertex_count else None))


def dressed(rig: Rig, path: Path | None = None) -> Rig:
    """The rig whose body wears the suit; the same rig if there is no suit for its mesh.

    Bones, weights and joints stay as they are, so that a pose and a shape that were fitted without it go with it.

    Args:
        rig: a bare body's.
        path: the suit's file; None for the one that comes with the project.

    Raises:
        BadData: the file cannot be used.
    """
    from weights import path as shipped

    suit = load_suit(path or shipped("anny-suit"))
    if suit.blend.shape[1] != rig.vertex_count:
        return rig
    return replace(rig, template=suit.wear(rig.template), shape_directions=suit.wear(rig.shape_directions))


def save_suit(path: Path, suit: Suit) -> None:
    """Writes a suit as safetensors."""
    blend = suit.blend.tocsr()
    arrays = (suit.vertices, np.diff(blend.indptr), blend.indices)
    tensors = {name: array.astype(np.uint16) for name, array in zip(_TENSORS, arrays)}
    about = {"format": _FORMAT, "size": blend.shape[1]}
    with atomic_write(path) as partial:
        save_file(tensors | {"shares": blend.data.astype(np.float16)}, partial, metadata={"mpt": json.dumps(about)})


def load_suit(path: Path) -> Suit:
    """Reads a suit and checks it: it is a file from outside.

    Raises:
        BadData: it is not there, is none of ours, or contradicts itself; the message names it.
    """
    with refusing_broken(path, "suit", "training.bodies.suit"):
        about, (vertices, counts, sources, shares) = read_body_file(path, _FORMAT, _TENSORS)
        size, ends = int(about["size"]), np.append(0, np.cumsum(counts, dtype=np.int64))
        blend = csr_matrix((shares.astype(np.float64), sources.astype(np.int64), ends), (len(vertices), size))
        blend.check_format()
        if not np.isfinite(blend.data).all() or not len(vertices) or vertices.max() >= size:
            raise ValueError("it points nowhere")
        total = np.asarray(blend.sum(axis=1)).ravel()  # half precision lost a little of "rows sum to 1"
        if np.abs(total - 1).max() > 0.01:
            raise ValueError("its rows do not sum to 1")
    return Suit(vertices.astype(np.int64), (diags(1 / total) @ blend).tocsr())
