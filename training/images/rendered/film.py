"""Films of people who move: frames before a camera that stands still or moves, with exact truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation, Slerp

from model.errors import BadData
from model.joints import JOINTS
from training.folders import files_below
from training.images.rendered.camera_ways import CameraWay, film_from
from training.images.rendered.dataset import RenderedPeople, StagedScene
from training.images.rendered.room import Room
from training.npz import open_npz
from training.synthesis.virtual_cameras import sample_cameras

_LONGEST_GAP = 0.6  # seconds between frames of a thinned clip: glitches were there
_FASTEST = 25.0
"""Radians a second of a clip's joint: converted clips slide out of their T-pose in the first frames, at twice that."""
_FILLS = 0.8  # of the picture's side: all that the person ever covers
_STATURE, _FILLED = 1.75, 0.6  # metres, and so much of the picture they fill before a camera that moves
NO_EDGES = np.array([-np.inf, -np.inf, np.inf, np.inf])
"""Of the photo, in the crop: nobody is cut off."""
_FOCAL = (0.9, 1.6)  # range of the focal length, by the picture's side
_BESIDE = 0.35  # metres to the camera and away from it, of two who pass one another
_LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Axes of a camera that is held level: y down, z ahead."""


@dataclass(frozen=True)
class Walk:
    """A motion at even steps, z up."""

    rotations: np.ndarray
    """(T, 22, 3, 3) relative to the parent's, as `BodyModel.pose` takes them."""
    roots: np.ndarray
    """(T, 3) metres: where the pelvis is."""
    rate: float
    """Frames a second."""


@dataclass(frozen=True)
class RenderedFrame:
    """One frame of a film."""

    picture: np.ndarray
    """(S, S, 3) uint8 RGB."""
    joints: np.ndarray
    """(P, K, 3) metres before the camera, of each person."""
    still: np.ndarray
    """(P, K, 3) likewise before the camera as it was in the first frame: they move before one that stands still."""


def clips_of(folder: Path, subjects: Sequence[str]) -> list[Path]:
    """The AMASS clips of some subjects, whose folders have their names."""
    return [path for path in files_below(folder) if path.match("*.npz") and path.parent.name in subjects]


def read_walk(path: Path, rate: float, seconds: float) -> Walk | None:
    """The first part of an AMASS clip without gap or jump that is so long, at even steps; None if there is none.

    Args:
        path: With `poses`, `trans`, `mocap_framerate`, and `frame` if it was thinned.
        rate: Frames a second.
        seconds: How long.

    Raises:
        BadData: The clip lacks one of these.
    """
    try:
        with open_npz(path) as clip:
            poses, places = clip["poses"].astype(np.float64), clip["trans"].astype(np.float64)
            frames = clip["frame"] if "frame" in clip else np.arange(len(poses))
            times = frames / float(clip["mocap_framerate"])
    except (OSError, KeyError, ValueError) as error:
        raise BadData(f"{path} cannot be read as a clip of AMASS ({error}).") from error
    vectors = poses[:, : 3 * JOINTS].reshape(-1, 3)
    turns = Rotation.from_rotvec(vectors[:-JOINTS]).inv() * Rotation.from_rotvec(vectors[JOINTS:])
    steps = np.diff(times)
    jumps = turns.magnitude().reshape(-1, JOINTS).max(axis=1) > _FASTEST * steps
    ends = np.append(np.flatnonzero((steps > _LONGEST_GAP) | jumps), len(times) - 1)
    start = 0
    for end in ends.tolist():
        if times[end] - times[start] >= seconds:
            own, part = times[start] + np.arange(round(seconds * rate)) / rate, slice(start, end + 1)
            joints = [
                Slerp(times[part], Rotation.from_rotvec(poses[part, 3 * joint : 3 * joint + 3]))(own).as_matrix()
                for joint in range(JOINTS)
            ]
            roots = np.stack([np.interp(own, times[part], places[part, axis]) for axis in range(3)], axis=1)
            return Walk(np.stack(joints, axis=1), roots, rate)
        start = end + 1
    return None


def render_film(people: RenderedPeople, walk: Walk, seed: int, way: CameraWay = "still") -> Iterator[RenderedFrame]:
    """Frames of a random person who moves so, in one random dress, scene, light and camera.

    Args:
        people: Draw pictures of their configuration's size.
        walk: The motion; it goes as far as the person's legs are long.
        seed: Another one makes another film.
        way: The camera's, see `film_from`; cameras that move are in a room.
    """
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    meshes, joints = bodies_of(people, walk, generator)
    if way != "still":
        yield from _moving(people, meshes, joints, walk.rate, way, rng)
        return
    turn = sample_cameras(1, generator).rotation[0].numpy().astype(np.float64)
    yield from _frames(people, meshes[None], joints[None], turn, rng)


def render_crossing(people: RenderedPeople, walks: tuple[Walk, Walk], seed: int) -> Iterator[RenderedFrame]:
    """Likewise of two random people who pass one another: the first goes to the right, before the other one.

    Args:
        people: As above.
        walks: Theirs, as long as one another; each one goes somewhere.
        seed: As above.
    """
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    everyone = []
    for walk, heading, away in zip(walks, (0.0, np.pi), (-_BESIDE, _BESIDE), strict=True):
        meshes, joints = bodies_of(people, walk, generator)
        hips = joints[:, list(people.topology.root_joints), :2].mean(axis=1)
        way = hips[-1] - hips[0]
        turned = Rotation.from_euler("z", heading - np.arctan2(way[1], way[0])).as_matrix()
        middle = np.array([*hips[len(hips) // 2], meshes[..., 2].min()])
        everyone.append([(points - middle) @ turned.T + [0.0, away, 0.0] for points in (meshes, joints)])
    meshes, joints = (np.stack(points) for points in zip(*everyone, strict=True))
    yield from _frames(people, meshes, joints, _LEVEL, rng)


def bodies_of(people: RenderedPeople, walk: Walk, generator: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Meshes (T, V, 3) and joints (T, K, 3) of a random person who moves so, z up."""
    shape = people.body.sample_shapes(1, generator)
    rotations = torch.from_numpy(walk.rotations).float()
    meshes = np.concatenate([people.body.pose(each[None], shape).numpy() for each in rotations])
    joints = np.einsum("kv,tvd->tkd", people.regressor, meshes[:, people.held])
    hips = joints[:, list(people.topology.root_joints)].mean(axis=1)
    # The floor of the clip is at 0; other legs make other steps.
    longer = np.median(hips[:, 2] - meshes[..., 2].min(axis=1)) / np.median(walk.roots[:, 2])
    way = (longer * walk.roots - hips)[:, None]
    return meshes + way, joints + way


def _frames(
    people: RenderedPeople, meshes: np.ndarray, joints: np.ndarray, turn: np.ndarray, rng: np.random.Generator
) -> Iterator[RenderedFrame]:
    """Frames of people, meshes (P, T, V, 3) and joints (P, T, K, 3), before a camera that shows them all.

    Args:
        people: Draw them.
        meshes: z up; joints: likewise.
        turn: (3, 3) to the camera's axes.
        rng: Draws the lens, and what all look like.
    """
    meshes, joints = meshes @ turn.T, joints @ turn.T
    middle = (meshes.min(axis=(0, 1, 2)) + meshes.max(axis=(0, 1, 2))) / 2
    meshes, joints = meshes - middle, joints - middle
    size = people.config.size
    focal = size * rng.uniform(*_FOCAL)
    away = float((np.abs(meshes[..., :2]).max(axis=-1) * focal / (_FILLS * size / 2) - meshes[..., 2]).max())
    ahead = np.array([0, 0, away])
    look = int(rng.integers(2**62))
    for index in range(meshes.shape[1]):
        vertices, seen = ((each[:, index] + ahead).astype(np.float32) for each in (meshes, joints))
        scene = StagedScene(vertices, seen, turn[:, 2], focal, (size / 2, size / 2), NO_EDGES)
        picture, _ = people.draw(np.random.default_rng(look), scene)  # the same chances in all frames
        yield RenderedFrame(picture, scene.joints, scene.joints)


def _moving(
    people: RenderedPeople,
    meshes: np.ndarray,
    joints: np.ndarray,
    rate: float,
    way: CameraWay,
    rng: np.random.Generator,
) -> Iterator[RenderedFrame]:
    """Frames of one person, meshes (T, V, 3) and joints (T, K, 3), z up, before a camera that moves in a room."""
    hips = joints[:, list(people.topology.root_joints)].mean(axis=1)
    origin = np.array([*(hips[:, :2].min(axis=0) + hips[:, :2].max(axis=0)) / 2, meshes[..., 2].min()])
    meshes, joints, hips = meshes - origin, joints - origin, hips - origin
    size, room = people.config.size, Room(rng)
    focal = size * rng.uniform(*_FOCAL)
    distance = focal / size * _STATURE / _FILLED + (
        0.0 if way == "carried" else np.linalg.norm(hips[:, :2], axis=1).max()
    )
    eyes, turns = film_from(way, hips, distance, rate, rng)
    look = int(rng.integers(2**62))
    for index, (eye, turn) in enumerate(zip(eyes, turns, strict=True)):
        vertices, seen = (((each[index] - eye) @ turn.T)[None].astype(np.float32) for each in (meshes, joints))
        scene = StagedScene(vertices, seen, turn[:, 2], focal, (size / 2, size / 2), NO_EDGES)
        picture, _ = people.draw(np.random.default_rng(look), scene, room.seen(eye, turn, focal, size))
        yield RenderedFrame(picture, seen, ((joints[index] - eyes[0]) @ turns[0].T)[None])
