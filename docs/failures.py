"""Makes the pictures of failures for `limits.md`: `python docs/failures.py`. People who never were, in a studio.

Each is a row: the photo, the answer over it, the answer from the side, and the truth from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from model import Reconstructor
from model.rendering.contact_sheet import sheet
from model.rendering.overlay import side_view
from model.rendering.shading import Figure
from training.bodies.anny import AnnyBody
from training.images.rendered.sample_photo import DANCERS, FOCAL_LENGTH, Dancer, dancer_mesh, sample_photo

FIGURES = Path(__file__).parent / "figures"
TILE = (252, 200)
TRUE = (0, 158, 115)
RED, GREEN, YELLOW = DANCERS


def smeared(photo: np.ndarray) -> np.ndarray:
    """As if the camera had moved by 90 pixels."""
    return cv2.blur(photo, (91, 1))


@dataclass(frozen=True)
class Failure:
    """What is asked of the reconstruction."""

    name: str
    dancers: Sequence[Dancer]
    crop: tuple[int, int, int, int]
    """x, y, width, height of the studio's photo."""
    spoil: Callable[[np.ndarray], np.ndarray] = np.copy


FAILURES = (
    Failure("acrobatics", [replace(RED, pose=54, turn=-60, place=(0, 4.0))], (250, 100, 700, 560)),
    Failure("depth", [replace(RED, pose=50, turn=30, place=(0, 4.0))], (250, 100, 700, 560)),
    Failure("cut", [replace(RED, pose=908, turn=20, place=(0, 3.2))], (350, 30, 500, 400)),
    Failure("child", [replace(RED, pose=912, turn=-10, place=(0.6, 4.2), years=5)], (400, 200, 700, 560)),
    Failure(
        "close",
        [replace(GREEN, pose=911, turn=90, place=(-0.1, 4.0)), replace(YELLOW, pose=911, turn=-90, place=(0.12, 4.25))],
        (300, 100, 700, 560),
    ),
    Failure("blur", DANCERS, (0, 0, 1200, 800), smeared),
)


def main() -> None:
    """Writes all of them."""
    model = Reconstructor.load(device="cpu")
    for failure in FAILURES:
        x, y, width, height = failure.crop
        photo = failure.spoil(sample_photo(failure.dancers)[y : y + height, x : x + width])
        found = model.reconstruct(photo, focal_length=FOCAL_LENGTH)
        faces = AnnyBody.load().faces
        truth = side_view([Figure(dancer_mesh(dancer), faces, TRUE) for dancer in failure.dancers], (width, height))
        row = [
            ("the photo", photo),
            (f"{len(found)} of {len(failure.dancers)} found", found.overlay()),
            ("the answer from the side", found.side_view()),
            ("the truth from the side", truth),
        ]
        tiles = [(text, cv2.resize(picture, TILE, interpolation=cv2.INTER_AREA)) for text, picture in row]
        path = FIGURES / f"limits-{failure.name}.jpg"
        Image.fromarray(sheet(tiles, columns=4)).save(path, quality=82, optimize=True)


if __name__ == "__main__":
    main()
