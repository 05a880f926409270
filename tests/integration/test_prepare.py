"""Rendered people on disk: splits without a common subject, the same on any number of processes, resumed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model.errors import BadData, BadInput
from model.network.topology import MeshTopology
from training.images.prepare import prepare
from training.images.rendered.config import RenderConfig
from training.images.shards import PreparedImages
from training.mocap.poses import MocapPoses

COUNTS = {"train": 4, "validation": 2, "test": 2}


def test_splits_share_neither_people_nor_pictures(rendered: Path, topology: MeshTopology) -> None:
    splits = {split: PreparedImages(rendered, split) for split in COUNTS}
    assert {split: len(images) for split, images in splits.items()} == COUNTS
    subjects = [images.about["subjects"] for images in splits.values()]
    assert subjects[2] == ["CMU/02"] and len({name for names in subjects for name in names}) == sum(map(len, subjects))
    assert len({image.name for images in splits.values() for image in images}) == 8
    sample = splits["train"][0]
    assert sample.vertices is not None and sample.vertices.shape == (topology.coarse_count, 3)
    assert splits["train"].about["topology"] == topology.fingerprint


def test_a_topology_of_another_mesh_is_refused(
    topology: MeshTopology, three_people: MocapPoses, tmp_path: Path
) -> None:
    other = dataclasses.replace(topology, name="other", template=-topology.template)
    with pytest.raises(BadInput, match="of the body 'anny', but the checkpoint is of the mesh 'other'"):
        prepare(tmp_path, other, three_people, COUNTS)


def test_two_processes_make_the_same_and_what_is_there_stays(
    rendered: Path, topology: MeshTopology, three_people: MocapPoses, tmp_path: Path
) -> None:
    prepare(tmp_path, topology, three_people, COUNTS, workers=2)
    for split in COUNTS:
        for one, other in zip(PreparedImages(rendered, split), PreparedImages(tmp_path, split), strict=True):
            assert one.name == other.name and torch.equal(one.image, other.image)
            assert torch.equal(one.vertices, other.vertices)
    (tmp_path / "test-00000.safetensors").unlink()
    stayed = tmp_path / "train-00000.safetensors"
    before = stayed.stat().st_mtime_ns
    prepare(tmp_path, topology, three_people, COUNTS)
    assert stayed.stat().st_mtime_ns == before and len(PreparedImages(tmp_path, "test")) == 2
    prepare(tmp_path, topology, three_people, COUNTS | {"train": 5})
    assert len(PreparedImages(tmp_path, "train")) == 5
    with pytest.raises(BadInput, match="other settings"):
        prepare(tmp_path, topology, three_people, COUNTS, RenderConfig(company=1.0))


def test_photos_for_backgrounds_are_split_too(topology: MeshTopology, three_people: MocapPoses, tmp_path: Path) -> None:
    """Three photos, of which each split has one: red, green, blue."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        colour = np.zeros((64, 64, 3), np.uint8)
        colour[..., 2 - number] = 200
        cv2.imwrite(str(photos / f"{number}.png"), colour)
    plain = RenderConfig(cut_off=0, near_edge=0, occluded=0, company=0, photos=photos)
    prepare(tmp_path / "made", topology, three_people, dict.fromkeys(COUNTS, 1), plain)
    for number, split in enumerate(COUNTS):
        corner = PreparedImages(tmp_path / "made", split)[0].image[:, 0:4, 0:4].float().mean(dim=(1, 2))
        assert corner.argmax() == number
    (photos / "2.png").unlink()
    with pytest.raises(BadData, match="too few photos"):
        prepare(tmp_path / "few", topology, three_people, COUNTS, plain)


def test_training_poses_go_beyond_the_clips_where_that_is_asked_for(
    rendered: Path, topology: MeshTopology, three_people: MocapPoses, tmp_path: Path
) -> None:
    prepare(tmp_path, topology, three_people, COUNTS, varied=True)
    for split, varied in (("train", True), ("validation", False), ("test", False)):
        pairs = zip(PreparedImages(rendered, split), PreparedImages(tmp_path, split), strict=True)
        assert all(torch.equal(one.joints, other.joints) != varied for one, other in pairs)
    with pytest.raises(BadInput, match="other settings"):
        prepare(tmp_path, topology, three_people, COUNTS | {"train": 5})
