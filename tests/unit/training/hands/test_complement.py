"""Complement's layout in miniature, by a made-up MANO: meshes go out, the poses that made them come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from model.errors import BadData
from tests.unit.training.bodies.test_mano import V, hand_of
from training.bodies.inverse_kinematics import unpose
from training.bodies.mano import ManoHand
from training.hands.mano_poses import read_mano_poses
from training.rotations import axis_angle_to_matrix

LEFT = np.array([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> ManoHand:
    """With vertices that follow two joints, and shapes that bend with the pose, as MANO's do."""
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("mano")
    plain = hand_of(folder)
    shared = plain.weights.numpy() * 0.8
    shared[:, 1:] += 0.2 * plain.weights.numpy()[:, :-1]
    shared[:, 0] += 0.2 * plain.weights.numpy()[:, -1]
    return hand_of(folder, weights=shared, posedirs=rng.normal(0, 0.0003, (V, 3, 135)))


def drawn_poses(count: int, spread: float = 0.5) -> Tensor:
    """(N, 16, 3) axis-angle; the wrist is turned anywhere."""
    generator = torch.Generator().manual_seed(0)
    poses = spread * torch.randn(count, 16, 3, generator=generator)
    poses[:, 0] *= 3
    return poses


def meshes(hand: ManoHand, poses: Tensor) -> Tensor:
    """Of different people, somewhere before a camera."""
    generator = torch.Generator().manual_seed(1)
    shapes = hand.sample_shapes(len(poses), generator)
    return hand.pose(axis_angle_to_matrix(poses), shapes) + torch.randn(len(poses), 1, 3, generator=generator)


def save(folder: Path, vertices: np.ndarray, camera: int) -> None:
    """A camera's mesh, a left hand's, with faces and normals that do not matter."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"v {x:.8f} {y:.8f} {z:.8f}" for x, y, z in vertices * LEFT]
    (folder / f"{camera}.obj").write_text("\n".join(["# a hand", *lines, "vn 0 0 1", "f 1//1 2//1 3//1"]) + "\n")


@pytest.mark.parametrize("spread", [0.0, 0.3, 0.7])
def test_meshes_tell_the_poses_that_made_them(hand: ManoHand, spread: float) -> None:
    poses = drawn_poses(5, spread)
    found, errors = unpose(hand, meshes(hand, poses))
    torch.testing.assert_close(axis_angle_to_matrix(found), axis_angle_to_matrix(poses), atol=1e-5, rtol=0)
    assert errors.max() < 1e-6


def test_one_mesh_of_each_pose_is_read_and_comes_back_as_a_right_hand(hand: ManoHand, tmp_path: Path) -> None:
    poses = drawn_poses(3)
    turned = poses.clone()
    turned[:, 0] = torch.tensor([0.3, -1.0, 0.5])  # another camera's view
    names = ("base_pose/model_mano/0001", "base_pose/model_mano/0002", "trans_pose_batch1/model_mano/0001")
    for name, first, second in zip(names, meshes(hand, poses).numpy(), meshes(hand, turned).numpy(), strict=True):
        save(tmp_path / name, first, 10)
        save(tmp_path / name, second, 11)
        (tmp_path / name.replace("model_mano", "pic256")).mkdir(parents=True)
    save(tmp_path / "elsewhere", np.zeros((5, 3)), 1)  # some other mesh
    read = read_mano_poses(tmp_path, hand)
    expected = axis_angle_to_matrix(poses)
    torch.testing.assert_close(axis_angle_to_matrix(torch.from_numpy(read.rotations)), expected, atol=1e-3, rtol=0)
    assert read.subjects.tolist() == [f"complement/{name}" for name in names]


def test_it_may_lie_beside_parameters(hand: ManoHand, tmp_path: Path) -> None:
    save(tmp_path / "model_mano" / "1", meshes(hand, drawn_poses(1))[0].numpy(), 1)
    np.savez(tmp_path / "more.npz", poses=np.zeros((2, 48), np.float32))
    assert len(read_mano_poses(tmp_path, hand)) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("v 1 2 3\n", "has 1 vertices"),
        ("v 1 2 three\n", "cannot be read"),
        ("v 1 2\nv 1 2 3\n", "cannot be read"),
        ("", "has 0 vertices"),
        ("v nan 0 0\n" * V, "finite"),
        ("v inf 0 0\n" * V, "finite"),
        ("".join(f"v {i / V} {i % 7 / 7} {i % 5 / 5}\n" for i in range(V)), "no left hand"),
        ("v 1e30 2 3\n" * V, "no left hand"),
        ("v 1e30 2 3\n" + "v 1 2 3\n" * (V - 1), "metre"),
    ],
)
def test_meshes_that_are_none_of_manos_get_a_sentence(hand: ManoHand, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "model_mano" / "7").mkdir(parents=True)
    (tmp_path / "model_mano" / "7" / "3.obj").write_text(text)
    with pytest.raises(BadData, match=f"3.obj.*{said}"):
        read_mano_poses(tmp_path, hand)


def test_right_hands_and_millimetres_are_refused(hand: ManoHand, tmp_path: Path) -> None:
    mesh = meshes(hand, drawn_poses(1))[0].numpy()
    for wrong, said in ((mesh * LEFT, "no left hand"), (1000 * mesh, "in metres")):
        save(tmp_path / "model_mano" / "1", wrong, 1)
        with pytest.raises(BadData, match=said):
            read_mano_poses(tmp_path, hand)
