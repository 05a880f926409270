"""Exports the networks to ONNX: `python -m model.runtime.export`.

What comes out describes itself and needs nothing else to be served: the mesh network from pixels to subjects before
the camera, with its faces, joints' names and card inside, and beside it the networks that find them.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from model.errors import BadInput, MPTError
from model.files import atomic_write
from model.interfaces import DETECTORS, LANDMARKS, CameraSpaceMeshes, NetworkInfo, detectors_of
from model.network.detectors.registry import PhotoDetector
from model.network.mpt import KeypointMPT, PhotoMPT
from model.runtime.fingerprint import fingerprint
from model.runtime.loading import default_checkpoint, export_path, is_shipped
from model.runtime.onnx_runtime import FORMAT, lift_path
from model.runtime.torch_runtime import TorchNetwork

PRECISIONS = ("float32", "float16")
_OPSET = 20  # the first that knows GELU
_LARGEST = 1024  # people at once; cells of 32 pixels on a side of the detector's images

_DOCUMENTATION = """\
People, or hands, in crops of photos to 3D meshes before the photos' cameras.
pixels (B, S, S, 3) uint8 RGB: square crops, 1.25 times the longer side of each person's box, black outside the photo.
Hands are turned so that they point upwards, left ones mirrored.
crops (B, 3) float32: centre x, y and side of these crops in photo pixels.
cameras (B, 3) float32: focal length and principal point x, y of the photos in pixels.
vertices (B, V, 3), joints (B, K, 3): metres, x right, y down, z forward, pelvis or wrist at the origin.
keypoints (B, K, 3): x, y in photo pixels and confidence. translation (B, 3): metres; point p projects from p + it.
weak_perspective (B, 3): s, tx, ty; s (x, y) + (tx, ty) is in -1..1 across the crop.
The faces are in the metadata: mpt.faces, base64 of little-endian int32 (F, 3)."""


def export(network: TorchNetwork, output: Path, precision: str = "float32", source: str = "") -> None:
    """Writes the mesh network to `output`, and what it works with beside it; a reader never sees half a file.

    Args:
        network: on the CPU, in float32; left as it is.
        output: a file that ends with .onnx.
        precision: "float32", or, for GPUs, "float16": of the convolutional networks; the rest keeps its own.
        source: the checkpoint's `fingerprint`, which tells later whether the export is that of a checkpoint.

    Raises:
        BadInput: another precision or another ending.
        OSError: a file cannot be written.
    """
    if precision not in PRECISIONS:
        raise BadInput(f"There is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}.")
    if output.suffix != ".onnx":
        raise BadInput(f"{output} must end with .onnx.")
    mesh, detectors, about = network.mesh, network.detectors, network.info
    if precision == "float16":
        mesh, detectors = copy.deepcopy(mesh), {name: copy.deepcopy(each).half() for name, each in detectors.items()}
        mesh.network.backbone.half()
    model = mesh_model(mesh, about.crop_size)
    model.doc_string = _DOCUMENTATION
    onnx.helper.set_model_props(model, _metadata(about, precision, source))
    output.parent.mkdir(parents=True, exist_ok=True)
    for name, detector in detectors.items():
        _save(detector_model(detector), output.with_name(f"{name}.onnx"))
    if about.lifts:
        _save(lift_model(mesh, mesh.network.topology.map_count), lift_path(output))
    _save(model, output)


def mesh_model(mesh: PhotoMPT, crop_size: int) -> onnx.ModelProto:
    """The mesh network as ONNX, for any number of people."""
    pixels = torch.zeros(2, crop_size, crop_size, 3, dtype=torch.uint8)
    crops, cameras = torch.tensor([[320.0, 240, 300]] * 2), torch.tensor([[800.0, 320, 240]] * 2)
    people = torch.export.Dim("people", min=1, max=_LARGEST)
    return _onnx(
        mesh, {"pixels": pixels, "crops": crops, "cameras": cameras}, [{0: people}] * 3, CameraSpaceMeshes._fields
    )


def lift_model(mesh: PhotoMPT, points: int) -> onnx.ModelProto:
    """What lifts so many keypoints a person as ONNX, for any number of people."""
    keypoints = torch.tensor([[320.0, 240, 0.9]]).expand(2, points, 3).contiguous()
    crops, cameras = torch.tensor([[320.0, 240, 300]] * 2), torch.tensor([[800.0, 320, 240]] * 2)
    people = torch.export.Dim("people", min=1, max=_LARGEST)
    inputs = {"joints_2d": keypoints, "crops": crops, "cameras": cameras}
    return _onnx(KeypointMPT(mesh), inputs, [{0: people}] * 3, CameraSpaceMeshes._fields)


def detector_model(detector: PhotoDetector) -> onnx.ModelProto:
    """A detector as ONNX, for any number of images of the size that it takes, or of any multiple of 32 pixels."""
    count = torch.export.Dim("images", min=1, max=_LARGEST)
    if detector.input_size is not None:
        images, dynamic = torch.zeros(2, detector.input_size, detector.input_size, 3, dtype=torch.uint8), {0: count}
    else:
        images = torch.zeros(2, 192, 256, 3, dtype=torch.uint8)
        rows, columns = (torch.export.Dim(name, min=1, max=_LARGEST) for name in ("rows", "columns"))
        dynamic = {0: count, 1: 32 * rows, 2: 32 * columns}
    return _onnx(detector, {"images": images}, [dynamic], detector.outputs)


def _onnx(
    module: nn.Module, inputs: dict[str, Tensor], dynamic: Sequence[dict[int, Any]], outputs: Sequence[str]
) -> onnx.ModelProto:
    with _quiet():
        # Strict, since it follows `len(tensor)`; the other way would fix the batch's size.
        program = torch.export.export(module.eval(), tuple(inputs.values()), dynamic_shapes=tuple(dynamic), strict=True)
        exported = torch.onnx.export(
            program,
            dynamic_shapes=tuple(dynamic),  # again, for their names
            dynamo=True,
            opset_version=_OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            verbose=False,
        )
    assert exported is not None
    return exported.model_proto


def _metadata(about: NetworkInfo, precision: str, source: str) -> dict[str, str]:
    description = {
        "format": FORMAT,
        "name": about.name,
        "size": about.size,
        "mode": about.mode,
        "card": about.card,
        "subject": about.subject,
        "vertex_count": about.vertex_count,
        "joint_names": about.joint_names,
        "crop_size": about.crop_size,
        "lifts": about.lifts,
        "precision": precision,
        "fingerprint": source,
    }
    faces = base64.b64encode(about.faces.astype("<i4").tobytes()).decode()
    return {"mpt": json.dumps(description), "mpt.faces": faces}


def _save(model: onnx.ModelProto, path: Path) -> None:
    with atomic_write(path) as partial:
        onnx.save(model, partial)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps to itself what the exporters say of their own insides."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.onnx._internal.exporter", "onnxscript", "")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def main() -> int:
    """The command: exports checkpoints, unless that was done before; returns the exit status."""
    parser = argparse.ArgumentParser(description="Export checkpoints to ONNX: by default all of the project's own.")
    parser.add_argument("--checkpoint", type=Path, help="this .safetensors file only")
    parser.add_argument("--subject", choices=tuple(DETECTORS), help="of the project's own, this one only")
    parser.add_argument(
        "--output",
        type=Path,
        help="a folder or a file; else beside the checkpoint, or among the fetched weights",
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    options = parser.parse_args()
    try:
        for checkpoint, output in _wanted(options.checkpoint, options.subject, options.output):
            if is_up_to_date(output, checkpoint, options.precision):
                print(f"{output} is up to date.")
                continue
            print(f"Exporting {checkpoint.name} to {output} (takes a minute).", flush=True)
            network = TorchNetwork.load(checkpoint, "cpu", "float32")
            export(network, output, options.precision, fingerprint(checkpoint))
    except (MPTError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _wanted(checkpoint: Path | None, name: str | None, output: Path | None) -> list[tuple[Path, Path]]:
    """The checkpoints that are asked for, each with its export."""
    if checkpoint is not None:
        found = [(checkpoint, export_path(checkpoint))]
    else:
        names = (name,) if name else tuple(each for each in DETECTORS if is_shipped(each))
        found = [(default_checkpoint(each), export_path(subject=each)) for each in names]
    if output is None:
        return found
    if output.suffix != ".onnx":  # a folder
        return [(source, output / usual.name) for source, usual in found]
    if len(found) > 1:
        raise BadInput(f"{len(found)} checkpoints do not fit into {output}: name a folder, or one by --subject.")
    return [(found[0][0], output)]


def is_up_to_date(output: Path, checkpoint: Path, precision: str) -> bool:
    """Whether all files are there, of this format, this checkpoint and this precision."""
    if not output.is_file():
        return False
    try:
        stored = {prop.key: prop.value for prop in onnx.load(output).metadata_props}
        description = json.loads(stored["mpt"])
        beside = [output.with_name(f"{name}.onnx") for name in detectors_of(description["subject"])]
        if description["lifts"]:
            beside += [output.with_name(f"{LANDMARKS}.onnx"), lift_path(output)]
        if not all(path.is_file() for path in beside):
            return False
    except Exception:  # whatever it is, it is none of ours
        return False
    expected = (FORMAT, precision, fingerprint(checkpoint))
    return tuple(description.get(key) for key in ("format", "precision", "fingerprint")) == expected


if __name__ == "__main__":
    sys.exit(main())
