"""Where cameras go that film somebody who walks."""

from __future__ import annotations

import numpy as np
import pytest

from training.images.rendered.camera_ways import CameraWay, film_from

RATE, AWAY = 30.0, 4.0
HIPS = np.stack([np.linspace(-1.5, 1.5, 60), np.zeros(60), np.full(60, 0.9)], axis=1)
"""(60, 3) metres: who goes three metres in two seconds."""


def way(kind: CameraWay) -> tuple[np.ndarray, np.ndarray]:
    return film_from(kind, HIPS, AWAY, RATE, np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["pan", "carried", "orbit"])
def test_it_looks_at_her_and_is_held_level(kind: CameraWay) -> None:
    eyes, turns = way(kind)
    np.testing.assert_allclose(turns @ np.swapaxes(turns, 1, 2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(turns), 1)
    before = (turns @ (HIPS - eyes)[..., None])[..., 0]
    assert (before[:, 2] > 2).all()
    assert (np.abs(before[:, :2]) / before[:, 2:]).max() < 0.12  # what she does is followed a moment late, by hand
    up = turns[:, :, 2]
    assert (up[:, 1] < -0.95).all() and np.abs(up[:, 0]).max() < np.radians(2)


def test_each_way_goes_as_it_is_called() -> None:
    pan, carried, orbit = (way(kind)[0] for kind in ("pan", "carried", "orbit"))
    assert np.ptp(pan, axis=0).max() < 0.12
    np.testing.assert_allclose((carried[-1] - carried[0])[:2], [3, 0], atol=0.5)
    angles = np.unwrap(np.arctan2(orbit[:, 1], orbit[:, 0]))
    assert angles[-1] - angles[0] == pytest.approx(0.5 * 59 / RATE, abs=0.03)
    np.testing.assert_allclose(np.linalg.norm(orbit[:, :2], axis=1), AWAY, atol=0.06)
    for eyes in (pan, carried, orbit):
        np.testing.assert_allclose(eyes[:, 2], 1.5, atol=0.1)
