"""Which engine runs the networks: PyTorch, or ONNX Runtime where they were exported; the choice is made once."""

from __future__ import annotations

import ctypes.util
import importlib.util
import logging
import sys
from pathlib import Path

from model.errors import BadCheckpoint, BadInput, MPTError, WeightsMissing
from model.extras import how_to_install
from model.inputs import check_count
from model.interfaces import Network
from model.runtime.fingerprint import fingerprint

ENGINES = ("auto", "torch", "onnx")
PRECISIONS = ("auto", "float32", "float16", "bfloat16")
_DEFAULTS = {"body": "anny-tiny", "hand": "anny-hand-tiny"}

log = logging.getLogger(__name__)


def open_network(
    checkpoint: Path | None = None,
    device: str = "auto",
    engine: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    subject: str = "body",
    landmarks: bool = True,
) -> Network:
    """Loads the networks into an engine.

    "auto" takes what was measured to be the fastest on two CPU cores and on a GPU: PyTorch on CUDA, then ONNX Runtime
    if there is an export of the checkpoint, then PyTorch.

    Args:
        checkpoint: a checkpoint (.safetensors), or an export (.onnx); None for the one that comes with the project.
        device: "auto", "cpu", "cuda", "cuda:1".
        engine: one of `ENGINES`.
        precision: one of `PRECISIONS`, for PyTorch; an export has its own.
        threads: for one forward pass on the CPU; None for one a core.
        subject: "body" or "hand": which of the project's own checkpoints, if none is named.
        landmarks: whether to load the network of people's landmarks too, where it goes with the checkpoint.

    Raises:
        WeightsMissing: a file is not on this machine; says how to get it.
        BadCheckpoint: the checkpoint or the export cannot be used.
        BadInput: there is no such engine or precision, or the engine is not installed or cannot use the device; or
            threads below one.
    """
    if subject not in _DEFAULTS:
        raise BadInput(f"There is no subject {subject!r}; choose one of {', '.join(_DEFAULTS)}.")
    if engine not in ENGINES:
        raise BadInput(f"There is no engine {engine!r}; choose one of {', '.join(ENGINES)}.")
    if precision not in PRECISIONS:
        raise BadInput(f"There is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}.")
    check_count(threads, "threads")
    if engine == "torch" and _is_export(checkpoint):
        raise BadInput(f"{checkpoint} is an export, which PyTorch cannot run: choose the engine onnx, or auto.")
    engines: tuple[str, ...] = (engine,)
    if engine == "auto":
        engines = ("onnx",) if _is_export(checkpoint) else _by_speed(checkpoint, device, subject)
    for index, name in enumerate(engines):
        try:
            if name == "onnx":
                return _open_onnx(checkpoint, device, threads, subject, landmarks)
            return _open_torch(checkpoint or default_checkpoint(subject), device, precision, threads, landmarks)
        except MPTError as error:
            if index == len(engines) - 1:
                raise
            log.warning("The engine %s cannot be used, so that a slower one is: %s", name, error)
    raise AssertionError("there is always an engine to try")


def export_path(checkpoint: Path | None = None, subject: str = "body") -> Path:
    """Where a checkpoint's export lies: beside it; those of the project's own ones among the fetched weights."""
    from weights.registry import cache_folder

    return checkpoint.with_suffix(".onnx") if checkpoint else cache_folder() / f"{_DEFAULTS[subject]}.onnx"


def _open_torch(checkpoint: Path, device: str, precision: str, threads: int | None, landmarks: bool) -> Network:
    _require("torch", "PyTorch", f"{sys.executable} -m pip install torch, or choose the engine onnx")
    import torch

    from model.runtime.torch_runtime import TorchNetwork

    if threads is not None:
        torch.set_num_threads(threads)
    return TorchNetwork.load(checkpoint, device, precision, landmarks)


def _open_onnx(checkpoint: Path | None, device: str, threads: int | None, subject: str, landmarks: bool) -> Network:
    _require("onnxruntime", "ONNX Runtime", how_to_install("onnx-cpu"))
    from model.runtime.onnx_runtime import OnnxNetwork

    if checkpoint is not None and _is_export(checkpoint):
        return OnnxNetwork.load(checkpoint, device, threads, landmarks)
    path, how = export_path(checkpoint, subject), how_to_export(checkpoint, subject)
    if not path.is_file():
        raise WeightsMissing(f"{path} does not exist; {how} makes it.")
    network = OnnxNetwork.load(path, device, threads, landmarks)
    try:
        source = fingerprint(checkpoint or default_checkpoint(subject))
    except (OSError, WeightsMissing):  # an image without PyTorch needs no checkpoint
        return network
    if network.fingerprint != source:
        raise BadCheckpoint(f"{path} is of another checkpoint or version; {how} renews it.")
    return network


def how_to_export(checkpoint: Path | None, subject: str) -> str:
    """The command that exports a checkpoint; None is the one that comes with the project."""
    which = f" --checkpoint {checkpoint}" if checkpoint else "" if subject == "body" else f" --subject {subject}"
    return f"`python -m model.runtime.export{which}`"


def _is_export(checkpoint: Path | None) -> bool:
    return checkpoint is not None and checkpoint.suffix == ".onnx"


def default_checkpoint(subject: str = "body") -> Path:
    """The checkpoint that comes with the project.

    Raises:
        WeightsMissing: this version comes without one for the subject.
    """
    import weights

    return weights.path(_DEFAULTS[subject])


def is_shipped(subject: str) -> bool:
    """Whether a checkpoint for the subject comes with the project."""
    try:
        return default_checkpoint(subject).is_file()
    except WeightsMissing:
        return False


def _by_speed(checkpoint: Path | None, device: str, subject: str) -> tuple[str, ...]:
    """The engines that are there, as far as can be told without loading them, fastest first."""
    there = [name for name, module in (("torch", "torch"), ("onnx", "onnxruntime")) if importlib.util.find_spec(module)]
    on_gpu = device.startswith("cuda") or (device == "auto" and _has_gpu())
    if "onnx" in there and not export_path(checkpoint, subject).is_file():
        there.remove("onnx")
    if not on_gpu:
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
