"""A track's bodies as one motion: of one shape, bridged, smoothed; and the motion back in the track."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.motion import SkeletonMotion
from model.body.rig import Rig
from model.body.skeleton import TURN_UP
from model.joints import COCO_ROOT
from model.video.bridging import find_outliers
from model.video.smoothing import OneEuro
from model.video.tracks import Track

# Of joints' rotations as quaternions, whose length changes by half of a turn in radians: Hz at rest, and for each unit
# a second; on four cameras of Pose2Sim's single-person demo joints then accelerate nearly as they truly do.
_ROTATIONS = (2.0, 4.0)
_BATCH = 16  # bodies that are posed at once: bounds the memory


def motion_of(track: Track, rig: Rig) -> SkeletonMotion | None:
    """The motion of a track's bodies in the camera's axes, y up; None if somebody has none in some frame.

    Its shape is that of all frames, since bones keep their lengths. Frames that cannot be believed are bridged, and the
    track knows which; rotations are smoothed forwards and backwards, so that nothing lags.
    """
    bodies = [person.body for person in track.people if person.body is not None]
    if len(bodies) < len(track):
        return None
    shape = np.median([body.shape for body in bodies], axis=0)
    fits = [dataclasses.replace(body, shape=shape) for body in bodies]
    positions = np.array([person.camera.translation for person in track.people])
    odd = find_outliers(track.times, track.people)
    track.bridged = odd.tolist()
    times = np.array(track.times)
    believed = SkeletonMotion.of(rig, [fits[index] for index in np.flatnonzero(~odd)], times[~odd], positions[~odd])
    return smoothed(believed.at(times))


def smoothed(motion: SkeletonMotion) -> SkeletonMotion:
    """The motion with its rotations smoothed by the One-Euro filter, forwards and then backwards."""
    quaternions = motion.quaternions.copy()
    for order, direction in ((range(len(motion)), 1), (reversed(range(len(motion))), -1)):
        smooth = OneEuro(*_ROTATIONS)
        for index in order:
            quaternions[index] = smooth(quaternions[index], direction * float(motion.times[index]))
    turned = Rotation.from_quat(quaternions.reshape(-1, 4)).as_matrix()
    return motion.with_rotations(turned.reshape(motion.rotations.shape))


def put_back(track: Track, motion: SkeletonMotion, names: Sequence[str]) -> SkeletonMotion:
    """Poses the motion's bodies and puts them in the place of the track's.

    Args:
        track: Of as many frames.
        motion: In the camera's axes, y up.
        names: Of the joints that people have, some of the rig's keypoints.

    Returns:
        The motion with these joints.
    """
    rig, turn = motion.rig, np.diag(TURN_UP)
    regressor = rig.regressor_of(names)
    rotations = motion.rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    positions = motion.roots * TURN_UP - motion.rest.joints[0]
    keypoints = np.empty((len(motion), len(names), 3))
    for start in range(0, len(motion), _BATCH):
        part = slice(start, start + _BATCH)
        shapes = np.broadcast_to(motion.shape, (len(rotations[part]), len(motion.shape)))
        vertices = rig.pose(rotations[part], shapes, np.zeros_like(positions[part]))
        joints = regressor @ vertices
        for index, (mesh, points) in enumerate(zip(vertices, joints), start=start):
            hips = points[list(COCO_ROOT)].mean(axis=0)
            keypoints[index] = (points + positions[index]) * TURN_UP
            person = track.people[index]
            assert person.body is not None
            x, y, z = (hips + positions[index]).tolist()
            body = BodyFit(rotations[index], motion.shape, -hips.astype(np.float64), person.body.residual)
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
