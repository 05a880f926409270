"""Hands in films: one that opens and closes does so in every file, and hangs relaxed where nobody asked for hands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.body.rig import Rig
from model.body.suit import find_worn
from model.joints import FINGER_NAMES, JOINTS
from model.results import Person
from tests.support.colour_people import RATE, Run
from tests.support.fake_reconstructor import FakeReconstructor, resting
from tests.support.film_files import film, grey
from tests.support.finger_joints import curled, joints_of
from tests.support.glb import Glb
from training.mocap.bvh import read_bvh

COUNT = 16
FINGER = 1  # of SMPL-H's: the left index finger's middle joint


class GraspingReconstructor(FakeReconstructor):
    """Finds somebody in the T-pose, whose left hand closes more and more."""

    def __init__(self, rig: Rig) -> None:
        super().__init__()
        self.rig: Rig = rig
        self.faces = np.arange(rig.vertex_count - rig.vertex_count % 3).reshape(-1, 3)
        body = resting(rig)
        self.vertices = rig.pose(body.rotations, body.shape, body.translation)

    def _person(self, *arguments: object) -> Person:
        person = super()._person(*arguments)  # type: ignore[arg-type]
        joints = (self.rig.regressor_of(person.joint_names) @ self.vertices).astype(np.float32)
        seen = np.column_stack([person.camera.project(joints), person.keypoints_2d[:, 2]])
        return replace(person, joints=joints, keypoints_2d=seen)

    def see_hands(self, image: np.ndarray, people: Sequence[Person]) -> list[Person]:
        """The left one alone, which is more than relaxed from the first."""
        fingers, found = curled(self.rig, 1.2 + 0.3 * len(self.calls)), []
        for person in people:
            assert person.body is not None
            left = 100 * joints_of(self.rig, replace(person.body, fingers=fingers), 0)
            found.append(replace(person, hand_joints=np.stack([left, np.full((21, 3), np.nan)])))
        return found


@pytest.fixture(scope="module")
def rig() -> Rig:
    found = find_worn(13_718)
    assert found is not None
    return found


@pytest.fixture
def model(rig: Rig) -> FakeReconstructor:
    return GraspingReconstructor(rig)


def grasp(run: Run, *options: str) -> dict[str, float]:
    """By how many degrees the finger turns from the first frame to the last, by file."""
    film(Path("grasp.mp4"), [grey(90)] * COUNT, RATE)
    status, output = run("grasp.mp4", "--rigged", "-f", "bvh,json,npz,smpl-npz", *options)
    assert status == 0, output
    folder = Path("reconstructions")
    (person,) = json.loads((folder / "grasp.video.json").read_text())["people"]
    told = [frame["parameters"] for frame in person["frames"]]
    assert {tuple(each["hands_seen"]) for each in told} == {() if options else ("left",)}
    found = {"json": [Rotation.from_rotvec(each["left_hand_pose"][FINGER]) for each in told]}
    with np.load(folder / "grasp.video-1.npz", allow_pickle=False) as arrays:
        found["npz"] = list(Rotation.from_rotvec(arrays["hand_poses"][:, FINGER]))
    with np.load(folder / "grasp.video-1.smpl.npz", allow_pickle=False) as arrays:
        found["smpl-npz"] = list(Rotation.from_rotvec(arrays["poses"].reshape(-1, 52, 3)[:, JOINTS + FINGER]))
    bvh = read_bvh(folder / "grasp.video-1.bvh")
    own = bvh.local[bvh.skeleton.names.index(FINGER_NAMES[FINGER])]
    assert own is not None
    found["bvh"] = list(own)
    glb = Glb((folder / "grasp.video-1.rigged.glb").read_bytes())
    names = [node["name"] for node in glb.content["nodes"]]
    turns = glb.channels(names.index(FINGER_NAMES[FINGER])).get("rotation")
    found["rigged"] = [Rotation.identity()] * 2 if turns is None else list(Rotation.from_quat(turns[1]))
    return {kind: float(np.degrees((each[0].inv() * each[-1]).magnitude())) for kind, each in found.items()}


def test_a_hand_that_closes_does_so_in_every_file(run: Run) -> None:
    turned = grasp(run)
    assert turned["json"] > 20
    assert turned == pytest.approx(dict.fromkeys(turned, turned["json"]), abs=0.2)


def test_hands_that_nobody_asked_for_hang_relaxed(run: Run) -> None:
    assert set(grasp(run, "--hands", "off").values()) == {0.0}
