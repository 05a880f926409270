"""Numbers on command lines, checked before anything begins."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def whole(least: int = 1, most: float = float("inf")) -> Callable[[str], int]:
    """A type for argparse: a whole number within these bounds."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        _check(value, least, most)
        return value

    return parse


def real(least: float, most: float) -> Callable[[str], float]:
    """A type for argparse: a number within these bounds."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        _check(value, least, most)
        return value

    return parse


def _check(value: float, least: float, most: float) -> None:
    if not least <= value <= most:  # NaN is not, either
        bounds = f"at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"
        raise argparse.ArgumentTypeError(f"it must be {bounds}, not {value:g}")
