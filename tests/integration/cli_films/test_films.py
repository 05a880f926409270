"""`mpt reconstruct` on videos, with a stand-in for the network that finds coloured boxes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.formats.mesh import to_glb
from model.results import Person, Reconstruction
from model.video.following import Pace
from tests.support.colour_people import FOCAL, HEIGHT, RATE, WIDTH, frame
from tests.support.film_files import cut, film, table_first
from tests.support.glb import Glb
from tests.support.written import files


def test_each_person_becomes_a_glb_that_moves(run, clip, model):
    options = ("--format", "glb,json,npz", "--overlay", "--frame", "camera", "--focal-length", str(FOCAL))
    status, output = run("clip.mp4", *options)
    assert (status, output.splitlines()[-1]) == (0, "2 people in 1 video -> reconstructions")
    assert files() == [
        "clip.video-1.glb",
        "clip.video-1.npz",
        "clip.video-2.glb",
        "clip.video-2.npz",
        "clip.video.json",
        "clip.video.overlay.webm",
    ]
    answer = json.loads(Path("reconstructions/clip.video.json").read_text())
    assert (answer["width"], answer["height"], answer["frame_rate"]) == (WIDTH, HEIGHT, RATE)
    directions = []
    for person in answer["people"]:
        glb = Glb(Path("reconstructions", person["mesh"]["glb"]).read_bytes())
        times, places = glb.channels()["translation"]
        np.testing.assert_allclose(times, np.arange(20) / RATE, atol=1e-4)
        assert [one["time"] for one in person["frames"]] == pytest.approx(times.tolist(), abs=1e-3)
        # Where the middle of the body is in the picture, after smoothing, is where the box's middle was.
        drawn = FOCAL * places[:, 0] / -places[:, 2] + WIDTH / 2
        boxes = np.array([one["bbox"] for one in person["frames"]])
        np.testing.assert_allclose(drawn, boxes[:, 0] + boxes[:, 2] / 2, atol=8)
        directions.append(np.sign(np.diff(drawn)).mean())
        np.testing.assert_allclose(
            [one["camera"]["translation"] for one in person["frames"]], places * (1, -1, -1), atol=1e-4
        )
        frame_vertices = glb.frame(10, "POSITION") - places[10]
        np.testing.assert_allclose(frame_vertices, model.vertices * (1, -1, -1), atol=1e-4)
    assert sorted(directions) == [-1, 1]  # nobody was taken for the other
    with np.load("reconstructions/clip.video-1.npz", allow_pickle=False) as arrays:
        assert arrays["vertices"].shape == (20, len(model.vertices), 3)
        assert arrays["times"].shape == (20,) and arrays["joints"].shape == (20, 17, 3)
        assert arrays["translations"].shape == (20, 3) and arrays["faces"].shape == model.faces.shape


def test_the_first_person_starts_at_the_origin_of_the_world(run, clip):
    """On the floor and facing +z; the other one is where she is beside her, and both move as before the camera."""
    assert run("clip.mp4", "--format", "glb,json")[0] == 0
    answer = json.loads(Path("reconstructions/clip.video.json").read_text())
    assert answer["frame"] == "world" and not answer["world"]["camera_moves"]
    rotation, origin = (np.array(answer["world"][key]) for key in ("rotation", "origin"))
    for number, person in enumerate(answer["people"]):
        glb = Glb(Path("reconstructions", person["mesh"]["glb"]).read_bytes())
        _, positions = glb.channels()["translation"]
        cameras = np.array([one["camera"]["translation"] for one in person["frames"]])
        np.testing.assert_allclose(positions, (cameras - origin) @ rotation.T, atol=2e-3)
        if number == 0:
            np.testing.assert_allclose(positions[0, [0, 2]], 0, atol=1e-3)
            joints = np.array(person["frames"][0]["joints"]) @ rotation.T
            left = joints[11] - joints[12]
            assert left[0] > 0.9 * np.linalg.norm(left)  # of who faces +z, left is +x
            lowest = glb.frame(0, "POSITION")[:, 1].min()
            assert abs(lowest) < 0.2  # of two who stand at two heights


def test_each_person_keeps_a_colour_of_her_own(run, clip, model):
    assert run("clip.mp4", "--colors", "person")[0] == 0
    worn = [Glb(Path(f"reconstructions/clip.video-{k}.glb").read_bytes()).attribute("COLOR_0")[0] for k in (1, 2)]
    wanted = [Glb(to_glb(model.vertices, model.faces, "x", model.garment.colors(k))) for k in (0, 1)]
    assert [tuple(colour) for colour in worn] == [tuple(glb.attribute("COLOR_0")[0]) for glb in wanted]
    assert tuple(worn[0]) != tuple(worn[1])


def test_fewer_frames_are_reconstructed_on_request(run, clip, model):
    assert run("clip.mp4", "--fps", "10", "--max-people", "4")[0] == 0
    assert len(model.calls) == 10
    times, _ = Glb(Path("reconstructions/clip.video-1.glb").read_bytes()).channels()["translation"]
    np.testing.assert_allclose(times, np.arange(10) / 10, atol=1e-4)


def test_in_haste_networks_see_fewer_frames_and_files_have_all(run, model):
    film(Path("long.mp4"), [frame(index // 2) for index in range(31)], 30)
    assert run("long.mp4", "--format", "json", "--fast")[0] == 0
    assert 8 <= len(model.calls) <= 16
    for person in json.loads(Path("reconstructions/long.video.json").read_text())["people"]:
        bridged = [bool(one.get("bridged")) for one in person["frames"]]
        assert len(bridged) == 31 and bridged.count(False) == len(model.calls)


def test_a_film_that_breaks_off_is_told_and_what_was_read_is_written(run):
    noisy = np.random.default_rng(0).integers(0, 60, (HEIGHT, WIDTH, 3), np.uint8)
    cut(table_first(film(Path("cut.mp4"), [np.maximum(frame(index), noisy) for index in range(40)], RATE)), 0.6)
    status, output = run("cut.mp4", "--overlay")
    output = " ".join(output.split())
    assert status == 3
    assert "2 people in 1 video -> reconstructions 1 video could be read in part only:" in output
    read = int(re.search(r"cut.mp4: The film breaks off: (\d+) of 40 frames could be read.", output)[1])
    assert files() == ["cut.video-1.glb", "cut.video-2.glb", "cut.video.overlay.webm"]
    times, _ = Glb(Path("reconstructions/cut.video-1.glb").read_bytes()).channels()["translation"]
    assert len(times) == read < 40


def test_a_slip_between_good_frames_is_bridged(run, model, monkeypatch):
    """Five frames of low score, somewhere else: bodies go on as before, and the answer says which."""
    person = model._person

    def slipping(box: tuple[float, float, float, float], *size: float) -> Person:
        seen = person(box, *size)
        if 10 <= len(model.calls) - 1 < 15:
            x, y, z = seen.camera.translation
            seen = replace(seen, score=0.3, camera=replace(seen.camera, translation=(x, y, z + 3.6)))
        return seen

    monkeypatch.setattr(model, "_person", slipping)
    monkeypatch.setattr("model.video.film.USUAL", Pace(0.0, 0.0))
    film(Path("flip.mp4"), [frame(index) for index in range(30)], RATE)
    assert run("flip.mp4", "-f", "glb,json,npz")[0] == 0
    for person_json in json.loads(Path("reconstructions/flip.video.json").read_text())["people"]:
        assert [i for i, one in enumerate(person_json["frames"]) if one.get("bridged")] == list(range(10, 15))
        depths = [one["camera"]["translation"][2] for one in person_json["frames"]]
        assert np.ptp(depths) < 0.15
        assert person_json["frames"][12]["score"] == 0.3
    with np.load("reconstructions/flip.video-1.npz", allow_pickle=False) as arrays:
        assert np.flatnonzero(arrays["bridged"]).tolist() == list(range(10, 15))


def test_each_input_gets_what_it_can_be_given(run, clip):
    cv2.imwrite("photo.jpg", frame(0)[..., ::-1])
    status, output = run("photo.jpg", "clip.mp4", "--format", "obj,glb")
    assert status == 0
    assert "4 people in 1 photo and 1 video" in output and "Of videos there is no obj" in output
    assert files() == [
        *(f"clip.video-{n}.glb" for n in (1, 2)),
        *(f"photo-{n}.{kind}" for n in (1, 2) for kind in ("glb", "obj")),
    ]
    status, output = run("photo.jpg", "clip.mp4", "--format", "obj", "--output", "meshes")
    assert status == 3 and "clip.mp4: An obj or a scene cannot move" in output
    assert files("meshes") == ["photo-1.obj", "photo-2.obj"]


def test_boxes_for_a_video_are_a_wrong_command_line(run, clip):
    status, output = run("clip.mp4", "--box", "1,2,3,4")
    assert status == 2
    assert "not for videos" in " ".join(output.replace("│", "").split())


def test_a_video_that_is_interrupted_leaves_nothing_half_done(run, clip, model, monkeypatch):
    reconstruct = model.reconstruct

    def interrupt(*arguments: object, **options: object) -> Reconstruction:
        if len(model.calls) == 6:
            raise KeyboardInterrupt
        return reconstruct(*arguments, **options)

    monkeypatch.setattr(model, "reconstruct", interrupt)
    assert run("clip.mp4", "--overlay")[0] == 130
    assert not Path("reconstructions").exists()
