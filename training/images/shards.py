"""Image-mesh pairs on disk: shards that load fast and are read a sample at a time, whatever data set they came from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from model.errors import BadData
from model.files import atomic_write
from training.images.sample import ImageSample

SHARD = 250
"""Samples in a shard: some 5 MB, and seconds of work that a broken-off run loses at most."""
RENDERED = "rendered people"
"""What shards of `training.images.prepare` say their data is."""
_FORMAT = "mpt-images-1"
_QUALITY = 95  # of the JPEG: what it adds is below the noise that pictures have anyway
_FIELDS = ("vertices", "joints", "joints_2d", "joints_visible", "camera", "translation", "up")
_MASKS = {"joints": "joints_valid", "joints_2d": "joints_2d_valid"}


def write_shard(
    path: Path, samples: Sequence[ImageSample], about: dict[str, Any], coarse_count: int, joint_count: int = 17
) -> None:
    """Writes samples, with whatever truth they have; a reader never sees half a file.

    Args:
        about: what the samples are; `PreparedImages` hands it out again. "size" is the pictures' side in pixels,
            "topology" the fingerprint of the mesh topology.
        coarse_count: C, and joint_count: K, for samples without a mesh or joints.
    """
    shapes = {"vertices": (coarse_count, 3), "joints": (joint_count, 3), "joints_2d": (joint_count, 2)}
    codes, tensors = [], {}
    for sample in samples:
        pixels = np.ascontiguousarray(sample.image.permute(1, 2, 0).numpy()[..., ::-1])
        codes.append(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].ravel())
    tensors["images"] = torch.from_numpy(np.concatenate(codes))
    tensors["image_ends"] = torch.tensor([len(code) for code in codes]).cumsum(0)
    for field in _FIELDS:
        shape = shapes.get(field, (joint_count,) if field == "joints_visible" else (3,))
        tensors[field] = torch.stack([_known(sample, field, shape) for sample in samples])
    description = {"format": _FORMAT, "names": [sample.name for sample in samples], "about": about}
    with atomic_write(path) as partial:
        save_file(tensors, partial, metadata={"mpt": json.dumps(description)})


def _known(sample: ImageSample, field: str, shape: tuple[int, ...]) -> Tensor:
    """A field's numbers: NaN where they are not known."""
    value: Tensor | None = getattr(sample, field)
    if field == "joints_visible":
        return torch.zeros(shape, dtype=torch.bool) if value is None else value
    if value is None:
        return torch.full(shape, torch.nan)
    valid: Tensor | None = getattr(sample, _MASKS[field]) if field in _MASKS else None
    return value if valid is None else torch.where(valid[:, None], value, torch.nan)


class PreparedImages(Dataset[ImageSample]):
    """The samples of a split, from the shards that are in a folder; what is not known of one is None or not valid."""

    def __init__(self, folder: Path, split: str, count: int | None = None):
        """Looks at the shards; samples are read when they are asked for.

        Args:
            folder: of `training.images.prepare`; split: "train", "validation" or "test".
            count: samples to read, the first ones; None for all.

        Raises:
            BadData: there are none, or one cannot be read.
        """
        self.folder, self.split = folder, split
        self.shards = sorted(folder.glob(f"{split}-*[0-9].safetensors"))
        if not self.shards:
            raise BadData(
                f"{folder} holds no {split} images: make some with python -m training.images.prepare, "
                f"or of a data set that has them with python -m training.images.convert --split {split}."
            )
        self.about: dict[str, Any] = {}
        self._names: list[list[str]] = []
        self._files: dict[int, Any] = {}
        for index, shard in enumerate(self.shards):
            if count is not None and sum(map(len, self._names)) >= count:
                self.shards = self.shards[:index]
                break
            description = json.loads((self._open(index).metadata() or {}).get("mpt", "{}"))
            if description.get("format") != _FORMAT:
                raise BadData(f"{shard} holds no images that this version can read ({_FORMAT}); prepare them again.")
            if index and description["about"] != self.about:
                raise BadData(f"{shard} was made with other settings than {self.shards[0].name}: prepare all anew.")
            self.about = description["about"]
            self._names.append(description["names"])
        if count is not None:
            self._names[-1] = self._names[-1][: count - sum(map(len, self._names[:-1]))]
        self.starts = np.cumsum([0, *(len(names) for names in self._names)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getstate__(self) -> dict[str, Any]:
        """Open files do not travel to other processes; each opens its own."""
        return {**self.__dict__, "_files": {}}

    def __getitem__(self, index: int) -> ImageSample:
        shard, row = self.locate(index)
        file = self._open(shard)
        truth: dict[str, Tensor | None] = {field: self._row(shard, field, row) for field in _FIELDS}
        for field in _FIELDS:
            value = truth[field]
            if value is None:
                continue
            lost = value.isnan()
            if lost.all():
                truth[field] = None
            elif lost.any() and field in _MASKS:
                truth[_MASKS[field]] = ~lost.any(dim=-1)
        ends = file.get_slice("image_ends")
        start, end = int(ends[row - 1 : row][0]) if row else 0, int(ends[row : row + 1][0])
        code = file.get_slice("images")[start:end].numpy()
        picture = cv2.imdecode(code, cv2.IMREAD_COLOR)
        if picture is None:
            raise BadData(f"{self.shards[shard]}: picture {row} is damaged; delete the file and prepare it again.")
        image = torch.from_numpy(np.ascontiguousarray(picture[..., ::-1])).permute(2, 0, 1).contiguous()
        return ImageSample(name=self._names[shard][row], image=image, **truth)

    def locate(self, index: int) -> tuple[int, int]:
        """The shard of a sample, and its row there."""
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} samples, so {index} is none of them.")
        shard = int(np.searchsorted(self.starts, index, side="right")) - 1
        return shard, index - int(self.starts[shard])

    def truth(self, field: str) -> Tensor:
        """A field of all samples, (N, ...), NaN where it is not known: "vertices", "joints", "joints_2d" and so on."""
        parts = []
        for shard, names in enumerate(self._names):
            file = self._open(shard)
            # Shards made before there was such a field do not know it.
            there = field in set(file.keys())
            parts.append(file.get_tensor(field) if there else torch.full((len(names), 3), torch.nan))
        return torch.cat(parts)[: len(self)]

    def _row(self, shard: int, field: str, row: int) -> Tensor | None:
        file = self._open(shard)
        if field not in set(file.keys()):
            return None
        value: Tensor = file.get_slice(field)[row : row + 1]
        return value[0]

    def _open(self, shard: int) -> Any:
        if shard not in self._files:
            try:
                self._files[shard] = safe_open(self.shards[shard], framework="pt")
            except (SafetensorError, OSError) as error:
                raise BadData(
                    f"{self.shards[shard]} cannot be read ({error}); delete it and prepare it again."
                ) from None
        return self._files[shard]
