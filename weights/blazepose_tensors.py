"""Names and turns BlazePose's tfjs tensors into the parameters of our PyTorch module.

Its layers are numbered in the order in which they were made: pointwise and depthwise convolutions apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from model.errors import BadCheckpoint

_LATERALS = 4
# Of each size: inverted residuals; blocks after each of which a finer level joins; blocks of the last stages.
_SIZES = {"heavy": (28, (7, 8, 8), (8, 8)), "full": (14, (), (5, 6)), "lite": (14, (), (3, 4))}
_HEADS = {"output_heatmap": "heatmaps", "convld_3d": "points", "output_segmentation": "segmenter.mask"}
_NUMBERED = re.compile(
    r"(?P<kind>conv2d|depthwise_conv2d)(_(?P<n>\d+))?/(Conv2D|depthwise)_(?P<part>weights|bn_offset)"
)
_HEAD = re.compile(rf"(?P<head>{'|'.join(_HEADS)})/(?P<part>Conv2D|BiasAdd)/ReadVariableOp")
_PARTS = {"weights": "weight", "bn_offset": "bias", "Conv2D": "weight", "BiasAdd": "bias"}


def blazepose_state_dict(tensors: Mapping[str, np.ndarray], size: str) -> dict[str, np.ndarray]:
    """The state dict of `BlazePose` from its tfjs tensors.

    What belongs to no layer of ours is left out: the head that places landmarks in metres.

    Args:
        tensors: As `read_tfjs` returns them; kernels are height, width, in, out.
        size: "heavy", "full" or "lite".

    Returns:
        Parameter name -> contiguous array in PyTorch's layout, in the precision of the file.

    Raises:
        BadCheckpoint: If they are not this network's.
    """
    layers = {"conv2d": _pointwise(size), "depthwise_conv2d": _depthwise(size)}
    parameters = {}
    for name, values in tensors.items():
        name = name.removeprefix("StatefulPartitionedCall/model/")
        if match := _HEAD.fullmatch(name):
            layer = _HEADS[match["head"]]
        elif match := _NUMBERED.fullmatch(name):
            number = int(match["n"] or 0)
            if number >= len(layers[match["kind"]]):
                continue
            layer = layers[match["kind"]][number]
        else:
            continue
        if values.ndim == 4:  # a depthwise kernel is height, width, channels, 1
            values = values.transpose(2, 3, 0, 1) if "depthwise" in layer else values.transpose(3, 2, 0, 1)
        parameters[f"{layer}.{_PARTS[match['part']]}"] = np.ascontiguousarray(values)
    expected = 2 * sum(len(names) for names in (*layers.values(), _HEADS))
    if len(parameters) != expected:
        raise BadCheckpoint(
            f"The file has {len(parameters)} of BlazePose {size}'s {expected} tensors: it is another network's."
        )
    return parameters


def _pointwise(size: str) -> list[str]:
    residuals = [f"blocks.{block}.{layer}" for block in range(_SIZES[size][0]) for layer in ("expand", "project")]
    return ["stem", "first.pointwise", *residuals, "last", *(f"{name}.pointwise" for name in _separable(size))]


def _depthwise(size: str) -> list[str]:
    residuals = [f"blocks.{block}.depthwise" for block in range(_SIZES[size][0])]
    return ["first.depthwise", *residuals, "last_depthwise", *(f"{name}.depthwise" for name in _separable(size))]


def _separable(size: str) -> list[str]:
    _, stages, tail = _SIZES[size]
    names = [f"laterals.{level}" for level in range(_LATERALS)] + ["entry"] * (not stages)
    for stage, blocks in enumerate(stages):
        names += [*(f"stages.{stage}.{block}" for block in range(blocks)), f"joins.{stage}"]
    names += [f"tail.{stage}.{block}" for stage, blocks in enumerate(tail) for block in range(blocks)]
    return [*names, "segmenter.fine", "segmenter.entry", *(f"segmenter.blocks.{block}" for block in range(4))]
