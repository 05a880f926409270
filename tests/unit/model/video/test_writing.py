"""Videos that are written: how long frames stand, odd sizes, and nothing half done."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from model.video.reading import VideoReader
from model.video.writing import Recording, VideoWriter
from tests.support.film_files import grey

PIXELS = 1_000_000


def test_a_frame_stands_until_the_next_one(tmp_path):
    writer = VideoWriter(tmp_path / "a.webm", (64, 48), 10.0)
    for when, value in ((0.0, 20), (0.1, 60), (0.5, 120)):
        writer.add(when, grey(value))
    writer.finish()
    values = [float(frame[:, 40:].mean()) for _, frame in VideoReader(tmp_path / "a.webm", 100, PIXELS)]
    assert values == pytest.approx([20, 60, 60, 60, 60, 120], abs=6)


def test_odd_sizes_can_be_written(tmp_path):
    writer = VideoWriter(tmp_path / "a.webm", (65, 49), 10.0)
    writer.add(0, grey(50, 65, 49))
    writer.finish()
    ((_, frame),) = VideoReader(tmp_path / "a.webm", 100, PIXELS)
    assert frame.mean() == pytest.approx(50, abs=6)


def test_writing_says_nothing(tmp_path, capfd):
    writer = VideoWriter(tmp_path / "a.webm", (64, 48), 10.0)
    writer.add(0, grey(50))
    writer.finish()
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_is_told_of(tmp_path, capfd):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 256, (4, 96, 128, 3), np.uint8)
    writer = VideoWriter(tmp_path / "a.webm", (128, 96), 10.0)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (10_000, limits[1])
    )  # bytes of any file: as if there were no room for more
    try:
        for index, frame in enumerate(noise):
            writer.add(index / 10, frame)
        with pytest.raises(OSError, match="The disk is full") as caught:
            writer.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.ENOSPC
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_finished_leaves_nothing(tmp_path):
    writer = VideoWriter(tmp_path / "a.webm", (64, 48), 10.0)
    writer.add(0, grey(50))
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_comes_back_small_and_in_its_colours():
    recording = Recording(64, 48)
    for value in (20, 90, 200):
        recording.add(grey(value))
    recording.add(np.full((96, 128, 3), (220, 120, 20), np.uint8))
    *_, last = recording
    assert last.shape == (48, 64, 3) and last.reshape(-1, 3).mean(axis=0) == pytest.approx((220, 120, 20), abs=3)
    assert [float(frame[:, 40:].mean()) for frame in list(recording)[:3]] == pytest.approx([20, 90, 200], abs=3)
