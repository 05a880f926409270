"""Silhouettes lie in photos where their crops do."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from model.interfaces import Network
from model.perception.crop_regressor import CropRegressor
from model.perception.crops import Crop
from model.perception.silhouettes import place_silhouette

WIDTH, HEIGHT, FOCAL, SIZE = 200, 100, 300.0, 16


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("within", [None, (95.0, 10.0, 50.0, 60.0)])
def test_rays_meet_the_pixels_of_the_mask(mirrored: bool, within: tuple[float, float, float, float] | None) -> None:
    regress = CropRegressor(cast(Network, None), np.zeros((HEIGHT, WIDTH, 3), np.uint8), FOCAL)
    crop = Crop((120.0, 40.0), 90.0, 0.4, mirrored, within)
    left, top, width, height = within or (0.0, 0.0, WIDTH, HEIGHT)
    mask = np.random.default_rng(0).uniform(size=(SIZE, SIZE)).astype(np.float32)
    silhouette = place_silhouette(crop, mask, regress)
    inside = 0
    for row in range(SIZE):
        for column in range(SIZE):
            x, y = crop.to_photo(np.array([[column + 0.5, row + 0.5]]), SIZE)[0]
            ray = ((x - WIDTH / 2) / FOCAL, (y - HEIGHT / 2) / FOCAL, 1)
            np.testing.assert_allclose(silhouette.to_mask @ ray, (column + 0.5, row + 0.5), atol=1e-6)
            if left <= x <= left + width and top <= y <= top + height:
                inside += 1
                assert silhouette.mask[row, column] == mask[row, column]
            else:
                assert np.isnan(silhouette.mask[row, column])
    assert 0 < inside < SIZE**2
