"""Which of two answers for one hand counts."""

from __future__ import annotations

import numpy as np

from model.people import better
from model.results import Camera, Person


def test_the_twin_wins_only_where_it_fits_much_better() -> None:
    joints = np.random.default_rng(0).uniform(-0.1, 0.1, (21, 3))
    camera = Camera(500.0, (320.0, 240.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    seen = np.column_stack([500 * joints[:, :2] / (joints[:, 2:] + 1) + (320, 240), np.ones(21)])

    def answer(error: float, side: str) -> Person:
        return Person(
            0.9,
            (0.0, 0.0, 10.0, 10.0),
            seen + np.array([error, 0, 0]),
            joints,
            joints,
            np.zeros((0, 3), np.int32),
            (),
            camera,
            side,
        )

    for own, other, winner in ((10, 3, "left"), (10, 8, "right"), (3, 10, "right")):
        assert better(answer(own, "right"), answer(other, "left")).handedness == winner
