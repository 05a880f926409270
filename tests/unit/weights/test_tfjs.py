"""The reader of tfjs files, on a small model that the test writes byte by byte."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import BadCheckpoint
from weights.mediapipe_tensors import landmarks_state_dict
from weights.movenet_tensors import movenet_state_dict
from weights.tfjs import read_tfjs, weights_in_order

HALVES = {"dtype": "float16", "original_dtype": "float32"}
ENTRIES: list[dict[str, Any]] = [
    {"name": "kernel", "shape": [1, 2, 3], "dtype": "float32", "quantization": HALVES},
    {"name": "step", "shape": [], "dtype": "int32"},
    {"name": "bias", "shape": [2], "dtype": "float32"},
]
DATA = struct.pack("<6e", 1, 2, 3, 4, 5, 6.5) + struct.pack("<i", -7) + struct.pack("<2f", 0.1, -2)


def write_model(folder: Path, entries: Any = ENTRIES, data: bytes = DATA, paths: Any = ("a.bin", "b.bin")) -> Path:
    """Splits the data over the files, 9 bytes (in the middle of a tensor) in the first."""
    for index, name in enumerate(paths):
        (folder / Path(name).name).write_bytes(data[:9] if index == 0 else data[9:])
    manifest = folder / "model.json"
    manifest.write_text(json.dumps({"weightsManifest": [{"paths": list(paths), "weights": entries}]}))
    return manifest


def test_values_shapes_and_precision(tmp_path: Path) -> None:
    tensors = read_tfjs(write_model(tmp_path))
    assert {name: (values.dtype, values.shape) for name, values in tensors.items()} == {
        "kernel": (np.float16, (1, 2, 3)),
        "step": (np.int32, ()),
        "bias": (np.float32, (2,)),
    }
    assert tensors["kernel"].tolist() == [[[1, 2, 3], [4, 5, 6.5]]]
    assert tensors["step"] == -7
    assert tensors["bias"].tolist() == [np.float32(0.1), -2]


@pytest.mark.parametrize(
    ("data", "message"), [(DATA[:-1], "cut off"), (DATA + b"\0", "has 25 bytes, its manifest lists 24")]
)
def test_a_file_of_another_size_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(BadCheckpoint, match=message):
        read_tfjs(write_model(tmp_path, data=data))


@pytest.mark.parametrize(
    "entry",
    [
        ENTRIES[0] | {"shape": [-1, 6]},
        ENTRIES[0] | {"shape": ["6"]},
        ENTRIES[0] | {"shape": None},
        ENTRIES[0] | {"quantization": {"dtype": "uint8", "min": 0, "scale": 1}},
        {"name": "kernel", "shape": [6]},
        {"shape": [6], "dtype": "float16"},
        "kernel",
    ],
)
def test_malformed_entries_are_refused(tmp_path: Path, entry: Any) -> None:
    with pytest.raises(BadCheckpoint):
        read_tfjs(write_model(tmp_path, [entry, *ENTRIES[1:]]))


def test_a_manifest_may_not_point_outside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "a.bin").write_bytes(DATA)
    manifest = write_model(folder, paths=("../a.bin",))
    with pytest.raises(BadCheckpoint, match="outside its folder"):
        read_tfjs(manifest)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weightsManifest": []}', '{"weightsManifest": [3]}', "\x00{"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    manifest = tmp_path / "model.json"
    manifest.write_text(text)
    with pytest.raises(BadCheckpoint, match=r"model\.json"):
        read_tfjs(manifest)


def test_a_missing_binary_file_is_named(tmp_path: Path) -> None:
    manifest = write_model(tmp_path)
    (tmp_path / "b.bin").unlink()
    with pytest.raises(BadCheckpoint, match=r"b\.bin"):
        read_tfjs(manifest)


def test_movenet_kernels_are_renamed_and_turned() -> None:
    extractor = "StatefulPartitionedCall/center_net_mobile_net_v2fpn_feature_extractor/model_1"
    conv = np.arange(3 * 3 * 2 * 4).reshape(3, 3, 2, 4)  # height, width, in, out
    depthwise = np.arange(3 * 3 * 5).reshape(3, 3, 5, 1)  # height, width, channels, 1
    bias = np.arange(4)
    ours = movenet_state_dict(
        {
            f"{extractor}/model/Conv1/Conv2D_weights": conv,
            f"{extractor}/model/block_12_depthwise/depthwise_weights": depthwise,
            f"{extractor}/conv2d/BiasAdd/ReadVariableOp": bias,
            f"{extractor}/separable_conv2d_2/separable_conv2d_bn_offset": bias,
            "StatefulPartitionedCall/center_0/separable_conv2d_3/BiasAdd/ReadVariableOp": bias,
            "StatefulPartitionedCall/kpt_offset_0/conv2d_7/BiasAdd/ReadVariableOp": bias,
            "StatefulPartitionedCall/Reshape_13": bias,
        },
        heads=["center"],
    )
    assert set(ours) == {
        "pyramid.stem.weight",
        "pyramid.blocks.12.depthwise.weight",
        "pyramid.laterals.0.bias",
        "pyramid.merges.2.pointwise.bias",
        "heads.center.features.pointwise.bias",
    }
    assert ours["pyramid.stem.weight"].shape == (4, 2, 3, 3)
    assert ours["pyramid.stem.weight"][3, 1, 0, 2] == conv[0, 2, 1, 3]
    assert ours["pyramid.blocks.12.depthwise.weight"].shape == (5, 1, 3, 3)
    assert ours["pyramid.blocks.12.depthwise.weight"][4, 0, 1, 2] == depthwise[1, 2, 4, 0]


def test_weights_in_the_order_of_the_layers(tmp_path: Path) -> None:
    """Numbers in the names mean nothing; what is no weight, such as another layer's output, is left out."""
    entries = [{"name": name, "shape": [1], "dtype": "float32"} for name in ("Const_1", "Const_2", "Const_3")]
    nodes = [
        {"name": "Const_1", "op": "Const"},
        {"name": "input", "op": "Placeholder"},
        {"name": "first", "op": "Conv2D", "input": ["input", "Const_3"]},
        {"name": "second", "op": "_FusedConv2D", "input": ["first", "Const_1", "Const_2"]},
    ]
    content = {"modelTopology": {"node": nodes}, "weightsManifest": [{"paths": ["a.bin"], "weights": entries}]}
    manifest = tmp_path / "a.json"
    manifest.write_text(json.dumps(content))
    assert weights_in_order(manifest) == ["Const_3", "Const_1", "Const_2"]
    manifest.write_text(json.dumps({"weightsManifest": []}))
    with pytest.raises(BadCheckpoint, match="no graph"):
        weights_in_order(manifest)


def test_another_networks_tensors_are_refused() -> None:
    with pytest.raises(BadCheckpoint, match="another network"):
        landmarks_state_dict([np.zeros(3, np.float32)])
