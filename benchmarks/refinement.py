"""What regressing people again is worth: those of `make rendered`, turned in the picture, or in loose boxes.

`python -m benchmarks.refinement --images runs/rendered`
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from model.perception.crop_regressor import CropRegressor
from model.perception.crops import upright_crop
from model.reconstructor import Reconstructor
from training.evaluation.metrics import pa_mpjpe
from training.images.shards import PreparedImages

_MARGIN = 60  # pixels that a picture gets on each side, for what turns out of it


def whole_people(images: PreparedImages, count: int) -> list[int]:
    """The indices of the first people who are whole in their pictures."""
    size = images.about["size"]
    whole = ((images.truth("joints_2d") - size / 2).abs() < 0.47 * size).all(dim=(1, 2))
    chosen: list[int] = whole.nonzero()[:count, 0].tolist()
    return chosen


def turned(picture: np.ndarray, joints: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """A picture (S, S, 3), turned anticlockwise on a larger canvas, and where its joints (K, 2) come to lie."""
    side = len(picture)
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1.0)
    matrix[:, 2] += _MARGIN
    canvas = (side + 2 * _MARGIN, side + 2 * _MARGIN)
    photo = cv2.warpAffine(picture, matrix, canvas, borderMode=cv2.BORDER_REPLICATE)
    return photo, joints @ matrix[:, :2].T + matrix[:, 2]


def row(model: Reconstructor, images: PreparedImages, chosen: Sequence[int], degrees: float, loose: float) -> str:
    """PA-MPJPE of the first result and of the last, millimetres, and the share of photos where somebody is found."""
    errors, found = [], 0
    for index in chosen:
        sample = images[index]
        assert sample.joints is not None and sample.joints_2d is not None
        picture = np.ascontiguousarray(sample.image.permute(1, 2, 0).numpy())
        photo, places = turned(picture, sample.joints_2d.numpy(), degrees)
        low, high = places.min(axis=0), places.max(axis=0)
        middle, size = (low + high) / 2, 1.15 * loose * (high - low)
        box = (*(middle - size / 2).tolist(), *size.tolist())
        (person,) = model.reconstruct(photo, boxes=[box]).people
        found += len(model.reconstruct(photo)) > 0
        # A turn of the picture is one about the line of sight, which Procrustes forgives.
        (first,) = CropRegressor(model.network, photo, float(np.hypot(*photo.shape[:2])))([upright_crop(box)])
        answers = torch.from_numpy(np.stack([first.mesh.joints, person.joints]))
        errors.append(1000 * pa_mpjpe(answers, sample.joints.expand_as(answers)))
    first, last = torch.stack(errors).mean(dim=0).tolist()
    return f"| {degrees:g} | {loose:g} | {first:.0f} | {last:.0f} | {100 * found / len(chosen):.0f} % |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refinement", description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=Path, default=Path("runs/rendered"), help="of training.images.prepare")
    parser.add_argument("--people", type=int, default=60)
    options = parser.parse_args()
    images = PreparedImages(options.images, "validation")
    chosen = whole_people(images, options.people)
    model = Reconstructor.load(device="cpu", landmarks=False)
    print(f"{len(chosen)} people who are whole in their pictures, PA-MPJPE in millimetres\n")
    print("| turned by, degrees | box, times too large | first crop | last crop | found without a box |")
    print("|---|---|---|---|---|")
    for degrees, loose in ((0, 1), (45, 1), (90, 1), (180, 1), (0, 2)):
        print(row(model, images, chosen, degrees, loose), flush=True)


if __name__ == "__main__":
    main()
