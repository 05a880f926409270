"""Reads the weights of a TensorFlow.js graph model: a JSON manifest and the binary files beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from model.errors import BadCheckpoint

# How a value lies in the file: the quantisation if the entry names one, else its own dtype.
_STORED_DTYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4"}


def read_tfjs(manifest: Path) -> dict[str, np.ndarray]:
    """Reads every weight that a graph model's manifest lists.

    Values quantised to float16 stay float16, the precision that the file has.

    Args:
        manifest: The model's .json file. Its binary files must lie in the same folder.

    Returns:
        Tensor name -> array in TensorFlow's layout (convolutions are height, width, in, out).

    Raises:
        BadCheckpoint: If the manifest is no such model, lists a tensor that is malformed or quantised in another
            way, or disagrees with the size of its binary files.
    """
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"{manifest} cannot be read as JSON ({error}); get the file again.") from error
    groups = content.get("weightsManifest") if isinstance(content, dict) else None
    if not isinstance(groups, list) or not groups:
        raise BadCheckpoint(f"{manifest} lists no weights: it is no TensorFlow.js model; get the file again.")
    tensors: dict[str, np.ndarray] = {}
    for group in groups:
        try:
            tensors |= _read_group(manifest.parent, group["paths"], group["weights"])
        except (KeyError, TypeError) as error:
            raise BadCheckpoint(f"{manifest} is malformed ({error!r}); get the file again.") from error
    return tensors


def weights_in_order(manifest: Path) -> list[str]:
    """The names of a graph model's weights in the order in which its layers use them.

    Some converters number the weights without regard to layers; then the graph alone tells which is whose.

    Args:
        manifest: The model's .json file.

    Raises:
        BadCheckpoint: If it holds no graph.
    """
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        weights = {entry["name"] for group in content["weightsManifest"] for entry in group["weights"]}
        nodes = content["modelTopology"]["node"]
        return [name for node in nodes for name in node.get("input", ()) if name in weights]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(f"{manifest} holds no graph ({error!r}); get the file again.") from error


def _read_group(folder: Path, names: list[str], entries: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Cuts the concatenation of a group's binary files into its tensors."""
    data = b"".join(_read_shard(folder, name) for name in names)
    where = f"{folder}/{', '.join(names)}"
    tensors: dict[str, np.ndarray] = {}
    offset = 0
    for entry in entries:
        name, shape = entry["name"], entry["shape"]
        if not all(type(size) is int and size >= 0 for size in shape):
            raise BadCheckpoint(f"{where}: tensor {name} has the shape {shape}; get the file again.")
        dtype = _stored_dtype(entry, where)
        count = math.prod(shape)
        end = offset + count * dtype.itemsize
        if end > len(data):
            raise BadCheckpoint(f"{where} ends inside tensor {name}: it is cut off; get the file again.")
        tensors[name] = np.frombuffer(data, dtype, count, offset).reshape(shape)
        offset = end
    if offset != len(data):
        raise BadCheckpoint(f"{where} has {len(data)} bytes, its manifest lists {offset}; get the file again.")
    return tensors


def _read_shard(folder: Path, name: str) -> bytes:
    # A manifest is outside input: it must not point anywhere but into its own folder.
    if Path(name).name != name:
        raise BadCheckpoint(f"The manifest in {folder} points to {name!r}, outside its folder; get the file again.")
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise BadCheckpoint(f"{folder / name} cannot be read ({error}); put it beside its .json file.") from error


def _stored_dtype(entry: dict[str, Any], where: str) -> np.dtype[Any]:
    stored = entry.get("quantization", entry)["dtype"]
    if stored not in _STORED_DTYPES:
        raise BadCheckpoint(
            f"{where}: tensor {entry['name']} is stored as {stored}; only {', '.join(_STORED_DTYPES)} can be read."
        )
    return np.dtype(_STORED_DTYPES[stored])
