"""Where films are cut."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from model.video.cuts import Cuts


def place(seed: int) -> np.ndarray:
    """(240, 480, 3): a wide view of somewhere, large shapes of all colours."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 12, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (480, 240), interpolation=cv2.INTER_CUBIC))


HERE, THERE = place(0)[:, :320], place(1)[:, :320]
BLACK = np.zeros_like(HERE)


def cuts(frames: Iterable[np.ndarray], rate: float = 30.0) -> list[int]:
    cut = Cuts()
    return [number for number, frame in enumerate(frames) if cut(number / rate, frame)]


def test_another_place_is_a_cut():
    assert cuts([HERE, HERE, THERE, THERE, HERE]) == [2, 4]


def test_a_camera_that_pans_cuts_nothing():
    wide = place(0)
    assert cuts(wide[:, 4 * step : 4 * step + 320] for step in range(40)) == []


def test_people_who_pass_before_the_camera_cut_nothing():
    frames = []
    for step in range(20):
        frames.append(HERE.copy())
        frames[-1][:, 16 * step : 16 * step + 100] = (40, 60, 90)
    assert cuts(frames) == []


def test_a_flash_is_no_cut():
    assert cuts([HERE, np.clip(1.5 * HERE.astype(float) + 60, 0, 255).astype(np.uint8), HERE]) == []


def test_after_black_frames_the_place_before_them_counts():
    assert cuts([HERE, BLACK, BLACK, HERE]) == []
    assert cuts([HERE, BLACK, BLACK, THERE]) == [3]


def test_noise_in_the_dark_is_no_place():
    rng = np.random.default_rng(0)
    assert cuts(rng.integers(0, 12, (5, 240, 320, 3), np.uint8)) == []


def test_of_frames_far_apart_nobody_knows():
    assert cuts([HERE, THERE], rate=2.0) == []
