"""Fingers: where they are, how they turn, how relaxed hands hang, and that files show the same hands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.spatial.transform import Rotation

import weights
from model.body.fitting import BodyFit
from model.body.hands import FINGERS, Hands, load_hands, save_hands
from model.body.motion import SkeletonMotion
from model.body.rig import Rig
from model.errors import BadData
from model.formats.bvh import to_bvh
from model.formats.rigged_glb import to_rigged_glb
from model.formats.smpl_npz import to_smpl_npz
from model.joints import FINGER_NAMES, FINGER_PARENTS, JOINTS, SMPL_JOINT_NAMES
from tests.support.glb import Glb

TURN_UP = np.array([1, -1, -1])
FLAT = np.tile(np.eye(3), (FINGERS, 1, 1))
WRISTS = {"left": 20, "right": 21}


@pytest.fixture(scope="module")
def hands(worn: Rig) -> Hands:
    assert worn.hands is not None
    return worn.hands


def tips(vertices: np.ndarray, hands: Hands) -> np.ndarray:
    """(10, 3): of each finger the vertex that is farthest from its last joint, of those that hang on it alone."""
    heads, found = hands.heads(vertices), []
    for last in range(2, FINGERS, 3):
        own = hands.vertices[hands.shares[:, last] > 0.9]
        found.append(own[np.linalg.norm(vertices[own] - heads[last], axis=1).argmax()])
    return np.array(found)


def test_names_and_parents_are_smplhs() -> None:
    assert FINGER_NAMES[:4] == ("left_index1", "left_index2", "left_index3", "left_middle1")
    assert FINGER_NAMES[15] == "right_index1" and FINGER_NAMES[-1] == "right_thumb3"
    assert FINGER_PARENTS[:4] == (20, 22, 23, 20) and FINGER_PARENTS[15] == 21 and FINGER_PARENTS[-1] == 50


@pytest.mark.parametrize("seed", range(3))
def test_joints_lie_inside_of_their_fingers_on_bodies_of_all_shapes(worn: Rig, hands: Hands, seed: int) -> None:
    vertices = worn.rest(np.random.default_rng(seed).normal(0, 1, worn.shape_count)).vertices
    heads = hands.heads(vertices)
    for finger, head in enumerate(heads):
        own = vertices[hands.vertices[hands.shares[:, finger] > 0.3]]
        assert np.linalg.norm(own - head, axis=1).min() < 0.03  # a thumb begins in its ball
        assert ((own.min(axis=0) - 0.01 < head) & (head < own.max(axis=0) + 0.01)).all()


def test_flat_hands_are_the_body_as_it_was_modelled(worn: Rig, hands: Hands) -> None:
    rest = worn.rest(np.zeros(worn.shape_count))
    np.testing.assert_allclose(hands.bend(rest.vertices, rest.straighten, FLAT), rest.vertices, atol=1e-6)


def test_a_turned_joint_moves_what_is_beyond_it_and_nothing_else(worn: Rig, hands: Hands) -> None:
    """The left index's second joint turned by a right angle: its tip goes round it, other fingers stay."""
    rest, turns = worn.rest(np.zeros(worn.shape_count)), FLAT.copy()
    turns[1] = Rotation.from_rotvec([0, 0, -np.pi / 2]).as_matrix()
    bent = hands.bend(rest.vertices, rest.straighten, turns)
    ends = tips(rest.vertices, hands)
    own, head = rest.straighten[WRISTS["left"]], hands.heads(rest.vertices)[1]
    expected = turns[1] @ own @ (rest.vertices[ends[0]] - head)
    np.testing.assert_allclose(own @ (bent[ends[0]] - head), expected, atol=2e-4)
    moved = np.flatnonzero(np.abs(bent - rest.vertices).max(axis=1) > 1e-6)
    assert set(moved) <= set(hands.vertices[hands.shares[:, 1:3].any(axis=1)])


def test_relaxed_fingers_hang_between_flat_hands_and_fists(worn: Rig, hands: Hands) -> None:
    rest = worn.rest(np.zeros(worn.shape_count))
    fist = Rotation.from_rotvec(hands.relaxed * 5).as_matrix()
    shapes = {
        name: hands.bend(rest.vertices, rest.straighten, turns)
        for name, turns in (("flat", FLAT), ("relaxed", None), ("fist", fist))
    }
    ends, heads = tips(rest.vertices, hands), hands.heads(rest.vertices)
    for finger in range(10):
        if "thumb" in FINGER_NAMES[3 * finger]:
            continue
        reach = {name: np.linalg.norm(mesh[ends[finger]] - heads[3 * finger]) for name, mesh in shapes.items()}
        assert 0.7 * reach["flat"] < reach["relaxed"] < 0.99 * reach["flat"]
        assert reach["fist"] < 0.9 * reach["relaxed"]
        # In the T-pose palms look down: fingers bend down, on both sides.
        own = rest.straighten[WRISTS[FINGER_NAMES[3 * finger].split("_")[0]]]
        assert (own @ (shapes["relaxed"] - shapes["flat"])[ends[finger]])[1] < -0.01


def test_both_hands_are_mirror_images(hands: Hands) -> None:
    left, right = hands.relaxed.reshape(2, 15, 3)
    np.testing.assert_allclose(left * [1, -1, -1], right, atol=0.02)


def test_a_batch_is_its_bodies(worn: Rig) -> None:
    rng = np.random.default_rng(0)
    turns = Rotation.from_rotvec(rng.normal(0, 0.3, (2 * JOINTS, 3))).as_matrix().reshape(2, JOINTS, 3, 3)
    shapes, places = rng.normal(0, 1, (2, worn.shape_count)), rng.normal(0, 1, (2, 3))
    both = worn.pose(turns, shapes, places)
    for index in range(2):
        np.testing.assert_allclose(worn.pose(turns[index], shapes[index], places[index]), both[index], atol=1e-5)


@pytest.fixture(scope="module", params=["relaxed", "seen"])
def motion(worn: Rig, request: pytest.FixtureRequest) -> SkeletonMotion:
    fingers = Rotation.from_rotvec(np.random.default_rng(3).normal(0, 0.3, (FINGERS, 3))).as_matrix()
    turns = Rotation.from_rotvec(np.random.default_rng(1).normal(0, 0.4, (JOINTS, 3))).as_matrix()
    shape = np.random.default_rng(2).normal(0, 1, worn.shape_count)
    return SkeletonMotion.of(
        worn, [BodyFit(turns, shape, np.zeros(3), 0.001, None if request.param == "relaxed" else fingers)]
    )


def test_rigged_hands_are_the_meshs(worn: Rig, motion: SkeletonMotion) -> None:
    faces = np.arange(worn.vertex_count - worn.vertex_count % 3).reshape(-1, 3)
    glb = Glb(to_rigged_glb(motion, faces, "x"))
    assert [node["name"] for node in glb.content["nodes"]] == ["x", *SMPL_JOINT_NAMES, *FINGER_NAMES]
    mesh = worn.pose(motion.rotations[0], motion.shape, np.zeros(3), motion.fingers[0])
    mesh = mesh + motion.roots[0] - worn.rest(motion.shape).joints[0]
    np.testing.assert_allclose(glb.skinned(), mesh, atol=2e-3)  # four joints a vertex at most
    assert np.abs(glb.skinned() - mesh).mean() < 2e-5


def test_smpl_files_have_the_fingers(motion: SkeletonMotion, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(to_smpl_npz(motion, 30.0, 0.0))
    poses = np.load(tmp_path / "x.npz")["poses"].reshape(1, 52, 3)
    expected = Rotation.from_matrix(motion.fingers[0]).as_rotvec()
    np.testing.assert_allclose(poses[0, JOINTS:], expected, atol=1e-5)


def test_bvh_has_the_fingers(motion: SkeletonMotion) -> None:
    """The first finger's channels, by hand: Z, X and Y about axes that the ones before have turned."""
    text = to_bvh(motion, 30.0).decode()
    names = re.findall(r"(?:ROOT|JOINT) (\S+)", text)
    row = np.array(text.splitlines()[-1].split(), float)
    at = 3 + 3 * names.index("left_index1")
    expected = Rotation.from_euler("ZXY", row[at : at + 3], degrees=True).as_matrix()
    np.testing.assert_allclose(expected, motion.fingers[0, 0], atol=1e-5)


def test_moving_fingers_move_in_files(worn: Rig) -> None:
    """Half way between a relaxed hand and a flat one, in the animation and at times between the frames."""
    relaxed = worn.hands.relaxed_rotations if worn.hands else FLAT
    still = np.tile(np.eye(3), (JOINTS, 1, 1))
    bodies = [BodyFit(still, np.zeros(worn.shape_count), np.zeros(3), 0.0, fingers) for fingers in (FLAT, None)]
    motion = SkeletonMotion.of(worn, bodies, (0.0, 1.0))
    half = Rotation.from_matrix(motion.at(np.array([0.5])).fingers[0]).as_rotvec()
    np.testing.assert_allclose(half, Rotation.from_matrix(relaxed).as_rotvec() / 2, atol=1e-6)
    glb = Glb(to_rigged_glb(motion, np.arange(30).reshape(-1, 3), "x", moves=True))
    assert len(glb.content["animations"][0]["channels"]) == 1 + JOINTS + FINGERS


def test_a_file_is_read_as_it_was_written(hands: Hands, tmp_path: Path) -> None:
    save_hands(tmp_path / "hands.safetensors", hands)
    again = load_hands(tmp_path / "hands.safetensors")
    assert again.size == hands.size
    for name in ("vertices", "shares", "head_columns", "head_weights", "relaxed"):
        np.testing.assert_array_equal(getattr(again, name), getattr(hands, name))


@pytest.mark.parametrize("fault", ["missing", "text", "nowhere", "nan", "no sum", "another size", "a suit"])
def test_files_that_are_none_get_a_sentence(hands: Hands, tmp_path: Path, fault: str) -> None:
    path = tmp_path / "hands.safetensors"
    save_hands(path, hands)
    with safe_open(path, "numpy") as file:
        tensors, about = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    if fault == "missing":
        path.unlink()
    elif fault == "text":
        path.write_text("no hands")
    elif fault == "a suit":
        path = weights.path("anny-suit")
    else:
        change = {
            "nowhere": ("vertices", lambda array: array + 13_718),
            "nan": ("relaxed", lambda array: array * np.nan),
            "no sum": ("head_weights", lambda array: 2 * array),
            "another size": ("relaxed", lambda array: array[:29]),
        }
        name, changed = change[fault]
        save_file(tensors | {name: changed(tensors[name])}, path, metadata=about)
    with pytest.raises(BadData, match=r"training\.bodies\.fingers"):
        load_hands(path)


def test_parts_of_a_body_have_no_fingers(worn: Rig) -> None:
    assert worn.subset(np.arange(100)).hands is None
