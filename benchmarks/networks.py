"""Size, operations and milliseconds of the networks, stage by stage, in PyTorch and in ONNX Runtime.

`python -m benchmarks.networks` prints two tables. Times are the processor's, of one thread, so that what else runs on
the machine counts little; the engines take turns. `--people 64` also measures what an engine's precision costs, on
drawn people whose joints are known (needs the extra `train`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.contenders import a_photo
from model.detections import find_people, letterbox
from model.engines import default_checkpoint, fingerprint
from model.errors import MPTError
from model.heatmaps import read_heatmaps
from model.metrics import mpjpe
from model.network import Network, Placed
from model.onnx import export
from model.onnx_network import DETECTOR, OnnxNetwork
from model.placement import place_people
from model.reconstruct import cut_crop, square_crop
from model.torch_network import TorchNetwork
from service import images
from service.meshes import to_glb

_ROUNDS = 15
_KEPT = ("upsampling", "regressor")  # never quantised: what follows is counted in millimetres
_LARGE = 2**14  # numbers; smaller layers cost nothing


def milliseconds(runs: Mapping[str, Callable[[], object]], rounds: int = _ROUNDS) -> dict[str, float]:
    """The median of some rounds, in each of which all take a turn; the processor's time."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(rounds + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if round_:  # the first one warms up
                times[name].append(time.process_time() - start)
    return {name: 1000 * float(np.median(values)) for name, values in times.items()}


def quantised(source: Path, target: Path) -> None:
    """Writes an export with the weights of its large linear layers in int8; their activations are quantised as they come."""
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
    properties = {prop.key: prop.value for prop in model.metadata_props}
    properties["mpt"] = properties["mpt"].replace('"float32"', '"int8"')
    onnx.helper.set_model_props(answer, properties)
    onnx.save(answer, target)
    target.with_name(DETECTOR).write_bytes(source.with_name(DETECTOR).read_bytes())


class Placing(nn.Module):
    """The last stage alone: upsampling and the way to the photo's camera."""

    def __init__(self, mesh: nn.Module) -> None:
        super().__init__()
        self.mesh = mesh

    def forward(self, heatmaps: Tensor, coarse: Tensor, joints: Tensor, camera: Tensor, places: list[Tensor]) -> Tensor:
        placed = place_people(coarse, joints, camera, read_heatmaps(heatmaps), *places)
        answer: Tensor = placed.vertices.transpose(1, 2).flatten(0, 1) @ self.mesh.upsampling
        return answer


@torch.inference_mode()
def stages_table(network: TorchNetwork, twins: Mapping[str, OnnxNetwork]) -> str:
    """What a photo with one person takes, stage by stage."""
    data = a_photo()
    photo = images.decode(data, 10**8).pixels
    (person,) = find_people(network.find, photo)
    crop = square_crop(person.box)
    pixels = cut_crop(photo, crop, network.about.crop_size)[None]
    centre = (photo.shape[1] / 2, photo.shape[0] / 2)
    places = [np.array([crop], np.float32), np.array([[900.0, *centre]], np.float32)]
    looks = {scale: letterbox(photo, scale / max(photo.shape))[0][None] for scale in (256, 448)}

    mesh, tensors = network.mesh, [torch.from_numpy(place) for place in places]
    image = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    heatmaps = mesh.network.heatmaps(image)
    coarse = mesh.network.coarse(heatmaps)
    parts: dict[str, tuple[nn.Module | None, Callable[[], object]]] = {
        "person detector, 256 px": (network.detector, lambda: network.find(looks[256])),
        "person detector, 448 px": (None, lambda: network.find(looks[448])),
        "2D pose network": (mesh.network.backbone, lambda: mesh.network.heatmaps(image)),
        "mesh transformer": (mesh.network.transformer, lambda: mesh.network.coarse(heatmaps)),
        "upsampling, camera": (None, lambda: Placing(mesh)(heatmaps, *coarse, tensors)),
        "2D pose network to camera": (mesh, lambda: network.place(pixels, *places)),
    }
    columns = {"PyTorch": milliseconds({name: run for name, (_, run) in parts.items()})}
    for title, twin in twins.items():
        runs: dict[str, Callable[[], object]] = {
            "person detector, 256 px": lambda twin=twin: twin.find(looks[256]),
            "person detector, 448 px": lambda twin=twin: twin.find(looks[448]),
            "2D pose network to camera": lambda twin=twin: twin.place(pixels, *places),
        }
        columns[title] = milliseconds(runs)
    rest = milliseconds(
        {
            f"decoding a {photo.shape[1]} x {photo.shape[0]} JPEG": lambda: images.decode(data, 10**8),
            "scaling, cropping": lambda: (letterbox(photo, 256 / 640), cut_crop(photo, crop, 224)),
            "writing the GLB": lambda: to_glb(network.place(pixels, *places).vertices[0], network.about.faces),
        }
    )
    rest["writing the GLB"] -= columns["PyTorch"]["2D pose network to camera"]
    rows = ["| stage | parameters | GFLOP | " + " | ".join(f"{title}, ms" for title in columns) + " |"]
    rows.append("|---" * (3 + len(columns)) + "|")
    for name, (module, run) in parts.items():
        count = f"{sum(p.numel() for p in module.parameters()) / 1e6:.1f} M" if module else ""
        cells = [f"{column[name]:.1f}" if name in column else "" for column in columns.values()]
        rows.append(f"| {name} | {count} | {gigaflops(run):.2f} | {' | '.join(cells)} |")
    for name, value in rest.items():
        rows.append(f"| {name} | | | {' | '.join([f'{value:.1f}'] * len(columns))} |")
    return "\n".join(rows)


def gigaflops(run: Callable[[], object]) -> float:
    """Floating point operations, two a multiplication with its addition."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 1e9


def drawn_people(count: int) -> tuple[list[np.ndarray], Tensor]:
    """What `Network.place` takes for drawn people, and their true joints (B, 17, 3)."""
    from model.checkpoint import load_checkpoint
    from training.bodies.anny import AnnyBody
    from training.images.rendered import RenderedPeople
    from training.mocap.sample import read_sample

    topology = load_checkpoint(default_checkpoint()).topology
    poses = torch.from_numpy(read_sample().rotations)
    people = RenderedPeople(AnnyBody.load(), topology, poses, length=count)
    samples = [people[index] for index in range(count)]
    pixels = np.stack([sample.image.permute(1, 2, 0).numpy() for sample in samples])
    size = float(pixels.shape[1])
    crops = np.tile(np.array([size / 2, size / 2, size], np.float32), (count, 1))
    cameras = np.tile(np.array([1000.0, size / 2, size / 2], np.float32), (count, 1))
    return [pixels, crops, cameras], torch.stack([sample.joints for sample in samples if sample.joints is not None])


def precision_table(engines: Mapping[str, Network], sizes: Mapping[str, float], count: int) -> str:
    """What each engine's precision costs: time, size and millimetres."""
    people, truth = drawn_people(count)

    def run(network: Network, start: int, stop: int) -> Placed:
        return network.place(*(array[start:stop] for array in people))

    one = milliseconds({name: lambda network=network: run(network, 0, 1) for name, network in engines.items()})
    eight = milliseconds({name: lambda network=network: run(network, 0, 8) for name, network in engines.items()}, 4)
    rows = ["| engine | file | 1 person, ms | 8 people, ms | MPJPE | off PyTorch's float32 |", "|---" * 6 + "|"]
    expected: Tensor | None = None
    for name, network in engines.items():
        joints = torch.from_numpy(np.concatenate([run(network, i, i + 8).joints for i in range(0, count, 8)]))
        expected = joints if expected is None else expected
        error, off = mpjpe(joints, truth).mean().item(), (joints - expected).norm(dim=-1).mean().item()
        size = f"{sizes[name] / 1e6:.0f} MB" if name in sizes else ""
        times = f"{one[name]:.1f} | {eight[name]:.1f}"
        rows.append(f"| {name} | {size} | {times} | {1000 * error:.2f} mm | {1000 * off:.3f} mm |")
    return "\n".join(rows)


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=__doc__)
    parser.add_argument("--people", type=int, default=0, help="drawn people to measure precisions on, such as 64")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        checkpoint = default_checkpoint()
        network = TorchNetwork.load(checkpoint, "cpu", "float32")
        with tempfile.TemporaryDirectory() as folder:
            files = {name: Path(folder, name, "mpt.onnx") for name in ("float32", "float16", "int8")}
            for name in ("float32", "float16") if arguments.people else ("float32",):
                export(network, files[name], name, fingerprint(checkpoint))
            files["int8"].parent.mkdir()
            quantised(files["float32"], files["int8"])
            made = {name: path for name, path in files.items() if path.exists()}
            twins = {f"ONNX {name}": OnnxNetwork.load(path, "cpu", threads=1) for name, path in made.items()}
            sizes = {f"ONNX {name}": path.stat().st_size for name, path in made.items()}
            print(
                f"PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, one thread, processor's time:\n"
            )
            print(stages_table(network, {name: twins[name] for name in ("ONNX float32", "ONNX int8")}))
            if arguments.people:
                bfloat16 = TorchNetwork.load(checkpoint, "cpu", "bfloat16")
                print(f"\n{arguments.people} drawn people:\n")
                engines = {"PyTorch float32": network, "PyTorch bfloat16": bfloat16, **twins}
                print(precision_table(engines, sizes, arguments.people))
    except MPTError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
