"""Left and right, where single frames have them exchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.joints import BLAZEPOSE_MIRROR, COCO_JOINTS, COCO_MIRROR
from model.results import Camera, Person
from model.video.sides import find_exchanged, put_right
from model.video.tracks import Tracks

STEP, COUNT, SIZE = 0.1, 30, 200.0
TRUNK, ARMS, LEGS = [*range(7), 11, 12], list(range(7, 11)), list(range(13, 17))
HEIGHTS = {"nose": 0.9, "eye": 0.93, "ear": 0.92, "shoulder": 0.8, "elbow": 0.62, "wrist": 0.47, "hip": 0.5}


def walking(yaw: float = np.pi / 2, spins: float = 0.0) -> np.ndarray:
    """(COUNT, 17, 3) of somebody who takes two steps a second, turned by `yaw` from the camera, and on by `spins`."""
    times = STEP * np.arange(COUNT)
    swing = 0.2 * np.sin(2 * np.pi * times)
    places = np.zeros((COUNT, 17, 3))  # to her left, up, ahead; by her height
    for joint, name in enumerate(COCO_JOINTS):
        side, part = (-1.0 if "right" in name else 1.0), name.split("_")[-1]
        reach = {"wrist": -1.0, "elbow": -0.5, "knee": 0.5, "ankle": 1.0}.get(part, 0.0)
        places[:, joint, 0] = side * {"nose": 0.0, "eye": 0.02, "ear": 0.04, "shoulder": 0.11}.get(part, 0.07)
        places[:, joint, 1] = HEIGHTS.get(part, 0.28 if part == "knee" else 0.04)
        places[:, joint, 2] = reach * side * swing + 0.05 * (part in ("nose", "eye"))
    angle = yaw + 2 * np.pi * spins * times[:, None]
    across = np.cos(angle) * places[..., 0] + np.sin(angle) * places[..., 2] + 0.5 * times[:, None]
    noise = np.random.default_rng(0).normal(0, 0.008, (COUNT, 17, 2))
    pixels = SIZE * (np.stack([across, 1 - places[..., 1]], axis=2) + noise)
    return np.concatenate([pixels, np.full((COUNT, 17, 1), 0.8)], axis=2)


def exchange(keypoints: np.ndarray, frames: list[int], joints: list[int]) -> np.ndarray:
    mirrored = keypoints.copy()
    for frame in frames:
        mirrored[frame, joints] = keypoints[frame, np.array(COCO_MIRROR)[joints]]
    return mirrored


FLAT = np.zeros((COUNT, 17))
"""Depths that tell nothing."""


def told_in(keypoints: np.ndarray, forward: float = 0.0, step: float = STEP) -> np.ndarray:
    count = len(keypoints)
    return find_exchanged(step * np.arange(count), keypoints, np.full(count, forward), FLAT[:count])


def test_who_is_seen_from_the_side_is_not_turned_round_where_her_legs_are_exchanged():
    """In hardly sure frames it is as likely that all is exchanged; shoulders lie over one another, but not in depth."""
    frames = [7, 8, 12, 13]
    walk = walking()
    walk[:, ARMS, 0], walk[..., 2] = walk[:, [5, 6, 5, 6], 0], 0.7  # arms hang
    seen, times = exchange(walk, frames, LEGS), STEP * np.arange(COUNT)
    depths = SIZE * np.where([("left" in name) for name in COCO_JOINTS], 0.1, -0.1) * np.ones((COUNT, 1))
    told = find_exchanged(times, seen, np.zeros(COUNT), depths)
    assert np.flatnonzero(told[:, 2]).tolist() == frames and not told[:, :2].any()


class Lifter:
    """Answers as a `Reconstructor` does, with the people as they were asked for, or not at all."""

    def __init__(self, lifts: bool = True) -> None:
        self.asked: list[Person] = []
        self._lifts = lifts

    def lift_again(self, people: list[Person], mesh: str) -> list[Person] | None:
        assert mesh == "body" and 0 < len(people) <= 8  # meshes of a long film are gigabytes
        self.asked += people
        if not self._lifts:
            return None
        return [replace(person, vertices=np.full((1, 3), 7, np.float32)) for person in people]


@pytest.mark.parametrize("frames", [[3], [11, 12, 13], [2, 8, 9, 16, 17, 22]])
def test_legs_that_change_places_for_some_frames_are_told(frames):
    told = told_in(exchange(walking(), frames, LEGS))
    assert np.flatnonzero(told[:, 2]).tolist() == frames
    assert not told[:, :2].any()


def test_who_is_taken_to_face_the_other_way_for_some_frames_is_told():
    frames = [7, 8, 20]
    told = told_in(exchange(walking(yaw=0.4), frames, list(range(17))))
    assert np.flatnonzero(told[:, 0]).tolist() == np.flatnonzero(told[:, 1]).tolist() == frames


@pytest.mark.parametrize(("sure", "is_told"), [(0.66, True), (0.85, False)])
def test_who_is_hardly_seen_walks_forwards_and_who_surely_is_may_walk_backwards(sure, is_told):
    keypoints = walking(yaw=0.4)
    keypoints[..., 2] = sure
    assert (told_in(keypoints, forward=-0.9) == is_told).all()
    assert not told_in(keypoints, forward=0.9).any()


@pytest.mark.parametrize("forward", [-0.9, 0.9])
def test_ways_tell_which_of_frames_that_contradict_one_another_are_right(forward):
    frames = [index for index in range(COUNT) if index % 4 in (2, 3)]
    others = [index for index in range(COUNT) if index not in frames]
    ways = np.where(np.isin(np.arange(COUNT), frames), -forward, forward)
    keypoints = exchange(walking(yaw=0.4), frames, list(range(17)))
    told = find_exchanged(STEP * np.arange(COUNT), keypoints, ways, FLAT)
    for part in range(3):
        assert np.flatnonzero(told[:, part]).tolist() == (frames if forward > 0 else others)


@pytest.mark.parametrize(("way", "is_told"), [(-1.0, False), (1.0, True)])
def test_who_looks_at_us_comes_nearer(way, is_told):
    """She is hardly seen; if she goes away instead, she is seen from behind."""
    model, joints, seen = Lifter(), np.zeros((17, 3), np.float32), walking(yaw=np.pi)[0].astype(np.float32)
    joints[[5, 11], 0], joints[[6, 12], 0] = 0.2, -0.2  # her left is on our right
    seen[:, 2] = 0.62
    with Tracks() as tracks:
        for index in range(COUNT):
            camera = Camera(500.0, (320.0, 240.0), (0.0, 0.0, 6.0 + way * index * STEP), (1.0, 0.0, 0.0))
            box, mesh, faces = (0.0, 0.0, 100.0, SIZE), np.zeros((1, 3), np.float32), np.zeros((0, 3), np.int32)
            tracks.add(index * STEP, [Person(0.9, box, seen, joints, mesh, faces, COCO_JOINTS, camera)])
        (track,) = tracks
        put_right(track, model, "body", np.array([person.camera.translation for person in track.people]))
        assert len(model.asked) == (COUNT if is_told else 0)
        assert all(track.meshes[index].any() == is_told for index in range(COUNT))


@pytest.mark.parametrize("spins", [0.0, 0.5, -1.0])
@pytest.mark.parametrize("yaw", [0.0, 0.8, np.pi / 2])
def test_who_walks_or_turns_on_the_spot_stays_as_she_is(yaw, spins):
    assert not told_in(walking(yaw, spins)).any()


def test_frames_far_apart_tell_nothing_of_one_another():
    assert not told_in(exchange(walking(), [3, 11], LEGS), step=2.0).any()


@pytest.mark.parametrize("count", [1, 2])
def test_a_frame_or_two_tell_nothing(count):
    assert not told_in(walking()[:count]).any()


def test_people_are_regressed_anew_where_they_were_exchanged_and_nowhere_else():
    frames, keypoints = [11, 12], exchange(walking(), [11, 12], LEGS)
    landmarks = np.column_stack([np.arange(33.0), np.zeros(33), np.ones(33)])
    depths, joints = np.arange(17.0), np.zeros((17, 3), np.float32)
    camera, model = Camera(500.0, (320.0, 240.0), (0.0, 0.0, 4.0), (1.0, 0.0, 0.0)), Lifter()
    with Tracks() as tracks:
        for index in range(COUNT):
            left, top = keypoints[index, :, :2].min(axis=0)
            seen = keypoints[index].astype(np.float32)
            mesh, faces = np.zeros((1, 3), np.float32), np.zeros((0, 3), np.int32)
            person = Person(0.9, (left, top, 100.0, SIZE), seen, joints, mesh, faces, COCO_JOINTS, camera)
            tracks.add(index * STEP, [replace(person, landmarks_2d=landmarks, depths=depths)])
        (track,) = tracks
        put_right(track, model, "body", None)
        assert [index for index in range(COUNT) if track.meshes[index].any()] == frames
    legs = [*range(25, 33)]
    for index, asked in zip(frames, model.asked, strict=True):
        np.testing.assert_allclose(asked.keypoints_2d, walking()[index], rtol=1e-5)
        assert track.people[index].keypoints_2d is asked.keypoints_2d
        assert asked.landmarks_2d[legs, 0].tolist() == [BLAZEPOSE_MIRROR[joint] for joint in legs]
        assert asked.landmarks_2d[:25, 0].tolist() == list(range(25))
        assert asked.depths.tolist() == [*range(13), 14, 13, 16, 15]


@pytest.mark.parametrize(("joints", "lifts"), [(LEGS, True), (ARMS, True), (ARMS, False)])
def test_hands_are_forgotten_with_their_arms_and_who_cannot_be_lifted_stays_as_she_is(joints, lifts):
    keypoints, camera = exchange(walking(), [11], joints), Camera(500.0, (320.0, 240.0), (0.0, 0.0, 4.0), (1.0, 0, 0))
    mesh, faces = np.zeros((1, 3), np.float32), np.zeros((0, 3), np.int32)
    with Tracks() as tracks:
        for index, seen in enumerate(keypoints.astype(np.float32)):
            box = (*seen[:, :2].min(axis=0), 100.0, SIZE)
            person = Person(0.9, box, seen, np.zeros((17, 3), np.float32), mesh, faces, COCO_JOINTS, camera)
            tracks.add(index * STEP, [replace(person, hand_joints=np.zeros((2, 21, 3)))])
        (track,) = tracks
        put_right(track, Lifter(lifts), "body", None)
    kept = [index for index, person in enumerate(track.people) if person.hand_joints is not None]
    assert kept == [index for index in range(COUNT) if index != 11 or joints == LEGS or not lifts]
    changed = [
        index for index, person in enumerate(track.people) if np.abs(person.keypoints_2d - keypoints[index]).max() > 1
    ]
    assert lifts or not changed
