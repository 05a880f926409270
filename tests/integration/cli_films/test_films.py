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
from model.video import film as film_module
from model.video.following import Pace
from model.video.reading import VideoReader
from tests.support.colour_people import (
    BACKGROUND,
    FOCAL,
    HEIGHT,
    RATE,
    WIDTH,
    files,
    frame,
)
from tests.support.film_files import at_times, cut, film, shown_as_wide, table_first
from tests.support.glb import Glb


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


def test_the_overlay_has_the_bodies_over_the_video(run, clip):
    assert run("clip.mp4", "--format", "", "--overlay")[0] == 0
    assert files() == ["clip.video.overlay.webm"]
    drawn = VideoReader(Path("reconstructions/clip.video.overlay.webm"), 100, 10**6)
    frames = [picture for _, picture in drawn]
    assert len(frames) == 20 and drawn.told_rate == RATE
    red = frame(10)[..., 0] > 160
    before, after = frame(10)[red].mean(axis=0), frames[10][red].mean(axis=0)
    assert after[0] < before[0] - 20 and after[2] > before[2] + 20  # a bluish body over the red person
    assert np.abs(frames[10][~(frame(10).max(axis=2) > 160)].astype(int) - BACKGROUND).mean() < 9


def test_each_person_keeps_a_colour_of_her_own(run, clip, model):
    assert run("clip.mp4", "--colors", "person")[0] == 0
    worn = [Glb(Path(f"reconstructions/clip.video-{k}.glb").read_bytes()).attribute("COLOR_0")[0] for k in (1, 2)]
    wanted = [Glb(to_glb(model.vertices, model.faces, "x", model.garment.colors(k))) for k in (0, 1)]
    assert [tuple(colour) for colour in worn] == [tuple(glb.attribute("COLOR_0")[0]) for glb in wanted]
    assert tuple(worn[0]) != tuple(worn[1])


def test_an_overlay_of_a_large_film_is_smaller_and_its_bodies_with_it(run, monkeypatch):
    film(Path("large.mp4"), [cv2.resize(frame(index), None, fx=5, fy=5) for index in range(3)], RATE)
    assert run("large.mp4", "--format", "", "--overlay")[0] == 0
    drawn = VideoReader(Path("reconstructions/large.video.overlay.webm"), 100, 10**7)
    _, picture = next(iter(drawn))
    assert (drawn.width, drawn.height) == (960, 600)
    red = cv2.resize((frame(0)[..., 0] > 160).astype(np.uint8), (960, 600)) > 0
    assert picture[red][:, 2].mean() > 60  # a bluish body over the red person, still
    beside = cv2.resize((frame(0).max(axis=2) > 160).astype(np.uint8), (960, 600)) == 0
    assert np.abs(picture[beside].astype(int) - BACKGROUND).mean() < 9


def test_an_overlay_lasts_as_long_as_a_time_lapse(run):
    """A frame every two seconds, the last one too; players get one a second."""
    film(Path("lapse.mp4"), [frame(index) for index in range(4)], rate=0.5)
    assert run("lapse.mp4", "--format", "json", "--overlay")[0] == 0
    assert json.loads(Path("reconstructions/lapse.video.json").read_text())["frame_rate"] == 0.5
    drawn = VideoReader(Path("reconstructions/lapse.video.overlay.webm"), 100, 10**6)
    assert drawn.told_rate == 1 and [time for time, _ in drawn] == pytest.approx(range(8))


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


@pytest.mark.parametrize(("count", "rate", "options"), [(20, 60, ()), (1, 20, ()), (48, 20, ("--fps", "1"))])
def test_who_is_in_every_frame_of_a_short_film_is_kept(run, count, rate, options):
    """A third of a second; one frame; 2.4 s of which three frames are looked at."""
    film(Path("short.mp4"), [frame(index) for index in range(count)], rate)
    status, output = run("short.mp4", "--format", "glb,json", "--overlay", *options)
    assert (status, output.splitlines()[-1]) == (0, "2 people in 1 video -> reconstructions")
    assert files() == ["short.video-1.glb", "short.video-2.glb", "short.video.json", "short.video.overlay.webm"]


def test_who_was_seen_for_a_moment_only_is_not_worked_on(run, clip, monkeypatch):
    """The blue one of three frames does not count: nobody looks whether she has left for right."""
    put_right: list[int] = []
    monkeypatch.setattr(film_module, "put_right", lambda track, *_: put_right.append(len(track)))
    assert run("clip.mp4", "--format", "json")[0] == 0
    assert len(put_right) == 2 and min(put_right) > 3


def test_who_was_seen_for_a_moment_only_is_said(run):
    """And not that nobody was there."""
    empty = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    film(Path("hall.mp4"), [frame(0) if index == 10 else empty for index in range(40)], RATE)
    status, output = run("hall.mp4")
    assert status == 0
    output = " ".join(output.split())
    assert (
        "hall.mp4: somebody was seen, but in no more than 1 of 40 frames; whoever is followed must be in 10" in output
    )


def test_the_most_people_are_the_most_present_and_whole(run):
    """The green one enters late, and is the more prominent one from then on."""
    frames = [frame(index) for index in range(30)]
    for picture in frames[:15]:
        picture[picture[..., 1] > 200] = BACKGROUND
    film(Path("two.mp4"), frames, RATE)
    assert run("two.mp4", "--max-people", "1", "-f", "json")[0] == 0
    (person,) = json.loads(Path("reconstructions/two.video.json").read_text())["people"]
    assert len(person["frames"]) == 30
    assert np.diff([one["bbox"][0] for one in person["frames"]]).mean() == pytest.approx(3, abs=0.2)  # the red one


def test_who_enters_late_is_on_the_films_clock(run, model, monkeypatch):
    """In every file: half a second after its beginning, at times that are not even."""
    filmed = [*np.arange(0, 1, 0.05), *np.arange(1, 2.01, 0.1)]
    frames = [frame(index) for index in range(len(filmed))]
    for picture in frames[:10]:
        picture[picture[..., 1] > 200] = BACKGROUND
    at_times(film(Path("late.mp4"), frames), filmed)
    status, output = run("late.mp4", "-f", "glb,json,npz", "--overlay")
    assert status == 0, output
    answer = json.loads(Path("reconstructions/late.video.json").read_text())
    red, green = answer["people"]
    for person, expected in ((red, filmed), (green, filmed[10:])):
        assert [one["time"] for one in person["frames"]] == pytest.approx(expected, abs=0.002)
        keys, _ = Glb(Path("reconstructions", person["mesh"]["glb"]).read_bytes()).channels()["translation"]
        assert keys == pytest.approx(expected, abs=0.002)
        with np.load(f"reconstructions/{person['id']}.npz", allow_pickle=False) as arrays:
            assert arrays["times"] == pytest.approx(expected, abs=0.002)
    drawn = VideoReader(Path("reconstructions/late.video.overlay.webm"), 100, 10**6)
    length = [time for time, _ in drawn][-1] + 1 / RATE
    assert drawn.told_rate == pytest.approx(answer["frame_rate"]) == pytest.approx(RATE, abs=0.1)
    assert length == pytest.approx(2.05, abs=0.06)  # as long as the film, though of other frames


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


def test_bars_are_no_part_of_the_picture_and_places_are_in_all_of_the_frame(run, model):
    pictures = [frame(index) for index in range(20)]
    for picture in pictures:
        picture[::20][(picture[::20] == BACKGROUND)] += 50  # no plain wall, which might be a bar, too
    film(Path("bars.mp4"), [np.pad(picture, ((0, 0), (80, 80), (0, 0))) for picture in pictures], RATE)
    assert run("bars.mp4", "-f", "json,npz", "--overlay")[0] == 0
    answer = json.loads(Path("reconstructions/bars.video.json").read_text())
    assert (answer["width"], answer["height"]) == (WIDTH + 160, HEIGHT)
    seen = model.calls[0]["image"].shape[1]
    assert WIDTH - 5 < seen <= WIDTH
    for person in answer["people"]:
        for one in person["frames"]:
            assert one["camera"]["principal_point"] == pytest.approx([80 + seen / 2, HEIGHT / 2], abs=3)
            middle = one["bbox"][0] + one["bbox"][2] / 2
            assert np.mean([x for x, *_ in one["keypoints_2d"]]) == pytest.approx(middle, abs=60)
    (red,) = (person for person in answer["people"] if person["frames"][0]["bbox"][0] < 150)
    assert red["frames"][0]["bbox"][0] == pytest.approx(80 + 20, abs=6)
    drawn = VideoReader(Path("reconstructions/bars.video.overlay.webm"), 100, 10**6)
    first = next(iter(drawn))[1].astype(int)
    assert np.abs(first[30:150, 102:145] - (230, 20, 20)).mean() > 20 > np.abs(first[:, 150:300] - BACKGROUND).mean()


def test_pictures_of_oblong_pixels_are_drawn_as_they_are_seen(run, model):
    narrow = [cv2.resize(frame(index), (WIDTH // 2, HEIGHT)) for index in range(10)]
    shown_as_wide(film(Path("narrow.mp4"), narrow), WIDTH)
    assert run("narrow.mp4", "-f", "json", "--overlay")[0] == 0
    answer = json.loads(Path("reconstructions/narrow.video.json").read_text())
    assert (answer["width"], answer["height"]) == (WIDTH, HEIGHT)
    assert model.calls[0]["image"].shape == (HEIGHT, WIDTH, 3)
    drawn = VideoReader(Path("reconstructions/narrow.video.overlay.webm"), 100, 10**6)
    assert (drawn.width, drawn.height) == (WIDTH, HEIGHT)


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
