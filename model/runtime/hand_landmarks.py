"""The network that sees hands of whole people, opened once somebody's hands are large enough."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable

import numpy as np

from model.interfaces import Landmarks, Network
from model.runtime.loading import export_path

NAME = "handlandmark-full"
_Run = Callable[[np.ndarray], tuple[np.ndarray, ...]]


class HandLandmarks:
    """Says of crops (B, 224, 224, 3) uint8 RGB where a hand's joints are; calls from several threads are allowed.

    Args:
        device: as `open_network` takes it.
        onnx: whether its export is run, where there is one.
        threads: for one forward pass on the CPU; None for one a core.
    """

    def __init__(self, device: str, onnx: bool, threads: int | None):
        self._how, self._onnx = (device, threads), onnx
        self._lock = threading.Lock()
        self._run: _Run | None = None

    @staticmethod
    def is_there(onnx: bool) -> bool:
        """Whether there is a file of the network that can be run here: its export, if `onnx`, or PyTorch's."""
        from weights.registry import cache_folder

        fetched, exported = ((cache_folder() / f"{NAME}.{ending}").is_file() for ending in ("safetensors", "onnx"))
        return (onnx and exported) or (fetched and importlib.util.find_spec("torch") is not None)

    def __call__(self, crops: np.ndarray) -> Landmarks:
        with self._lock:
            if self._run is None:
                self._run = self._open()
        return Landmarks(*self._run(crops))

    def _open(self) -> _Run:
        device, threads = self._how
        path = export_path(subject="hand").with_name(f"{NAME}.onnx")
        if self._onnx and path.is_file():
            from model.runtime.onnx_runtime import open_session

            session = open_session(path, device, threads)
            return lambda crops: tuple(session.run(None, {"images": crops}))
        import torch

        from model.runtime.torch_runtime import open_detector

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        network = open_detector(NAME, device)

        def run(crops: np.ndarray) -> tuple[np.ndarray, ...]:
            with torch.inference_mode():
                return tuple(head.cpu().numpy() for head in network(torch.from_numpy(crops).to(device)))

        return run


def of_network(network: Network) -> Callable[[np.ndarray], Landmarks]:
    """The same of a network that is loaded to reconstruct hands."""
    return lambda crops: Landmarks(*network.detect(NAME, crops))
