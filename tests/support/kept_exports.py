"""Exports to ONNX, kept in the cache until what they are made of changes: to make one takes most of a minute."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock
from torch import nn

from model.runtime import onnx_runtime
from model.runtime.fingerprint import fingerprint
from training.cache import cache_folder

MAKERS = ("torch", "onnx", "onnxscript")


def kept_export(
    name: str, networks: Iterable[nn.Module], sources: Iterable[Path], make: Callable[[Path], None]
) -> Path:
    """The file `name`.onnx, with what belongs beside it.

    Args:
        name: of the mesh network's file.
        networks: what is exported: random ones differ from processor to processor.
        sources: what it is made of beside the exporter and the networks' code.
        make: exports to a path.
    """
    digest = hashlib.sha256(" ".join(map(version, MAKERS)).encode())
    for source in [*sources, Path(onnx_runtime.__file__)]:
        digest.update(fingerprint(source).encode())
    for network in networks:
        for tensor in network.state_dict().values():
            digest.update(tensor.numpy().tobytes())
    folder = cache_folder("tests/exports")
    kept = folder / f"{name}-{digest.hexdigest()[:16]}"
    with FileLock(folder / f"{name}.lock"):
        if not kept.exists():
            for old in folder.glob(f"{name}-*"):
                shutil.rmtree(old)
            making = folder / f".{name}"
            shutil.rmtree(making, ignore_errors=True)
            make(making / f"{name}.onnx")
            making.rename(kept)
    return kept / f"{name}.onnx"
