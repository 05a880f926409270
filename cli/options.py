"""Options that several commands have."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from model.interfaces import Box


class Subject(str, Enum):
    """What to reconstruct."""

    BODY = "body"
    HAND = "hand"


OfSubject = Annotated[Subject, typer.Option("--subject", help="People's bodies, or their hands.")]
Boxes = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        metavar="X,Y,W,H",
        help="Where a person, or a hand, is, in pixels of the upright photo, instead of finding them. Repeat it for "
        "more; only with a single photo.",
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="FILE", help="Instead of the one that the settings name.", show_default=False),
]
Device = Annotated[
    str | None,
    typer.Option("--device", metavar="NAME", help="cpu, cuda, cuda:1; else what is there.", show_default=False),
]


def read_boxes(texts: list[str] | None) -> list[Box] | None:
    """The boxes of --box options; None if there are none.

    Raises:
        typer.BadParameter: One of them is none.
    """
    from service.queries import parse_box

    try:
        return [parse_box(text) for text in texts] if texts else None
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--box") from None
