"""Numbers and devices on command lines, checked before anything begins."""

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


def add_device(parser: argparse.ArgumentParser) -> None:
    """Adds `--device`: what PyTorch can compute on here; a GPU if there is one."""
    import torch

    there = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", type=_device, default=there, help="cpu, cuda or cuda:1; what is there")


def _device(text: str) -> str:
    import torch

    try:
        torch.empty(0, device=text)
    except (AssertionError, ImportError, RuntimeError) as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be used here: {str(error).splitlines()[0]}") from None
    return text


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
