"""Scores on held-out MoCap subjects: baselines and checkpoints side by side, on the same bodies, cameras and noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from tqdm import tqdm

from model.body.rig_file import find_rig
from model.errors import BadCheckpoint, BadData
from model.network.topology import MeshTopology
from training.bodies.coarse import is_of
from training.bodies.protocol import BodyModel
from training.evaluation.baselines import Predict, Prediction, mean_pose, nearest_pose
from training.evaluation.candidates import Evaluated, file_name
from training.evaluation.heldout_views import SEED, Condition, Views, conditions, fixed_views, noise_of
from training.evaluation.mocap_bodies import body_predictor, once
from training.evaluation.pose_figures import Gallery, pose_montage, save_picture
from training.evaluation.report import Report, Table
from training.evaluation.scores import F_5, F_15, MESH_COLUMNS, MPJPE, MPVE, PA_MPJPE, Scores, mesh_scores
from training.mocap.poses import MocapPoses

_MAIN = "clean heatmaps"  # the condition of the tables by subject and by joint, and of the pictures
_NEAREST_VIEWS = 65536


def check_topology(network: Evaluated, body: BodyModel) -> None:
    """Sees to it that a network answers with the mesh that is posed.

    Raises:
        BadCheckpoint: it answers with another mesh.
    """
    topology = network.topology
    if is_of(topology, body):
        return
    if topology.name == body.name:
        advice = "it was made with another version of this body: train it again, or use that version"
    elif topology.name.startswith("smpl"):
        advice = "give its body with --smpl path/to/SMPL_NEUTRAL.npz, and evaluate other topologies on their own"
    elif topology.name == "mano":
        advice = "score MANO's hands on --freihand"
    else:
        advice = f"evaluate it apart from checkpoints of the topology '{body.name}', and without --smpl"
    raise BadCheckpoint(
        f"{network.path} has the mesh topology '{topology.name}' ({topology.vertex_count} vertices), but the body of "
        f"this evaluation is '{body.name}' ({body.vertex_count} vertices): {advice}."
    )


def evaluate_mocap(
    networks: Sequence[Evaluated],
    body: BodyModel,
    training: MocapPoses,
    held_out: MocapPoses,
    output: Path,
    split: str = "test",
    rig: Path | None = None,
    nearest_views: int = _NEAREST_VIEWS,
) -> Report:
    """Evaluates networks on MoCap and draws their worst and some random cases into `output`.

    Args:
        networks: all of the body's topology, see `check_topology`.
        training: what the baselines know.
        held_out: what is evaluated.
        split: its name, for the report.
        rig: see `find_rig`.
        nearest_views: how many views of training poses the nearest-pose baseline knows.

    Raises:
        BadCheckpoint: a network answers with NaN.
        BadData: there is nothing to evaluate on.
    """
    if len(held_out) == 0:
        raise BadData(
            f"This MoCap holds no {split} subject. The test is of CMU's held-out subjects: without them, score on the "
            "validation subjects (--split validation), for whom more subjects make room."
        )
    known = torch.from_numpy(training.rotations)
    rows: dict[str, Predict] = {
        "constant mean pose": mean_pose(body, known),
        f"nearest training pose of {nearest_views:,} views": nearest_pose(body, known, nearest_views),
    }
    bodies = find_rig(body.vertex_count, rig) if body.subject.name == "body" else None
    for network in networks:
        for title, condition in conditions(body.subject).items():
            rows[f"{network.name}, {title}"] = raw = once(mesh_predictor(network, condition))
            if bodies is not None:
                rows[f"{network.name}, {title}, its body"] = body_predictor(network, bodies, raw, condition)
    labels = [f"{held_out.subjects[i]} {Path(held_out.clips[i]).stem}" for i in range(len(held_out))]
    galleries = {f"{network.name}, {_MAIN}": Gallery(labels) for network in networks}
    scores = _score(rows, body, held_out, galleries)

    report = Report(
        title="Evaluation on motion capture",
        setting={
            "data": "MoCap",
            "split": split,
            "body": body.name,
            "poses": len(held_out),
            "subjects": sorted(set(held_out.subjects.tolist())),
            "seed": SEED,
            "noise": dataclasses.asdict(noise_of(body.subject)),
            "checkpoints": [network.description() for network in networks],
        },
        notes=_notes(networks, body, held_out, split),
    )
    main = {network.name: scores[f"{network.name}, {_MAIN}"] for network in networks}
    report.tables = [_score_table(scores), _subject_table(main, held_out), _joint_table(main, body)]
    for title in [title for title in rows if any(title.startswith(f"{network.name}, ") for network in networks)]:
        report.summary[title] = {column: scores[title].mean(column) for column in (PA_MPJPE, MPJPE, MPVE)}
    for network in networks:
        gallery = galleries[f"{network.name}, {_MAIN}"]
        for name, cases in (("worst", gallery.worst), ("random", gallery.random)):
            file = f"{name}-{file_name(network.name)}.png"
            save_picture(output / file, pose_montage(cases, body.faces))
            report.pictures.append((file, f"{network.name}: {name} cases, {_MAIN}"))
    return report


def mesh_predictor(network: Evaluated, condition: Condition) -> Predict:
    """The full mesh and the direct joints that a network answers to heatmaps in one condition."""
    upsampling = _upsampling_matrix(network.topology)
    size = network.checkpoint.model.size.heatmap_size

    def predict(views: Views) -> Prediction:
        with torch.inference_mode():
            answer = network.checkpoint.model(condition(views, size).to(network.device))
        coarse, joints = answer.vertices.float().cpu(), answer.joints.float().cpu()
        if not (coarse.isfinite().all() and joints.isfinite().all()):
            raise BadCheckpoint(
                f"{network.path} answers with NaN or infinity: its training broke; take an earlier one."
            )
        columns = coarse.transpose(0, 1).flatten(1).numpy()  # (C, B * 3)
        full = torch.from_numpy(upsampling @ columns).unflatten(1, (-1, 3))  # (V, B, 3)
        return Prediction(full.transpose(0, 1).contiguous(), joints)

    return predict


def _upsampling_matrix(topology: MeshTopology) -> csr_matrix:
    """(V, C): what `MeshTopology.upsample` does, as one sparse matrix, which is many times faster on a CPU."""
    vertices, near = topology.neighbours.shape
    row = np.repeat(np.arange(vertices), near)
    where = (row, topology.neighbours.flatten().numpy())
    return csr_matrix((topology.weights.flatten().numpy(), where), shape=(vertices, topology.coarse_count))


def _score(
    rows: dict[str, Predict], body: BodyModel, held_out: MocapPoses, galleries: dict[str, Gallery]
) -> dict[str, Scores]:
    """All rows at once: bodies are posed a single time, and memory holds one batch."""
    regressor = torch.from_numpy(body.joint_regressor)
    parts: dict[str, list[Scores]] = {title: [] for title in rows}
    root, hands = body.subject.root_joints, body.subject.name == "hand"
    with tqdm(total=len(held_out), desc="evaluating", unit="pose", leave=False, delay=2) as bar:
        for views in fixed_views(body, torch.from_numpy(held_out.rotations)):
            for title, predict in rows.items():
                vertices, joints = predict(views)
                parts[title].append(mesh_scores(vertices, views.vertices, regressor, views.joints, joints, root, hands))
                if title in galleries:
                    galleries[title].add(views, vertices, parts[title][-1].columns[PA_MPJPE])
            bar.update(len(views.number))
    return {title: Scores.concat(part) for title, part in parts.items()}


def _notes(networks: Sequence[Evaluated], body: BodyModel, held_out: MocapPoses, split: str) -> list[str]:
    subjects = sorted(set(held_out.subjects.tolist()))
    notes = [
        f"{len(held_out):,} poses of {split} subjects ({', '.join(subjects)}), one random body ('{body.name}') and "
        "view each, the same for every row; millimetres, the mean over poses.",
        f"Joints are {body.subject.joints_said}, regressed by G from the full mesh; the direct ones are those that the "
        f"network answers beside its mesh. MPJPE and MPVE put {body.subject.root_said} at the origin, PA- aligns by a "
        "similarity. "
        "Not comparable with figures on Human3.6M or 3DPW.",
        "Its body: the one that people get, fitted to the network's mesh and refined to the heatmaps' peaks; bare.",
    ]
    for network in networks:
        seen = sorted(set(subjects) & set(network.checkpoint.card.get("training_subjects", [])))
        if seen:
            notes.append(f"**{network.name} was trained on {', '.join(seen)}: its figures are too good to be true.**")
        chosen = sorted(set(subjects) & set(network.checkpoint.card.get("validation_subjects", [])))
        if chosen and split == "test":
            notes.append(f"**{network.name} was chosen by its scores on {', '.join(chosen)}.**")
    return notes


def _score_table(scores: dict[str, Scores]) -> Table:
    extra = [column for column in (F_5, F_15) if any(column in row.columns for row in scores.values())]
    columns = [*MESH_COLUMNS, *extra]
    table = Table("scores", "Scores", columns)
    for title, row in scores.items():
        table.add(title, [row.mean(column) for column in columns])
    return table


def _subject_table(scores: dict[str, Scores], held_out: MocapPoses) -> Table:
    columns = [f"{name}, {column}" for name in scores for column in (PA_MPJPE, MPJPE, MPVE)]
    table = Table("subjects", f"By subject, {_MAIN}", ["poses", *columns])
    for subject in sorted(set(held_out.subjects.tolist())):
        which = torch.from_numpy(held_out.subjects == subject)
        cells = [row.mean(column, which) for row in scores.values() for column in (PA_MPJPE, MPJPE, MPVE)]
        table.add(subject, [int(which.sum()), *cells])
    return table


def _joint_table(scores: dict[str, Scores], body: BodyModel) -> Table:
    columns = [f"{name}, {column}" for name in scores for column in (PA_MPJPE, MPJPE)]
    table = Table("joints", f"By joint, {_MAIN}", columns)
    for index, joint in enumerate(body.subject.joint_names):
        cells = [row.joint_mean(column, index) for row in scores.values() for column in (PA_MPJPE, MPJPE)]
        table.add(joint.replace("_", " "), cells)
    return table
