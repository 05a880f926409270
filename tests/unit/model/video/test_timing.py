"""A film's clock."""

from __future__ import annotations

import numpy as np
import pytest

from model.video.timing import Clock, Thinning, frame_rate


def clocked(told: list[float], step: float = 0.04) -> list[float]:
    clock = Clock(step)
    return [clock(time) for time in told]


def test_times_are_the_files_from_its_first_frame_on():
    assert clocked([1.4, 1.5, 1.75, 61.75]) == pytest.approx([0, 0.1, 0.35, 60.35])


@pytest.mark.parametrize("told", [[0, 0, 0, 0], [5, np.nan, 5, 5], [8, 7, 6, 5], [0, 1e6, 2e6, 3e6]])
def test_without_times_frames_come_at_even_steps(told):
    """Streams without a container, clocks that run backwards or jump by days."""
    assert clocked(told) == pytest.approx([0, 0.04, 0.08, 0.12])


def test_joined_recordings_go_on():
    assert clocked([10, 10.5, 2, 2.5]) == pytest.approx([0, 0.5, 0.54, 1.04])


def thinned(times: np.ndarray, rate: float) -> np.ndarray:
    wanted = Thinning(rate)
    return np.array([time for time in times if wanted(time)])


def test_all_frames_of_a_slower_film_are_wanted():
    for rate in (24, 29.97, 30):
        assert len(thinned(np.round(np.arange(300) / rate, 3), 30)) == 300


def test_late_frames_are_no_reason_to_lose_others():
    late = np.random.default_rng(0).uniform(0, 0.006, 300)
    assert len(thinned(np.arange(300) / 30 + late, 30)) == 300


@pytest.mark.parametrize(("own", "rate"), [(60, 30), (50, 30), (31, 30), (240, 30), (30, 24), (1000, 25)])
def test_no_more_than_asked_for_and_hardly_less(own, rate):
    times = thinned(np.arange(4 * own) / own, rate)
    assert 0.97 * 4 * rate <= len(times) <= 4 * rate + 1
    assert np.diff(times).max() < 2 / rate


def test_after_a_pause_nothing_is_made_up_for():
    times = np.concatenate([np.arange(0, 0.5, 0.01), np.arange(5, 5.5, 0.01)])
    assert len(thinned(times, 10)) == 10


def test_the_files_own_rate_counts_where_times_agree():
    rounded = np.round(np.arange(90) / 29.97, 3)
    assert frame_rate(rounded, 29.97, 1000) == 29.97
    assert frame_rate(rounded, 1000, 30) == pytest.approx(30, rel=0.02)  # the usual step is 33 ms
    assert frame_rate(np.arange(20) / 10, 60, 10) == pytest.approx(10)
    assert frame_rate([0.0], 25, 30) == 25 and frame_rate([0.0], 60, 30) == 30
