"""Which photos the 2D networks get lighter, with more contrast or less tinted than they are."""

from __future__ import annotations

import numpy as np
import pytest

from model.perception.exposure import well_exposed


def scene() -> np.ndarray:
    """A photo of all colours, from black to white."""
    return np.random.default_rng(3).integers(0, 256, (240, 320, 3), dtype=np.uint8)


def taken(gain: float, haze: float) -> np.ndarray:
    """The scene in less light or through mist."""
    return (gain * scene() + haze).round().astype(np.uint8)


@pytest.mark.parametrize(("gain", "haze"), [(0.3, 0), (0.05, 0), (0.2, 120)])
def test_a_dark_or_flat_photo_becomes_the_one_of_good_light(gain: float, haze: float) -> None:
    lit = well_exposed(taken(gain, haze))
    assert lit.dtype == np.uint8 and abs(lit.astype(int) - scene()).max() <= 1 + 1 / gain


def test_light_of_one_colour_becomes_white() -> None:
    tint = np.array([1, 0.3, 0.1])
    lit = well_exposed((tint * scene()).round().astype(np.uint8))
    assert abs(lit - scene().astype(int)).max() <= 1 + 1 / tint.min()


def test_a_photo_without_blue_gets_none() -> None:
    photo = scene()
    photo[..., 2] = 3
    assert well_exposed(photo) is photo


@pytest.mark.parametrize("gain", [1.0, 0.6])
def test_an_ordinary_photo_stays_as_it_is(gain: float) -> None:
    photo = taken(gain, 40 * (1 - gain))
    assert well_exposed(photo) is photo


def test_a_hand_before_a_light_wall_has_few_blues_and_stays_as_it_is() -> None:
    photo = scene()
    photo[..., 2] = 130 + 0.25 * photo[..., 2]
    assert well_exposed(photo) is photo


def test_the_noise_of_one_colour_stays_as_it_is() -> None:
    photo = taken(0.015, 30)
    assert well_exposed(photo) is photo


def test_bars_do_not_tell_how_light_the_picture_between_them_is() -> None:
    photo = np.full((400, 320, 3), 255, np.uint8)
    photo[80:320] = taken(0.2, 0)
    assert well_exposed(photo) is photo
    lit = well_exposed(photo, (0.0, 80.0, 320.0, 240.0))
    assert abs(lit[80:320].astype(int) - scene()).max() <= 6 and (lit[:80] == 255).all()


def test_one_lamp_does_not_keep_a_night_dark() -> None:
    photo = taken(0.2, 0)
    photo[10:20, 10:20] = 255
    assert abs(well_exposed(photo)[30:].astype(int) - scene()[30:]).max() <= 6
