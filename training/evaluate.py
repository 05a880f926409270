"""Scores of checkpoints, beside baselines, on held-out MoCap, hands, renders, photos, footage, Human3.6M or 3DPW.

`python -m training.evaluate --help`. Writes report.md, report.json and pictures, and prints the Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from model.errors import BadData, BadInput
from model.files import check_folder
from model.interfaces import LANDMARKS
from model.joints import HAND_JOINTS
from model.reconstructor import Reconstructor
from model.results import Person
from model.runtime.torch_runtime import TorchNetwork, open_detector
from training.arguments import add_device, real, whole
from training.bodies.anny import AnnyBody
from training.bodies.anny_hand import AnnyHand
from training.bodies.protocol import BodyModel
from training.console import telling_errors
from training.evaluation.candidates import Evaluated, check_is_body, check_rig, load_networks
from training.evaluation.footage import evaluate_footage
from training.evaluation.freihand import Predict, evaluate_freihand, read_freihand
from training.evaluation.history import keep
from training.evaluation.image_benchmarks import evaluate_images
from training.evaluation.mocap import check_topology, evaluate_mocap
from training.evaluation.photos import evaluate_photos
from training.evaluation.prepared import evaluate_prepared
from training.evaluation.raw import RawReconstructor
from training.evaluation.report import Report
from training.evaluation.summary import join
from training.footage.recording import read_recording
from training.hands.sampling import drawn_hands
from training.images.datasets.base import SampleSet
from training.images.datasets.h36m import read_h36m
from training.images.datasets.photo_annotations import read_photos
from training.images.datasets.plausible import check_plausible
from training.images.datasets.smpl_truth import SmplTruth, load_smpl
from training.images.datasets.threedpw import read_3dpw
from training.images.shards import PreparedImages
from training.mocap.poses import MocapPoses
from training.mocap.read import read_mocap
from training.mocap.split import split_by_subject

_WEIGHTS = Path(__file__).parents[1] / "weights"


def run(options: argparse.Namespace) -> Report:
    """Evaluates as the command line says; see `parser`.

    Raises:
        MPTError: something that was given cannot be used; the message names it.
    """
    device = torch.device(options.device)
    shipped = _WEIGHTS / (
        "anny-hand-tiny.safetensors" if options.hands or options.freihand else "anny-tiny.safetensors"
    )
    networks = load_networks(options.checkpoint or [shipped], device)
    if options.rig:
        check_rig(options.rig, networks)
    asked = [data for data in _EVALUATIONS if getattr(options, data)]
    if len(asked) == 1:
        return _EVALUATIONS[asked[0]](networks, options, options.output)
    reports = {}
    for data in asked:
        reports[data] = _EVALUATIONS[data](networks, options, options.output / data)
        reports[data].write(options.output / data)
    return join(reports)


def _mocap(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path) -> Report:
    body: BodyModel = load_smpl(options.smpl) if options.smpl else AnnyBody.load()
    return _poses(networks, options, output, body, lambda: read_mocap(options.mocap, body.joint_count))


def _drawn_hands(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path) -> Report:
    return _poses(networks, options, output, AnnyHand.load(), drawn_hands)


def _poses(
    networks: Sequence[Evaluated],
    options: argparse.Namespace,
    output: Path,
    body: BodyModel,
    read: Callable[[], MocapPoses],
) -> Report:
    for network in networks:  # before minutes of reading
        check_topology(network, body)
    training, validation, test = split_by_subject(read(), body.subject.held_out)
    held_out = {"validation": validation, "test": test}.get(options.split)
    if held_out is None:
        raise BadData(f"MoCap is evaluated on --split validation or test, not on {options.split}.")
    held_out = held_out.select(np.arange(0, len(held_out), options.every))
    return evaluate_mocap(networks, body, training, held_out, output, options.split, options.rig)


def _freihand(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path) -> Report:
    pictures = read_freihand(options.freihand, "training" if options.split == "train" else "evaluation")
    return evaluate_freihand(_hands(networks, options.device), pictures[:: options.every], output)


def _rendered(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path) -> Report:
    images = PreparedImages(options.rendered, options.split)
    return evaluate_prepared(networks, images, _reconstructors(networks, options), options.every)


def _photos(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path) -> Report:
    photos = read_photos(options.photos)[:: options.every]
    return evaluate_photos(_reconstructors(networks, options), photos, output)


def _footage(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path) -> Report:
    recording = read_recording(options.footage, options.truth)
    reconstructors = _reconstructors(networks, options)
    return evaluate_footage(reconstructors, recording, output, options.every, options.max_people)


def _h36m(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path) -> Report:
    data = check_plausible(read_h36m(options.h36m, options.images), options.h36m)
    return _images(networks, options, output, data)


def _3dpw(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path) -> Report:
    data = check_plausible(read_3dpw(options.pw3d, options.images, options.split), options.pw3d)
    return _images(networks, options, output, data)


def _images(networks: Sequence[Evaluated], options: argparse.Namespace, output: Path, data: SampleSet) -> Report:
    data = data.every(options.every).crops_times(options.crop_scale)
    truth = SmplTruth(options.smpl) if options.smpl else None
    reconstructors = _reconstructors(networks, options)
    topologies = {network.name: network.topology for network in networks}
    endings = (", raw", *(f", seen by {each}" for each in _SEEN_BY))
    topologies |= {f"{name}{ending}": topology for name, topology in topologies.items() for ending in endings}
    return evaluate_images(reconstructors, topologies, data, options.regressor, truth, options.focal_length, output)


_SEEN_BY = {
    "backbone": (2.0, LANDMARKS),
    "landmarks": (0.0, LANDMARKS),
    "full": (0.0, "blazepose-full"),
    "lite": (0.0, "blazepose-lite"),
}
"""What else than both networks may see people: see `Reconstructor.landmarks_from`, and whose landmarks."""

_EVALUATIONS: dict[str, Callable[[Sequence[Evaluated], argparse.Namespace, Path], Report]] = {
    "mocap": _mocap,
    "rendered": _rendered,
    "photos": _photos,
    "footage": _footage,
    "h36m": _h36m,
    "pw3d": _3dpw,
    "hands": _drawn_hands,
    "freihand": _freihand,
}
"""By what the command line names; several of bodies go into one table."""

_IMAGES = ("h36m", "pw3d")
_FOR = {
    "truth": ("footage",),
    "max_people": ("footage",),
    "images": _IMAGES,
    "regressor": _IMAGES,
    "focal_length": _IMAGES,
    "crop_scale": _IMAGES,
    "smpl": ("mocap", *_IMAGES),
    "rig": ("mocap", "rendered", "photos", "footage", *_IMAGES),
    "seen_by": ("rendered", "photos", "footage", *_IMAGES),
}
"""The data that each option is for."""


def _hands(networks: Sequence[Evaluated], device: str) -> dict[str, Predict]:
    """Networks of hands; each takes the whole picture, which shows one hand."""

    def of(network: Evaluated) -> Predict:
        reconstructor = Reconstructor.load(network.path, device)

        def predict(picture: np.ndarray, focal_length: float) -> Person | None:
            box = (0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))
            people = reconstructor.reconstruct(picture, boxes=[box], focal_length=focal_length).people
            return people[0] if people else None

        return predict

    for network in networks:
        if network.topology.joint_names != HAND_JOINTS:
            raise BadInput(f"{network.path} is no network of hands; give one with --checkpoint.")
    return {network.name: of(network) for network in networks}


def _reconstructors(networks: Sequence[Evaluated], options: argparse.Namespace) -> dict[str, Reconstructor]:
    """Reads the checkpoints again, now with pose networks and detector; beside each what else was asked for of it."""
    for network in networks:
        check_is_body(network)
    reconstructors: dict[str, Reconstructor] = {}
    for network in networks:
        body = reconstructors[network.name] = Reconstructor.load(network.path, options.device, rig=options.rig)
        if body.rig is not None:
            reconstructors[f"{network.name}, raw"] = RawReconstructor(body.network)
    for seen_by in options.seen_by:
        for network in networks:
            served = TorchNetwork.load(network.path, options.device)
            candidate = Reconstructor(served, options.rig)
            candidate.landmarks_from, name = _SEEN_BY[seen_by]
            served.detectors[LANDMARKS] = open_detector(name, served.device)
            reconstructors[f"{network.name}, seen by {seen_by}"] = candidate
    return reconstructors


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="mpt evaluate", description=__doc__)
    data = result.add_argument_group("data", "one of them, or several of bodies for one table")
    data.add_argument("--mocap", type=Path, help="folder of MoCap: AMASS, CMU, BVH")
    data.add_argument("--hands", action="store_true", help="hands in drawn poses")
    data.add_argument("--freihand", type=Path, metavar="FOLDER", help="FreiHAND, unpacked")
    data.add_argument("--photos", type=Path, help="folder of photos with keypoints.json (COCO) and joints3d.json")
    data.add_argument("--footage", type=Path, metavar="FOLDER", help="calibrated cameras, in Pose2Sim's layout")
    data.add_argument("--rendered", type=Path, metavar="FOLDER", help="of training.images.prepare")
    data.add_argument("--h36m", type=Path, metavar="NPZ", help="Human3.6M: SPIN's h36m_valid_protocol2.npz")
    data.add_argument("--3dpw", type=Path, dest="pw3d", metavar="PATH", help="3DPW, unpacked, or SPIN's 3dpw_test.npz")
    result.add_argument(
        "--checkpoint", type=Path, nargs="+", action="extend", help="one or several, side by side; the shipped one"
    )
    result.add_argument("--output", type=Path, default=Path("runs/evaluation"), help="folder for the report")
    result.add_argument(
        "--split", choices=("train", "validation", "test"), default="test",
        help="choose on validation; test is for the final report",
    )  # fmt: skip
    result.add_argument("--truth", type=Path, help="footage's true joints: TRC, C3D, npz; the file in its folder")
    result.add_argument("--max-people", type=whole(), metavar="N", help="in a frame of footage, the most prominent")
    result.add_argument("--images", type=Path, help="folder that the annotations' image names start from")
    result.add_argument("--smpl", type=Path, help="SMPL_NEUTRAL.npz, or the folder of SMPL's files for all genders")
    result.add_argument("--regressor", type=Path, help="J_regressor_h36m.npy, for checkpoints of SMPL's topology")
    result.add_argument("--rig", type=Path, help="of SMPL's mesh, by training.bodies.rig: scores its bodies, too")
    result.add_argument("--focal-length", type=real(1, 1e6), help="pixels, for image data sets that do not say it")
    result.add_argument(
        "--crop-scale", type=real(0.1, 10), default=1.0, help="changes the crops that an image data set gives"
    )
    result.add_argument("--every", type=whole(), default=1, metavar="N", help="each Nth sample only, for quick scores")
    result.add_argument(
        "--seen-by", choices=tuple(_SEEN_BY), nargs="+", default=[],
        help="beside each, its people seen by one 2D network alone, on photos, footage and image data sets: the "
        "backbone, BlazePose's landmarks (heavy), or those of its smaller sizes",
    )  # fmt: skip
    result.add_argument("--keep", action="store_true", help="append the figures to benchmarks/history/")
    add_device(result)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command."""
    command = parser()
    options = command.parse_args(arguments)
    asked = {data for data in _EVALUATIONS if getattr(options, data)}
    if not asked or (len(asked) > 1 and {"hands", "freihand"} & asked):
        command.error("name what to evaluate on: one data set, or several of bodies")
    for option, data in _FOR.items():
        if getattr(options, option) != command.get_default(option) and asked.isdisjoint(data):
            named = ", ".join(f"--{each}" for each in data).replace("pw3d", "3dpw")
            command.error(f"--{option.replace('_', '-')} counts with {named} alone")
    with telling_errors():
        check_folder(options.output)
        report = run(options)
        report.write(options.output)
        if options.keep:
            keep(report)
    print(report.markdown())
    print(f"Written to {options.output}: report.md, report.json" + (" and pictures." if report.pictures else "."))


if __name__ == "__main__":
    main()
