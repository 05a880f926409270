"""Scores on Human3.6M and 3DPW by the field's protocol, or on limb joints where the mesh is not SMPL's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.errors import BadData, BadInput
from model.inputs import check_box
from model.network.topology import MeshTopology
from model.reconstructor import Reconstructor
from model.results import Person
from training.evaluation.candidates import file_name
from training.evaluation.case_figures import draw_cases
from training.evaluation.metrics import joint_errors, mpve, pa_joint_errors, pa_mpve
from training.evaluation.report import Report, Table
from training.evaluation.scores import MPJPE, MPVE, PA_MPJPE, PA_MPVE, Scores, millimetres
from training.images.datasets.base import DatasetPerson, SampleSet, read_image
from training.images.datasets.joint_sets import HIPS, LIMBS, LIMBS_IN_COCO, LSP_14, read_h36m_regressor
from training.images.datasets.smpl_truth import SMPL_VERTICES, SmplTruth

MPJPE_PELVIS = "MPJPE, pelvis joint at the origin"
COLUMNS = (PA_MPJPE, MPJPE, MPJPE_PELVIS, MPVE, PA_MPVE)


@dataclass(frozen=True)
class Body:
    """Joints in LSP's order, predicted or true: camera frame, metres, any origin."""

    joints: Tensor
    """(K, 3)."""
    pelvis: Tensor | None = None
    """(1, 3)."""
    vertices: Tensor | None = None
    """(V, 3), where truth and prediction have the same mesh."""


class Protocol:
    """How joints are taken from a prediction and from the truth.

    With SMPL's mesh and Human3.6M's regressor: the field's 14 joints from the mesh, and the errors of the mesh itself.
    Otherwise: the twelve limb joints that all skeletons share, which is no published protocol.
    """

    def __init__(self, topology: MeshTopology, regressor: Path | None, truth: SmplTruth | None):
        """Chooses by what is there.

        Raises:
            BadData: the regressor does not fit.
        """
        self.truth = truth
        self.full = topology.vertex_count == SMPL_VERTICES and regressor is not None
        if self.full and regressor is not None:
            self._lsp, self._pelvis = read_h36m_regressor(regressor, topology.template)
        self.joint_names: tuple[str, ...] = LSP_14 if self.full else LIMBS
        if self.full:
            self.note = "the field's protocol: 14 joints regressed from SMPL's mesh by Human3.6M's regressor"
        elif topology.vertex_count == SMPL_VERTICES:
            self.note = (
                "12 limb joints of SMPL's skeleton, **not the field's protocol**: for it, give Human3.6M's regressor "
                "with --regressor J_regressor_h36m.npy"
            )
        else:
            self.note = (
                f"12 limb joints (shoulders, elbows, wrists, hips, knees, ankles) of the '{topology.name}' body, **not "
                "the field's protocol**: its joints lie elsewhere than SMPL's by some centimetres, above all the hips"
            )

    def predicted(self, person: Person) -> Body:
        """The joints of a reconstructed person."""
        if not self.full:
            return Body(torch.from_numpy(person.joints)[list(LIMBS_IN_COCO)])
        vertices = torch.from_numpy(person.vertices)
        return Body(self._lsp @ vertices, self._pelvis @ vertices, vertices)

    def true(self, sample: DatasetPerson) -> Body:
        """The joints of the truth.

        Raises:
            BadData: they need SMPL's model files, and none were given.
        """
        if self.truth is not None and sample.smpl is not None:
            vertices, limbs = self.truth.pose(sample.smpl)
            return Body(self._lsp @ vertices, self._pelvis @ vertices, vertices) if self.full else Body(limbs)
        if sample.joints is None or len(sample.joints) < len(self.joint_names):
            raise BadData(
                f"The truth of {sample.image} is given as SMPL's parameters: give the folder of SMPL_MALE.npz and "
                "SMPL_FEMALE.npz with --smpl."
            )
        joints = torch.from_numpy(sample.joints[: len(self.joint_names)])
        pelvis = None if sample.pelvis is None or not self.full else torch.from_numpy(sample.pelvis)[None]
        return Body(joints, pelvis)


def body_scores(predicted: Sequence[Body], true: Sequence[Body]) -> Scores:
    """Errors of bodies, millimetres; those of the pelvis and of meshes where both sides have them."""
    joints, true_joints = (torch.stack([body.joints for body in side]).float() for side in (predicted, true))
    parts = {PA_MPJPE: pa_joint_errors(joints, true_joints), MPJPE: joint_errors(joints, true_joints, HIPS)}
    columns = {name: part.mean(dim=-1) for name, part in parts.items()}
    pelvis, true_pelvis = (_stacked([body.pelvis for body in side]) for side in (predicted, true))
    if pelvis is not None and true_pelvis is not None:
        columns[MPJPE_PELVIS] = (joints - pelvis - (true_joints - true_pelvis)).norm(dim=-1).mean(dim=-1)
    vertices, true_vertices = (_stacked([body.vertices for body in side]) for side in (predicted, true))
    if vertices is not None and true_vertices is not None and pelvis is not None and true_pelvis is not None:
        columns[MPVE] = mpve(vertices, true_vertices, pelvis, true_pelvis, root=(0,))
        columns[PA_MPVE] = pa_mpve(vertices, true_vertices)
    return Scores(millimetres(columns), millimetres(parts))


def _stacked(tensors: Sequence[Tensor | None]) -> Tensor | None:
    found = [tensor for tensor in tensors if tensor is not None]
    return torch.stack(found).float() if found and len(found) == len(tensors) else None


def evaluate_images(
    reconstructors: Mapping[str, Reconstructor],
    topologies: Mapping[str, MeshTopology],
    data: SampleSet,
    regressor: Path | None = None,
    truth: SmplTruth | None = None,
    focal_length: float | None = None,
    output: Path | None = None,
) -> Report:
    """Evaluates checkpoints on an image data set, each person in the data set's own crop.

    Args:
        reconstructors: by the name that the report gives them.
        topologies: of their meshes, by the same names.
        data: what a reader found.
        regressor: Human3.6M's, for SMPL's mesh.
        truth: SMPL's model files, for data sets whose truth is given as SMPL's parameters.
        focal_length: pixels, where the samples do not know theirs; None assumes the image's diagonal.
        output: folder for pictures of the worst and of random cases; None draws none.

    Raises:
        BadData: an image or what the truth needs is missing.
    """
    report = Report(
        title=f"Evaluation on {data.name}",
        setting={"data": data.name, "protocol": data.protocol, "samples": len(data.samples), "checkpoints": {}},
        notes=[f"{len(data.samples):,} persons. {data.protocol}.", *data.notes],
    )
    results: dict[str, tuple[Scores, list[int], Protocol]] = {}
    for name, reconstructor in reconstructors.items():
        protocol = Protocol(topologies[name], regressor, truth)
        scores, kept = _evaluate(reconstructor, data.samples, protocol, focal_length, name)
        results[name] = scores, kept, protocol
        report.notes.append(f"{name}: {protocol.note}.")
        if len(kept) < len(data.samples):
            missing = len(data.samples) - len(kept)
            report.notes.append(f"{name}: {missing:,} persons are left out, whose crops miss the image.")
        about = {"persons": len(kept), "field_protocol": protocol.full, "joints": list(protocol.joint_names)}
        report.setting["checkpoints"][name] = about
        if output is not None:
            seen, errors = [data.samples[index] for index in kept], scores.columns[PA_MPJPE]
            files = draw_cases(reconstructor, seen, errors, focal_length, output, file_name(name))
            report.pictures += [(file, f"{name}: {file.split('-')[0]} cases") for file in files]
    report.notes.append(
        "Millimetres, the mean over persons. PA-MPJPE aligns by a similarity. MPJPE puts the middle of the hips at the "
        "origin (HMR, METRO), the third column the pelvis joint (SPIN); MPVE the pelvis joint (METRO)."
    )
    report.tables = _tables(results, data.samples)
    return report


def _evaluate(
    reconstructor: Reconstructor,
    samples: Sequence[DatasetPerson],
    protocol: Protocol,
    focal_length: float | None,
    title: str,
) -> tuple[Scores, list[int]]:
    """The scores of all samples whose crop shows something, and which samples these are."""
    parts, kept = [], []
    with tqdm(total=len(samples), desc=title, unit="person", leave=False, delay=2) as bar:
        in_order = sorted(enumerate(samples), key=lambda entry: entry[1].image)  # so that each image is read once
        for path, group in groupby(in_order, key=lambda entry: entry[1].image):
            entries = list(group)
            image = read_image(path)
            usable = [entry for entry in entries if _shows(entry[1], image)]
            if usable:
                focal = usable[0][1].focal_length or focal_length
                boxes = [sample.box for _, sample in usable]
                people = reconstructor.reconstruct(image, boxes=boxes, focal_length=focal).people
                predicted = [protocol.predicted(person) for person in people]
                parts.append(body_scores(predicted, [protocol.true(sample) for _, sample in usable]))
                kept += [index for index, _ in usable]
            bar.update(len(entries))
    if not parts:
        raise BadData("Not one person's crop lies within its image: do the images belong to the annotations?")
    return Scores.concat(parts), kept


def _shows(sample: DatasetPerson, image: np.ndarray) -> bool:
    try:
        check_box(sample.box, image.shape[1], image.shape[0])
    except BadInput:
        return False
    return True


def _tables(results: dict[str, tuple[Scores, list[int], Protocol]], samples: Sequence[DatasetPerson]) -> list[Table]:
    columns = [column for column in COLUMNS if any(column in scores.columns for scores, _, _ in results.values())]
    table = Table("scores", "Scores", ["joints", *columns])
    for name, (scores, _, protocol) in results.items():
        table.add(name, [len(protocol.joint_names), *(scores.mean(column) for column in columns)])
    tables = [table]

    headings = [f"{name}, {column}" for name in results for column in (PA_MPJPE, MPJPE)]
    for kind in samples[0].groups:
        table = Table(f"by_{kind}", f"By {kind}", ["persons", *headings])
        for group in sorted({sample.groups[kind] for sample in samples}):
            cells = []
            for scores, kept, _ in results.values():
                which = torch.tensor([samples[index].groups[kind] == group for index in kept])
                cells += [scores.mean(PA_MPJPE, which), scores.mean(MPJPE, which)]
            table.add(group, [sum(sample.groups[kind] == group for sample in samples), *cells])
        tables.append(table)

    table = Table("joints", "By joint", headings)
    for index, joint in enumerate(_longest([p.joint_names for _, _, p in results.values()])):
        cells = []
        for scores, _, protocol in results.values():
            known = index < len(protocol.joint_names)  # LSP's first twelve are the limbs
            cells += [scores.joint_mean(column, index) if known else None for column in (PA_MPJPE, MPJPE)]
        table.add(joint, cells)
    return [*tables, table]


def _longest(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return max(names, key=lambda entry: len(entry))
