"""FreiHAND (Zimmermann et al., ICCV 2019): its annotations, its scores, and predictions in its challenge's format."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.errors import BadData
from model.joints import HAND_JOINTS
from model.results import Person
from training.evaluation.metrics import align, f_score, pa_joint_errors, pa_mpve, similarity
from training.evaluation.report import Report, Table
from training.evaluation.scores import F_5, F_15, PA_MPJPE, PA_MPVE, Scores
from training.images.datasets.base import read_image

MANO_VERTICES = 778
_LIMIT = 1 << 30  # bytes of a JSON file: the training set's vertices take 600 MB
_SPLITS = ("evaluation", "training")
_COLUMNS = (PA_MPJPE, PA_MPVE, F_5, F_15)

Predict = Callable[[np.ndarray, float], Person | None]
"""The hand in a picture (H, W, 3) uint8 RGB whose lens has that focal length in pixels; None if there is none."""


@dataclass(frozen=True)
class HandPicture:
    """One annotated picture; camera frame, metres."""

    image: Path
    focal_length: float
    """Pixels."""
    joints: Tensor
    """(21, 3), our order."""
    vertices: Tensor
    """(778, 3) MANO's."""


def read_freihand(folder: Path, split: str = "evaluation") -> list[HandPicture]:
    """Reads `evaluation_K.json`, `_xyz.json` and `_verts.json` beside `evaluation/rgb`, as the data set is unpacked.

    The training set has four pictures of each annotation, with other backgrounds; the first is taken.

    Raises:
        BadData: a file is missing or is not what it should be; the message names it.
    """
    if split not in _SPLITS:
        raise BadData(f"FreiHAND has no split '{split}', only {', '.join(_SPLITS)}.")
    cameras = _numbers(folder / f"{split}_K.json", (3, 3))
    joints = _numbers(folder / f"{split}_xyz.json", (len(HAND_JOINTS), 3))
    vertices = _numbers(folder / f"{split}_verts.json", (MANO_VERTICES, 3))
    if not len(cameras) == len(joints) == len(vertices):
        raise BadData(
            f"{folder}: {len(cameras)} cameras, {len(joints)} hands and {len(vertices)} meshes of {split}: files of "
            "different versions; download the data set again."
        )
    return [
        HandPicture(
            folder / split / "rgb" / f"{number:08d}.jpg", float(camera[[0, 1], [0, 1]].mean()),
            torch.from_numpy(joints[number]), torch.from_numpy(vertices[number]),
        )
        for number, camera in enumerate(cameras)
    ]  # fmt: skip


def _numbers(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """(N, *shape) float32 of a JSON list."""
    try:
        if path.stat().st_size > _LIMIT:
            raise BadData(f"{path} is larger than any file of FreiHAND; is it one?")
        array = np.array(json.loads(path.read_text()), dtype=np.float32)
    except FileNotFoundError:
        raise BadData(f"{path} is not there: unpack FreiHAND_pub_v2_eval.zip and give its folder.") from None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BadData(f"{path} is no list of numbers, as FreiHAND's files are: {error}") from None
    if array.shape != (len(array), *shape) or not len(array) or not np.isfinite(array).all():
        raise BadData(f"{path} has shape {array.shape}, but (N, {shape[0]}, {shape[1]}) finite numbers are needed.")
    return array


def evaluate_freihand(networks: dict[str, Predict], pictures: list[HandPicture], output: Path) -> Report:
    """Scores networks and writes what each predicts as `pred-NAME.json`, which FreiHAND's own script takes.

    Joints are aligned by a similarity. So are MANO's meshes, vertex by vertex; another mesh moves with its joints and
    has F-scores only, as in that script. A hand that is not found counts with all of its joints in one point.

    Raises:
        BadData: there are no pictures, or one cannot be read.
    """
    if not pictures:
        raise BadData("There are no pictures to evaluate on.")
    table = Table("scores", "Scores", [*_COLUMNS, "found, %"])
    for name, predict in networks.items():
        rows: list[dict[str, float]] = []
        joints, meshes, found = [], [], 0
        for picture in tqdm(pictures, desc=name, unit="picture", leave=False, delay=2):
            hand = predict(read_image(picture.image), picture.focal_length)
            found += hand is not None
            place = np.asarray(hand.camera.translation if hand else (0, 0, 0))
            joints.append(np.asarray(place + hand.joints if hand else np.zeros((21, 3)), np.float32))
            meshes.append(np.asarray(place + hand.vertices if hand else np.zeros((1, 3)), np.float32))
            rows.append(scores_of(torch.from_numpy(joints[-1]), torch.from_numpy(meshes[-1]), picture))
        columns = {c: torch.tensor([row[c] for row in rows]) for c in _COLUMNS if all(c in row for row in rows)}
        scores = Scores(columns, {})
        table.add(name, [*(scores.mean(column) for column in _COLUMNS), 100 * found / len(pictures)])
        write_predictions(output / f"pred-{name}.json", joints, meshes)
    return Report(
        title="Evaluation on FreiHAND",
        setting={"data": "FreiHAND", "pictures": len(pictures)},
        notes=[
            f"{len(pictures):,} pictures; millimetres, and percent, after alignment. See `pred-*.json` for the rest."
        ],
        tables=[table],
    )


def scores_of(joints: Tensor, vertices: Tensor, truth: HandPicture) -> dict[str, float]:
    """The scores of joints (21, 3) and a mesh (V, 3), metres, by name; PA-MPVE for MANO's mesh alone."""
    true_joints, true_vertices = truth.joints[None], truth.vertices[None]
    result = {PA_MPJPE: 1000 * float(pa_joint_errors(joints[None], true_joints).mean())}
    if len(vertices) == MANO_VERTICES:
        result[PA_MPVE] = 1000 * float(pa_mpve(vertices[None], true_vertices))
        aligned = align(vertices[None], similarity(vertices[None], true_vertices))
    else:
        aligned = align(vertices[None], similarity(joints[None], true_joints))
    result[F_5], result[F_15] = (100 * float(f_score(aligned, true_vertices, limit)) for limit in (0.005, 0.015))
    return result


def write_predictions(path: Path, joints: list[np.ndarray], vertices: list[np.ndarray]) -> None:
    """Writes the challenge's `pred.json`: all joints (21, 3), then all meshes (V, 3), metres, camera frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content: list[Any] = [[np.round(one, 6).tolist() for one in part] for part in (joints, vertices)]
    path.write_text(json.dumps(content))
