"""A track's bodies as one motion: of one shape, refined together, bridged; and the motion back in the track."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from model.body.depth import heed_depths
from model.body.fitter import known_details
from model.body.fitting import BodyFit
from model.body.keypoints import Keypoints
from model.body.motion import SkeletonMotion
from model.body.relaxed import relax
from model.body.rig import Rig
from model.body.sequence import refine_sequence
from model.body.skeleton import TURN_UP
from model.body.wrists import turn_wrists
from model.joints import BLAZEPOSE_LANDMARKS, COCO_ROOT
from model.people import depths_of, knuckles_of, seen_of
from model.video.bridging import find_believed
from model.video.hands import with_hands
from model.video.tracks import Track

_BATCH = 16  # bodies that are posed at once: bounds the memory
_HARDLY = 0.1  # of the frames that are believed
_MOST = 0.5  # of all frames


def motion_of(track: Track, rig: Rig) -> SkeletonMotion | None:
    """The motion of a track's bodies; None if somebody has none in most frames.

    It is in the axes of a camera that stands still, y up. Its shape is that of all frames, since bones keep their
    lengths. All frames that can be believed are refined together, see `refine_sequence`; the others are bridged, and
    the track knows which.
    """
    embodied = np.array([person.body is not None for person in track.people])
    is_believed = find_believed(track) & embodied
    if not is_believed.any() or embodied.mean() < _MOST:
        return None
    known = np.flatnonzero(embodied)
    for index in np.flatnonzero(~embodied).tolist():  # what a network answered there was nobody's mesh
        nearest = known[np.abs(known - index).argmin()]
        track.people[index] = dataclasses.replace(track.people[index], body=track.people[nearest].body)
    bodies = [person.body for person in track.people if person.body is not None]
    shape = np.median([body.shape for body in bodies], axis=0)
    track.bridged = (~is_believed).tolist()
    times, names = np.array(track.times), track.people[0].joint_names
    believed = np.flatnonzero(is_believed)
    people = [track.people[index] for index in believed]
    details = known_details(rig, names, BLAZEPOSE_LANDMARKS)
    places = np.array([person.camera.translation for person in people])
    fits = [dataclasses.replace(bodies[index], shape=shape) for index in believed]
    fits = heed_depths(rig, fits, places, depths_of(people))
    seen = seen_of(people, details)
    refined = refine_sequence(
        rig,
        Keypoints.of(rig, [*names, *details]),
        turn_wrists(rig, fits, places, knuckles_of(people)),
        places,
        seen,
        times[believed],
        None if track.views is None else track.views[believed],
    )
    # Limbs that hardly any frame shows rest in all of them, or they would jump in the few. The refinement comes first:
    # with nothing seen to hold them, it would move them on.
    shown = np.quantile(seen.confidence, 1 - _HARDLY, axis=0)
    told = dataclasses.replace(seen, confidence=np.broadcast_to(shown, seen.confidence.shape))
    rested = relax(rig, [body.fit for body in refined], told)
    positions = np.array([body.translation for body in refined])
    motion = track.stilled(SkeletonMotion.of(rig, rested, times[believed], positions), believed)
    motion = motion if len(believed) == len(times) else motion.at(times)
    hands = [person.hand_joints if seen else None for person, seen in zip(track.people, is_believed, strict=True)]
    return track.stilled(with_hands(track.filmed(motion), hands))


def put_back(track: Track, motion: SkeletonMotion, names: Sequence[str]) -> SkeletonMotion:
    """Poses the motion's bodies and puts them in the place of the track's.

    Args:
        track: Of as many frames.
        motion: In the axes of a camera that stands still, y up.
        names: Of the joints that people have, some of the rig's keypoints.

    Returns:
        The motion with these joints.
    """
    rig = motion.rig
    regressor = rig.regressor_of(names)
    rotations, positions = _before_camera(track.filmed(motion), np.arange(len(motion)))
    keypoints = np.empty((len(motion), len(names), 3))
    for start in range(0, len(motion), _BATCH):
        part = slice(start, start + _BATCH)
        shapes = np.broadcast_to(motion.shape, (len(rotations[part]), len(motion.shape)))
        fingers = None if motion.seen_fingers is None else motion.seen_fingers[part]
        vertices = rig.pose(rotations[part], shapes, np.zeros_like(positions[part]), fingers)
        joints = regressor @ vertices
        for index, (mesh, points) in enumerate(zip(vertices, joints), start=start):
            hips = points[list(COCO_ROOT)].mean(axis=0)
            keypoints[index] = track.still(points + positions[index], index) * TURN_UP
            person = track.people[index]
            assert person.body is not None
            x, y, z = (hips + positions[index]).tolist()
            own = None if fingers is None else fingers[index - start]
            left, right = (False, False) if motion.hands_seen is None else motion.hands_seen[index].tolist()
            body = BodyFit(
                rotations[index],
                motion.shape,
                -hips.astype(np.float64),
                person.body.residual,
                own,
                (left, right),
            )
            track.replace(
                index,
                dataclasses.replace(
                    person,
                    vertices=(mesh - hips).astype(np.float32),
                    joints=(points - hips).astype(np.float32),
                    camera=person.camera.moved((x, y, z)),
                    body=body,
                ),
            )
    return dataclasses.replace(motion, keypoints=keypoints)


def meshes_of(motion: SkeletonMotion, frames: np.ndarray, rig: Rig) -> np.ndarray:
    """Vertices (n, V, 3) of some frames of a motion, before the camera, metres.

    Args:
        motion: In the camera's axes, y up.
        frames: (n,) which.
        rig: The motion's, or a subset of it.
    """
    rotations, positions = _before_camera(motion, frames)
    shapes = np.broadcast_to(motion.shape, (len(frames), len(motion.shape)))
    return rig.pose(rotations, shapes, positions)


def _before_camera(motion: SkeletonMotion, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (n, 22, 3, 3) and translations (n, 3) of some frames' bodies in the camera's axes, y down."""
    rotations = motion.rotations[frames]
    rotations[:, 0] = np.diag(TURN_UP) @ rotations[:, 0]
    return rotations, motion.roots[frames] * TURN_UP - motion.rest.joints[0]
