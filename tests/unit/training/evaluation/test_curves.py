"""Curves as SVG: axes in round steps from zero, points where they belong."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from training.evaluation.curves import _round_step, plot, save_plot

_NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(
    ("largest", "step"), [(5, 1), (6, 2), (10, 2), (11, 5), (48.9, 10), (207, 50), (0.31, 0.1), (12_000, 5_000)]
)
def test_steps_are_round(largest: float, step: float) -> None:
    assert _round_step(largest) == pytest.approx(step)


def test_points_lie_on_the_axes_scale() -> None:
    root = ElementTree.fromstring(
        plot("A < B", "step", "mm", {"one": [(0, 100), (50, 50), (100, 0)], "two": [(0, 80)]})
    )
    lines = root.findall("svg:polyline", _NAMESPACE)
    first, middle, last = (tuple(map(float, pair.split(","))) for pair in lines[0].attrib["points"].split())
    assert middle == pytest.approx(((first[0] + last[0]) / 2, (first[1] + last[1]) / 2), abs=0.1)
    assert first[1] < last[1]  # y grows downwards on paper
    texts = [text.text for text in root.findall("svg:text", _NAMESPACE)]
    assert {"A < B", "step", "mm", "one", "two", "0", "20", "100"} <= set(texts)
    top = float(lines[1].attrib["points"].split(",")[1])
    assert top == pytest.approx(first[1] + 0.2 * (last[1] - first[1]), abs=0.1)


def test_a_plot_is_written(tmp_path: Path) -> None:
    save_plot(tmp_path / "new" / "a.svg", "title", "x", "y", {"a": [(1, 1)]})
    assert (tmp_path / "new" / "a.svg").read_text().startswith("<svg")
