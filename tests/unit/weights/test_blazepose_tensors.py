"""BlazePose's tensors under our names: those of a file that its converter might have written."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.errors import BadCheckpoint
from model.network.backbones.blazepose import BlazePose, BlazePoseFull, BlazePoseHeavy, BlazePoseLite
from weights.blazepose_tensors import blazepose_state_dict

PREFIX = "StatefulPartitionedCall/model/"


def file_of(depthwise: int = 82, pointwise: int = 111) -> dict[str, np.ndarray]:
    """The numbered layers' tensors, the number of each in its bias; kernels are of one value, too small to be used."""
    tensors = {}
    for kind, kernel, count in (("conv2d", "Conv2D", pointwise), ("depthwise_conv2d", "depthwise", depthwise)):
        for number in range(count):
            layer = f"{PREFIX}{kind}{f'_{number}' if number else ''}/{kernel}"
            tensors[f"{layer}_weights"] = np.zeros((1, 1, 1, 1), np.float16)
            tensors[f"{layer}_bn_offset"] = np.full(1, number, np.float16)
    for head in ("output_heatmap", "convld_3d", "convworld_3d", "output_segmentation"):
        tensors[f"{PREFIX}{head}/Conv2D/ReadVariableOp"] = np.arange(12, dtype=np.float16).reshape(2, 2, 1, 3)
        tensors[f"{PREFIX}{head}/BiasAdd/ReadVariableOp"] = np.zeros(3, np.float16)
    return tensors


@pytest.mark.parametrize(
    ("size", "network", "depthwise", "pointwise"),
    [
        ("heavy", BlazePoseHeavy, 82, 111),
        ("full", BlazePoseFull, 38, 53),
        ("lite", BlazePoseLite, 34, 49),
    ],
)
def test_every_parameter_of_the_module_gets_a_tensor_and_no_other_is_kept(
    size: str, network: type[BlazePose], depthwise: int, pointwise: int
) -> None:
    with torch.device("meta"):
        expected = set(network().state_dict())
    assert set(blazepose_state_dict(file_of(depthwise, pointwise), size)) == expected


def test_layers_are_counted_as_the_network_was_built() -> None:
    """Numbers read off the published graph, where the layers' inputs and widths tell which is which."""
    parameters = blazepose_state_dict(file_of(), "heavy")
    pointwise = {"stem": 0, "first.pointwise": 1, "blocks.0.expand": 2, "blocks.27.project": 57, "last": 58}
    pointwise |= {"laterals.0.pointwise": 59, "laterals.3.pointwise": 62, "joins.0.pointwise": 70}
    pointwise |= {"joins.1.pointwise": 79, "joins.2.pointwise": 88, "tail.1.7.pointwise": 104}
    pointwise |= {
        "segmenter.fine.pointwise": 105,
        "segmenter.entry.pointwise": 106,
        "segmenter.blocks.3.pointwise": 110,
    }
    depthwise = {"first.depthwise": 0, "blocks.27.depthwise": 28, "last_depthwise": 29, "laterals.0.depthwise": 30}
    depthwise |= {"stages.0.0.depthwise": 34, "joins.0.depthwise": 41, "tail.0.0.depthwise": 60}
    for layer, number in (pointwise | depthwise).items():
        assert parameters[f"{layer}.bias"].tolist() == [number], layer


def test_smaller_sizes_end_from_their_deepest_features() -> None:
    parameters = blazepose_state_dict(file_of(), "full")
    pointwise = {"last": 30, "laterals.0.pointwise": 31, "entry.pointwise": 35, "tail.1.5.pointwise": 46}
    depthwise = {"last_depthwise": 15, "laterals.3.depthwise": 19, "entry.depthwise": 20, "tail.1.0.depthwise": 26}
    for layer, number in (pointwise | depthwise).items():
        assert parameters[f"{layer}.bias"].tolist() == [number], layer


def test_kernels_are_turned() -> None:
    kernel = blazepose_state_dict(file_of(), "heavy")["points.weight"]  # (out, in, height, width)
    assert kernel.shape == (3, 1, 2, 2) and kernel[1, 0].tolist() == [[1, 4], [7, 10]]


def test_another_networks_file_is_refused() -> None:
    with pytest.raises(BadCheckpoint, match="another network"):
        blazepose_state_dict(file_of(depthwise=76), "heavy")
