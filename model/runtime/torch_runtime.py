"""The networks run by PyTorch, on the CPU or on a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from model.errors import BadInput
from model.interfaces import LANDMARKS, CameraSpaceMeshes, NetworkInfo, detectors_of
from model.network.backbones import build_backbone
from model.network.checkpoint import load_checkpoint
from model.network.detectors.registry import PhotoDetector, load_detector
from model.network.mpt import MPT, KeypointMPT, PhotoMPT
from model.network.topology import MeshTopology

PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_OPEN: WeakValueDictionary[tuple[Path, torch.device, str], PhotoDetector] = WeakValueDictionary()


def open_detector(name: str, device: torch.device | str, precision: str = "float32") -> PhotoDetector:
    """A detector from the weights at hand, to run, not to change: there is one for all networks that run it so.

    Args:
        name: of its weights.
        device: where it runs.
        precision: one of `PRECISIONS`.

    Raises:
        WeightsMissing: its file is not on this machine; says how to get it.
        BadCheckpoint: the file cannot be used.
    """
    import weights

    key = (weights.path(name), torch.device(device), precision)
    detector = _OPEN.get(key)
    if detector is None:
        detector = _OPEN[key] = load_detector(name, key[0]).to(key[1], PRECISIONS[precision])
    return detector


def _precision(asked: str, device: torch.device) -> str:
    """The one of `PRECISIONS` that is meant, see `TorchNetwork`."""
    chosen = ("float16" if device.type == "cuda" else "float32") if asked == "auto" else asked
    if chosen not in PRECISIONS:
        raise BadInput(f"The precision {asked!r} is not one of auto, {', '.join(PRECISIONS)}.")
    return chosen


class TorchNetwork:
    """A `Network` of PyTorch modules.

    Args:
        network: the mesh network.
        detectors: those of its card's subject, by name; with `LANDMARKS` among them it lifts keypoints too.
        name: the checkpoint's name; mode: "zero-shot" or "fine-tuned"; card: its model card.
        device: where both run.
        precision: of the convolutional networks, the rest is float32: one of `PRECISIONS`, or "auto": float16 on
            GPUs, which stays within 0.2 mm where bfloat16, with its 8 bits, moves joints by a centimetre.

    Raises:
        BadInput: there is no such precision.
    """

    def __init__(
        self,
        network: MPT,
        detectors: Mapping[str, PhotoDetector],
        name: str,
        mode: str,
        card: dict[str, object],
        device: torch.device | str = "cpu",
        precision: str = "auto",
    ):
        self.device = torch.device(device)
        precision = _precision(precision, self.device)
        self.topology: MeshTopology = network.topology
        self.info = NetworkInfo(
            name=name,
            size=network.transformer.size.name,
            mode=mode,
            card=card,
            subject=str(card.get("subject", "body")),
            faces=network.topology.faces.numpy().astype(np.int32),
            vertex_count=network.topology.vertex_count,
            joint_names=network.topology.joint_names,
            crop_size=network.backbone.input_size,
            lifts=LANDMARKS in detectors,
        )
        self.runtime = f"PyTorch on {self.device}, {precision}"
        self.mesh = PhotoMPT(network).to(self.device).eval()
        self.keypoint_mesh = KeypointMPT(self.mesh)
        self.detectors = {name: detector.to(self.device).eval() for name, detector in detectors.items()}
        for convolutional in (network.backbone, *self.detectors.values()):
            convolutional.to(PRECISIONS[precision])

    @classmethod
    def load(
        cls, checkpoint: Path, device: str = "auto", precision: str = "auto", landmarks: bool = True
    ) -> TorchNetwork:
        """Loads the networks from the weights at hand.

        Args:
            checkpoint: a checkpoint file.
            device: "auto" (CUDA where there is one), "cpu", "cuda" or any name that torch knows.
            precision: see the class.
            landmarks: whether to load `LANDMARKS` too, where the checkpoint is served with the usual backbone.

        Raises:
            WeightsMissing: when a network's file is not on this machine; says how to get it.
            BadCheckpoint: when the checkpoint cannot be used.
            BadInput: when there is no such device or precision.
        """
        import weights

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise BadInput(f"PyTorch cannot use the device {device!r} here: {str(error).splitlines()[0]}") from None
        loaded = load_checkpoint(checkpoint)
        backbone_name = str(loaded.card.get("backbone", "movenet-thunder"))
        backbone = loaded.backbone or build_backbone(backbone_name, weights.path(backbone_name))
        names = detectors_of(str(loaded.card.get("subject", "body")))
        if (
            landmarks
            and names == detectors_of("body")
            and backbone_name == "movenet-thunder"
            and loaded.backbone is None
        ):
            names += (LANDMARKS,)
        precision = _precision(precision, torch.device(device))
        detectors = {name: open_detector(name, device, precision) for name in names}
        name, mode = str(loaded.card.get("name", "unnamed")), str(loaded.card.get("mode", "zero-shot"))
        network = MPT(backbone, loaded.model, loaded.topology)
        return cls(network, detectors, name, mode, loaded.card, device, precision)

    @torch.inference_mode()
    def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """See `Network.detect`."""
        return tuple(head.cpu().numpy() for head in self.detectors[detector](self._on_device(images)))

    @torch.inference_mode()
    def regress(self, pixels: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        """See `Network.regress`."""
        meshes = self.mesh(*(self._on_device(array) for array in (pixels, crops, cameras)))
        return CameraSpaceMeshes(*(tensor.cpu().contiguous().numpy() for tensor in meshes))

    @torch.inference_mode()
    def lift(self, keypoints: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        """See `Network.lift`."""
        meshes = self.keypoint_mesh(*(self._on_device(array) for array in (keypoints, crops, cameras)))
        return CameraSpaceMeshes(*(tensor.cpu().contiguous().numpy() for tensor in meshes))

    def _on_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)
