"""What a film's people say together of up, the floor, and how large each of them is on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from model.body.motion import SkeletonMotion
from model.scene.ground import Ground, Scene, camera_heights
from model.scene.lines import Lines
from model.scene.sight import see_scene
from model.video.bodies import meshes_of
from model.video.plane import HIGH, LEVEL, Walker, find_plane
from model.video.tracks import Track

_FRAMES = 100  # of each person that say where up and the floor are
_POINTS = 1000  # of a mesh's vertices that may touch the floor


def see_film(
    tracks: Sequence[Track], motions: Sequence[SkeletonMotion | None], camera_moves: bool, lines: Lines | None
) -> tuple[Scene, list[float]]:
    """The scene by some frames of everyone, with a floor in any case, and by how much to scale each one.

    Args:
        tracks: The people of one shot.
        motions: Theirs, as they are not in the tracks yet; None of who has no body.
        camera_moves: Whether the camera goes somewhere.
        lines: Of a frame at the beginning.
    """
    joints: list[np.ndarray] = []
    confidence: list[np.ndarray] = []
    bodies: list[np.ndarray] = []
    person: list[int] = []
    up, sizes = None, np.ones(len(tracks))
    if len(tracks) > 1 and not camera_moves and all(track.views is None for track in tracks):
        plane = find_plane([Walker.of(track) for track in tracks], lines)
        if plane.tilt < LEVEL and plane.below > HIGH:
            up, sizes = plane.up, plane.sizes
    for number, (track, motion) in enumerate(zip(tracks, motions, strict=True)):
        frames = track.some(_FRAMES)
        for points, mesh in _bodies(track, frames.tolist()) if motion is None else _posed(track, motion, frames):
            joints.append(sizes[number] * points)
            bodies.append(sizes[number] * mesh[:: max(1, len(mesh) // _POINTS)])
        confidence += [track.people[index].keypoints_2d[:, 2] for index in frames]
        person += [number] * len(frames)
    scene, factors = see_scene(np.stack(joints), np.stack(confidence), bodies, person=person, up=up, lines=lines)
    if scene.ground is None:  # the camera lies on the floor, or below
        height = float(np.median(camera_heights(bodies, scene.up.direction)))
        floor = Ground(scene.up.direction, height, np.zeros(len(bodies), bool))
        scene = dataclasses.replace(scene, ground=floor)
    return scene, [float(sizes[number] * factors[person.index(number)]) for number in range(len(tracks))]


def _bodies(track: Track, frames: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Joints (K, 3) and vertices (V, 3) in the still camera's axes, of some frames, as they lie in the track."""
    for index in frames:
        person = track.person(index)
        joints, vertices = person.camera.to_camera(person.joints), person.camera.to_camera(person.vertices)
        yield track.still(joints, index), track.still(vertices, index)


def _posed(track: Track, motion: SkeletonMotion, frames: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same of a motion, which is not in the track yet; of every so many vertices."""
    rig = motion.rig
    regressor = rig.regressor_of(track.people[0].joint_names)
    used = np.flatnonzero(regressor.any(axis=0))
    joints = regressor[:, used] @ meshes_of(motion, frames, rig.subset(used))
    few = rig.subset(np.arange(0, rig.vertex_count, max(1, rig.vertex_count // _POINTS)))
    return zip(joints, meshes_of(motion, frames, few), strict=True)
