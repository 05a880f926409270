"""People before the cameras of their photos: batches of the least-squares fits, by known answers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.network.heatmaps import HeatmapReadout
from model.network.placement import fit_weak_perspective, ray_rotation, solve_translation, to_camera_space


def bodies(count: int) -> Tensor:
    """(B, 17, 3) metres, pelvis at the origin."""
    joints = torch.randn(count, 17, 3, generator=torch.Generator().manual_seed(1)) * 0.4
    return joints - joints[:, [11, 12]].mean(dim=1, keepdim=True)


def project(points: Tensor, translation: Tensor, focal: Tensor) -> Tensor:
    """(B, N, 2) pixels relative to the principal point."""
    placed = points + translation[:, None]
    return focal[:, None] * placed[..., :2] / placed[..., 2:]


TRUTH = torch.tensor([[0.7, -0.3, 4.2], [-1.0, 0.2, 9.0], [0.0, 0.0, 2.5]])
FOCAL = torch.tensor([[900.0], [1500.0], [300.0]])


def test_translations_of_different_photos_are_recovered() -> None:
    points = bodies(3)
    found = solve_translation(points, project(points, TRUTH, FOCAL), torch.rand(3, 17) + 0.1, FOCAL)
    torch.testing.assert_close(found, TRUTH, atol=1e-3, rtol=0)


def test_points_without_weight_do_not_count() -> None:
    points = bodies(3)
    pixels, weight = project(points, TRUTH, FOCAL), torch.ones(3, 17)
    pixels[:, 0], weight[:, 0] = 1e4, 0.0
    torch.testing.assert_close(solve_translation(points, pixels, weight, FOCAL), TRUTH, atol=1e-3, rtol=0)


def test_the_fit_is_the_least_squares_one() -> None:
    """Against a general solver in double precision, on points that no translation fits."""
    points, weight = bodies(3).double(), torch.rand(3, 17, dtype=torch.float64)
    pixels = project(points, TRUTH.double(), FOCAL.double())
    pixels = pixels + 20 * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(2)).double()
    found = solve_translation(points, pixels, weight, FOCAL.double())
    for person in range(3):
        focal = FOCAL[person].double()
        rows = torch.cat([focal * torch.eye(2).expand(17, 2, 2), -pixels[person, ..., None]], dim=2)  # (17, 2, 3)
        right = pixels[person] * points[person, :, 2:] - focal * points[person, :, :2]
        root = weight[person].sqrt()[:, None]
        best = torch.linalg.lstsq((rows * root[..., None]).reshape(-1, 3), (right * root).reshape(-1, 1)).solution
        torch.testing.assert_close(found[person], best[:, 0])


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_degenerate_input_stays_finite(weight: float) -> None:
    nothing = torch.zeros(1, 5, 3)
    found = solve_translation(nothing, nothing[..., :2], torch.full((1, 5), weight), torch.full((1, 1), 500.0))
    assert torch.isfinite(found).all()
    assert torch.isfinite(fit_weak_perspective(nothing, nothing[..., :2])).all()


def test_fitted_weak_perspective_is_the_one_that_projected() -> None:
    points, camera = bodies(3), torch.tensor([[0.7, 0.2, -0.4], [1.1, 0, 0], [0.3, -0.5, 0.5]])
    projected = camera[:, None, :1] * points[..., :2] + camera[:, None, 1:]
    torch.testing.assert_close(fit_weak_perspective(points, projected), camera)


def test_rays_point_at_their_pixels() -> None:
    rotation = ray_rotation(torch.tensor([[300.0, -400.0], [0.0, 0.0]]), torch.tensor([[1200.0], [1000.0]]))
    torch.testing.assert_close(rotation[0, :, 2], torch.tensor([300.0, -400.0, 1200.0]) / 1300.0)
    torch.testing.assert_close(rotation[1], torch.eye(3))


def test_a_person_seen_in_a_crop_is_put_where_she_stands() -> None:
    """The network's answer for a crop off the axis is what a camera that looks at it sees; undone, she is there."""
    cameras = torch.tensor([[900.0, 320.0, 240.0]])
    truth, place = bodies(1), torch.tensor([[1.0, -0.4, 4.0]])
    pixels = project(truth, place, cameras[:, :1]) + cameras[:, None, 1:]
    crops = torch.tensor([[320.0 + 900 * 1.0 / 4, 240.0 - 900 * 0.4 / 4, 260.0]])  # about her pelvis
    turn = ray_rotation(crops[:, :2] - cameras[:, 1:], cameras[:, :1])
    seen = (pixels - crops[:, None, :2]) / (crops[:, None, 2:] / 2)
    in_crop = truth @ turn  # the inverse of what `to_camera_space` does
    flat = torch.ones(1, 17)
    placed = to_camera_space(
        in_crop, in_crop, torch.tensor([[0.9, 0, 0]]), HeatmapReadout(seen, flat, flat, flat), crops, cameras
    )
    torch.testing.assert_close(placed.joints, truth, atol=1e-5, rtol=0)
    torch.testing.assert_close(placed.vertices, truth, atol=1e-5, rtol=0)
    torch.testing.assert_close(placed.keypoints[..., :2], pixels, atol=1e-2, rtol=0)
    # The network's own coarse camera has a small say; the seen joints the larger one.
    torch.testing.assert_close(placed.translation, place, atol=0.35, rtol=0)
    torch.testing.assert_close(placed.weak_perspective, fit_weak_perspective(truth, seen), atol=0.15, rtol=0)
