"""Up and sizes by the ground: two rendered people in a picture, by what is known of the camera.

`python -m benchmarks.ground --mocap folder`
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from tqdm import tqdm

from model.network.checkpoint import load_checkpoint
from model.people import extent
from model.reconstructor import Reconstructor
from model.results import Person
from model.runtime.loading import default_checkpoint
from model.scene.lines import find_lines
from model.scene.up import Tilt
from model.standing import stand_on_ground
from training.bodies.anny import AnnyBody
from training.images.rendered.config import RenderConfig
from training.images.rendered.dataset import RenderedPeople, StagedScene
from training.mocap.read import read_mocap
from training.mocap.sample import read_sample
from training.mocap.split import split_by_subject

_SIZE = 448  # pixels on a picture's side
_NEAR = 0.06  # of it: a found person whose joints are farther off in the mean is somebody else
_LOWEST = 0.3  # metres: cameras below look at people from under the ground


def pictures_of_two(mocap: Path | None, seed: int, length: int) -> RenderedPeople:
    """Whole people of subjects nobody trained on, two in each picture, on one ground, before cameras that are known."""
    poses = split_by_subject(read_sample() if mocap is None else read_mocap(mocap))[2]
    config = RenderConfig(_SIZE, company=1.0, cut_off=0, near_edge=0, occluded=0, crop_scale=(1.8, 2.2))
    topology = load_checkpoint(default_checkpoint()).topology
    return RenderedPeople(AnnyBody.load(), topology, torch.from_numpy(poses.rotations), config, seed, length)


def both(people: list[Person], scene: StagedScene) -> list[int] | None:
    """Which of the found people are the scene's two; None if one was not found."""
    if len(people) < 2:
        return None
    found = np.stack([person.camera.project(person.joints) for person in people])
    true = np.stack([scene.project(joints) for joints in scene.joints])
    off = np.linalg.norm(true[:, None] - found, axis=-1).mean(axis=-1)  # (2, P)
    rows, columns = linear_sum_assignment(off)
    return columns.tolist() if off[rows, columns].max() < _NEAR * _SIZE else None


def what_is_known(scene: StagedScene) -> dict[str, dict[str, Any] | None]:
    """By the table's rows, what `stand_on_ground` is told; None leaves people as the network sees them."""
    x, y, z = scene.up.astype(float).tolist()
    tilt = Tilt(float(np.degrees(np.arcsin(z))), float(np.degrees(np.arctan2(x, -y))))
    height = -float((scene.vertices @ scene.up).min())
    return {
        "the network alone": None,
        "nothing": {},
        "up": {"tilt": tilt},
        "the camera's height": {"camera_height": height},
        "both": {"tilt": tilt, "camera_height": height},
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ground", description=__doc__)
    parser.add_argument("--mocap", type=Path, help="folder of MoCap; without it a small real sample")
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    pictures = pictures_of_two(options.mocap, options.seed, options.pictures)
    model = Reconstructor.load(device="cpu", landmarks=True)
    sizes: dict[str, list[np.ndarray]] = {}
    ups: dict[str, list[float]] = {}
    for index in tqdm(range(options.pictures), unit="picture", leave=False):
        rng = np.random.default_rng([pictures.seed, index])
        scene = pictures.stage(rng)
        picture, _ = pictures.draw(rng, scene)
        people = model.reconstruct(picture, focal_length=scene.focal_length, ground=False).people
        two = both(people, scene)
        known = what_is_known(scene)
        if two is None or -float((scene.vertices @ scene.up).min()) < _LOWEST:
            continue
        true = scene.joints[:, [11, 12]].mean(axis=1)[:, 2]
        lines = find_lines(picture, scene.focal_length, (_SIZE / 2, _SIZE / 2), [extent(person) for person in people])
        for row, told in known.items():
            standing = people
            if told is not None:
                standing, found = stand_on_ground(people, lines=lines, **told)
                cosine = float(np.clip(found.up.direction @ scene.up, -1, 1))
                ups.setdefault(row, []).append(float(np.degrees(np.arccos(cosine))))
            # A person's size is wrong by as much as her distance is.
            depths = np.array([standing[person].camera.translation[2] for person in two])
            sizes.setdefault(row, []).append(np.log(depths / true))
    print(f"{len(next(iter(sizes.values()), []))} of {options.pictures} pictures whose two people were both found\n")
    print_table(sizes, ups)


def print_table(sizes: Mapping[str, list[np.ndarray]], ups: Mapping[str, list[float]]) -> None:
    """Root mean square errors in percent, and the median of up's in degrees."""
    print("| known | size, % | one to the other, % | up, degrees, median |\n|---|---|---|---|")
    for row, logs in sizes.items():
        off = 100 * np.array(logs)
        up = f"{np.median(ups[row]):.1f}" if row in ups else "–"
        one, other = np.sqrt(np.square(off).mean()), np.sqrt(np.square(off[:, 0] - off[:, 1]).mean())
        print(f"| {row} | {one:.1f} | {other:.1f} | {up} |")


if __name__ == "__main__":
    main()
