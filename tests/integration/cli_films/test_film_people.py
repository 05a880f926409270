"""Who of a film counts, by a stand-in for the network that finds coloured boxes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model.video import film as film_module
from model.video.reading import VideoReader
from tests.support.colour_people import BACKGROUND, HEIGHT, RATE, WIDTH, frame
from tests.support.film_files import at_times, film
from tests.support.glb import Glb
from tests.support.written import files


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
