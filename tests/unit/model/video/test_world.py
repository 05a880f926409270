"""Several people on one floor: who came out too large, and as much too far away, gets her size by her feet."""

from __future__ import annotations

import dataclasses
import tracemalloc
from io import BytesIO

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.fitter import scaled_shape
from model.body.motion import SkeletonMotion
from model.body.skeleton import TURN_UP
from model.joints import SMPL_JOINT_NAMES
from model.video.motion_files import MovingPerson
from model.video.tracks import Meshes, Track, Tracks
from model.video.world import FilmWorld, find_world, of_height, sole_heights
from tests.support.glb import Glb
from tests.support.tracked import tracked
from tests.support.walker import walker

CAMERA_HEIGHT = 1.5
PLACES = ((-1.2, 5.0), (0.9, 4.5), (0.1, 6.5))
"""Metres to the right of the camera, and before it, of those who walk towards it."""


@pytest.fixture(scope="module")
def walks() -> list[SkeletonMotion]:
    walk = walker(1.0, 10.0)[0]
    return [walk.shifted(np.array([right, -CAMERA_HEIGHT, -ahead])) for right, ahead in PLACES]


def found(walks: list[SkeletonMotion]) -> tuple[list[float], list[float]]:
    """Metres, once the film's world is found: how tall all are, and how far below the camera the lowest of each is."""
    with Tracks() as tracks:
        people = [tracked(walk, Meshes(tracks._file)) for walk in walks]
        _, motions = find_world(people, walks, camera_moves=False)
        floors = [
            float(np.median([(track.meshes[i] + track.people[i].root)[:, 1].max() for i in range(len(track))]))
            for track in people
        ]
        return [motion.height for motion in motions if motion is not None], floors


def test_one_who_is_too_large_comes_nearer_to_her_size_and_to_the_floor(walks):
    """Up is only guessed, and the floor, too, so that she does not get all of it."""
    tall = scaled_shape(walks[1].rig, walks[1].shape, 1.2)
    wrong = dataclasses.replace(walks[1], shape=tall, roots=1.2 * walks[1].roots)
    heights, floors = found([walks[0], wrong, walks[2]])
    assert np.ptp(heights) < 0.8 * (wrong.height - walks[0].height)
    assert np.ptp(floors) < 0.7 * 0.2 * CAMERA_HEIGHT


def test_who_is_as_large_as_the_floor_says_keeps_her_size(walks):
    heights, floors = found(walks)
    assert heights == pytest.approx([walks[0].height] * 3, rel=0.01)
    assert floors == pytest.approx([CAMERA_HEIGHT] * 3, abs=0.05)


def test_who_is_known_to_be_so_tall_is_and_the_others_stand_on_her_floor(walks):
    with Tracks() as tracks:
        people = [tracked(walk, Meshes(tracks._file)) for walk in walks]
        known = of_height(people, walks, 1.9)
        factor = 1.9 / walks[0].height
        _, motions = find_world(people, known, camera_moves=False, first_known=True)
        floors = [float((track.meshes[0] + track.people[0].root)[:, 1].max()) for track in people]
    assert motions[0] is not None and motions[0].height == pytest.approx(1.9, abs=0.01)
    assert [motion.height for motion in motions if motion is not None] == pytest.approx([1.9] * 3, rel=0.02)
    assert floors == pytest.approx([factor * CAMERA_HEIGHT] * 3, rel=0.05)


def test_who_is_known_to_be_as_small_as_a_child_has_a_childs_body_and_the_others_stay(walks):
    with Tracks() as tracks:
        people = [tracked(walk, Meshes(tracks._file)) for walk in walks[:2]]
        child, other = of_height(people, walks[:2], 1.1)
    assert child is not None and other is not None and child.rig.build_count < len(child.shape)
    assert child.height == pytest.approx(1.1, abs=0.01) and other.height == pytest.approx(walks[1].height, rel=0.05)
    assert np.abs(child.shape[child.rig.build_count :]).max() > 0 and np.abs(child.shape).max() < 4
    assert child.roots[0, 2] == pytest.approx(1.1 / walks[0].height * walks[0].roots[0, 2], rel=0.05)


def test_people_far_below_the_camera_who_lean_all_alike_tell_up_by_where_they_walk(walks):
    """By 6 degrees: more than the floor's slope may be, once each of them was put on it."""
    walk, lean = walker(8.0, 10.0)[0], Rotation.from_euler("x", 6, degrees=True).as_matrix()
    ways = [(-3.0, -30.0, 0.0), (1.0, -13.0, 180.0), (6.0, -26.0, -60.0)]
    with Tracks() as tracks:
        people, motions = [], []
        for right, behind, turn in ways:
            own = walk.turned(Rotation.from_euler("y", turn, degrees=True).as_matrix())
            own = own.shifted(np.array([right, -7.0, behind]))
            leaning = dataclasses.replace(own.turned(lean), roots=own.roots)
            motions.append(leaning)
            people.append(tracked(leaning, Meshes(tracks._file)))
        world, moved = find_world(people, motions, camera_moves=False)
        placed = [world.place(motion) for motion in moved]
        heights = [motion.joints[:, [7, 8], 1].min(axis=1) - sole_heights(motion).min() for motion in placed]
    up = world.scene.up.direction * TURN_UP
    assert np.degrees(np.arccos(up[1])) < 2
    assert np.ptp([np.median(own) for own in heights]) < 0.03


def test_who_stands_on_a_box_beside_others_stays_as_large_as_she_is(walks):
    """Of half a metre, a third of the camera's height."""
    heights, floors = found([walks[0].shifted(np.array([0.0, 0.5, 0.0])), walks[1], walks[2]])
    assert heights == pytest.approx([walks[0].height] * 3, rel=0.03)
    assert floors[0] == pytest.approx(CAMERA_HEIGHT - 0.5, abs=0.1)


def test_who_stands_alone_keeps_hers(walks):
    assert found(walks[:1])[0] == [walks[0].height]


def test_feet_that_point_down_do_not_stand_below_the_floor(walks):
    """The floor is at the lowest points of feet that stand, however these are turned."""
    toes = walks[0].rotations.copy()
    ankles = [SMPL_JOINT_NAMES.index(f"{side}_ankle") for side in ("left", "right")]
    toes[:, ankles] = Rotation.from_rotvec([np.radians(35.0), 0, 0]).as_matrix()
    pointing = walks[0].with_rotations(toes)
    with Tracks() as tracks:
        track = tracked(pointing, Meshes(tracks._file))
        world, _ = find_world([track], [pointing], camera_moves=False)
        lowest = [world.world.to_world(track.meshes[i] + track.people[i].root)[:, 1].min() for i in range(len(track))]
    assert np.median(lowest) == pytest.approx(0, abs=0.02)


def test_which_feet_were_seen_is_told_by_the_frames_around_where_nothing_was(walks, monkeypatch):
    told = []
    monkeypatch.setattr("model.video.world.touch", lambda motion, *_, seen: told.append(seen) or motion)
    with Tracks() as tracks:
        track = tracked(walks[0], Meshes(tracks._file))
        track.bridged[1:4] = [True] * 3
        for index, right in enumerate((0.1, 0.0, 0.0, 0.0, 1.0)):
            points = track.people[index].keypoints_2d.copy()
            points[15:, 2] = 1, right
            track.people[index] = dataclasses.replace(track.people[index], keypoints_2d=points)
        find_world([track], walks[:1], camera_moves=False)
    assert told[0][:, 0].all()
    assert told[0][:, 1].tolist() == [False, False, True, True, *[True] * 7]


def check_files(track: Track, world: FilmWorld, motion: SkeletonMotion):
    """Numbers are before each frame's camera, files that move in the world: both say the same."""
    walked = world.place(motion).keypoints
    for index, person in enumerate(track.people):
        seen = world.world.to_world(track.still(person.camera.to_camera(person.joints), index))
        np.testing.assert_allclose(seen, walked[index], atol=1e-4)
    faces = np.arange(3 * (motion.rig.vertex_count // 3)).reshape(-1, 3)
    one = MovingPerson("walk", track, faces, motion, (9, 9), 10.0, 1.0, "smpl", world, None)
    files = {name: BytesIO() for name in ("glb", "npz")}
    for kind, _, write in one.files(frozenset(files)):
        write(files[kind])
    hips = walked[:, [11, 12]].mean(axis=1)
    np.testing.assert_allclose(Glb(files["glb"].getvalue()).channels()["translation"][1], hips, atol=2e-3)
    files["npz"].seek(0)
    arrays = np.load(files["npz"])
    camera = arrays["joints"][:, [11, 12]].mean(axis=1) + arrays["translations"]
    placed = (arrays["camera_rotation"] @ camera[..., None])[..., 0] + arrays["camera_position"]
    np.testing.assert_allclose((placed - arrays["world_origin"]) @ arrays["world_rotation"].T, hips, atol=1e-4)


def test_who_walks_before_a_camera_that_turns_is_where_she_is(walks):
    motion, count = walks[0], len(walks[0])
    swings = np.radians(8) * np.sin(np.arange(count)[:, None] + np.array([0, 1, 2]))
    views = (Rotation.from_rotvec(swings[0]).inv() * Rotation.from_rotvec(swings)).as_matrix()
    with Tracks() as tracks:
        still = tracked(motion, Meshes(tracks._file))
        expected, (standing,) = find_world([still], [motion], camera_moves=False)
        track = tracked(motion, Meshes(tracks._file), views)
        assert np.linalg.norm(track.people[5].root - still.people[5].root) > 0.2
        world, (found,) = find_world([track], [motion], camera_moves=False)
        np.testing.assert_allclose(world.place(found).keypoints, expected.place(standing).keypoints, atol=1e-4)
        check_files(track, world, found)


def test_who_walks_beside_a_camera_that_is_carried_along_walks(walks):
    motion = walks[0].turned(Rotation.from_euler("y", 90, degrees=True).as_matrix()).shifted(np.array([4.0, 0, -5]))
    ahead = motion.roots - motion.roots[0]
    with Tracks() as tracks:
        track = tracked(motion.shifted(-ahead), Meshes(tracks._file))
        world, (found,) = find_world([track], [motion.shifted(-ahead)], camera_moves=True)
        walked = world.place(found).roots
        assert np.linalg.norm(walked[-1] - walked[0]) == pytest.approx(np.linalg.norm(ahead[-1]), abs=0.15)
        check_files(track, world, found)


def test_who_stands_before_a_camera_that_goes_round_her_stands(walks):
    """Before it she turns on the spot; where the background says how it turned, she does not."""
    standing = walks[0].at(np.full(60, walks[0].times[5]))
    times = np.arange(60) / 30
    motion = SkeletonMotion(standing.rig, standing.shape, times, standing.rotations, standing.roots)
    up = np.array([0.0, 1.0, 0.0])
    round_her = Rotation.from_rotvec(0.8 * times[:, None] * up)
    seen = motion.shifted(-motion.roots[0]).turned(round_her.inv().as_matrix()).shifted(motion.roots[0])
    headings = {}
    for turns in (None, (Rotation.from_rotvec(0.8 * times[:, None] * up * TURN_UP)).as_matrix()):
        with Tracks() as tracks:
            track = tracked(seen, Meshes(tracks._file))
            world, (found,) = find_world([track], [seen], camera_moves=True, turns=turns)
            walked = world.place(found)
            check_files(track, world, found)
        left = walked.joints[:, 1] - walked.joints[:, 2]
        headings[turns is None] = np.degrees(np.ptp(np.unwrap(np.arctan2(left[:, 0], left[:, 2]))))
    assert np.linalg.norm(walked.roots[-1] - walked.roots[0]) < 0.2
    assert headings[True] > 80 and headings[False] < 8


def test_turns_before_a_cut_and_after_it_are_none_of_a_shot(walks):
    """At cuts turns begin anew: 90 degrees in one step, which were averaged into frames beside them."""
    motion, count = walks[0], len(walks[0])
    headings = np.radians(np.concatenate([np.linspace(0, 90, 20), np.linspace(0, 40, count), np.linspace(0, -90, 20)]))
    turns = Rotation.from_rotvec(headings[:, None] * np.array([0.0, -1.0, 0.0])).as_matrix()
    views = []
    with Tracks() as tracks:
        for begin, told in ((0, turns[20 : 20 + count]), (20, turns)):
            track = tracked(motion, Meshes(tracks._file))
            track.frames = (np.arange(count) + begin).tolist()
            find_world([track], [motion], camera_moves=True, turns=told)
            views.append(track.views)
    np.testing.assert_allclose(*views, atol=1e-9)


def test_soles_of_a_long_film_take_little_memory(walks):
    long = walks[0].at(np.linspace(walks[0].times[0], walks[0].times[-1], 1200))
    tracemalloc.start()
    heights = sole_heights(long)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert heights.shape == (1200, 2)
    np.testing.assert_allclose(heights[::1199], sole_heights(walks[0])[:: len(walks[0]) - 1], atol=1e-6)
    assert most < 15 * 2**20  # 26 MiB where all are posed at once


def test_few_feet_that_seem_to_stand_do_not_raise_the_floor():
    """Who flies by, and stays high up for a moment, as networks see the turn of a jump, is not below the floor else."""
    walk, _ = walker(2.0)
    count = len(walk)
    high = np.clip(1.5 - np.abs(np.arange(count) - count // 2) / 10, 0, 1)  # for a third of a second
    across = np.cumsum(np.where(high == 1, 0.0, 0.1))
    roots = np.stack([across - across.mean(), 0.6 * high - 1.0, np.full(count, -5.0)], axis=1)
    flying = dataclasses.replace(walk, rotations=np.tile(np.eye(3), (count, 22, 1, 1)), roots=roots)
    with Tracks() as tracks:
        track = tracked(flying, Meshes(tracks._file))
        _, (after,) = find_world([track], [flying], camera_moves=False)
    low = high == 0
    rise = after.joints[low, 7, 1] - after.roots[low, 1] - (flying.joints[low, 7, 1] - flying.roots[low, 1])
    assert np.abs(rise).max() < 0.05
    assert np.abs(after.roots[low, 1] - roots[low, 1]).max() < 0.2
