"""Renames and turns MoveNet's tfjs tensors into the parameters of our PyTorch modules."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np

_EXTRACTOR = "center_net_mobile_net_v2fpn_feature_extractor/model_1"
_HEADS = {
    "kpt_heatmap_0": "heatmap",
    "center_0": "center",
    "kpt_regress_0": "displacement",
    "kpt_offset_0": "offset",
    "box_offset_0": "box_offset",
    "box_scale_0": "box_size",
}
_PARTS = {  # how the tfjs converter ends the names of a layer's kernel and of its (folded) bias
    "Conv2D_weights": "weight",
    "Conv2D_bn_offset": "bias",
    "Conv2D/ReadVariableOp": "weight",
    "BiasAdd/ReadVariableOp": "bias",
    "depthwise_weights": "weight",
    "depthwise_bn_offset": "bias",
    "separable_conv2d/ReadVariableOp": "depthwise.weight",
    "separable_conv2d/ReadVariableOp_1": "pointwise.weight",
    "separable_conv2d_weights": "pointwise.weight",
    "separable_conv2d_bn_offset": "pointwise.bias",
}
_PART = rf"(?P<part>{'|'.join(re.escape(part) for part in _PARTS)})"
# A layer's name in tfjs -> its name in our module; `n` counts from nothing (0), 1, 2 ...
_RULES = [
    (re.compile(rf"{_EXTRACTOR}/model/Conv1/{_PART}"), "pyramid.stem.{part}"),
    (re.compile(rf"{_EXTRACTOR}/model/Conv_1/{_PART}"), "pyramid.last.{part}"),
    (re.compile(rf"{_EXTRACTOR}/model/expanded_conv_(?P<layer>[a-z]+)/{_PART}"), "pyramid.blocks.0.{layer}.{part}"),
    (
        re.compile(rf"{_EXTRACTOR}/model/block_(?P<n>\d+)_(?P<layer>[a-z]+)/{_PART}"),
        "pyramid.blocks.{n}.{layer}.{part}",
    ),
    (re.compile(rf"{_EXTRACTOR}/conv2d(_(?P<n>\d))?/{_PART}"), "pyramid.laterals.{n}.{part}"),
    (re.compile(rf"{_EXTRACTOR}/separable_conv2d(_(?P<n>\d))?/{_PART}"), "pyramid.merges.{n}.{part}"),
    (re.compile(r"(?P<head>\w+_0)/separable_conv2d_\d/BiasAdd/ReadVariableOp"), "heads.{head}.features.pointwise.bias"),
    (re.compile(rf"(?P<head>\w+_0)/separable_conv2d_\d/{_PART}"), "heads.{head}.features.{part}"),
    (re.compile(rf"(?P<head>\w+_0)/conv2d_\d/{_PART}"), "heads.{head}.out.{part}"),
]


def movenet_state_dict(tensors: Mapping[str, np.ndarray], heads: Collection[str]) -> dict[str, np.ndarray]:
    """The state dict of `MoveNetThunder` or `PersonDetector` from MoveNet's tfjs tensors.

    What belongs to no layer of ours is left out: other heads, and the constants of MoveNet's own decoder.

    Args:
        tensors: As `read_tfjs` returns them; kernels are height, width, in, out.
        heads: Names of the heads to keep, as our modules call them.

    Returns:
        Parameter name -> contiguous array in PyTorch's layout, in the precision of the file.
    """
    parameters = {}
    for name, values in tensors.items():
        parameter = _parameter_name(name.removeprefix("StatefulPartitionedCall/"))
        group, _, rest = parameter.partition(".")
        if group == "pyramid" or (group == "heads" and rest.partition(".")[0] in heads):
            depthwise = parameter.endswith("depthwise.weight")
            if values.ndim == 4:  # a depthwise kernel is height, width, channels, 1
                values = values.transpose(2, 3, 0, 1) if depthwise else values.transpose(3, 2, 0, 1)
            parameters[parameter] = np.ascontiguousarray(values)
    return parameters


def _parameter_name(name: str) -> str:
    for pattern, ours in _RULES:
        match = pattern.fullmatch(name)
        if match:
            groups = match.groupdict()
            return ours.format(
                part=_PARTS.get(groups.get("part", ""), ""),
                n=groups.get("n") or 0,
                layer=groups.get("layer", ""),
                head=_HEADS.get(groups.get("head", ""), ""),
            )
    return ""
