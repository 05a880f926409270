"""A frozen backbone always answers the same to the same picture: its answers to prepared images, made once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.files import atomic_write
from model.network.backbones import PoseBackbone
from training.images.shards import PreparedImages

_BATCH = 16


class BackboneMaps:
    """A backbone's maps of all samples of `PreparedImages`, in files beside the shards that are mapped to memory.

    Heatmaps are kept as 8-bit numbers, image features in half precision.
    """

    def __init__(
        self,
        images: PreparedImages,
        backbone: PoseBackbone,
        device: torch.device | str = "cpu",
        features: bool = False,
    ):
        """Runs the backbone over the images whose maps are not there yet; a run that is broken off goes on.

        Args:
            images: of the size that the backbone takes.
            backbone: already on the device, in evaluation mode.
            device: where it is.
            features: its image features in place of its heatmaps.
        """
        self.starts = images.starts
        ending = f".{_fingerprint(backbone)}{'.features' if features else ''}.npy"
        paths = [shard.with_suffix(ending) for shard in images.shards]
        missing = [i for i, path in enumerate(paths) if not path.exists() or _older(path, images.shards[i])]
        whole = PreparedImages(images.folder, images.split)  # shards to their ends, whatever part of them is asked for
        kind = "features" if features else "heatmaps"
        for index in tqdm(missing, desc=f"{kind} of {images.split} images", unit="shard", disable=not missing):
            _write(paths[index], _run(whole, index, backbone, device, features))
        self._maps = [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths]

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, index: Tensor) -> Tensor:
        """Maps (B, K or F, s, s) float32 of samples (B,)."""
        numbers = index.cpu().numpy()
        shards = np.searchsorted(self.starts, numbers, side="right") - 1
        rows = numbers - self.starts[shards]
        maps = torch.from_numpy(np.stack([self._maps[shard][row] for shard, row in zip(shards, rows)]))
        maps = maps.to(index.device)
        return maps.float() / 255 if maps.dtype == torch.uint8 else maps.float()


@torch.inference_mode()
def _run(
    images: PreparedImages, shard: int, backbone: PoseBackbone, device: torch.device | str, features: bool
) -> np.ndarray:
    """The maps of one shard: (N, K, s, s) uint8 or (N, F, s, s) float16."""
    first, end = int(images.starts[shard]), int(images.starts[shard + 1])
    answers = []
    for start in range(first, end, _BATCH):
        batch = torch.stack([images[index].image for index in range(start, min(start + _BATCH, end))])
        crops = batch.to(device).float()
        if features:
            answers.append(backbone.features(crops).half().cpu().contiguous().numpy())
        else:
            answers.append((backbone(crops).clamp(0, 1) * 255).round().to(torch.uint8).cpu().contiguous().numpy())
    return np.concatenate(answers)


def _older(path: Path, than: Path) -> bool:
    return path.stat().st_mtime_ns < than.stat().st_mtime_ns


def _write(path: Path, maps: np.ndarray) -> None:
    with atomic_write(path) as partial, partial.open("wb") as file:
        np.save(file, maps)


def _fingerprint(backbone: PoseBackbone) -> str:
    """Tells two backbones apart by name, parameters and buffers."""
    digest = hashlib.sha256(type(backbone).__name__.encode())
    for name, value in backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
