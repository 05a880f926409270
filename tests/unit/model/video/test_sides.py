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


@pytest.mark.parametrize("frames", [[3], [11, 12, 13], [2, 8, 9, 16, 17, 22]])
def test_legs_that_change_places_for_some_frames_are_told(frames):
    times = STEP * np.arange(COUNT)
    told = find_exchanged(times, exchange(walking(), frames, LEGS))
    assert np.flatnonzero(told[:, 2]).tolist() == frames
    assert not told[:, :2].any()


def test_who_is_taken_to_face_the_other_way_for_some_frames_is_told():
    frames = [7, 8, 20]
    told = find_exchanged(STEP * np.arange(COUNT), exchange(walking(yaw=0.4), frames, list(range(17))))
    assert np.flatnonzero(told[:, 0]).tolist() == np.flatnonzero(told[:, 1]).tolist() == frames


@pytest.mark.parametrize("spins", [0.0, 0.5, -1.0])
@pytest.mark.parametrize("yaw", [0.0, 0.8, np.pi / 2])
def test_who_walks_or_turns_on_the_spot_stays_as_she_is(yaw, spins):
    assert not find_exchanged(STEP * np.arange(COUNT), walking(yaw, spins)).any()


def test_frames_far_apart_tell_nothing_of_one_another():
    assert not find_exchanged(2.0 * np.arange(COUNT), exchange(walking(), [3, 11], LEGS)).any()


@pytest.mark.parametrize("count", [1, 2])
def test_a_frame_or_two_tell_nothing(count):
    assert not find_exchanged(STEP * np.arange(count), walking()[:count]).any()


class Lifter:
    """Answers as a `Reconstructor` does, with the people as they were asked for."""

    def __init__(self) -> None:
        self.asked: list[Person] = []

    def lift_again(self, people: list[Person], mesh: str) -> list[Person]:
        assert mesh == "body"
        self.asked += people
        return [replace(person, vertices=np.full((1, 3), 7, np.float32)) for person in people]


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
        put_right(track, model, "body")
        assert [index for index in range(COUNT) if track.meshes[index].any()] == frames
    legs = [*range(25, 33)]
    for index, asked in zip(frames, model.asked, strict=True):
        np.testing.assert_allclose(asked.keypoints_2d, walking()[index], rtol=1e-5)
        assert track.people[index].keypoints_2d is asked.keypoints_2d
        assert asked.landmarks_2d[legs, 0].tolist() == [BLAZEPOSE_MIRROR[joint] for joint in legs]
        assert asked.landmarks_2d[:25, 0].tolist() == list(range(25))
        assert asked.depths.tolist() == [*range(13), 14, 13, 16, 15]
