"""How many of a crowd are found, and how long that takes: those of `make rendered`, side by side in one photo.

`python -m benchmarks.crowds --images runs/rendered`
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.refinement import whole_people
from model.reconstructor import Reconstructor
from training.evaluation.matching import keypoint_similarity, match_people
from training.images.datasets.photo_annotations import AnnotatedPerson
from training.images.sample import ImageSample
from training.images.shards import PreparedImages

_FOUND = 0.5  # least keypoint similarity, as COCO's AP50


def crowd(samples: Sequence[ImageSample], columns: int, side: int) -> tuple[np.ndarray, list[AnnotatedPerson]]:
    """A square photo of this many pixels a side with one picture after the other, and who is in it."""
    tile = side // columns
    photo = np.zeros((tile * columns, tile * columns, 3), np.uint8)
    people = []
    for place, sample in enumerate(samples):
        assert sample.joints_2d is not None
        row, column = divmod(place, columns)
        picture = sample.image.permute(1, 2, 0).numpy()
        corner = np.array([column, row]) * tile
        small = cv2.resize(picture, (tile, tile), interpolation=cv2.INTER_AREA)
        photo[corner[1] : corner[1] + tile, corner[0] : corner[0] + tile] = small
        joints = sample.joints_2d.numpy() * tile / len(picture) + corner
        low, high = joints.min(axis=0), joints.max(axis=0)
        box = (*low.tolist(), *(high - low).tolist())
        people.append(AnnotatedPerson(box, joints, np.ones(len(joints), bool)))
    return photo, people


def row(model: Reconstructor, samples: Sequence[ImageSample], columns: int, side: int) -> str:
    """What comes out on crowds of columns x columns people, until the samples are used up."""
    count = columns * columns
    times, heights, found, wrong = [], [], [], 0
    for start in range(0, len(samples) - count + 1, count):
        photo, people = crowd(samples[start : start + count], columns, side)
        answer = model.reconstruct(photo)
        joints = [person.camera.project(person.joints) for person in answer]
        for person, match in zip(people, match_people(joints, people), strict=True):
            found.append(match is not None and keypoint_similarity(joints[match], person) >= _FOUND)
            heights.append(max(person.box[2:]) / side)
        wrong += len(answer) - sum(found[-count:])
        times.append([answer.timings_ms["detection"], answer.timings_ms["reconstruction"]])
    detection, rest = np.median(times, axis=0)
    share, size = 100 * np.mean(found), 100 * np.median(heights)
    return f"| {count} | {size:.0f} % | {share:.0f} % | {wrong} of {len(found)} | {detection:.0f} | {rest:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowds", description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=Path, default=Path("runs/rendered"), help="of training.images.prepare")
    parser.add_argument("--people", type=int, default=144)
    parser.add_argument("--side", type=int, default=1280, help="pixels")
    options = parser.parse_args()
    images = PreparedImages(options.images, "validation")
    samples = [images[index] for index in whole_people(images, options.people)]
    model = Reconstructor.load(device="cpu", engine="auto", landmarks=False)
    print(f"{len(samples)} people in photos of {options.side} x {options.side} pixels\n")
    print("| people in a photo | their height | found | other answers | finding, ms | all the rest, ms |")
    print("|---|---|---|---|---|---|")
    for columns in (1, 2, 3, 4, 6, 8):
        if columns * columns <= len(samples):
            print(row(model, samples[: 36 if columns == 1 else None], columns, options.side), flush=True)


if __name__ == "__main__":
    main()
