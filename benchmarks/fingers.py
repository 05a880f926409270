"""What films' hands are worth: `python -m benchmarks.fingers`, rendered films of hands that move as is known.

People of random builds and dress stand before a camera that stands still, forearms raised; wrists turn, and each finger
bends and stretches in its own time. A hand's 20 finger joints are compared with the true ones, the wrist at the origin,
as they are in the camera's axes, and after the best rotation about the wrist: how fingers are bent, whatever the hand's
turn. Single frames are the hand as it is posed by what was seen in that frame alone, on the film's arm.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from benchmarks.motion import look
from model.body.alignment import nearest_rotation
from model.body.fitting import BodyFit
from model.body.hand_posing import SIDES, HandPoser
from model.body.hands import FINGERS, WRISTS, load_hands
from model.body.motion import SkeletonMotion
from model.body.rig import Rig
from model.body.rig_file import find_rig
from model.body.skeleton import TURN_UP
from model.joints import FINGER_PARENTS, JOINTS
from model.network.checkpoint import load_checkpoint
from model.reconstructor import Reconstructor
from model.runtime.loading import default_checkpoint
from model.video.bodies import motion_of
from model.video.bridging import fill
from model.video.hands import with_hands
from model.video.tracks import Track, Tracks
from training.bodies.anny import AnnyBody
from training.images.rendered.config import RenderConfig
from training.images.rendered.dataset import RenderedPeople, StagedScene
from weights import path as shipped

_RATE, _SECONDS = 30.0, 2.0
_FOCAL, _AWAY = 1.4, 3.0  # by the picture's side; metres: hands are 0.09 of the side
_ORDER = (4, 0, 1, 3, 2)  # from thumb to little finger among SMPL-H's fingers
_PER_HAND = FINGERS // 2


def main(arguments: list[str] | None = None) -> None:
    """Prints a table of the mean errors of all films' hands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--size", type=int, default=960, help="pixels of a film's side (default: 960)")
    options = parser.parse_args(arguments)
    bare = find_rig(AnnyBody.load().vertex_count)
    assert bare is not None
    rig = replace(bare, hands=load_hands(shipped("anny-hands")))
    model = Reconstructor.load()
    rows: dict[str, list[np.ndarray]] = {}
    for seed in range(options.films):
        true = moving_hands(rig, seed)
        track = _track(model, _film(rig, true, options.size, seed), true.times)
        for name, errors in _errors(track, model, true).items():
            rows.setdefault(name, []).append(errors)
    print(f"{options.films} films of {options.size} pixels, hands of {0.19 * _FOCAL / _AWAY * options.size:.0f}")
    for name, found in rows.items():
        errors = np.concatenate(found)
        off, bent = errors.mean(axis=0)
        print(f"{name:40s} {len(errors):4d} hands: {off:5.1f} mm, {bent:5.1f} mm after the best rotation")


def moving_hands(rig: Rig, seed: int) -> SkeletonMotion:
    """Somebody before the camera, in its axes, y up, whose hands move.

    Args:
        rig: With fingers.
        seed: Another one makes another film.
    """
    assert rig.hands is not None
    rng = np.random.default_rng(seed)
    times = np.arange(round(_RATE * _SECONDS)) / _RATE

    def wave(low: float, high: float, *sizes: int) -> np.ndarray:
        """(N, sizes) to and fro between two values, each in its own time."""
        speeds, starts = rng.uniform(0.4, 1.0, sizes), rng.uniform(0, 1, sizes)
        waves = np.sin(2 * np.pi * (times.reshape(-1, *[1] * len(sizes)) * speeds + starts))
        return (low + high) / 2 + (high - low) / 2 * waves

    rotations = np.tile(np.eye(3), (len(times), JOINTS, 1, 1))
    for wrist, side in zip(WRISTS, (1, -1), strict=True):
        elbow, shoulder = wrist - 2, wrist - 4
        bends = {
            shoulder: ("z", side * wave(-72, -60)[:, None]),
            elbow: ("xyz", np.stack([wave(-70, -20), side * wave(-60, -20), side * wave(70, 110)], axis=1)),
            wrist: ("xyz", np.stack([wave(-50, 0), side * wave(-20, 20), side * wave(-15, 15)], axis=1)),
        }
        for joint, (axes, degrees) in bends.items():
            rotations[:, joint] = Rotation.from_euler(axes, degrees, degrees=True).as_matrix()
    curl = np.repeat(wave(0.0, 3.0, 10), 3, axis=1)[..., None]  # by how much as relaxed ones are
    fingers = Rotation.from_rotvec((curl * rig.hands.relaxed).reshape(-1, 3)).as_matrix().reshape(-1, FINGERS, 3, 3)
    shape = rng.normal(0, 0.5, rig.shape_count)
    motion = SkeletonMotion(rig, shape, times, rotations, np.zeros((len(times), 3)), seen_fingers=fingers)
    turn = Rotation.from_euler("xy", (rng.uniform(0, 12), rng.uniform(-25, 25)), degrees=True).as_matrix()
    middle = motion.joints[0].mean(axis=0)
    return motion.shifted(-middle).turned(turn).shifted(np.array([0, 0, -_AWAY]))


def _film(rig: Rig, motion: SkeletonMotion, size: int, seed: int) -> Iterator[np.ndarray]:
    topology = load_checkpoint(default_checkpoint()).topology
    people = RenderedPeople(AnnyBody.load(), topology, torch.zeros(1, 22, 3), RenderConfig(size=size, occluded=0))
    rotations = motion.rotations.copy()
    rotations[:, 0] = np.diag(TURN_UP) @ rotations[:, 0]
    places, edges = motion.roots * TURN_UP - motion.rest.joints[0], np.array([-np.inf, -np.inf, np.inf, np.inf])
    for turns, place, fingers in zip(rotations, places, motion.fingers, strict=True):
        mesh = rig.pose(turns, motion.shape, place, fingers)
        joints = (people.regressor @ mesh[people.held]).astype(np.float32)
        scene = StagedScene(mesh[None], joints[None], np.array([0, -1, 0]), _FOCAL * size, (size / 2,) * 2, edges)
        yield people.draw(np.random.default_rng(seed), scene)[0]  # the same dress and light in all frames


def _track(model: Reconstructor, frames: Iterator[np.ndarray], times: np.ndarray) -> Track:
    with Tracks() as tracks:
        look(tracks, model, zip(times.tolist(), frames, strict=True))
        for track in tracks:
            fill(track, tracks.times, tracks.skipped)
        return tracks.chosen(_RATE, 1)[0]


def _errors(track: Track, model: Reconstructor, true: SkeletonMotion) -> dict[str, np.ndarray]:
    """Of each way to pose hands the errors (n, 2) of those that it was asked about."""
    assert model.rig is not None
    sightings = [person.hand_joints for person in track.people]
    track.people = [replace(person, hand_joints=None) for person in track.people]
    relaxed = motion_of(track, model.rig)
    assert relaxed is not None
    film, poser = with_hands(relaxed, sightings), HandPoser(model.rig)
    truth = hand_joints(true)[track.frames]
    found = {"relaxed": hand_joints(relaxed), "film": hand_joints(film)}
    errors: dict[str, list[list[float]]] = {}

    def add(name: str, joints: np.ndarray, real: np.ndarray) -> None:
        errors.setdefault(name, []).append(_off(joints, real))

    for frame, seen in enumerate(sightings):
        for hand, side in enumerate(SIDES):
            if film.hands_seen is not None and film.hands_seen[frame, hand]:
                for name, joints in found.items():
                    add(f"{name}, all frames", joints[frame, hand], truth[frame, hand])
            if seen is None or np.isnan(seen[hand]).any():
                continue
            body = BodyFit(relaxed.rotations[frame], relaxed.shape, np.zeros(3), 0.0)
            posed = poser.pose(body, side, seen[hand] * TURN_UP)
            if posed is None or posed.fingers is None:
                continue
            alone = replace(
                relaxed.at(relaxed.times[[frame]]), rotations=posed.rotations[None], seen_fingers=posed.fingers[None]
            )
            add("single frames, where a hand was seen", hand_joints(alone)[0, hand], truth[frame, hand])
            for name, joints in found.items():
                add(f"{name}, where a hand was seen", joints[frame, hand], truth[frame, hand])
    return {name: np.array(each) for name, each in sorted(errors.items())}


def _off(joints: np.ndarray, true: np.ndarray) -> list[float]:
    """Millimetres from joints (20, 3) about the wrist to the true ones, as they are and after the best rotation."""
    turn = nearest_rotation(joints.T @ true)
    return [1000 * float(np.linalg.norm(each - true, axis=1).mean()) for each in (joints, joints @ turn)]


def hand_joints(motion: SkeletonMotion) -> np.ndarray:
    """(N, 2, 20, 3) where both hands' finger joints are about their wrists, from the thumb's base to the little tip."""
    hands, rest = motion.rig.hands, motion.rest
    assert hands is not None
    ends = hands.tips(rest.vertices) - hands.heads(rest.vertices)[2::3]  # (10, 3)
    turns, places = np.empty((len(motion), FINGERS, 3, 3)), np.zeros((len(motion), FINGERS, 3))
    tips = np.empty((len(motion), 10, 3))
    for finger, parent in enumerate(FINGER_PARENTS):
        above = motion.turns[:, parent] if parent < JOINTS else turns[:, parent - JOINTS]
        places[:, finger] = above @ motion.finger_offsets[finger]
        if parent >= JOINTS:
            places[:, finger] += places[:, parent - JOINTS]
        turns[:, finger] = above @ motion.fingers[:, finger]
        if finger % 3 == 2:
            own = rest.straighten[WRISTS[finger // _PER_HAND]] @ ends[finger // 3]
            tips[:, finger // 3] = places[:, finger] + turns[:, finger] @ own
    bones = np.concatenate([places.reshape(-1, 2, 5, 3, 3), tips.reshape(-1, 2, 5, 1, 3)], axis=3)
    return bones[:, :, list(_ORDER)].reshape(len(motion), 2, 20, 3)


if __name__ == "__main__":
    main()
