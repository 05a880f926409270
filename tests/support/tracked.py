"""A motion as a track of it: bodies that a camera saw, one a frame."""

from __future__ import annotations

import numpy as np

from model.body.fitting import BodyFit
from model.body.motion import SkeletonMotion
from model.joints import COCO_JOINTS
from model.results import Camera, Person
from model.video.bodies import put_back
from model.video.tracks import Meshes, Track


def tracked(motion: SkeletonMotion, meshes: Meshes, views: np.ndarray | None = None) -> Track:
    """A track of the motion, which is in the still camera's axes, y up."""
    nobody = np.zeros((0, 3), np.float32)
    camera = Camera(1000.0, (500.0, 500.0), (0.0, 0.0, 4.0), (1.0, 0.0, 0.0))
    seen = np.ones((17, 3), np.float32)
    body = BodyFit(motion.rotations[0], motion.shape, np.zeros(3), 0.01)
    one = Person(0.9, (0, 0, 9, 9), seen, seen, nobody, nobody, COCO_JOINTS, camera, body=body)
    track = Track(meshes, views=views)
    for number, time in enumerate(motion.times.tolist()):
        meshes.append(np.zeros((motion.rig.vertex_count, 3), np.float32))
        track.frames.append(number)
        track.times.append(time)
        track.people.append(one)
        track.bridged.append(False)
    put_back(track, motion, COCO_JOINTS)
    return track
