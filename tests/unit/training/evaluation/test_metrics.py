"""The field's metrics by hand-worked cases and against independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import cKDTree
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.transform import Rotation
from torch import Tensor

from training.evaluation.metrics import (
    correct_keypoints,
    f_score,
    joint_errors,
    mpjpe,
    mpve,
    pa_joint_errors,
    pa_mpjpe,
    pa_mpve,
    procrustes,
)


def people(seed: int = 0, batch: int = 5, points: int = 17) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(batch, points, 3))).float()


def similarity(points: Tensor, seed: int) -> Tensor:
    """Each body turned, scaled and moved at random."""
    rng = np.random.default_rng(seed)
    rotation = torch.from_numpy(Rotation.random(len(points), random_state=seed).as_matrix()).float()
    scale = torch.from_numpy(rng.uniform(0.2, 3, (len(points), 1, 1))).float()
    return scale * (points @ rotation.mT) + torch.from_numpy(rng.normal(size=(len(points), 1, 3))).float()


def aligned_by_horn(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """An independent alignment: Horn's (1987) quaternion, the top eigenvector of a 4 x 4 matrix."""
    p, t = points - points.mean(0), target - target.mean(0)
    s = p.T @ t
    delta = np.array([s[1, 2] - s[2, 1], s[2, 0] - s[0, 2], s[0, 1] - s[1, 0]])
    n = np.block([[np.array([[np.trace(s)]]), delta[None]], [delta[:, None], s + s.T - np.trace(s) * np.eye(3)]])
    w, x, y, z = np.linalg.eigh(n)[1][:, -1]
    turned = Rotation.from_quat([x, y, z, w]).apply(p)
    return (turned * t).sum() / (p * p).sum() * turned + target.mean(0)


def test_mpjpe_by_hand() -> None:
    true = people(batch=2)
    predicted = true.clone()
    predicted[0] += torch.tensor([5.0, -2.0, 1.0])  # the whole body moved: no error
    predicted[1, 9] += torch.tensor([0.03, 0.04, 0.0])  # a wrist 5 cm off, of 17 joints
    assert mpjpe(predicted, true).tolist() == pytest.approx([0, 0.05 / 17], abs=1e-6)


def test_mpjpe_roots_at_the_middle_of_the_hips() -> None:
    true = people(batch=1)
    predicted = true.clone()
    predicted[0, 11, 0] += 0.2  # the left hip off by 20 cm moves the root by 10: each joint is off by 10
    assert mpjpe(predicted, true).item() == pytest.approx(0.1, abs=1e-6)


def test_the_root_of_lsps_14_joints_and_a_single_joint_as_root() -> None:
    true = people(batch=1, points=14)
    predicted = true.clone()
    predicted[0, 2, 0] += 0.06  # the right hip 6 cm off moves the middle of the hips (2, 3) by 3
    assert mpjpe(predicted, true, root=(2, 3)).item() == pytest.approx(0.03, abs=1e-6)
    assert joint_errors(predicted, true, root=(2, 3))[0].tolist() == pytest.approx([0.03] * 14, abs=1e-6)
    # NetworkInfo another joint only the hip itself is wrong.
    assert joint_errors(predicted, true, root=(0,))[0].tolist() == pytest.approx([0, 0, 0.06, *[0] * 11], abs=1e-6)


def test_parts_of_the_joints_add_up() -> None:
    predicted, true = people(20), people(21)
    torch.testing.assert_close(joint_errors(predicted, true).mean(dim=1), mpjpe(predicted, true))
    torch.testing.assert_close(pa_joint_errors(predicted, true).mean(dim=1), pa_mpjpe(predicted, true))
    expected = (procrustes(predicted, true) - true).norm(dim=-1)
    torch.testing.assert_close(pa_joint_errors(predicted, true), expected)


def test_mpve_by_hand() -> None:
    joints, true = people(batch=2), people(1, batch=2, points=100)
    move = torch.tensor([[[0.0, 0.0, 4.0]], [[1.0, 0.0, 0.0]]])
    predicted = true + move
    predicted[1, :50, 1] += 0.06  # half of the second body's vertices 6 cm off
    assert mpve(predicted, true, joints + move, joints).tolist() == pytest.approx([0, 0.03], abs=1e-6)


def test_mpve_roots_at_the_joints_that_it_is_told() -> None:
    joints, true = people(batch=1, points=3), people(1, batch=1, points=20)
    predicted = joints.clone()
    predicted[0, 0, 2] += 0.05  # a wrong pelvis alone
    assert mpve(true, true, predicted, joints, root=(0,)).item() == pytest.approx(0.05, abs=1e-6)
    assert mpve(true, true, predicted, joints, root=(1, 2)).item() == pytest.approx(0, abs=1e-6)


def test_pa_mpve_by_hand() -> None:
    """Six corners on the axes, of which the pair at +-1 is stretched to +-2: no rotation, a scale of 2/3."""
    true = torch.diag(torch.tensor([1.0, 1.0, 1.0]))
    true = torch.cat([true, -true])[None]
    predicted = true * torch.tensor([1.0, 1.0, 2.0])
    # Least squares: scale = (1 + 1 + 2) / (1 + 1 + 4) = 2/3. Errors: 1/3, 1/3 and 2 * 2/3 - 1 = 1/3.
    assert pa_mpve(predicted, true).item() == pytest.approx(1 / 3, rel=1e-6)


@pytest.mark.parametrize("metric", [pa_mpjpe, pa_mpve])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_similar_bodies_have_no_procrustes_error(metric, seed: int) -> None:
    true = people(seed)
    assert metric(similarity(true, seed), true).max() < 1e-5


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_similarity_of_the_prediction_changes_nothing(seed: int) -> None:
    predicted, true = people(seed), people(seed + 1)
    torch.testing.assert_close(
        pa_mpjpe(similarity(predicted, seed), true), pa_mpjpe(predicted, true), atol=1e-5, rtol=1e-4
    )


@given(seed=st.integers(0, 10_000), points=st.integers(4, 30))
@settings(max_examples=25, deadline=None)
def test_agrees_with_horns_quaternions(seed: int, points: int) -> None:
    predicted, true = people(seed, 3, points), people(seed + 1, 3, points)
    expected = [aligned_by_horn(p.double().numpy(), t.double().numpy()) for p, t in zip(predicted, true)]
    np.testing.assert_allclose(procrustes(predicted, true), expected, atol=1e-5)


def test_agrees_with_scipys_procrustes() -> None:
    """Its disparity is the squared distance over the spread; it may reflect, so stay near the target."""
    true = people(3)
    predicted = similarity(true + 0.1 * people(4), 5)
    for p, t, aligned in zip(predicted.double().numpy(), true.double().numpy(), procrustes(predicted, true)):
        disparity = scipy_procrustes(t, p)[2]
        ours = np.square(aligned.numpy() - t).sum() / np.square(t - t.mean(0)).sum()
        assert ours == pytest.approx(disparity, rel=1e-4)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_agrees_with_scipys_orthogonal_procrustes_where_that_is_a_rotation(seed: int) -> None:
    true = people(seed, batch=1)
    predicted = similarity(true + 0.2 * people(seed + 1, batch=1), seed)
    p, t = predicted[0].double().numpy(), true[0].double().numpy()
    p, centre = p - p.mean(0), t.mean(0)
    rotation, _ = orthogonal_procrustes(p, t - centre)
    if np.linalg.det(rotation) > 0:
        scale = (p @ rotation * (t - centre)).sum() / (p * p).sum()
        np.testing.assert_allclose(procrustes(predicted, true)[0], scale * p @ rotation + centre, atol=1e-5)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_no_other_similarity_is_nearer(seed: int) -> None:
    predicted, true = people(seed), people(seed + 1)
    best = (procrustes(predicted, true) - true).square().sum(dim=(1, 2))
    other = (similarity(procrustes(predicted, true), seed) - true).square().sum(dim=(1, 2))
    nudged = (procrustes(predicted, true) * 1.01 - true).square().sum(dim=(1, 2))
    assert (best <= other + 1e-5).all() and (best <= nudged + 1e-5).all()


def test_a_mirrored_body_keeps_its_error() -> None:
    """Where scipy, which may reflect, finds none."""
    true = people(7)
    mirrored = true * torch.tensor([-1.0, 1.0, 1.0])
    assert scipy_procrustes(true[0].numpy(), mirrored[0].numpy())[2] < 1e-6
    assert pa_mpjpe(mirrored, true).min() > 0.1


def test_mirrored_points_by_hand() -> None:
    """A tetrahedron's corners on the axes at 3, 2, 1: of a mirrored one the shortest axis stays wrong."""
    true = torch.diag(torch.tensor([3.0, 2.0, 1.0]))
    true = torch.cat([true, -true])[None]  # (1, 6, 3), centred
    mirrored = true * torch.tensor([1.0, 1.0, -1.0])
    # The best rotation is none; scale = (9 + 4 - 1) / (9 + 4 + 1) = 6/7. Errors: 3/7, 2/7 and 1 + 6/7.
    assert pa_mpjpe(mirrored, true).item() == pytest.approx((3 / 7 + 2 / 7 + 13 / 7) / 3, rel=1e-6)


@pytest.mark.parametrize("flat", ["point", "line", "plane"])
def test_degenerate_bodies_are_finite(flat: str) -> None:
    keep = {"point": 0, "line": 1, "plane": 2}[flat]
    true = people(2)
    predicted = people(3) * (torch.arange(3) < keep)
    assert pa_mpjpe(predicted, true).isfinite().all() and pa_mpjpe(true, predicted).isfinite().all()
    # In its own plane a body can be turned over by a rotation: no error is left.
    assert pa_mpjpe(predicted * torch.tensor([-1.0, 1.0, 1.0]), predicted).max() < 1e-5


def test_large_coordinates_do_not_cost_precision() -> None:
    """Bodies far from the origin, in millimetres: float32 sums would lose the pose."""
    true = people(5) * 500 + 20_000
    predicted = true + people(6) * 30
    expected = [
        np.linalg.norm(aligned_by_horn(p, t) - t, axis=1).mean()
        for p, t in zip(predicted.double().numpy(), true.double().numpy())
    ]
    np.testing.assert_allclose(pa_mpjpe(predicted, true), expected, rtol=1e-3)


def test_the_batch_is_independent() -> None:
    predicted, true = people(8), people(9)
    for metric in (mpjpe, pa_mpjpe, pa_mpve):
        whole = metric(predicted, true)
        assert whole.shape == (5,)
        torch.testing.assert_close(metric(predicted[2:3], true[2:3]), whole[2:3])


def test_f_score_by_hand() -> None:
    true = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]]])
    predicted = torch.tensor([[[0.004, 0, 0], [1.004, 0, 0], [7, 0, 0]]])
    # Two of three predicted points are near a true one, two of four true points near a predicted one.
    assert f_score(predicted, true, 0.005).item() == pytest.approx(2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2))
    assert f_score(predicted, true, 0.003).item() == 0
    assert f_score(true, true, 0.001).item() == 1
    # Nearest, not corresponding: the order of the points does not matter.
    assert f_score(true.flip(1), true, 0.001).item() == 1


def test_f_score_agrees_with_a_search_tree() -> None:
    predicted, true = people(10, 2, 300), people(11, 2, 200)
    expected = []
    for p, t in zip(predicted.numpy(), true.numpy()):
        precision = (cKDTree(t).query(p)[0] < 0.3).mean()
        recall = (cKDTree(p).query(t)[0] < 0.3).mean()
        expected.append(2 * precision * recall / (precision + recall))
    np.testing.assert_allclose(f_score(predicted, true, 0.3), expected, rtol=1e-6)


def test_correct_keypoints_by_hand() -> None:
    true = torch.zeros(2, 4, 2)
    predicted = torch.tensor([[[3.0, 4.0], [5.1, 0.0], [0.0, -5.0], [torch.nan, 0.0]]]).expand(2, -1, -1)
    right = correct_keypoints(predicted, true, torch.tensor([100.0, 200.0]), 0.05)  # within 5 and 10 pixels
    assert right.tolist() == [[True, False, True, False], [True, True, True, False]]
