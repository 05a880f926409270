"""`mpt reconstruct` from real files to files, with a stand-in for the network."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
from PIL import Image
from typer.testing import CliRunner

from cli.main import app
from tests.support.cli_photos import picture
from tests.support.image_files import FORMATS, HEIC, encode, smooth
from tests.support.service_client import form
from tests.support.written import files


def test_a_photo_becomes_a_glb_of_each_person(run, model):
    Path("photo.jpg").write_bytes(picture())
    status, output = run("photo.jpg")
    assert (status, output.splitlines()) == (
        0, ["reconstructions/photo-1.glb", "1 person in 1 photo -> reconstructions"]
    )  # fmt: skip
    assert files() == ["photo-1.glb"]
    mesh = trimesh.load_mesh("reconstructions/photo-1.glb", process=False)
    np.testing.assert_allclose(mesh.vertices, model.vertices * (1, -1, -1), atol=1e-6)
    np.testing.assert_array_equal(mesh.faces, model.faces)


def test_all_formats(run, model):
    Path("photo.jpg").write_bytes(picture())
    boxes = ("--box", "10,5,60,100", "--box", "80,5,60,100")
    status, _ = run("photo.jpg", "--format", "glb, OBJ,json,npz,scene", "--output", "out/deep", *boxes)
    assert status == 0
    assert json.loads(Path("out/deep/photo.json").read_text())["scene"]["glb"] == "photo.scene.glb"
    assert files("out/deep") == [
        "photo-1.glb", "photo-1.obj", "photo-2.glb", "photo-2.obj", "photo.json", "photo.npz", "photo.scene.glb"
    ]  # fmt: skip
    mesh = trimesh.load_mesh("out/deep/photo-2.obj", process=False, maintain_order=True)
    np.testing.assert_allclose(mesh.vertices, model.vertices * (1, -1, -1), atol=6e-6)
    with np.load("out/deep/photo.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].shape for name in arrays} == {
            "scores": (2,), "bboxes": (2, 4), "keypoints_2d": (2, 17, 3), "joints": (2, 17, 3),
            "vertices": (2, len(model.vertices), 3), "translations": (2, 3), "weak_perspectives": (2, 3),
            "faces": model.faces.shape, "focal_length": (), "principal_point": (2,), "size": (2,),
        }  # fmt: skip
        np.testing.assert_array_equal(arrays["vertices"][1], model.vertices)
        np.testing.assert_array_equal(arrays["bboxes"], [(10, 5, 60, 100), (80, 5, 60, 100)])
        np.testing.assert_array_equal(arrays["size"], (160, 120))
        assert arrays["focal_length"] == pytest.approx(200)  # the diagonal of 160 x 120
        place = arrays["translations"][1]
    assert place[0] * 200 / place[2] == pytest.approx(80 + 30 - 160 / 2, abs=0.1)  # the box's middle


def test_what_is_known_of_the_camera_goes_into_the_scene(run, model):
    Path("photo.jpg").write_bytes(picture())
    assert run("photo.jpg", "-f", "json", "--pitch", "-20", "--camera-height", "1.5")[0] == 0
    scene = json.loads(Path("reconstructions/photo.json").read_text())["scene"]
    assert (scene["pitch"], scene["source"], scene["ground"]["camera_height"]) == (-20, "given", 1.5)
    assert scene["ground"]["standing"] == ["photo-1"]
    for option, value in (
        ("--pitch", "91"),
        ("--pitch", "steep"),
        ("--camera-height", "0"),
        ("--camera-height", "nan"),
        ("--person-height", "185"),
    ):
        assert run("photo.jpg", option, value)[0] == 2, (option, value)
    assert run("photo.jpg", "--person-height", "1.85")[0] == 0
    assert model.calls[-1]["person_height"] == 1.85
    assert run("photo.jpg", "--person-height", "1.85", "--camera-height", "1.5")[0] == 2
    assert run("photo.jpg", "-f", "scene", "--subject", "hand")[0] == 2


def test_each_file_that_is_written_is_listed_on_standard_output(run, model):
    Path("photo.jpg").write_bytes(picture())
    result = CliRunner().invoke(app, ["reconstruct", "photo.jpg", "-f", "glb,obj,json,npz", "--overlay", "-o", "out"])
    assert sorted(result.stdout.splitlines()) == [f"out/{name}" for name in files("out")]
    assert len(files("out")) == 6
    assert result.stderr == "1 person in 1 photo -> out\n"


def test_photos_of_a_folder_are_known_by_what_they_hold(run, model):
    Path("web.jpg").write_bytes(encode(smooth(), **FORMATS["avif"]))
    for name, options in HEIC.items():
        Path(f"{name}.HEIC").write_bytes(encode(smooth(), **options))
    assert run(".")[0] == 0
    assert len(files()) == len(model.calls) == 1 + len(HEIC)
    assert all(call["image"].shape == (60, 80, 3) for call in model.calls)


def test_what_a_folder_passes_over_is_named(run):
    Path("photo.jpg").write_bytes(picture())
    for name in ("notes.txt", "scan.tif"):
        Path(name).write_bytes(b"II*\0")
    status, output = run(".")
    assert status == 0
    assert "Passed over:\n  notes.txt: no photo" in output and "\n  scan.tif: no photo" in output


def test_the_json_is_the_answer_of_the_service(run, client):
    photo = picture()
    Path("photo.jpg").write_bytes(photo)
    assert run("photo.jpg", "-f", "json,obj")[0] == 0
    ours = json.loads(Path("reconstructions/photo.json").read_text())
    theirs = client.post("/reconstruct", files=form(photo)).json()
    assert ours["id"] == "photo" and ours["people"][0].pop("id") == "photo-1"
    assert ours["people"][0].pop("mesh") == {"obj": "photo-1.obj"}
    assert ours["timings_ms"].keys() == theirs["timings_ms"].keys()
    del theirs["people"][0]["id"], theirs["people"][0]["mesh"]
    same = ("width", "height", "mode", "model", "people")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    assert ours.keys() == theirs.keys() - {"overlay", "npz", "zip"}  # links; files lie here


def test_nobody_in_a_photo_is_no_error(run):
    Path("dark.jpg").write_bytes(picture(value=0))
    status, output = run("dark.jpg", "-f", "glb,json,npz", "--overlay")
    assert status == 0
    assert "Nobody was found in 1 input:" in output and "dark.jpg" in output
    assert files() == ["dark.json", "dark.npz", "dark.overlay.png", "dark.side.png"]
    assert json.loads(Path("reconstructions/dark.json").read_text())["people"] == []
    with np.load("reconstructions/dark.npz") as arrays:
        assert arrays["vertices"].shape[0] == arrays["bboxes"].shape[0] == 0


def test_the_overlay_is_the_photo_with_the_person_over_it(run):
    Path("photo.jpg").write_bytes(picture())
    assert run("photo.jpg", "--format", "", "--overlay")[0] == 0
    assert files() == ["photo.overlay.png", "photo.side.png"]
    over = cv2.imread("reconstructions/photo.overlay.png")
    assert over.shape == (120, 160, 3)
    changed = np.abs(over.astype(int) - 128).max(axis=2) > 3
    ys, xs = np.nonzero(changed)
    assert xs.min() > 45 and xs.max() < 115 and ys.min() > 6 and ys.max() < 112  # within the box, and a margin
    assert 0.1 < changed[12:108, 48:112].mean() < 0.9
    blue, _, red = over[changed].mean(axis=0)
    assert blue > red + 20  # the first person's colour
    side = cv2.imread("reconstructions/photo.side.png")
    assert side.shape == (120, 160, 3) and 0.02 < (side < 240).any(axis=2).mean() < 0.5


def test_a_second_run_over_the_same_folder_passes_over_its_own_pictures(run, model):
    Path("photo.jpg").write_bytes(picture())
    for _ in range(2):
        assert run(".", "--output", ".", "--overlay")[0] == 0
    assert len(model.calls) == 2


def test_exif_turns_the_photo_and_gives_the_focal_length(run, model):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif.get_ifd(0x8769)[0xA405] = 43  # millimetres, 35 mm equivalent
    Path("photo.jpg").write_bytes(picture(exif=exif))
    assert run("photo.jpg")[0] == 0
    assert run("photo.jpg", "--focal-length", "300")[0] == 0
    first, second = model.calls
    assert first["image"].shape == (160, 120, 3)
    assert first["focal_length"] == pytest.approx(43 * 200 / 43.267, rel=1e-3)
    assert second["focal_length"] == 300


def test_folders_keep_their_layout_and_clashing_names_differ(run):
    for name in ("trip/one/x.jpg", "trip/two/x.jpg", "y.jpg", "y.jpeg"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(picture())
    assert run("trip/**/*.jpg", "y.jpg", "y.jpeg")[0] == 0
    assert files() == ["one/x-1.glb", "two/x-1.glb", "y.jpeg-1.glb", "y.jpg-1.glb"]


def test_max_people_and_boxes_reach_the_network(run, model):
    Path("photo.jpg").write_bytes(picture())
    assert run("photo.jpg", "--max-people", "2")[0] == 0
    assert run("photo.jpg", "--box", "10,5,60,100")[0] == 0
    assert (model.calls[0]["max_people"], model.calls[0]["boxes"]) == (2, None)
    assert (model.calls[1]["max_people"], model.calls[1]["boxes"]) == (None, [(10, 5, 60, 100)])


@pytest.mark.parametrize("box", ["1,2,3", "0,0,1,50", "a,b,c,d", "0,0,inf,5"])
def test_a_box_that_is_none_is_a_wrong_command_line(run, loads, box):
    Path("photo.jpg").write_bytes(picture())
    status, output = run("photo.jpg", "--box", box)
    assert status == 2
    assert "box" in output
    assert loads == []


def test_a_box_beside_the_photo_is_said(run):
    Path("photo.jpg").write_bytes(picture())
    status, output = run("photo.jpg", "--box", "500,5,60,100")
    assert status == 1
    assert "lies outside the photo" in output


def test_boxes_are_for_one_photo(run, loads):
    for name in "ab":
        Path(f"{name}.jpg").write_bytes(picture())
    status, output = run("a.jpg", "b.jpg", "--box", "10,5,60,100")
    assert status == 2
    assert "one photo" in output
    assert loads == []
