"""How many of a crowd are found, how near they come out, and what that costs: those of `make rendered`, side by side.

`python -m benchmarks.crowds --images runs/rendered`
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from benchmarks.refinement import whole_people
from model.reconstructor import Reconstructor
from training.evaluation.matching import keypoint_similarity, match_people
from training.evaluation.metrics import pa_mpjpe
from training.images.datasets.photo_annotations import AnnotatedPerson
from training.images.sample import ImageSample
from training.images.shards import PreparedImages

_NEVER = 10**6  # more people than anybody finds
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


class Seen(NamedTuple):
    """What came out on a photo."""

    found: list[bool]
    """Of each person, whether she was."""
    errors: list[float]
    """PA-MPJPE of those who were, millimetres."""
    others: int
    """Answers that are nobody's."""
    times: tuple[float, float]
    """Milliseconds that finding took, and the rest."""
    work: float
    """Seconds of the processor's time in all."""


def see(model: Reconstructor, samples: Sequence[ImageSample], columns: int, side: int) -> Seen:
    """What comes out on one crowd of columns x columns people."""
    photo, people = crowd(samples, columns, side)
    begun = time.process_time()
    answer = model.reconstruct(photo)
    work = time.process_time() - begun
    joints = [person.camera.project(person.joints) for person in answer]
    found, errors = [], []
    for sample, person, match in zip(samples, people, match_people(joints, people), strict=True):
        found.append(match is not None and keypoint_similarity(joints[match], person) >= _FOUND)
        if found[-1]:
            assert match is not None and sample.joints is not None
            hers = torch.from_numpy(np.asarray(answer.people[match].joints, np.float32))
            errors.append(1000 * float(pa_mpjpe(hers[None], sample.joints[None]).mean()))
    finding = answer.timings_ms["detection"]
    return Seen(found, errors, len(answer) - sum(found), (finding, sum(answer.timings_ms.values()) - finding), work)


def row(model: Reconstructor, samples: Sequence[ImageSample], columns: int, side: int) -> str:
    """A row of the table: crowds until the samples are used up, each seen also as if it were of fewer people."""
    count, usual = columns * columns, model.crowd_from
    runs: list[list[Seen]] = [[], []]
    for start in range(0, len(samples) - count + 1, count):
        for run, crowd_from in zip(runs, (usual, _NEVER), strict=True):  # in turns
            model.crowd_from = crowd_from
            run.append(see(model, samples[start : start + count], columns, side))
    model.crowd_from = usual
    found = [each for seen in runs[0] for each in seen.found]
    others = sum(seen.others for seen in runs[0])
    finding, rest = np.median([seen.times for seen in runs[0]], axis=0)
    error, before = (np.mean([each for seen in run for each in seen.errors]) for run in runs)
    ratio = sum(seen.work for seen in runs[0]) / sum(seen.work for seen in runs[1])
    return (
        f"| {count} | {100 * np.mean(found):.0f} % | {others} of {len(found)} | {finding:.0f} | {rest:.0f} "
        f"| {error:.1f} | {before:.1f} | {ratio:.2f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowds", description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=Path, default=Path("runs/rendered"), help="of training.images.prepare")
    parser.add_argument("--people", type=int, default=144)
    parser.add_argument("--columns", type=int, nargs="+", default=[1, 2, 3, 4, 6, 8], help="people side by side")
    parser.add_argument("--side", type=int, default=1280, help="pixels")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--threads", type=int, help="one a core if unset")
    parser.add_argument("--movenet", action="store_true", help="without BlazePose")
    options = parser.parse_args()
    images = PreparedImages(options.images, options.split)
    samples = [images[index] for index in whole_people(images, options.people)]
    model = Reconstructor.load(device="cpu", engine="auto", threads=options.threads, landmarks=not options.movenet)
    print(f"{len(samples)} people in photos of {options.side} x {options.side} pixels, {model.network.runtime}\n")
    print("| people in a photo | found | other answers | finding, ms | all the rest, ms ", end="")
    print("| PA-MPJPE, mm | as of fewer people | their time, as a part of that |")
    print("|---|---|---|---|---|---|---|---|")
    for columns in options.columns:
        if columns * columns <= len(samples):
            print(row(model, samples[: 36 if columns == 1 else None], columns, options.side), flush=True)


if __name__ == "__main__":
    main()
