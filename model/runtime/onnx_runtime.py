"""The networks run by ONNX Runtime, on the CPU or on a GPU. Needs no PyTorch."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from model.errors import BadCheckpoint, BadInput, WeightsMissing
from model.interfaces import LANDMARKS, CameraSpaceMeshes, NetworkInfo, detectors_of

FORMAT = "mpt-onnx-5"

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxNetwork:
    """A `Network` of ONNX files.

    Args:
        mesh: a session of the exported `PhotoMPT`.
        open_beside: opens the export of a `PhotoDetector`, or of what lifts keypoints, by its name.
        path: the first's file.
        landmarks: whether to open `LANDMARKS` too, and what lifts its landmarks, if they are there.

    Raises:
        BadCheckpoint: `mesh` does not describe itself as our exports do.
    """

    def __init__(
        self,
        mesh: onnxruntime.InferenceSession,
        open_beside: Callable[[str], onnxruntime.InferenceSession],
        path: Path,
        landmarks: bool = True,
    ):
        self._mesh = mesh
        try:
            stored = mesh.get_modelmeta().custom_metadata_map
            description = json.loads(stored["mpt"])
            if description["format"] != FORMAT:
                raise ValueError(f"it is of format {str(description['format'])[:40]!r}")
            faces = np.frombuffer(base64.b64decode(stored["mpt.faces"]), "<i4").reshape(-1, 3)
            card = dict(description["card"])
            self.fingerprint = str(description["fingerprint"])
            self.info = NetworkInfo(
                name=str(description["name"]),
                size=str(description["size"]),
                mode=str(description["mode"]),
                card=card,
                subject=str(description["subject"]),
                faces=faces,
                vertex_count=int(description["vertex_count"]),
                joint_names=tuple(description["joint_names"]),
                crop_size=int(description["crop_size"]),
                lifts=landmarks and bool(description["lifts"]),
            )
            precision = str(description["precision"])
        except (KeyError, TypeError, ValueError) as error:
            why = f"it has no {error}" if isinstance(error, KeyError) else error
            raise BadCheckpoint(
                f"{path} is no export of this version, {FORMAT}: {why}; export the checkpoint again."
            ) from None
        place = "CUDA" if _PROVIDERS["cuda"] in mesh.get_providers() else "CPU"
        names = detectors_of(self.info.subject) + (LANDMARKS,) * self.info.lifts
        self._detectors = {name: open_beside(name) for name in names}
        self._lift = open_beside(lift_path(path).stem) if self.info.lifts else None
        self.runtime = f"ONNX Runtime on {place}, {precision}"

    @classmethod
    def load(cls, path: Path, device: str = "auto", threads: int | None = None, landmarks: bool = True) -> OnnxNetwork:
        """Opens an export.

        Args:
            path: the mesh network's file; those of its subject's detectors lie beside it.
            device: "auto" (CUDA if ONNX Runtime was built for it and finds one), "cpu", "cuda" or "cuda:1".
            threads: for one forward pass on the CPU; None for one a core.
            landmarks: see the class.

        Raises:
            WeightsMissing: one of the files is not there.
            BadCheckpoint: one of them is none of ours.
            BadInput: ONNX Runtime cannot use the device.
        """
        mesh = open_session(path, device, threads)
        return cls(mesh, lambda name: open_session(path.with_name(f"{name}.onnx"), device, threads), path, landmarks)

    def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """See `Network.detect`."""
        return tuple(self._detectors[detector].run(None, {"images": images}))

    def regress(self, pixels: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        """See `Network.regress`."""
        return CameraSpaceMeshes(
            *self._mesh.run(CameraSpaceMeshes._fields, {"pixels": pixels, "crops": crops, "cameras": cameras})
        )

    def lift(self, keypoints: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        """See `Network.lift`."""
        assert self._lift is not None
        known = next(given.shape[1] for given in self._lift.get_inputs() if given.name == "joints_2d")
        missing = max(0, known - keypoints.shape[1])
        keypoints = np.pad(keypoints[:, :known], ((0, 0), (0, missing), (0, 0)))
        inputs = {"joints_2d": keypoints, "crops": crops, "cameras": cameras}
        return CameraSpaceMeshes(*self._lift.run(CameraSpaceMeshes._fields, inputs))


def lift_path(mesh: Path) -> Path:
    """The file of what lifts keypoints, beside that of the mesh network."""
    return mesh.with_name(f"{mesh.stem}-lift.onnx")


def open_session(path: Path, device: str, threads: int | None) -> onnxruntime.InferenceSession:
    """Opens a file and makes sure that it runs where it should: ONNX Runtime falls back to the CPU with a warning."""
    if not path.is_file():
        raise WeightsMissing(
            f"{path} does not exist; `python -m model.runtime.export` makes it where PyTorch is installed."
        )
    kind, _, index = device.partition(":")
    if kind not in ("auto", *_PROVIDERS) or not (index or "0").isdecimal():
        raise BadInput(f"ONNX Runtime's engine has no device {device!r}; choose cpu, cuda or cuda:1.")
    there = onnxruntime.get_available_providers()
    if kind != "cpu" and _PROVIDERS["cuda"] in there:
        # Batches of every size come by: the default would try all algorithms anew for each.
        cuda = (_PROVIDERS["cuda"], {"device_id": index or "0", "cudnn_conv_algo_search": "HEURISTIC"})
        session = _session(path, threads, [cuda, _PROVIDERS["cpu"]])
        if session.get_providers()[0] == _PROVIDERS["cuda"]:
            return session
    if kind == "cuda":
        raise BadInput(
            f"ONNX Runtime cannot run on {device} here; it offers {', '.join(there)}. "
            "For CUDA, install onnxruntime-gpu in place of onnxruntime, and CUDA's and cuDNN's libraries."
        )
    return _session(path, threads, [_PROVIDERS["cpu"]])


def _session(path: Path, threads: int | None, providers: list[object]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or _cores()
    # Threads that wait by spinning are a little quicker alone, and keep the cores from other requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")  # weights: not in the pool
    options.log_severity_level = 3  # errors: `_open` looks for fallbacks itself
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # ONNX Runtime's own have no base in common
        raise BadCheckpoint(f"{path} is not a readable ONNX file; export it again. ({error})") from None


@cache
def _share_memory() -> None:
    """Let all sessions of this process have their tensors in one pool, which grows by what is asked for.

    By default each has a pool of its own, which doubles, and which keeps what the largest batch so far took.
    """
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    as_requested = onnxruntime.OrtArenaCfg({"arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(place, as_requested)


def _cores() -> int:
    """How many cores this process may use: a container may be granted fewer than there are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup, or "max"
        return cores
