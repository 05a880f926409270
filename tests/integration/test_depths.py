"""From rendered people to a network that reads the depths of their bones: what serving knows of them, and training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import BadData
from model.joints import COCO_BONES
from model.perception.bone_depths import BoneReader
from model.reconstructor import Reconstructor
from training.depths import samples, train
from training.depths.samples import read_samples
from training.images.shards import PreparedImages


def test_people_are_known_as_they_are_served_and_trained_on(
    rendered: Path, tmp_path: Path, load: Callable[..., Reconstructor], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load(device="cpu", engine="torch").network
    folder = tmp_path / "rendered"
    folder.mkdir()
    for shard in rendered.glob("*.safetensors"):
        (folder / shard.name).write_bytes(shard.read_bytes())
    monkeypatch.setattr(samples, "_SURE", 0.3)  # of four pictures this size
    monkeypatch.setattr(train, "open_network", lambda *_: network)
    best = train.train(folder, tmp_path / "run", steps=2, hidden=8)
    assert BoneReader.load(best).reads(np.zeros((29, 336)), np.zeros(1152))

    images = PreparedImages(folder, "train")
    monkeypatch.setattr(samples, "_SURE", 1.1)
    with pytest.raises(BadData, match=r"sure of nobody in .*test-00000"):
        read_samples(PreparedImages(folder, "test"), network)
    monkeypatch.setattr(samples, "lift_landmarks", lambda *_, **__: pytest.fail("it was looked at again"))
    found = read_samples(images, network)
    assert 2 <= len(found) <= len(images) and found.deep.shape == (len(found), len(COCO_BONES))
    hips = [abs(float((image.joints[12] - image.joints[11])[2])) for image in images if image.joints is not None]  # type: ignore[index]
    own = found.deep[:, COCO_BONES.index((11, 12))].abs()
    assert all(any(abs(float(deep) - hip) < 1e-6 for hip in hips) for deep in own)
    assert torch.isfinite(found.seen[0]).all() and found.seen[1].dtype == torch.float16


def test_people_who_were_not_rendered_are_refused(rendered: Path, load: Callable[..., Reconstructor]) -> None:
    images = PreparedImages(rendered, "test")
    images.about = images.about | {"data": "3dpw"}
    with pytest.raises(BadData, match=r"no rendered people.*training\.images\.prepare"):
        read_samples(images, load(device="cpu", engine="torch").network)
