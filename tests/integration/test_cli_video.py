"""`mpt reconstruct` on videos and a webcam, with a stand-in for the network that finds coloured boxes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.video_io import Film, FilmWriter
from model.reconstructor import Reconstructor
from model.results import Reconstruction
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.glb import Glb

Run = Callable[..., tuple[int, str]]
WIDTH, HEIGHT, RATE = 320, 200, 20
FOCAL = float(np.hypot(WIDTH, HEIGHT))
BACKGROUND = 90


class ColourReconstructor(FakeReconstructor):
    """Finds a person in each primary colour that a frame has, in an order that changes with each frame."""

    def reconstruct(self, image: np.ndarray, **options: object) -> Reconstruction:
        boxes = []
        for channel in range(3):
            others = [other for other in range(3) if other != channel]
            ys, xs = np.nonzero((image[..., channel] > 160) & (image[..., others].max(axis=2) < 90))
            if len(xs) > 50:
                boxes.append((float(xs.min()), float(ys.min()), float(np.ptp(xs) + 1), float(np.ptp(ys) + 1)))
        if len(self.calls) % 2:
            boxes.reverse()
        return super().reconstruct(image, **(options | {"boxes": boxes}))


def frame(index: int) -> np.ndarray:
    """A red person walks to the right, a green one to the left, and a blue one is there for three frames only."""
    image = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    image[20:160, 20 + 3 * index : 70 + 3 * index] = (230, 20, 20)
    image[60:190, 250 - 2 * index : 300 - 2 * index] = (20, 230, 20)
    if 5 <= index < 8:
        image[5:50, 150:170] = (20, 20, 230)
    return image


@pytest.fixture
def model() -> FakeReconstructor:
    return ColourReconstructor()


@pytest.fixture
def run(tmp_path: Path, model: FakeReconstructor, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Reconstructor, "load", lambda *_, **__: model)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["reconstruct", *arguments])
        return result.exit_code, result.output

    return run


@pytest.fixture
def clip(run: Run) -> Path:
    """One second."""
    writer = FilmWriter(Path("clip.mp4"), (WIDTH, HEIGHT), RATE)
    for index in range(20):
        writer.add(index / RATE, frame(index))
    writer.finish()
    return Path("clip.mp4")


def files(folder: str = "reconstructions") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_each_person_becomes_a_glb_that_moves(run, clip, model):
    status, output = run("clip.mp4", "--format", "glb,json,npz", "--overlay")
    assert (status, output.strip()) == (0, "2 people in 1 video -> reconstructions")
    assert files() == ["clip-1.glb", "clip-1.npz", "clip-2.glb", "clip-2.npz", "clip.json", "clip.overlay.mp4"]
    answer = json.loads(Path("reconstructions/clip.json").read_text())
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
    with np.load("reconstructions/clip-1.npz", allow_pickle=False) as arrays:
        assert arrays["vertices"].shape == (20, len(model.vertices), 3)
        assert arrays["times"].shape == (20,) and arrays["joints"].shape == (20, 17, 3)
        assert arrays["translations"].shape == (20, 3) and arrays["faces"].shape == model.faces.shape


def test_the_overlay_has_the_bodies_over_the_video(run, clip):
    assert run("clip.mp4", "--format", "", "--overlay")[0] == 0
    assert files() == ["clip.overlay.mp4"]
    film = Film(Path("reconstructions/clip.overlay.mp4"), 100, 10**6)
    frames = [picture for _, picture in film]
    assert len(frames) == 20 and film.rate == RATE
    red = frame(10)[..., 0] > 160
    before, after = frame(10)[red].mean(axis=0), frames[10][red].mean(axis=0)
    assert after[0] < before[0] - 20 and after[2] > before[2] + 20  # a bluish body over the red person
    assert np.abs(frames[10][~(frame(10).max(axis=2) > 160)].astype(int) - BACKGROUND).mean() < 9


def test_fewer_frames_are_looked_at_on_request(run, clip, model):
    assert run("clip.mp4", "--fps", "10", "--max-people", "4")[0] == 0
    assert len(model.calls) == 10
    times, _ = Glb(Path("reconstructions/clip-1.glb").read_bytes()).channels()["translation"]
    np.testing.assert_allclose(times, np.arange(10) / 10, atol=1e-4)


def test_photos_and_videos_go_together_and_a_broken_video_is_passed_over(run, clip):
    cv2.imwrite("photo.jpg", frame(0)[..., ::-1])
    Path("broken.mov").write_bytes(b"nothing")
    status, output = run("photo.jpg", "broken.mov", "*.mp4")
    assert status == 3
    assert "4 people in 1 photo and 1 video" in output
    assert "broken.mov: No frame of this video can be decoded." in output
    assert files() == ["clip-1.glb", "clip-2.glb", "photo-1.glb", "photo-2.glb"]


def test_a_folder_means_its_photos(run, clip):
    status, output = run(".")
    assert status == 1
    assert "holds no photo" in output


def test_nobody_in_a_video_is_no_error(run):
    writer = FilmWriter(Path("empty.mp4"), (WIDTH, HEIGHT), RATE)
    for index in range(10):
        writer.add(index / RATE, np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8))
    writer.finish()
    status, output = run("empty.mp4", "-f", "json,glb")
    assert status == 0
    assert "Nobody was found in 1 input:" in output
    assert json.loads(Path("reconstructions/empty.json").read_text())["people"] == []
    assert files() == ["empty.json"]


def test_each_input_gets_what_it_can_be_given(run, clip):
    cv2.imwrite("photo.jpg", frame(0)[..., ::-1])
    status, output = run("photo.jpg", "clip.mp4", "--format", "obj,glb")
    assert status == 0
    assert "4 people in 1 photo and 1 video" in output and "Of videos there is no obj" in output
    assert files() == [
        *(f"clip-{n}.glb" for n in (1, 2)),
        *(f"photo-{n}.{kind}" for n in (1, 2) for kind in ("glb", "obj")),
    ]
    status, output = run("photo.jpg", "clip.mp4", "--format", "obj", "--output", "meshes")
    assert status == 3 and "clip.mp4: An obj cannot move" in output
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
    assert files() == []


class Webcam:
    """Twenty frames, then Ctrl-C."""

    def __init__(self, source: int) -> None:
        assert source == 0
        self._frames: Iterator[np.ndarray] = (frame(index) for index in range(20))

    def isOpened(self) -> bool:
        return True

    def read(self) -> tuple[bool, np.ndarray]:
        time.sleep(0.04)
        try:
            return True, next(self._frames)[..., ::-1].copy()
        except StopIteration:
            raise KeyboardInterrupt from None

    def get(self, what: int) -> float:
        return 30.0 if what == cv2.CAP_PROP_FPS else -1.0

    def release(self) -> None:
        pass


def test_a_webcam_goes_on_until_it_is_interrupted(run, monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    start = time.monotonic()
    status, output = run("0", "--overlay")
    taken = time.monotonic() - start
    assert status == 0
    assert "Ctrl-C" in output and "2 people in 1 video -> reconstructions" in output
    assert files() == ["webcam-0-1.glb", "webcam-0-2.glb", "webcam-0.overlay.mp4"]
    times, _ = Glb(Path("reconstructions/webcam-0-1.glb").read_bytes()).channels()["translation"]
    assert len(times) >= 10 and 0.7 < times[-1] < taken  # its times are the clock's


def test_a_webcam_that_is_not_there_was_never_on(run, monkeypatch):
    monkeypatch.setattr(Webcam, "isOpened", lambda _: False)
    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    status, output = run("0")
    assert status == 1
    assert "There is no webcam 0" in output and "Ctrl-C" not in output


def test_a_file_that_is_called_as_a_webcam_is_a_file(run):
    cv2.imwrite("0.jpg", frame(0)[..., ::-1])
    Path("0.jpg").rename("0")
    assert run("0")[0] == 0
    assert files() == ["0-1.glb", "0-2.glb"]
