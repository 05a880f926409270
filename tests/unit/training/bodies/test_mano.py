"""MANO: the hand, and its parameters as InterHand2.6M and as npz; on made-up numbers of the official shapes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from model.errors import BadData
from training.bodies.mano import PARENTS, ManoHand
from training.hands.mano_poses import read_mano_poses
from training.rotations import axis_angle_to_matrix

V = 778
TIPS = {"thumb": 744, "index": 320, "middle": 443, "ring": 554, "little": 671}  # as the field has them
MEAN = np.linspace(-0.2, 0.3, 45).astype(np.float32)


def mano_arrays() -> dict[str, np.ndarray]:
    """A MANO model's arrays by the official names; every vertex hangs on one joint."""
    rng = np.random.default_rng(0)
    bone = rng.integers(0, 16, V)
    for finger, last in zip(TIPS, (15, 3, 6, 12, 9)):
        bone[TIPS[finger]] = last  # a finger's tip hangs on its last joint
    bound = np.eye(16)[bone]
    places = rng.normal(0, 0.05, (16, 3))
    places[:, 0] = -np.abs(places[:, 0])  # a right hand goes on to -x
    places[0] = 0
    return {
        "v_template": places[bone] + rng.normal(0, 0.005, (V, 3)),
        "shapedirs": rng.normal(0, 0.001, (V, 3, 10)),
        "posedirs": np.zeros((V, 3, 135)),
        "J_regressor": (bound / bound.sum(axis=0)).T,
        "weights": bound,
        "kintree_table": np.array([[2**32 - 1, *PARENTS[1:]], range(16)]),
        "f": rng.integers(0, V, (1538, 3)).astype(np.uint32),
        "hands_mean": MEAN,
    }


def hand_of(folder: Path, **changes: np.ndarray | None) -> ManoHand:
    arrays = {key: value for key, value in {**mano_arrays(), **changes}.items() if value is not None}
    np.savez(folder / "MANO_RIGHT.npz", **arrays)
    return ManoHand(folder / "MANO_RIGHT.npz")


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> ManoHand:
    return hand_of(tmp_path_factory.mktemp("mano"))


def posed(hand: ManoHand, pose: Tensor) -> Tensor:
    return hand.pose(axis_angle_to_matrix(pose), hand.mean_shape()[None])[0]


def test_joints_are_in_our_order_and_end_in_the_tips(hand: ManoHand) -> None:
    flat = posed(hand, torch.zeros(1, 16, 3))
    joints = torch.from_numpy(hand.joint_regressor) @ flat
    names = hand.subject.joint_names
    for finger, vertex in TIPS.items():
        torch.testing.assert_close(joints[names.index(f"{finger}_4")], flat[vertex])
    torch.testing.assert_close(
        joints[names.index("thumb_1")], hand.joints[13]
    )  # MANO: index, middle, little, ring, thumb
    torch.testing.assert_close(joints[names.index("little_1")], hand.joints[7])
    torch.testing.assert_close(joints[names.index("ring_2")], hand.joints[11])


def test_a_bent_finger_moves_its_own_part_alone(hand: ManoHand) -> None:
    pose = torch.zeros(1, 16, 3)
    pose[0, 5, 0] = 1.0  # the middle finger's second joint
    moved = (posed(hand, pose) - posed(hand, torch.zeros(1, 16, 3))).norm(dim=-1) > 1e-6
    on = hand.weights.argmax(dim=1)
    assert moved[on >= 5][on[on >= 5] <= 6].float().mean() > 0.9
    assert not moved[(on < 5) | (on > 6)].any()
    assert moved[TIPS["middle"]] and not moved[TIPS["index"]]


@pytest.mark.parametrize(
    "changes", [{"hands_mean": None}, {"hands_mean": np.zeros(3)}, {"v_template": np.zeros((9, 3))}]
)
def test_what_is_not_mano_is_refused(tmp_path: Path, changes: dict[str, np.ndarray | None]) -> None:
    with pytest.raises(BadData, match="MANO_RIGHT"):
        hand_of(tmp_path, **changes)


def test_a_left_hand_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="is a left hand"):
        hand_of(tmp_path, v_template=mano_arrays()["v_template"] * [-1, 1, 1])


def interhand(folder: Path, **hands: object) -> None:
    frames = {"23947": {"right": None, "left": None, **hands}}
    (folder / "InterHand2.6M_train_MANO_NeuralAnnot.json").write_text(json.dumps({"0": frames}))


def test_interhands_poses_count_from_the_mean_and_left_hands_are_mirrored(tmp_path: Path, hand: ManoHand) -> None:
    rng = np.random.default_rng(1)
    right, left = rng.normal(0, 0.3, 48), rng.normal(0, 0.3, 48)
    about = {"shape": [0.0] * 10, "trans": [0.0] * 3}
    interhand(tmp_path, right={"pose": right.tolist(), **about}, left={"pose": left.tolist(), **about})
    poses = read_mano_poses(tmp_path, hand)
    assert poses.rotations.shape == (2, 16, 3) and set(poses.subjects) == {"interhand/0"}
    np.testing.assert_allclose(poses.rotations[0, 0], right[:3], rtol=1e-5)  # the wrist has no mean
    np.testing.assert_allclose(poses.rotations[0, 1:].ravel(), right[3:] + MEAN, rtol=1e-4, atol=1e-6)
    mirrored = left.reshape(16, 3) * [1, -1, -1]
    np.testing.assert_allclose(poses.rotations[1, 1:].ravel(), mirrored[1:].ravel() + MEAN, rtol=1e-4, atol=1e-6)


def test_npz_files_say_what_they_count_from(tmp_path: Path, hand: ManoHand) -> None:
    poses = np.random.default_rng(2).normal(0, 0.3, (5, 48)).astype(np.float32)
    (tmp_path / "one").mkdir()
    np.savez(tmp_path / "one" / "flat.npz", poses=poses)
    np.savez(tmp_path / "one" / "mean.npz", poses=poses, flat_hand_mean=np.array(False))
    read = read_mano_poses(tmp_path, hand)
    np.testing.assert_allclose(read.rotations[:5].reshape(5, 48), poses)
    np.testing.assert_allclose(
        read.rotations[5:, 1:] - read.rotations[:5, 1:], np.tile(MEAN.reshape(15, 3), (5, 1, 1)), atol=1e-6
    )
    assert set(read.subjects) == {"mano/one"}


@pytest.mark.parametrize(
    "text", ["[1, 2", "[]", '{"0": {"1": {"right": {"pose": [1, 2]}}}}', '{"0": {"1": {"right": {"shape": []}}}}']
)
def test_broken_annotations_get_a_sentence(tmp_path: Path, text: str, hand: ManoHand) -> None:
    (tmp_path / "x_MANO_y.json").write_text(text)
    with pytest.raises(BadData, match="x_MANO_y"):
        read_mano_poses(tmp_path, hand)


def test_a_folder_without_parameters_gets_a_sentence(tmp_path: Path, hand: ManoHand) -> None:
    with pytest.raises(BadData, match="InterHand"):
        read_mano_poses(tmp_path, hand)
