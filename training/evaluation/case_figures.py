"""Pictures of people in image data sets: the worst cases of an evaluation, and random ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.perception.crops import cut_crop
from model.reconstructor import Reconstructor
from model.rendering.overlay import overlay, side_view
from model.rendering.shading import Figure
from model.results import Person
from training.evaluation.heldout_views import SEED
from training.evaluation.pose_figures import GROUND, TILE, montage, save_picture
from training.images.datasets.base import DatasetPerson, read_image

_COUNT = 6
_HEADINGS = ("image", "predicted", "predicted, from the side")


def draw_cases(
    reconstructor: Reconstructor,
    samples: Sequence[DatasetPerson],
    errors: Tensor,
    focal_length: float | None,
    output: Path,
    name: str,
) -> list[str]:
    """Writes `worst-NAME.png` and `random-NAME.png` into `output`; returns the two file names.

    Of the worst there is one a sequence (or subject and action): neighbouring frames fail alike.

    Args:
        samples: those that were evaluated.
        errors: (N,) PA-MPJPE of the samples, millimetres.
        focal_length: pixels, for samples that do not know theirs.
    """
    worst: dict[tuple[str, ...], int] = {}
    for index in errors.argsort(descending=True).tolist():
        worst.setdefault(tuple(samples[index].groups.values()), index)
    generator = torch.Generator().manual_seed(SEED)
    random = torch.randperm(len(samples), generator=generator)[:_COUNT].tolist()
    files = []
    for kind, chosen in (("worst", list(worst.values())[:_COUNT]), ("random", random)):
        rows = []
        for index in chosen:
            sample, image = samples[index], read_image(samples[index].image)
            focal = sample.focal_length or focal_length
            person = reconstructor.reconstruct(image, boxes=[sample.box], focal_length=focal).people[0]
            caption = f"{float(errors[index]):.0f} mm PA-MPJPE: {sample.image.name}"
            rows.append((caption, _tiles(image, sample, person, reconstructor.faces)))
        files.append(f"{kind}-{name}.png")
        save_picture(output / files[-1], montage(_HEADINGS, rows))
    return files


def _tiles(image: np.ndarray, sample: DatasetPerson, person: Person, faces: np.ndarray) -> list[np.ndarray]:
    (x, y), camera, scale = sample.centre, person.camera, TILE / sample.side
    crop = cut_crop(image, (x, y, sample.side), TILE)
    corner = np.array([x, y]) - sample.side / 2
    middle = (np.array(camera.principal_point) - corner) * scale
    figure = Figure(camera.to_camera(person.vertices), faces)
    drawn = overlay(crop, [figure], camera.focal_length * scale, (float(middle[0]), float(middle[1])))
    return [crop, drawn, side_view([figure], (TILE, TILE), (GROUND,) * 3)]
