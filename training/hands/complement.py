"""Complement (Chen et al., MobRecon, CVPR 2022), the rendered hands of the paper's Table 6: poses from its meshes.

What was released are pictures and MANO's meshes, no parameters: for each pose a folder below some `model_mano`, with an
OBJ file for each camera that saw it, in that camera's axes, all of left hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from model.errors import BadData
from training.bodies.inverse_kinematics import unpose
from training.folders import files_below
from training.mocap.poses import MocapPoses
from training.mocap.text import read_text

if TYPE_CHECKING:
    from training.bodies.mano import ManoHand

_FOLDER = "model_mano"
_BATCH = 64
_FARTHEST = 0.005  # metres, in the mean: meshes that are farther from every pose are none of MANO's


def read_complement(folder: Path, hand: ManoHand) -> Iterator[MocapPoses]:
    """Reads the poses of all meshes below a folder, if there are any: one of each pose, since the cameras differ alone.

    Args:
        folder: with `.../model_mano/<pose>/<camera>.obj`, metres.
        hand: the model that the meshes are of, on the CPU.

    Yields:
        (1, 16, 3) rotations relative to the flat hand, of right hands. Nobody says whose: each pose is a subject.

    Raises:
        BadData: a mesh is none of MANO's; the message names the file.
    """
    seen: dict[Path, Path] = {}
    for file in files_below(folder):
        if file.suffix == ".obj" and file.parent.parent.name == _FOLDER:
            seen.setdefault(file.parent, file)
    files = list(seen.values())
    for start in tqdm(range(0, len(files), _BATCH), desc="poses of Complement", leave=False, delay=2):
        part = files[start : start + _BATCH]
        meshes = np.stack([_mesh(file, hand.vertex_count) for file in part]) * (-1, 1, 1)  # left to right
        poses, errors = unpose(hand, torch.from_numpy(meshes).float())
        for file, pose, error in zip(part, poses.numpy(), errors.tolist(), strict=True):
            if not error < _FARTHEST:
                raise BadData(
                    f"{file} is {1000 * error:.0f} mm away from all poses of {hand.name}: no left hand of it."
                )
            name = file.parent.relative_to(folder).as_posix()
            yield MocapPoses.from_clip(pose[None], f"complement/{name}", name)


def _mesh(path: Path, count: int) -> np.ndarray:
    """The vertices (V, 3) of an OBJ file."""
    try:
        lines = [line.split() for line in read_text(path).splitlines()]
        vertices = np.array([line[1:4] for line in lines if line[:1] == ["v"]], np.float64)
    except (OSError, ValueError) as error:
        raise BadData(f"{path} cannot be read as a mesh ({error}).") from None
    if vertices.shape != (count, 3) or not np.isfinite(vertices).all():
        raise BadData(f"{path} has {len(vertices)} vertices: MANO has {count}, all finite.")
    if np.ptp(vertices, axis=0).max() > 1:
        raise BadData(f"{path} is larger than a metre: the meshes are expected in metres.")
    return vertices
