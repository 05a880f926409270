"""What is known of rendered people's bones when they are served, beside how deep these bones are in truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from model.errors import BadData
from model.files import atomic_write
from model.interfaces import Network
from model.joints import BLAZEPOSE_COCO
from model.perception.bone_depths import ENDS, STARTS, BoneReader, BonesSeen
from model.perception.crop_regressor import CropRegressor
from model.perception.landmarks import lift_landmarks
from training.images.sample import ImageSample
from training.images.shards import RENDERED, PreparedImages

_SURE = 0.6  # mean height of the heatmaps from which people are learned from; they are served from 0.65 on
_ROUGH = 0.02  # of a person's extent: by how much the joints are off by which BlazePose's crops are found
_FEATURES = ("local", "overall")
_COCO = list(BLAZEPOSE_COCO)


@dataclass(frozen=True)
class BoneSamples:
    """N people's bones."""

    seen: tuple[Tensor, Tensor, Tensor, Tensor]
    """The fields of `BonesSeen`; features in half precision."""
    deep: Tensor
    """(N, 12) metres by which the bones' ends are farther from the camera than their starts."""
    known: Tensor
    """(N, 12) bool, of which bones BlazePose has seen both ends."""

    def __len__(self) -> int:
        return len(self.deep)


class _Notes(BoneReader):
    """In the place of a reader: keeps what it would have read from."""

    def __init__(self) -> None:
        self.seen: BonesSeen | None = None

    def reads(self, local: np.ndarray, overall: np.ndarray) -> bool:
        return True

    def __call__(self, seen: BonesSeen) -> np.ndarray:
        self.seen = seen
        return seen.lifted


def read_samples(images: PreparedImages, network: Network) -> BoneSamples:
    """What serving knows of the people in prepared images, kept beside their shards; a run that is broken off goes on.

    Args:
        images: rendered people.
        network: as it is served, with BlazePose.

    Raises:
        BadData: they are others, of whose cameras and joints not all is known; or none of a shard is seen surely.
    """
    if images.about.get("data") != RENDERED:
        raise BadData(f"{images.folder} holds no rendered people: make some by python -m training.images.prepare.")
    parts = []
    for index, shard in enumerate(tqdm(images.shards, desc=f"bones of {images.split} images", unit="shard")):
        path = shard.with_suffix(".bones")
        if not path.exists() or path.stat().st_mtime_ns < shard.stat().st_mtime_ns:
            rows = range(int(images.starts[index]), int(images.starts[index + 1]))
            known = [row for number in rows for row in _look(images[number], number, network)]
            if not known:
                raise BadData(f"BlazePose is sure of nobody in {shard}: delete it, or render its people larger.")
            _write(path, known)
        parts.append(load_file(path))
    whole = {name: torch.from_numpy(np.concatenate([part[name] for part in parts])) for name in parts[0]}
    return BoneSamples(tuple(whole[name] for name in BonesSeen._fields), whole["deep"], whole["known"])  # type: ignore[arg-type]


def _look(sample: ImageSample, number: int, network: Network) -> list[dict[str, np.ndarray]]:
    """What is known of the person in an image; nothing of whom BlazePose is not sure."""
    assert sample.joints_2d is not None and sample.joints is not None and sample.camera is not None
    joints = sample.joints_2d.numpy()
    height, width = sample.image.shape[1:]
    rough = _ROUGH * np.ptp(joints, axis=0).max() * np.random.default_rng(number).standard_normal(joints.shape)
    there = ((joints > 0) & (joints < (width, height))).all(axis=1)
    picture = np.ascontiguousarray(sample.image.permute(1, 2, 0).numpy())
    notes = _Notes()
    regress = CropRegressor(network, picture, float(sample.camera[0]), bones=notes)
    x, y = sample.camera[1:].tolist()
    regress.principal_point = (x, y)
    (result,) = lift_landmarks([np.column_stack([joints + rough, there])], regress, _SURE, doubted=0.0)
    if result is None or notes.seen is None:
        return []
    assert result.landmarks is not None
    seen = result.landmarks[_COCO, 2] > 0
    true = sample.joints[:, 2].numpy()
    row = {name: value[0] for name, value in notes.seen._asdict().items()}
    return [{**row, "deep": true[ENDS] - true[STARTS], "known": seen[STARTS] & seen[ENDS]}]


def _write(path: Path, rows: list[dict[str, np.ndarray]]) -> None:
    """Keeps features in half precision: of 50,000 people they take a gigabyte."""
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    columns |= {name: columns[name].astype(np.float16) for name in _FEATURES}
    with atomic_write(path) as partial:
        save_file(columns, partial)
