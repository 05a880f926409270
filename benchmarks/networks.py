"""Size, operations and milliseconds of the networks, stage by stage, in PyTorch and in ONNX Runtime.

`python -m benchmarks.networks` prints a table for one photo with one person. Times are the processor's, of one thread,
so that what else runs on the machine counts little. `--people 64` adds what each precision costs in millimetres, on
rendered people whose joints are neighbours (needs the extra `train`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.photo import a_photo
from model.errors import MPTError
from model.formats.mesh import to_glb
from model.formats.photo import decode
from model.interfaces import Network
from model.network.heatmaps import read_heatmaps
from model.network.placement import to_camera_space
from model.perception.crops import cut_crop, square_crop
from model.perception.letterbox import letterbox
from model.perception.people import SEARCH
from model.reconstructor import Reconstructor
from model.runtime.export import export
from model.runtime.loading import default_checkpoint
from model.runtime.onnx_runtime import OnnxNetwork
from model.runtime.torch_runtime import TorchNetwork
from training.evaluation.metrics import mpjpe

_DETECTOR = "movenet-multipose"
_ROUNDS = 15
_LARGE = 2**14  # numbers; smaller layers cost nothing
_KEPT = ("upsampling", "regressor")  # never quantised: what follows is counted in millimetres

Run = Callable[[], object]


def milliseconds(runs: Mapping[str, Run]) -> dict[str, float]:
    """The median of some rounds, in each of which all take a turn; the processor's time."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(_ROUNDS + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if round_:  # the first one warms up
                times[name].append(time.process_time() - start)
    return {name: 1000 * float(np.median(values)) for name, values in times.items()}


@torch.inference_mode()
def stages(network: TorchNetwork, twin: OnnxNetwork) -> str:
    """What a photo with one person takes, stage by stage."""
    data = a_photo()
    photo = decode(data, 10**8).pixels
    (person,) = Reconstructor(network).reconstruct(photo).people
    crop = square_crop(person.bbox)
    pixels = cut_crop(photo, crop, network.info.crop_size)
    middle = photo.shape[1] / 2, photo.shape[0] / 2
    people = pixels[None], np.array([crop], np.float32), np.array([[900.0, *middle]], np.float32)
    first, *finer = (letterbox(photo, size / max(photo.shape))[0][None] for size in SEARCH.sides)

    mesh = network.mesh
    crops, cameras = (torch.from_numpy(array) for array in people[1:])
    heatmaps, _ = mesh.network.detect(torch.from_numpy(people[0]).permute(0, 3, 1, 2).float())
    coarse = mesh.network.coarse(heatmaps)

    def finish() -> Tensor:
        vertices = to_camera_space(*coarse, read_heatmaps(heatmaps), crops, cameras).vertices
        return vertices.transpose(1, 2).flatten(0, 1) @ mesh.get_buffer("upsampling")

    # Module, run by PyTorch, run by ONNX Runtime. The export of the mesh network is one piece.
    parts: dict[str, tuple[nn.Module | None, Run, Run | None]] = {
        f"person detector, {SEARCH.sides[0]} px": (
            network.detectors[_DETECTOR],
            partial(network.detect, _DETECTOR, first),
            partial(twin.detect, _DETECTOR, first),
        ),
        **{
            f"a finer scale, for small people, {size} px": (
                None,
                partial(network.detect, _DETECTOR, finer_image),
                partial(twin.detect, _DETECTOR, finer_image),
            )
            for size, finer_image in zip(SEARCH.sides[1:], finer, strict=True)
        },
        "2D pose network": (
            mesh.network.backbone,
            lambda: mesh.network.detect(torch.from_numpy(people[0]).permute(0, 3, 1, 2).float()),
            None,
        ),
        "mesh transformer": (mesh.network.transformer, lambda: mesh.network.coarse(heatmaps), None),
        "camera, upsampling": (None, finish, None),
        "the last three": (mesh, lambda: network.regress(*people), lambda: twin.regress(*people)),
    }
    by_torch = milliseconds({name: run for name, (_, run, _) in parts.items()})
    by_onnx = milliseconds({name: run for name, (_, _, run) in parts.items() if run})
    rest = milliseconds(
        {
            f"decoding a JPEG of {photo.shape[1]} x {photo.shape[0]}": lambda: decode(data, 10**8),
            "scaling, cropping": lambda: (letterbox(photo, 0.4), cut_crop(photo, crop, network.info.crop_size)),
            "writing the GLB": lambda: to_glb(person.vertices, network.info.faces),
        }
    )
    rows = ["| stage | parameters | GFLOP | PyTorch, ms | ONNX Runtime, ms |", "|---" * 5 + "|"]
    for name, (module, run, _) in parts.items():
        count = f"{sum(p.numel() for p in module.parameters()) / 1e6:.1f} M" if module else ""
        again = f"{by_onnx[name]:.1f}" if name in by_onnx else ""
        rows.append(f"| {name} | {count} | {gigaflops(run):.2f} | {by_torch[name]:.1f} | {again} |")
    rows += [f"| {name} | | | {value:.1f} | {value:.1f} |" for name, value in rest.items()]
    return "\n".join(rows)


def gigaflops(run: Run) -> float:
    """Floating point operations, two a multiplication with its addition."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 1e9


def quantised(source: Path, target: Path) -> None:
    """Writes an export with its large linear layers' weights in int8; their activations are quantised as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # not before `model.runtime`, which silences it

    model = onnx.load(source)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}

    def is_large(name: str) -> bool:
        return name in weights and np.prod(weights[name].dims) >= _LARGE and name.rpartition(".")[2] not in _KEPT

    linear = [node for node in model.graph.node if node.op_type in ("MatMul", "Gemm")]
    others = [node.name for node in linear if not any(is_large(name) for name in node.input[:2])]
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=[*others, *(f"{name}_MatMul" for name in others)],  # a Gemm is renamed on the way
    )
    answer = onnx.load(target)
    onnx.helper.set_model_props(answer, {prop.key: prop.value for prop in model.metadata_props})
    onnx.save(answer, target)
    detector = f"{_DETECTOR}.onnx"
    target.with_name(detector).write_bytes(source.with_name(detector).read_bytes())


def rendered_people(count: int) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], Tensor]:
    """What `Network.regress` takes for rendered people, and their true joints (B, 17, 3) in the cameras' axes."""
    from model.network.checkpoint import load_checkpoint
    from training.bodies.anny import AnnyBody
    from training.images.rendered.dataset import RenderedPeople
    from training.images.sample import look_at_root
    from training.mocap.sample import read_sample

    topology = load_checkpoint(default_checkpoint()).topology
    poses = torch.from_numpy(read_sample().rotations)
    people = RenderedPeople(AnnyBody.load(), topology, poses, length=count)
    pixels, cameras, truth = [], [], []
    for index in range(count):
        sample = people[index]
        assert sample.joints is not None and sample.camera is not None and sample.translation is not None
        pixels.append(sample.image.permute(1, 2, 0).numpy())
        cameras.append(sample.camera.numpy())
        truth.append(sample.joints @ look_at_root(sample.translation).T)
    side = pixels[0].shape[0]
    crops = np.tile(np.array([side / 2, side / 2, side], np.float32), (count, 1))
    return (np.stack(pixels), crops, np.stack(cameras).astype(np.float32)), torch.stack(truth)


def precisions(engines: Mapping[str, Network], sizes: Mapping[str, int], count: int) -> str:
    """What each engine's precision costs: time, size and millimetres."""
    people, truth = rendered_people(count)
    first = tuple(array[:1] for array in people)
    one = milliseconds({name: partial(network.regress, *first) for name, network in engines.items()})
    rows = ["| engine | file | 1 person, ms | MPJPE, mm | off the first, mm |", "|---" * 5 + "|"]
    expected: Tensor | None = None
    for name, network in engines.items():
        batches = [[array[start : start + 8] for array in people] for start in range(0, count, 8)]
        joints = torch.from_numpy(np.concatenate([network.regress(*batch).joints for batch in batches]))
        expected = joints if expected is None else expected
        error, off = 1000 * mpjpe(joints, truth).mean(), 1000 * (joints - expected).norm(dim=-1).mean()
        size = f"{sizes[name] / 1e6:.0f} MB" if name in sizes else ""
        rows.append(f"| {name} | {size} | {one[name]:.1f} | {error:.2f} | {off:.3f} |")
    return "\n".join(rows)


def main() -> int:
    """Prints the tables."""
    import onnxruntime  # not before `model.runtime`

    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=__doc__)
    parser.add_argument("--people", type=int, default=0, help="rendered people to measure precisions on, such as 64")
    people: int = parser.parse_args().people
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        checkpoint = default_checkpoint()
        network = TorchNetwork.load(checkpoint, "cpu", "float32")
        with tempfile.TemporaryDirectory() as folder:
            files = {
                name: Path(folder, name, "mpt.onnx") for name in ("float32", "float16", "int8")[: 3 if people else 1]
            }
            for name, path in files.items():
                path.parent.mkdir()
                if name == "int8":
                    quantised(files["float32"], path)
                else:
                    export(network, path, name)
            twins = {f"ONNX Runtime, {name}": OnnxNetwork.load(path, "cpu", 1) for name, path in files.items()}
            sizes = {f"ONNX Runtime, {name}": path.stat().st_size for name, path in files.items()}
            print(f"{network.info.name}, PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}\n")
            print(stages(network, next(iter(twins.values()))), flush=True)
            if people:
                half = TorchNetwork.load(checkpoint, "cpu", "bfloat16")
                engines: dict[str, Network] = {"PyTorch, float32": network, "PyTorch, bfloat16": half, **twins}
                print(f"\n{people} rendered people:\n\n{precisions(engines, sizes, people)}")
    except MPTError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
