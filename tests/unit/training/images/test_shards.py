"""Prepared images: what is written is read again, by any process; damaged files get a sentence. Cached heatmaps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader

from model.errors import BadData
from model.network.backbones import PoseBackbone
from training.images.backbone_cache import BackboneMaps
from training.images.batches import MappedSource
from training.images.sample import ImageSample, collate
from training.images.shards import PreparedImages, write_shard

SIZE, COARSE = 32, 5


def _sample(number: int) -> ImageSample:
    generator = torch.Generator().manual_seed(number)
    ramp = torch.linspace(0, 255, SIZE)
    image = torch.stack([ramp.expand(SIZE, SIZE), ramp[:, None].expand(SIZE, SIZE), torch.full((SIZE, SIZE), 9.0)])
    return ImageSample(
        name=f"made/{number}",
        image=(image + number).clamp(0, 255).to(torch.uint8),
        vertices=torch.randn(COARSE, 3, generator=generator),
        joints=torch.randn(17, 3, generator=generator),
        joints_2d=SIZE * torch.rand(17, 2, generator=generator),
        joints_visible=torch.rand(17, generator=generator) < 0.5,
        camera=torch.tensor([40.0, 16, 16]),
        translation=torch.tensor([0.0, 0, 3]),
        up=torch.tensor([0.0, -0.8, -0.6]),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_shard(tmp_path / "train-00000.safetensors", [_sample(i) for i in range(3)], {"seed": 1}, COARSE)
    write_shard(tmp_path / "train-00001.safetensors", [_sample(i) for i in range(3, 5)], {"seed": 1}, COARSE)
    return tmp_path


def test_samples_come_back(folder: Path) -> None:
    images = PreparedImages(folder, "train")
    assert len(images) == 5 and images.about == {"seed": 1}
    for number in (4, 0, 2, 3):
        expected, found = _sample(number), images[number]
        assert found.name == expected.name
        assert (found.image.int() - expected.image.int()).abs().float().mean() < 2  # JPEG
        for field in ("vertices", "joints", "joints_2d", "joints_visible", "camera", "translation", "up"):
            assert torch.equal(getattr(found, field), getattr(expected, field))
    assert torch.equal(images.truth("joints")[3], _sample(3).joints)
    for number in (-1, 5):
        with pytest.raises(IndexError):
            images[number]


def test_what_is_not_known_stays_unknown(tmp_path: Path) -> None:
    """2D joints alone, one of them unknown; 3D joints of which one is unknown; everything."""
    flat = ImageSample("flat", _sample(0).image, joints_2d=_sample(0).joints_2d, joints_2d_valid=torch.arange(17) != 4)
    deep = dataclasses.replace(_sample(1), vertices=None, camera=None, joints_valid=torch.arange(17) != 2)
    write_shard(tmp_path / "train-00000.safetensors", [flat, deep, _sample(2)], {"size": SIZE}, COARSE)
    images = PreparedImages(tmp_path, "train")
    expected, found = (collate([*samples], COARSE).truth() for samples in ((flat, deep, _sample(2)), images))
    for field, value in vars(expected).items():
        assert torch.equal(getattr(found, field), value), field
    assert images[0].camera is None and images[1].vertices is None and images[2].joints_valid is None
    kept = MappedSource(images, torch.zeros(3, 17, 8, 8)).select(torch.arange(3)).truth  # type: ignore[arg-type]
    for field, value in vars(expected).items():
        assert torch.equal(getattr(kept, field), value), field


def test_shards_of_before_there_was_an_up_direction_are_read(folder: Path) -> None:
    path = folder / "train-00000.safetensors"
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys() if name != "up"}  # noqa: SIM118
        about = file.metadata()
    save_file(tensors, path, about)
    images = PreparedImages(folder, "train")
    assert images[0].up is None and torch.equal(images[0].joints, _sample(0).joints)
    assert images.truth("up").isnan().all(dim=1).tolist() == [True, True, True, False, False]


def test_other_processes_open_their_own_files(folder: Path) -> None:
    images = PreparedImages(folder, "train")
    images[0]
    # It pickles them; and the process forks from one that other tests, too, have PyTorch in.
    loader = DataLoader(images, 2, num_workers=1, multiprocessing_context="forkserver", collate_fn=_together)
    assert [name for batch in loader for name in batch] == [f"made/{i}" for i in range(5)]


def _together(samples: list[ImageSample]) -> tuple[str, ...]:
    return collate(samples, COARSE).names


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    with pytest.raises(BadData, match="holds no test images"):
        PreparedImages(folder, "test")
    second = folder / "train-00001.safetensors"
    write_shard(second, [_sample(3)], {"seed": 2}, COARSE)
    with pytest.raises(BadData, match="other settings"):
        PreparedImages(folder, "train")
    second.write_bytes(second.read_bytes()[:300])
    with pytest.raises(BadData, match=r"train-00001\.safetensors cannot be read"):
        PreparedImages(folder, "train")


class Brightness(PoseBackbone):
    """Each map is the picture's brightness, in quarters of its size."""

    joints, input_size, heatmap_size = 17, SIZE, SIZE // 4

    def __init__(self, gain: float = 1.0):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(gain))
        self.calls = 0

    def forward(self, crops: Tensor) -> Tensor:
        self.calls += 1
        small = torch.nn.functional.avg_pool2d(crops.mean(dim=1, keepdim=True), 4) / 255
        return (self.gain * small).clamp(0, 1).expand(-1, 17, -1, -1)


def test_heatmaps_are_made_once_for_each_backbone(folder: Path) -> None:
    images, backbone = PreparedImages(folder, "train"), Brightness()
    maps = BackboneMaps(images, backbone)
    index = torch.tensor([4, 0, 4])
    with torch.no_grad():
        expected = backbone(torch.stack([images[int(i)].image for i in index]).float())
    torch.testing.assert_close(maps[index], expected, atol=0.5 / 255 + 1e-6, rtol=0)
    again = Brightness()
    assert torch.equal(BackboneMaps(images, again)[index], maps[index]) and again.calls == 0
    darker = Brightness(0.5)
    assert BackboneMaps(images, darker)[index].max() < 0.6 * maps[index].max() and darker.calls == 2
    # A shard that was made again has other pictures.
    write_shard(
        images.shards[0],
        [dataclasses.replace(_sample(i), image=_sample(9).image) for i in range(3)],
        {"seed": 1},
        COARSE,
    )
    renewed = Brightness()
    other = BackboneMaps(PreparedImages(folder, "train"), renewed)
    assert renewed.calls == 1 and not np.array_equal(other[index][1], maps[index][1])
