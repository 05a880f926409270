"""Scores on a folder of annotated photos: PCK of the projected 3D joints, errors where 3D was measured, overlays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from model.errors import BadData
from model.reconstructor import Reconstructor
from model.rendering.overlay import overlay, side_view
from model.rendering.shading import Figure
from model.results import Person
from training.evaluation.candidates import file_name
from training.evaluation.matching import match_people, person_at
from training.evaluation.metrics import correct_keypoints, mpjpe, pa_mpjpe
from training.evaluation.pose_figures import save_picture, shrunk
from training.evaluation.report import Cell, Report, Table
from training.images.datasets.base import read_image
from training.images.datasets.joint_sets import HIPS, LIMBS_IN_COCO
from training.images.datasets.photo_annotations import AnnotatedPhoto, Measured3D

THRESHOLDS = (0.05, 0.1)
"""Shares of the longer side of the person's box."""
GROUPS = {
    "head": (0, 1, 2, 3, 4),
    "shoulders": (5, 6),
    "elbows": (7, 8),
    "wrists": (9, 10),
    "hips": (11, 12),
    "knees": (13, 14),
    "ankles": (15, 16),
}
"""COCO's joints."""
_LONGEST = 1024  # pixels: overlays of larger photos are made smaller


@dataclass(frozen=True)
class PhotoScores:
    """What came out on one photo."""

    name: str
    people: int
    found: int
    """How many of the annotated people were reconstructed."""
    annotated: np.ndarray
    """(P, 17) bool."""
    correct: dict[float, np.ndarray]
    """By threshold (P, 17) bool; nothing is right of a missed person."""
    errors_3d: tuple[float, float] | None
    """PA-MPJPE and MPJPE in millimetres, of limb joints; None if not measured or missed."""
    missed_3d: bool = False


def score_photo(photo: AnnotatedPhoto, people: Sequence[Person]) -> PhotoScores:
    """Matches people with the photo's annotations and measures them.

    People without an annotation do not count: annotations need not be complete.
    """
    joints = [person.camera.project(person.joints) for person in people]
    matches = match_people(joints, photo.people)
    annotated = np.array([person.annotated for person in photo.people], dtype=bool).reshape(-1, 17)
    correct = {threshold: np.zeros_like(annotated) for threshold in THRESHOLDS}
    for row, (person, match) in enumerate(zip(photo.people, matches, strict=True)):
        if match is None:
            continue
        seen, true = torch.from_numpy(joints[match])[None], torch.from_numpy(person.keypoints)[None]
        for threshold in THRESHOLDS:
            right = correct_keypoints(seen, true, torch.tensor([person.size]), threshold)[0].numpy()
            correct[threshold][row] = right & person.annotated
    errors = None if photo.measured is None else _errors_3d(photo.measured, people, joints)
    return PhotoScores(
        name=photo.path.name,
        people=len(photo.people),
        found=sum(match is not None for match in matches),
        annotated=annotated,
        correct=correct,
        errors_3d=errors,
        missed_3d=photo.measured is not None and errors is None,
    )


def _errors_3d(
    measured: Measured3D, people: Sequence[Person], joints_2d: Sequence[np.ndarray]
) -> tuple[float, float] | None:
    """Errors of the person who is where the measured one is; None if nobody is."""
    limbs = list(LIMBS_IN_COCO)
    index = person_at(measured.joints_2d, [points[limbs] for points in joints_2d])
    if index is None:
        return None
    predicted = torch.from_numpy(people[index].joints[limbs]).float()[None]
    true = torch.from_numpy(measured.joints)[None]
    return 1000 * float(pa_mpjpe(predicted, true)), 1000 * float(mpjpe(predicted, true, HIPS))


def evaluate_photos(reconstructors: dict[str, Reconstructor], photos: Sequence[AnnotatedPhoto], output: Path) -> Report:
    """Scores checkpoints on photos and draws an overlay of each photo into `output`.

    Args:
        reconstructors: by the name that the report gives them.

    Raises:
        BadData: a photo cannot be read, or is not of the size that it was annotated in.
    """
    results: dict[str, list[PhotoScores]] = {name: [] for name in reconstructors}
    pictures = []
    for photo in tqdm(photos, desc="photos", unit="photo", leave=False, delay=2):
        image = read_image(photo.path)
        if photo.size not in (None, (image.shape[1], image.shape[0])):
            raise BadData(
                f"{photo.path} has {image.shape[1]} x {image.shape[0]} pixels, but was annotated with "
                f"{' x '.join(map(str, photo.size or ()))}."
            )
        focal = photo.measured.focal_length if photo.measured else None
        for name, reconstructor in reconstructors.items():
            people = reconstructor.reconstruct(image, focal_length=focal).people
            results[name].append(score_photo(photo, people))
            file = f"photos/{file_name(name)}/{photo.path.stem}.jpg"
            save_picture(output / file, picture_of(image, people, reconstructor.faces))
            pictures.append((file, f"{photo.path.name}, {name}: over the photo and from the side"))
    report = Report(
        title="Evaluation on photos",
        setting={"data": "photos", "photos": len(photos), "checkpoints": list(reconstructors)},
        notes=[
            f"{len(photos)} photos, {sum(len(photo.people) for photo in photos)} annotated people. PCK: the percentage "
            "of annotated joints within 5 or 10 % of the longer side of the person's box; the joints are the 3D ones, "
            "projected by the answer's camera. All joints of a missed person count as wrong. People are matched by "
            "COCO's keypoint similarity; people without annotation do not count.",
        ],
        tables=_tables(results),
        pictures=pictures,
    )
    measured = sum(photo.measured is not None for photo in photos)
    if measured:
        report.notes.append(
            f"{measured} photos with measured 3D joints: errors of the 12 limb joints in millimetres, with the photo's "
            "own focal length. MPJPE puts the middle of the hips at the origin."
        )
    for name, scores in results.items():
        report.summary[name] = {"PCK@0.05": _pck(scores, 0.05, range(17)), **_mean_3d(scores)}
    return report


def picture_of(image: np.ndarray, people: Sequence[Person], faces: np.ndarray) -> np.ndarray:
    """The photo with all people over it, and beside it the same people seen from the side: (H, 2 W, 3) uint8."""
    figures = [Figure(person.camera.to_camera(person.vertices), faces) for person in people]
    height, width = image.shape[:2]
    focal = people[0].camera.focal_length if people else float(width)
    drawn = overlay(image, figures, focal, people[0].camera.principal_point if people else None)
    both = np.concatenate([drawn, side_view(figures, (width, height))], axis=1)
    return shrunk(both, 2 * _LONGEST)


def _tables(results: dict[str, list[PhotoScores]]) -> list[Table]:
    pck = [f"{name}, PCK@{threshold:g}" for name in results for threshold in THRESHOLDS]
    first = next(iter(results.values()))
    tables = []

    if any(photo.people for photo in first):
        table = Table("pck", "PCK by joint, percent", ["joints", *pck])
        everything = tuple(range(17))
        for group, joints in {"all": everything, **GROUPS}.items():
            count = sum(int(photo.annotated[:, joints].sum()) for photo in first)
            table.add(group, [count, *(_pck(photos, t, joints) for photos in results.values() for t in THRESHOLDS)])
        tables.append(table)

        columns = [f"{name}, {column}" for name in results for column in ("found", "PCK@0.05", "PCK@0.1")]
        table = Table("photos", "By photo", ["people", *columns])
        for index, photo in enumerate(first):
            if photo.people:
                cells: list[Cell] = [photo.people]
                for photos in results.values():
                    cells += [photos[index].found, *(_pck([photos[index]], t, everything) for t in THRESHOLDS)]
                table.add(photo.name, cells)
        cells = [sum(photo.people for photo in first)]
        for photos in results.values():
            cells += [sum(photo.found for photo in photos), *(_pck(photos, t, everything) for t in THRESHOLDS)]
        table.add("all", cells)
        tables.append(table)

    if any(photo.errors_3d or photo.missed_3d for photo in first):
        columns = [f"{name}, {column}" for name in results for column in ("PA-MPJPE", "MPJPE")]
        table = Table("limbs_3d", "Limb joints in 3D, millimetres", columns)
        for index, photo in enumerate(first):
            if photo.errors_3d or photo.missed_3d:
                pairs = [photos[index].errors_3d or ("missed", "missed") for photos in results.values()]
                table.add(photo.name, [cell for pair in pairs for cell in pair])
        tables.append(table)
    return tables


def _mean_3d(photos: Sequence[PhotoScores]) -> dict[str, Cell]:
    """Over the photos with measured 3D joints in which the person was found."""
    errors = [photo.errors_3d for photo in photos if photo.errors_3d is not None]
    means: list[float] = np.mean(errors, axis=0).tolist() if errors else []
    return dict(zip(("PA-MPJPE", "MPJPE"), means))


def _pck(photos: Sequence[PhotoScores], threshold: float, joints: Sequence[int]) -> float | None:
    right = sum(int(photo.correct[threshold][:, joints].sum()) for photo in photos)
    count = sum(int(photo.annotated[:, joints].sum()) for photo in photos)
    return 100 * right / count if count else None
