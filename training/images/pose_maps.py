"""A frozen backbone always answers the same to the same picture: its heatmaps of prepared images, made once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.backbones import PoseBackbone
from training.images.prepared import PreparedImages

_BATCH = 16


class PoseMaps:
    """The heatmaps of all samples of `PreparedImages`, as 8-bit numbers in files that are mapped to memory."""

    def __init__(self, images: PreparedImages, backbone: PoseBackbone, device: torch.device | str = "cpu"):
        """Runs the backbone over the images whose heatmaps are not there yet; a run that is broken off goes on.

        Args:
            images: of the size that the backbone takes.
            backbone: already on the device, in evaluation mode.
        """
        self.starts = images.starts
        key = _fingerprint(backbone)
        paths = [shard.with_suffix(f".{key}.npy") for shard in images.shards]
        missing = [i for i, path in enumerate(paths) if not path.exists() or _older(path, images.shards[i])]
        for index in tqdm(missing, desc=f"heatmaps of {images.split} images", unit="shard", disable=not missing):
            _write(paths[index], self._run(images, index, backbone, device))
        self._maps = [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths]

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, index: Tensor) -> Tensor:
        """Heatmaps (B, K, s, s) float32 in 0..1 of samples (B,)."""
        numbers = index.cpu().numpy()
        shards = np.searchsorted(self.starts, numbers, side="right") - 1
        rows = numbers - self.starts[shards]
        maps = np.stack([self._maps[shard][row] for shard, row in zip(shards, rows)])
        return torch.from_numpy(maps).to(index.device).float() / 255

    @staticmethod
    @torch.inference_mode()
    def _run(images: PreparedImages, shard: int, backbone: PoseBackbone, device: torch.device | str) -> np.ndarray:
        """The heatmaps of one shard: (N, K, s, s) uint8."""
        first, end = int(images.starts[shard]), int(images.starts[shard + 1])
        answers = []
        for start in range(first, end, _BATCH):
            batch = torch.stack([images[index].image for index in range(start, min(start + _BATCH, end))])
            heatmaps = backbone(batch.to(device).float())
            answers.append((heatmaps.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy())
        return np.concatenate(answers)


def _older(path: Path, than: Path) -> bool:
    return path.stat().st_mtime_ns < than.stat().st_mtime_ns


def _write(path: Path, maps: np.ndarray) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            np.save(file, maps)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _fingerprint(backbone: PoseBackbone) -> str:
    """Tells two backbones apart by name, parameters and buffers."""
    digest = hashlib.sha256(type(backbone).__name__.encode())
    for name, value in backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
