"""Scores on calibrated footage: checkpoints, frame by frame and camera by camera, against a person's true joints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model.errors import BadData
from model.reconstructor import Reconstructor
from training.evaluation.candidates import file_name
from training.evaluation.footage_figures import HEADINGS, WorstFrames
from training.evaluation.footage_scores import IN_COCO, FrameScores, can_be_scored, score_frame, summarise
from training.evaluation.matching import person_at
from training.evaluation.pose_figures import montage, save_picture
from training.evaluation.report import Cell, Report, Table
from training.footage.recording import Recording, View, check_size, read_frames

ERRORS = (
    "PA-MPJPE", "MPJPE", "2D seen, px", "2D projected, px", "lean, degrees", "lean, absolute",
    "up, degrees, median", "size, %",
)  # fmt: skip
DEPTHS = (
    "in the plane, median", "in the plane, rms", "depth, median", "depth, rms", "depth slope, %",
    "right depth signs, %", "limb length, %",
)  # fmt: skip


def evaluate_footage(
    reconstructors: dict[str, Reconstructor],
    recording: Recording,
    output: Path,
    every: int = 1,
    max_people: int | None = None,
) -> Report:
    """Scores checkpoints on single frames of each camera and draws the worst ones into `output`.

    Args:
        reconstructors: by the name that the report gives them.
        every: each Nth frame is scored.
        max_people: the measured person must be among this many of a frame, the most prominent ones.

    Raises:
        BadData: a film cannot be read or is not of its camera's size, or no frame has known joints.
    """
    results: dict[str, list[tuple[int, list[FrameScores]]]] = {name: [] for name in reconstructors}
    worst = {name: WorstFrames(reconstructor.faces) for name, reconstructor in reconstructors.items()}
    for view in recording.views:
        frames, scores = _score_view(reconstructors, recording, view, every, max_people, worst)
        for name in reconstructors:
            results[name].append((frames, scores[name]))
    if not any(frames for frames, _ in next(iter(results.values()))):
        raise BadData(f"No frame of {recording.name} shows joints that are known: do times and cameras fit its films?")

    report = Report(
        title="Evaluation on calibrated footage",
        setting={"data": "footage", "recording": recording.name, "every": every, "checkpoints": list(reconstructors)},
        notes=[
            f"{recording.name}: {len(recording.views)} cameras, single frames, step {every}, with the cameras' own "
            "focal lengths. Millimetres unless it says otherwise, the 12 limb joints, of the frames in which the "
            "person was found. MPJPE puts the middle of the hips at the origin, PA-MPJPE aligns by a similarity whose "
            "factor gives the size. 2D: from the true joints to those of the 2D network, and to the answer's. Up: by "
            "how much the direction is wrong that all people of the frame tell.",
            "Lean: how much farther than the true one the trunk leans away from the camera. In the plane and depth: "
            "parts of the joints' errors. Of upper arms, forearms, thighs and shins: the slope of predicted over true "
            "depth from one end to the other, the share of right signs where that is 10 cm or more, and the length.",
        ],
        tables=[
            _table("scores", "Scores by camera", ("frames", "found, %", *ERRORS), results, recording),
            _table("depth", "Picture plane and depth", DEPTHS, results, recording),
        ],
    )
    for name, gallery in worst.items():
        file = f"worst-{file_name(name)}.png"
        save_picture(output / file, montage(HEADINGS, gallery.rows()))
        report.pictures.append((file, f"{name}: the worst frames"))
        report.summary[name] = _cells(
            results[name], ("PA-MPJPE", "MPJPE", "lean, absolute", "up, degrees, median", "found, %")
        )
    return report


def _score_view(
    reconstructors: dict[str, Reconstructor],
    recording: Recording,
    view: View,
    every: int,
    max_people: int | None,
    worst: dict[str, WorstFrames],
) -> tuple[int, dict[str, list[FrameScores]]]:
    """How many frames of one camera count, and each checkpoint's scores where it found the person."""
    frames, scores = 0, {name: [] for name in reconstructors}  # type: tuple[int, dict[str, list[FrameScores]]]
    for number, time, picture in tqdm(
        read_frames(view.film, every), desc=view.camera.name, unit="frame", leave=False, delay=2
    ):
        if frames == 0:
            check_size(view, picture)
        row = recording.truth.row(number, time)
        if row is None or not can_be_scored(recording.truth.joints[row]):
            continue
        world = recording.truth.joints[row]
        true, true_2d = view.camera.to_camera(world), view.camera.project(world)
        if not _in_picture(true_2d, picture):
            continue
        frames += 1
        for name, reconstructor in reconstructors.items():
            answer = reconstructor.reconstruct(picture, focal_length=view.camera.focal_length, max_people=max_people)
            people, up = answer.people, answer.scene.up.direction if answer.scene else None
            found = person_at(true_2d, [person.camera.project(person.joints)[IN_COCO] for person in people])
            if found is None:
                continue
            true_up = view.camera.rotation @ recording.up
            score = score_frame(people[found], true, true_2d, up, true_up)
            scores[name].append(score)
            label = f"{view.camera.name}, {time:.2f} s"
            worst[name].add(label, (view.camera.name, int(time)), score, picture, people[found], true, true_2d)
    return frames, scores


def _in_picture(true_2d: np.ndarray, picture: np.ndarray) -> bool:
    """Whether most of the known joints lie in the picture."""
    known = true_2d[np.isfinite(true_2d).all(axis=1)]
    inside = ((known >= 0) & (known <= picture.shape[1::-1])).all(axis=1)
    return bool(len(known) and inside.mean() >= 0.5)


def _table(
    name: str,
    title: str,
    columns: Sequence[str],
    results: dict[str, list[tuple[int, list[FrameScores]]]],
    recording: Recording,
) -> Table:
    table = Table(name, title, columns)
    for checkpoint, views in results.items():
        for view, result in zip(recording.views, views, strict=True):
            table.add(f"{checkpoint}, {view.camera.name}", list(_cells([result], columns).values()))
        table.add(f"{checkpoint}, all", list(_cells(views, columns).values()))
    return table


def _cells(views: Sequence[tuple[int, list[FrameScores]]], columns: Sequence[str]) -> dict[str, Cell]:
    """Columns of one checkpoint over some cameras, joined frame by frame."""
    frames, scores = sum(count for count, _ in views), [score for _, part in views for score in part]
    values: dict[str, Cell] = {"frames": frames, "found, %": 100 * len(scores) / frames if frames else None}
    values.update(summarise(scores))
    return {column: values.get(column) for column in columns}
