"""The close suit that a rig's body may wear: its surface evened out, with shoes.

It is one linear map of resting vertices, which `training.bodies.suit` makes. It dresses shape directions as it dresses
the template, so that bodies of all shapes in all poses wear it at no cost.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy.sparse import csr_matrix, diags

from model.body.rig import Rig
from model.body.rig_file import find_rig
from model.errors import BadData


@lru_cache(maxsize=4)
def find_worn(vertex_count: int, path: Path | None = None) -> Rig | None:
    """The rig of the bodies that people get: that of `find_rig`, dressed."""
    rig = find_rig(vertex_count, path)
    return None if rig is None else dressed(rig)


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

    path = path or shipped("anny-suit")
    try:
        tensors = load_file(path)
        vertices, counts, sources = (tensors[name].astype(np.int64) for name in ("vertices", "counts", "sources"))
        shares, (size,) = tensors["shares"].astype(np.float64), tensors["size"].tolist()
        if size != rig.vertex_count:
            return rig
        suit = csr_matrix((shares, sources, np.append(0, np.cumsum(counts))), (len(vertices), size))
        suit.check_format()
        suit = diags(1 / suit.sum(axis=1).A1) @ suit  # half precision lost a little of "rows sum to 1"
        if not (np.isfinite(shares).all() and vertices.min() >= 0 and vertices.max() < size):
            raise ValueError("it points nowhere")
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise BadData(f"{path} is no sound suit ({error}); make it anew by `python -m training.bodies.suit`.") from None

    def wear(resting: np.ndarray) -> np.ndarray:
        """Of (..., V, 3)."""
        worn, columns = resting.copy(), np.moveaxis(resting, -2, 0)
        moved = (suit @ columns.reshape(size, -1)).reshape(len(vertices), *columns.shape[1:])
        worn[..., vertices, :] = np.moveaxis(moved, 0, -2)
        return worn

    return replace(rig, template=wear(rig.template), shape_directions=wear(rig.shape_directions))
