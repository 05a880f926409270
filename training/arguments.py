"""Numbers on command lines, checked before anything begins."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

_Number = TypeVar("_Number", int, float)


def whole(least: int = 1, most: float = float("inf")) -> Callable[[str], int]:
    """A type for argparse: a whole number within these bounds."""
    return _within(int, "whole number", least, most)


def real(least: float, most: float) -> Callable[[str], float]:
    """A type for argparse: a number within these bounds."""
    return _within(float, "number", least, most)


def _within(kind: Callable[[str], _Number], name: str, least: float, most: float) -> Callable[[str], _Number]:
    def parse(text: str) -> _Number:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no {name}") from None
        if not least <= value <= most:  # NaN is not, either
            bounds = f"at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"
            raise argparse.ArgumentTypeError(f"it must be {bounds}, not {value:g}")
        return value

    return parse
