"""Overlays of videos, and what the picture in them is, by a stand-in that finds coloured boxes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.video.reading import VideoReader
from tests.support.colour_people import BACKGROUND, HEIGHT, RATE, WIDTH, frame
from tests.support.film_files import film, shown_as_wide
from tests.support.written import files


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
