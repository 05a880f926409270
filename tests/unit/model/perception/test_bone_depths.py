"""What is known of bones is the same however a picture is turned, and however large; what is read fits together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import weights
from model.errors import BadData
from model.joints import COCO_BONES
from model.network.backbones.blazepose import FULL, HEAVY
from model.perception.bone_depths import BoneReader, BonesSeen, gather, joint_depths

FOCAL = 500.0


def somebody(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A person straight before the camera."""
    return {
        "landmarks": np.concatenate([rng.normal(0, 100, (1, 33, 2)), rng.random((1, 33, 1))], axis=2),
        "depths": rng.normal(0, 30, (1, 33)),
        "joints": rng.normal(0, 0.4, (1, 17, 3)),
        "translations": np.array([[0.0, 0.0, 4.0]]),
        "angles": np.zeros(1),
    }


def known(person: dict[str, np.ndarray], focal: float = FOCAL) -> BonesSeen:
    landmarks, depths, joints, translations, angles = person.values()
    return gather(landmarks, depths, (np.ones((1, 29, 4)), np.ones((1, 5))), joints, translations, focal, angles)


def test_a_picture_that_is_turned_tells_the_same() -> None:
    person = somebody(np.random.default_rng(0))
    angle = 0.7
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # rows, clockwise on the screen
    turned = {name: value.copy() for name, value in person.items()}
    turned["landmarks"][..., :2] = person["landmarks"][..., :2] @ turn
    turned["joints"][..., :2] = person["joints"][..., :2] @ turn
    turned["angles"] = np.array([angle])
    for one, other in zip(known(person), known(turned), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_picture_that_is_twice_as_large_tells_the_same() -> None:
    person = somebody(np.random.default_rng(1))
    larger = {name: value.copy() for name, value in person.items()}
    larger["landmarks"][..., :2] *= 2
    larger["depths"] *= 2
    for one, other in zip(known(person), known(larger, 2 * FOCAL), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_lifted_depths_are_along_the_ray_that_leads_to_the_person() -> None:
    """Somebody 45 degrees aside, whose shoulders lie along her ray, and whose hips lie across it."""
    person = somebody(np.random.default_rng(2))
    person["translations"] = np.array([[3.0, 0.0, 3.0]])
    person["joints"][0, [5, 6]] = (0, -0.5, 0), (0.2, -0.5, 0.2)
    person["joints"][0, [11, 12]] = (0.1, 0, -0.1), (-0.1, 0, 0.1)
    found = known(person)
    assert found.lifted[0, COCO_BONES.index((5, 6))] == pytest.approx(0.2 * np.sqrt(2))
    assert found.lifted[0, COCO_BONES.index((11, 12))] == pytest.approx(0, abs=1e-7)


def test_bones_follow_one_another() -> None:
    bones = np.zeros((1, len(COCO_BONES)))
    for bone, deep in (
        ((11, 12), 0.2),
        ((5, 11), -0.3),
        ((6, 12), -0.1),
        ((5, 6), 0.1),
        ((12, 14), 0.4),
        ((14, 16), -0.1),
    ):
        bones[0, COCO_BONES.index(bone)] = deep
    (found,) = joint_depths(bones)
    assert found[[11, 12, 5, 6]] == pytest.approx([-0.1, 0.1, 0.15, 0.25])  # shoulders 0.2 behind the hips' middle
    assert found[[14, 16, 13]] == pytest.approx([0.5, 0.4, -0.1])
    assert found[[8, 10]] == pytest.approx([0.25, 0.25])


def test_the_shipped_one_reads_what_heavy_sees() -> None:
    reader = BoneReader.shipped()
    channels = HEAVY.pyramid + sum(stage[0] for stage in HEAVY.stages[:2])
    assert reader.reads(np.zeros((1, 29, channels)), np.zeros((1, 4 * HEAVY.tail[0])))
    assert not reader.reads(np.zeros((1, 29, FULL.pyramid)), np.zeros((1, 4 * FULL.tail[0])))


def test_each_person_is_read_as_if_alone() -> None:
    reader, rng = BoneReader.shipped(), np.random.default_rng(3)
    shapes = ((3, 207), (3, 29, 336), (3, 1152), (3, 12))
    seen = BonesSeen(*(rng.standard_normal(shape).astype(np.float32) for shape in shapes))
    together = reader(seen)
    for index in range(3):
        alone = reader(BonesSeen(*(part[[index]] for part in seen)))
        np.testing.assert_allclose(alone[0], together[index], atol=1e-4)


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    tensors = load_file(weights.path("anny-depths"))
    path = tmp_path / "other.safetensors"
    about = {"mpt": '{"format": "mpt-bone-depths-1"}'}
    save_file(tensors, path, about)
    assert BoneReader.load(path)
    save_file({**tensors, "leave": tensors["leave"][:, :5]}, path, about)
    with pytest.raises(BadData, match=r"other.*training\.depths\.train"):
        BoneReader.load(path)
    save_file({**tensors, "leave": tensors["leave"] * np.float16(np.nan)}, path, about)
    with pytest.raises(BadData, match="not finite"):
        BoneReader.load(path)
    save_file(tensors, path)
    with pytest.raises(BadData, match="other"):
        BoneReader.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(BadData, match="other"):
        BoneReader.load(path)
