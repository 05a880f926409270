"""Where in a photo the silhouettes lie that networks see in crops."""

from __future__ import annotations

import numpy as np

from model.body.silhouette import Silhouette
from model.perception.crop_regressor import CropRegressor
from model.perception.crops import Crop, inside


def place_silhouette(crop: Crop, mask: np.ndarray, regress: CropRegressor) -> Silhouette:
    """The silhouette of a mask.

    Args:
        crop: in which it was seen.
        mask: (S, S) 0 to 1, how much of each cell of the crop is the person's.
        regress: answers for the photo.
    """
    size = len(mask)
    height, width = regress.image.shape[:2]
    middles = np.arange(size) + 0.5
    # Places in the photo go with columns and with rows, each on its own.
    corner, right, down = crop.to_photo(np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]), size)
    (along_x, along_y), (below_x, below_y) = (right - corner)[:, None] * middles, (down - corner)[:, None] * middles
    x, y = corner[0] + along_x + below_x[:, None], corner[1] + along_y + below_y[:, None]
    known = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    if crop.within is not None:
        known &= inside(np.stack([x, y], axis=-1), crop.within)
    axes = crop.axes * (size / crop.side)
    start = axes @ np.subtract(regress.principal_point, crop.centre) + size / 2
    return Silhouette(np.where(known, mask, np.nan), np.column_stack([regress.focal_length * axes, start]))
