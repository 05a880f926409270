"""Films among photos and in folders, and webcams: what `mpt reconstruct` makes of each of its inputs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.video.writing import VideoWriter
from tests.support.colour_people import BACKGROUND, HEIGHT, RATE, WIDTH, frame
from tests.support.film_files import changed, film, lens_metadata
from tests.support.glb import Glb
from tests.support.written import files


def test_films_are_known_by_what_they_hold(run):
    film(Path("camcorder.mts"), [frame(index) for index in range(20)], 25)
    film(Path("a.avi"), [frame(index) for index in range(20)]).rename("download")
    cv2.imwrite("photo.jpg", frame(0)[..., ::-1])
    Path("photo.jpg").rename("photo.mov")
    status, output = run("*o*", "download")
    assert status == 0
    assert "6 people in 1 photo and 2 videos" in output


@pytest.mark.parametrize(
    ("options", "focal"), [((), 26 * np.hypot(WIDTH, HEIGHT) / np.hypot(36, 24)), (("--focal-length", "500"), 500)]
)
def test_the_lens_that_a_phone_noted_counts_unless_another_one_is_given(run, options, focal):
    film(Path("phone.mov"), [frame(index) for index in range(20)])
    changed(Path("phone.mov"), "moov/trak", lambda body: body + lens_metadata(1, b"26"))
    assert run("phone.mov", "--format", "json", *options)[0] == 0
    answer = json.loads(Path("reconstructions/phone.video.json").read_text())
    assert answer["people"][0]["frames"][0]["camera"]["focal_length"] == pytest.approx(focal, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("clip.mp4", "--pitch", "-20"), "photos alone"),
        (("clip.mp4", "--camera-height", "1.5"), "photos alone"),
        (("photo.jpg", "--fast"), "for videos"),
        (("photo.jpg", "--frame", "camera"), "for videos"),
        (("photo.jpg", "--skeleton", "mixamo"), "the joints of BVH"),
    ],
)
def test_what_says_nothing_of_the_inputs_is_refused(run, clip, arguments, words):
    cv2.imwrite("photo.jpg", frame(0)[..., ::-1])
    status, output = run(*arguments)
    assert status == 2 and words in output


def test_photos_and_videos_go_together_and_a_broken_video_is_passed_over(run, clip):
    cv2.imwrite("photo.jpg", frame(0)[..., ::-1])
    Path("broken.mov").write_bytes(b"nothing")
    status, output = run("photo.jpg", "broken.mov", "*.mp4")
    assert status == 3
    assert "4 people in 1 photo and 1 video" in output
    assert "broken.mov: This file holds no video that is known here." in output
    assert files() == ["clip.video-1.glb", "clip.video-2.glb", "photo-1.glb", "photo-2.glb"]


def test_a_photo_and_the_film_of_the_same_name_keep_their_answers(run, clip):
    """Phones write a film of a second or two beside each photo; here one is reconstructed after the other."""
    cv2.imwrite("clip.jpg", frame(0)[..., ::-1])
    assert run("clip.jpg", "-f", "glb,json")[0] == 0
    stills = {name: (Path("reconstructions") / name).read_bytes() for name in files()}
    assert run("clip.mp4", "-f", "glb,json")[0] == 0
    assert all((Path("reconstructions") / name).read_bytes() == data for name, data in stills.items())
    assert files() == sorted([*stills, "clip.video-1.glb", "clip.video-2.glb", "clip.video.json"])


def test_a_folder_means_its_photos(run, clip):
    status, output = run(".")
    assert status == 1
    assert "holds no photo" in output


def test_nobody_in_a_video_is_no_error(run):
    writer = VideoWriter(Path("empty.mp4"), (WIDTH, HEIGHT), RATE)
    for index in range(10):
        writer.add(index / RATE, np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8))
    writer.finish()
    status, output = run("empty.mp4", "-f", "json,glb")
    assert status == 0
    assert "Nobody was found in 1 input:" in output
    assert json.loads(Path("reconstructions/empty.video.json").read_text())["people"] == []
    assert files() == ["empty.video.json"]


class Webcam:
    """Twenty frames of two people, then Ctrl-C.

    Not of the third: on a busy machine, the clock going on, she would be there for long enough to count.
    """

    def __init__(self, source: int) -> None:
        assert source == 0
        self._frames: Iterator[np.ndarray] = (frame(index) for index in range(8, 28))
        self._now: np.ndarray

    def isOpened(self) -> bool:
        return True

    def grab(self) -> bool:
        time.sleep(0.04)
        try:
            self._now = next(self._frames)[..., ::-1].copy()
        except StopIteration:
            raise KeyboardInterrupt from None
        return True

    def retrieve(self, image: np.ndarray | None) -> tuple[bool, np.ndarray]:
        return True, self._now

    def get(self, what: int) -> float:
        return 30.0 if what == cv2.CAP_PROP_FPS else -1.0

    def release(self) -> None:
        pass


@pytest.fixture
def webcam(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = cv2.VideoCapture
    monkeypatch.setattr(
        cv2, "VideoCapture", lambda source, *how: capture(source, *how) if isinstance(source, str) else Webcam(source)
    )


def test_a_webcam_goes_on_until_it_is_interrupted(run, webcam):
    start = time.monotonic()
    status, output = run("0", "--overlay")
    taken = time.monotonic() - start
    assert status == 0
    assert "Ctrl-C" in output and "2 people in 1 video -> reconstructions" in output
    assert files() == ["webcam-0-1.glb", "webcam-0-2.glb", "webcam-0.overlay.webm"]
    times, _ = Glb(Path("reconstructions/webcam-0-1.glb").read_bytes()).channels()["translation"]
    assert len(times) >= 10 and 0.7 < times[-1] < taken  # its times are the clock's


def test_a_webcam_that_is_not_there_was_never_on(run, webcam, monkeypatch):
    monkeypatch.setattr(Webcam, "isOpened", lambda _: False)
    status, output = run("0")
    assert status == 1
    assert "There is no webcam 0" in output and "Ctrl-C" not in output


def test_a_file_that_is_called_as_a_webcam_is_a_file(run):
    cv2.imwrite("0.jpg", frame(0)[..., ::-1])
    Path("0.jpg").rename("0")
    assert run("0")[0] == 0
    assert files() == ["0-1.glb", "0-2.glb"]
