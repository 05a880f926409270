"""Which engine runs the networks: PyTorch, or ONNX Runtime where they were exported; the choice is made once."""

from __future__ import annotations

import ctypes.util
import hashlib
import importlib.util
import logging
import sys
from pathlib import Path

from model.errors import BadCheckpoint, BadInput, MPTError, WeightsMissing
from model.network import Network

ENGINES = ("auto", "torch", "onnx")
_DEFAULT = "anny-tiny"
_NETWORK = (
    "cameras.py", "detector.py", "heatmaps.py", "mpt.py", "onnx.py", "placement.py", "topology.py", "transformer.py",
)  # fmt: skip

log = logging.getLogger(__name__)


def open_network(
    checkpoint: Path | None = None,
    device: str = "auto",
    engine: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
) -> Network:
    """Loads the networks into an engine.

    "auto" takes what was measured to be the fastest on two CPU cores and on a GPU: PyTorch on CUDA, then ONNX Runtime
    if there is an export of the checkpoint, then PyTorch.

    Args:
        checkpoint: a checkpoint (.safetensors), or an export (.onnx); None for the one that comes with the project.
        device: "auto", "cpu", "cuda", "cuda:1".
        engine: one of `ENGINES`.
        precision: "auto", "float32", "float16" or "bfloat16", for PyTorch; an export has its own.
        threads: for one forward pass on the CPU; None for one a core.

    Raises:
        WeightsMissing: a file is not on this machine; says how to get it.
        BadCheckpoint: the checkpoint or the export cannot be used.
        BadInput: there is no such engine, or it is not installed, or it cannot use the device.
    """
    if engine not in ENGINES:
        raise BadInput(f"There is no engine {engine!r}; choose one of {', '.join(ENGINES)}.")
    if engine == "torch" and _is_export(checkpoint):
        raise BadInput(f"{checkpoint} is an export, which PyTorch cannot run: choose the engine onnx, or auto.")
    engines = (engine,) if engine != "auto" else ("onnx",) if _is_export(checkpoint) else _by_speed(checkpoint, device)
    for index, name in enumerate(engines):
        try:
            if name == "onnx":
                return _open_onnx(checkpoint, device, threads)
            return _open_torch(checkpoint, device, precision, threads)
        except MPTError as error:
            if index == len(engines) - 1:
                raise
            log.warning("The engine %s cannot be used, so that a slower one is: %s", name, error)
    raise AssertionError("there is always an engine to try")


def export_path(checkpoint: Path | None = None) -> Path:
    """Where a checkpoint's export lies: beside it; that of the project's own one among the fetched weights."""
    from weights.registry import cache_folder

    return checkpoint.with_suffix(".onnx") if checkpoint else cache_folder() / f"{_DEFAULT}.onnx"


def fingerprint(checkpoint: Path) -> str:
    """Changes with the checkpoint and with the code that makes a network of it; an export carries it."""
    digest = hashlib.sha256(checkpoint.read_bytes())
    folder = Path(__file__).parent
    for source in sorted([*folder.glob("backbones/*.py"), *(folder / name for name in _NETWORK)]):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _open_torch(checkpoint: Path | None, device: str, precision: str, threads: int | None) -> Network:
    _require("torch", "PyTorch", "pip install torch, or choose the engine onnx")
    import torch

    from model.torch_network import TorchNetwork

    if threads is not None:
        torch.set_num_threads(threads)
    return TorchNetwork.load(checkpoint or default_checkpoint(), device, precision)


def _open_onnx(checkpoint: Path | None, device: str, threads: int | None) -> Network:
    _require("onnxruntime", "ONNX Runtime", 'pip install "mpt-human[onnx-cpu]"')
    from model.onnx_network import OnnxNetwork

    if checkpoint is not None and _is_export(checkpoint):
        return OnnxNetwork.load(checkpoint, device, threads)
    path = export_path(checkpoint)
    if not path.is_file():
        raise WeightsMissing(f"{path} does not exist; {_how_to_export(checkpoint)} makes it.")
    network = OnnxNetwork.load(path, device, threads)
    try:
        source = fingerprint(checkpoint or default_checkpoint())
    except (OSError, WeightsMissing):  # an image without PyTorch needs no checkpoint
        return network
    if network.fingerprint != source:
        raise BadCheckpoint(f"{path} is of another checkpoint or version; {_how_to_export(checkpoint)} renews it.")
    return network


def _how_to_export(checkpoint: Path | None) -> str:
    return f"`python -m model.onnx{f' --checkpoint {checkpoint}' if checkpoint else ''}`"


def _is_export(checkpoint: Path | None) -> bool:
    return checkpoint is not None and checkpoint.suffix == ".onnx"


def default_checkpoint() -> Path:
    """The checkpoint that comes with the project."""
    import weights

    return weights.path(_DEFAULT)


def _by_speed(checkpoint: Path | None, device: str) -> tuple[str, ...]:
    """The engines that are there, as far as can be told without loading them, fastest first."""
    there = [name for name, module in (("torch", "torch"), ("onnx", "onnxruntime")) if importlib.util.find_spec(module)]
    if "onnx" in there and not export_path(checkpoint).is_file():
        there.remove("onnx")
    if not (device.startswith("cuda") or (device == "auto" and _has_gpu())):
        there.reverse()
    return tuple(there) or ("torch",)


def _has_gpu() -> bool:
    """Whether NVIDIA's driver is there: PyTorch could tell, but takes seconds to import."""
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()


def _require(module: str, title: str, way_out: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise BadInput(f"{title} is not installed: {way_out}.")
