import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.rotations import to_quaternions, to_vectors

_HALF = np.sqrt(0.5)


def test_quarter_turns_by_hand() -> None:
    about_z = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert to_quaternions(about_z) == pytest.approx([0, 0, _HALF, _HALF])
    assert to_vectors(about_z.T) == pytest.approx([0, 0, -np.pi / 2])


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 0.5, 2.0, np.pi - 1e-6, np.pi])
def test_they_are_scipys_whatever_the_angle(angle: float) -> None:
    axes = np.concatenate([np.eye(3), -np.eye(3), np.random.default_rng(0).normal(size=(50, 3))])
    rotations = Rotation.from_rotvec(angle * axes / np.linalg.norm(axes, axis=1, keepdims=True)).as_matrix()
    vectors = to_vectors(rotations.reshape(8, 7, 3, 3)).reshape(-1, 3)
    assert Rotation.from_rotvec(vectors).as_matrix() == pytest.approx(rotations, abs=1e-12)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(angle, abs=1e-7)
    found = to_quaternions(rotations)
    assert Rotation.from_quat(found).as_matrix() == pytest.approx(rotations, abs=1e-12) and (found[:, 3] >= 0).all()


def test_of_none_there_are_none() -> None:
    assert to_vectors(np.zeros((0, 22, 3, 3))).shape == (0, 22, 3)
