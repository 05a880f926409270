"""Names and turns the tfjs tensors of MediaPipe's hand networks into the parameters of our PyTorch modules.

Their converters kept few names, hence the order in which the layers use the tensors tells which is whose.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.errors import BadCheckpoint

_RESIDUALS = 15  # of the landmark network
_STAGES, _BLOCKS = 5, 7  # of the palm detector


def landmarks_state_dict(tensors: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """The state dict of `HandLandmarkNet`.

    The head that places the joints in metres is left out: our own network does that.

    Args:
        tensors: In the order of the layers; kernels are height, width, in, out.

    Returns:
        Parameter name -> contiguous array in PyTorch's layout, in the precision of the file.

    Raises:
        BadCheckpoint: If they are not this network's.
    """
    layers = ["stem"]
    for block in range(_RESIDUALS):
        layers += [f"blocks.{block}.{layer}" for layer in ("expand", "depthwise", "project")[block == 0 :]]
    layers += ["last", "last_depthwise", "points", "presence", "", "handedness"]
    named = _named(tensors, [parameter for layer in layers for parameter in _layer(layer)])
    return {name: _turned(name, values) for name, values in named.items() if not name.startswith(".")}


def palms_state_dict(tensors: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """The state dict of `PalmDetector`; see `landmarks_state_dict`."""
    parameters = _layer("stem")
    for stage in range(_STAGES):
        for block in range(_BLOCKS + (stage > 0)):  # the first of a later stage halves the size
            parameters += _blaze_block(f"stages.{stage}.{block}")
    for level, head in enumerate((2, 1)):  # coarse to fine
        parameters += [*_layer(f"heads.{head}.score"), f"up.{level}.weight", *_layer(f"heads.{head}.place")]
        parameters += [f"up.{level}.scale", f"up.{level}.bias", *_blaze_block(f"merge.{level}")]
    parameters += [*_layer("heads.0.score"), *_layer("heads.0.place")]
    named = {name: _turned(name, values) for name, values in _named(tensors, parameters).items()}
    for level in range(2):  # a batch norm that their converter could not fold
        scale = named.pop(f"up.{level}.scale").astype(np.float32)
        named[f"up.{level}.weight"] = named[f"up.{level}.weight"] * scale[:, None, None]  # (in, out, h, w)
    return named


def _layer(name: str) -> list[str]:
    return [f"{name}.weight", f"{name}.bias"]


def _blaze_block(name: str) -> list[str]:
    return [f"{name}.depthwise.weight", *_layer(f"{name}.pointwise")]


def _named(tensors: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    floating = [values for values in tensors if values.dtype.kind == "f"]  # the others are shapes and axes
    if len(floating) != len(names):
        raise BadCheckpoint(f"The file has {len(floating)} tensors instead of {len(names)}: it is another network's.")
    return dict(zip(names, floating, strict=True))


def _turned(name: str, values: np.ndarray) -> np.ndarray:
    """To PyTorch's layout; a depthwise kernel is height, width, channels, 1, one that enlarges has out before in."""
    if values.ndim == 4:
        values = values.transpose(2, 3, 0, 1) if "depthwise" in name else values.transpose(3, 2, 0, 1)
    elif values.ndim == 2:
        values = values.T
    return np.ascontiguousarray(values)
