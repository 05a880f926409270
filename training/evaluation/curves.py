"""Curves over steps as one SVG file, which browsers and README pages show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

Curve = Sequence[tuple[float, float]]
"""Points x, y, in the order of x."""

_COLOURS = ("#1668b8", "#d1502a", "#2f8f4e", "#8a4fbf", "#b58a00", "#5a6570")
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 380, 60, 310, 36, 48
_TICKS = 5


def plot(title: str, x_label: str, y_label: str, curves: Mapping[str, Curve]) -> str:
    """The SVG's text; axes begin at zero.

    Args:
        curves: by the names that the legend gives; at least one point in all.
    """
    points = [point for curve in curves.values() for point in curve]
    x_step, y_step = (_round_step(max(point[axis] for point in points)) for axis in (0, 1))
    x_end, y_end = (math.ceil(max(p[a] for p in points) / s - 1e-9) * s for a, s in ((0, x_step), (1, y_step)))
    across, down = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + across * x / x_end, _TOP + down * (1 - y / y_end)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12" fill="#333">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 22, title, size=14),
        _text(_LEFT + across / 2, _HEIGHT - 10, x_label, "middle"),
        _text(14, _TOP + down / 2, y_label, "middle", turn=-90),
    ]
    for number in range(round(y_end / y_step) + 1):
        x, y = place(0, number * y_step)
        parts.append(f'<path d="M{x:.1f} {y:.1f}h{across}" stroke="#ddd"/>')
        parts.append(_text(x - 6, y + 4, f"{number * y_step:g}", "end"))
    for number in range(round(x_end / x_step) + 1):
        x, y = place(number * x_step, 0)
        parts.append(_text(x, y + 16, f"{number * x_step:g}", "middle"))
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        line = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = _TOP + 12 + 20 * number
        parts.append(f'<path d="M{_WIDTH - _RIGHT + 14} {y - 4}h18" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(_WIDTH - _RIGHT + 38, y, name))
    return "\n".join([*parts, "</svg>"]) + "\n"


def save_plot(path: Path, title: str, x_label: str, y_label: str, curves: Mapping[str, Curve]) -> None:
    """Writes `plot` to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plot(title, x_label, y_label, curves), encoding="utf-8")


def _round_step(largest: float) -> float:
    """1, 2 or 5 times a power of ten, so that about `_TICKS` of them reach the largest number."""
    rough = max(largest, 1e-9) / _TICKS
    power = 10 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 12, turn: int = 0) -> str:
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{turned}>{escape(text)}</text>'
