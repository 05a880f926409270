"""The world of a film's shot: up, the floor, and where its people walk on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.body.fitter import scaled_shape
from model.body.limbs import BALL, LEGS
from model.body.motion import SkeletonMotion
from model.body.skeleton import TURN_UP
from model.joints import COCO_JOINTS
from model.scene.ground import Scene, World, world_on
from model.scene.lines import Lines
from model.scene.sizes import ADULTS
from model.scene.stature import ROUNDS, stature_by_joints
from model.video.bodies import meshes_of, put_back
from model.video.carrying import find_path, turned_about
from model.video.grounding import ground
from model.video.level import Footing, find_floor
from model.video.resting import bearing, touch
from model.video.sight import see_film
from model.video.stance import usual_step
from model.video.tracks import Track

_FOOT = 200  # of a foot's vertices
_BATCH = 256  # feet that are posed at once: bounds the memory
_UPRIGHT = 0.8  # of a leg's length: who has her pelvis so high above a foot stands on it, and does not lie or kneel
_TOLD, _HARDLY = 0.2, 0.05  # of all feet: fewer that stand do not tell the floor; so many may come out below it
_SEEN = 0.5  # confidence of an ankle from which its foot was seen
_FIRST = 5  # frames of the first person by which the world faces


_ANKLES = [COCO_JOINTS.index(f"{side}_ankle") for side in ("left", "right")]


@dataclass(frozen=True)
class FilmWorld:
    """What a shot's people stand in, and axes on its floor: y up, the first person starts at the origin, facing +z.

    It is told in the axes of a camera that stands still, see `Track.views`.
    """

    scene: Scene
    world: World
    camera_moves: bool
    """Whether the camera goes somewhere: then only feet say where people walk, see `find_path`."""

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) from the still camera's axes, y up."""
        return self.world.rotation @ np.diag(TURN_UP)

    def place(self, motion: SkeletonMotion) -> SkeletonMotion:
        """A motion in the still camera's axes, y up, in these."""
        return motion.shifted(-self.world.origin * TURN_UP).turned(self.rotation)

    def leave(self, motion: SkeletonMotion) -> SkeletonMotion:
        """The other way round."""
        return motion.turned(self.rotation.T).shifted(self.world.origin * TURN_UP)

    def camera(self, track: Track) -> np.ndarray:
        """(3,) where the camera is, or (N, 3) in each frame of a track, if it goes somewhere."""
        return self.world.to_world(np.zeros(3) if track.path is None else track.path)


def find_world(
    tracks: Sequence[Track],
    motions: Sequence[SkeletonMotion | None],
    camera_moves: bool,
    lines: Lines | None = None,
    first_known: bool = False,
    turns: np.ndarray | None = None,
) -> tuple[FilmWorld, list[SkeletonMotion | None]]:
    """Finds the world by all people and frames, and puts them on its floor: their feet stand where they stand.

    Args:
        tracks: The people of one shot, the first of whom the world is about; their bodies are replaced.
        motions: Theirs, in the axes of a camera that stands still, y up; None of who has no body.
        camera_moves: Whether the camera does.
        lines: Of a frame at the beginning.
        first_known: Whether the first of them is as large as she is known to be.
        turns: (F, 3, 3) of a camera that goes somewhere: how it turned in each frame since its shot began, or so.

    Returns:
        The world, and the motions in the same axes.
    """
    scene, sizes = see_film(tracks, motions, camera_moves, lines)
    if len(tracks) > 1:  # alone, she is as large as the network says
        if first_known:
            scene, sizes = scene.scaled(1 / sizes[0]), [size / sizes[0] for size in sizes]
        motions = [_resized(*each) for each in zip(tracks, motions, sizes, strict=True)]
    if camera_moves and turns is not None:
        motions = _turned(tracks, motions, turns, scene.up.direction)
    level = FilmWorld(scene, world_on(scene, tracks[0].place(0)), camera_moves)
    motions = [None if motion is None else level.place(motion) for motion in motions]
    if camera_moves:
        motions = _carried(tracks, motions, level)
    grounded: list[SkeletonMotion | None] = []
    stances: list[np.ndarray] = []
    footings: list[Footing] = []
    feet: list[np.ndarray] = []
    for track, motion in zip(tracks, motions, strict=True):
        standing = np.zeros((0, 2), bool)
        if motion is not None:
            soles = sole_heights(motion)
            motion, standing = ground(motion, level.camera(track), soles)
            footings.append(_footing(motion, standing, soles))
            feet.append(_feet(motion, soles).reshape(-1, 3))
        grounded.append(motion)
        stances.append(standing)
    if not any(footing.upright.any() for footing in footings):
        footings += [
            bearing(motion, standing, level.camera(track), _feet_seen(track))
            for track, motion, standing in zip(tracks, grounded, stances, strict=True)
            if motion is not None
        ]
    scene = _on_floor(scene, level.world, footings, np.concatenate(feet) if feet else np.zeros((0, 3)))
    first = enumerate(tracks[0].people[:_FIRST])
    left = np.mean([_leftwards(tracks[0].still(person.joints, index)) for index, person in first], axis=0)
    world = world_on(scene, tracks[0].place(0), np.cross(left, scene.up.direction))
    found = FilmWorld(scene, world, camera_moves)
    for number, (track, motion) in enumerate(zip(tracks, grounded, strict=True)):
        if motion is not None:
            motion = found.place(level.leave(motion))
            placed = touch(motion, found.camera(track), stances[number], seen=_feet_seen(track))
            grounded[number] = put_back(track, found.leave(placed), track.people[0].joint_names)
    return found, grounded


def _turned(
    tracks: Sequence[Track], motions: Sequence[SkeletonMotion | None], turns: np.ndarray, up: np.ndarray
) -> list[SkeletonMotion | None]:
    """The motions before a camera that turns so (F, 3, 3), about `up` (3,); tracks know it."""
    begin, end = min(track.frames[0] for track in tracks), max(track.frames[-1] for track in tracks) + 1
    step = usual_step(np.array(max(tracks, key=len).times))
    about = turned_about(up, turns[begin:end], step)  # other shots' turns are none of this one
    if about is None:
        return list(motions)
    for track in tracks:
        track.views = about[np.array(track.frames) - begin]
    pairs = zip(tracks, motions, strict=True)
    return [None if motion is None else track.stilled(motion) for track, motion in pairs]


def _carried(
    tracks: Sequence[Track], motions: Sequence[SkeletonMotion | None], level: FilmWorld
) -> list[SkeletonMotion | None]:
    """The motions, which are level, before a camera that goes where their feet say; tracks know its path."""
    known = [(track, motion) for track, motion in zip(tracks, motions, strict=True) if motion is not None]
    if not known:
        return list(motions)
    camera = level.camera(known[0][0])
    path = find_path([motion for _, motion in known], [track.frames for track, _ in known], camera)
    for track in tracks:
        track.path = path[np.minimum(track.frames, len(path) - 1)] @ level.world.rotation
    return [
        None if motion is None else motion.shifted(path[track.frames])
        for track, motion in zip(tracks, motions, strict=True)
    ]


def _feet(motion: SkeletonMotion, soles: np.ndarray) -> np.ndarray:
    """(N, 2, 3) where the feet of a motion, y up, are lowest; soles of so many metres."""
    places: np.ndarray = motion.joints[:, [leg[2] for leg in LEGS]] - soles[..., None] * [0.0, 1.0, 0.0]
    return places


def _feet_seen(track: Track) -> np.ndarray:
    """(N, 2) bool: which feet were seen, by the frames before and after where nothing was."""
    known = np.flatnonzero(~np.array(track.bridged))
    if not len(known):
        return np.ones((len(track), 2), bool)
    sure = np.array([track.people[index].keypoints_2d[_ANKLES, 2] for index in known])
    return np.stack([np.interp(np.arange(len(track)), known, foot) for foot in sure.T], axis=1) >= _SEEN


def _footing(motion: SkeletonMotion, standing: np.ndarray, soles: np.ndarray) -> Footing:
    """Where the feet of a motion, y up, stand; standing (N, 2) bool, and soles of so many metres."""
    places = _feet(motion, soles)
    leg = np.linalg.norm(motion.offsets[list(LEGS[0][1:])], axis=1).sum()
    upright = motion.roots[:, 1, None] - places[..., 1] > _UPRIGHT * leg
    stance = np.cumsum(np.diff(standing, axis=0, prepend=False), axis=0) + np.array([0, len(motion)])
    return Footing(places[standing], stance[standing], upright[standing])


def _on_floor(scene: Scene, world: World, footings: Sequence[Footing], feet: np.ndarray) -> Scene:
    """The scene on the floor where feet stand in a world that is level by the scene; feet (n, 3) are all that are."""
    borne = sum(len(footing.places) for footing in footings)
    if scene.ground is None or not borne:
        return scene
    normal, height = find_floor(footings, scene.up.spread)
    if borne < _TOLD * len(feet):  # who jumps all the time seems to stand where she turns round
        height = min(height, float(np.quantile(feet @ normal, _HARDLY)))
    up = normal @ world.rotation
    above = float(world.to_world(np.zeros(3)) @ normal) - height
    ground = dataclasses.replace(scene.ground, normal=up, camera_height=above)
    return Scene(dataclasses.replace(scene.up, direction=up), ground)


def of_height(
    tracks: Sequence[Track], motions: Sequence[SkeletonMotion | None], height: float
) -> list[SkeletonMotion | None]:
    """Everyone's motion in the size, and at the distance, that they have if the first person is so tall, metres.

    Who is less tall than grown-ups are has a child's body.
    """
    motions = list(motions)
    first = motions[0]
    if first is not None and height < ADULTS[0] and np.isfinite(age := first.rig.age_of(height)):
        child = dataclasses.replace(first, shape=first.rig.grown(age))
        motions[0] = dataclasses.replace(child, roots=child.height / first.height * first.roots)
    for _ in range(ROUNDS):
        factor = height / _stature(tracks[0], motions[0])
        if np.isfinite(factor):
            motions = [_resized(*each, factor) for each in zip(tracks, motions, strict=True)]
    return motions


def _stature(track: Track, motion: SkeletonMotion | None) -> float:
    if motion is None:
        return stature_by_joints([person.joints for person in track.people])
    return motion.height


def _resized(track: Track, motion: SkeletonMotion | None, factor: float) -> SkeletonMotion | None:
    """The person so many times as large, and as much farther away: she looks the same."""
    if motion is not None:
        shape = scaled_shape(motion.rig, motion.shape, factor)
        return dataclasses.replace(motion, shape=shape, roots=factor * motion.roots)
    for index in range(len(track)):
        track.replace(index, track.person(index).scaled(factor))
    return None


def sole_heights(motion: SkeletonMotion) -> np.ndarray:
    """(N, 2) metres: how high each ankle is over the lowest point of its foot, of a motion with y up."""
    rig, heights = motion.rig, []
    for _, _, ankle in LEGS:
        foot = np.flatnonzero(rig.dense_weights[:, [ankle, ankle + BALL]].sum(axis=1) > 0.5)  # with its ball
        few = rig.subset(foot[:: max(1, len(foot) // _FOOT)])
        batches = np.split(np.arange(len(motion)), range(_BATCH, len(motion), _BATCH))
        lowest = [meshes_of(motion, frames, few)[..., 1].max(axis=1) for frames in batches]  # their y is down
        heights.append(motion.joints[:, ankle, 1] + np.concatenate(lowest))
    return np.stack(heights, axis=1)


def _leftwards(joints: np.ndarray) -> np.ndarray:
    """(3,) to the body's left, by hips and shoulders of COCO's joints (17, 3)."""
    left: np.ndarray = joints[11] - joints[12] + joints[5] - joints[6]
    return left
