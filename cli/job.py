"""What is to be done with each input, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import notes, results
from cli.errors import ExitCode
from cli.inputs import Unusable

if TYPE_CHECKING:
    from model.body.rig import Rig
    from model.interfaces import Box


@dataclass(frozen=True)
class Wishes:
    """What to do with each photo."""

    output: Path
    formats: frozenset[str]
    overlay: bool
    boxes: list[Box] | None
    max_people: int | None
    focal_length: float | None
    max_pixels: int
    rate: float
    """Frames a second of videos, at most."""
    rig: Rig | None = None
    """Of the bodies that are fitted; None for none."""


@dataclass
class Outcome:
    """What came of all inputs."""

    photos: int = 0
    videos: int = 0
    people: int = 0
    """Or hands, if these were looked for."""
    hands: bool = False
    wanted_obj: bool = False
    empty: list[str] = field(default_factory=list)
    """Photos and videos without people."""
    unusable: list[Unusable] = field(default_factory=list)
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """As `ExitCode` says; 0 if every input was used."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.unusable:
            return ExitCode.PARTLY if self.photos or self.videos else ExitCode.FAILED
        return 0

    def tell(self, output: Path) -> None:
        """Say what was done, then what was not."""
        done = [_count(n, kind) for n, kind in ((self.photos, "photo"), (self.videos, "video")) if n]
        if done:
            found = _count(self.people, "hand") if self.hands else _count(self.people, "person", "people")
            results.print(f"{found} in {' and '.join(done)} -> {output}")
        if self.videos and self.wanted_obj:
            notes.print("Of videos there is no obj, which cannot move; glb, bvh, json and npz can.")
        if self.empty:
            nothing = "No hand" if self.hands else "Nobody"
            notes.print(f"{nothing} was found in {_count(len(self.empty), 'input')}:")
        for name in self.empty:
            notes.print(f"  {name}")
        if self.unusable:
            notes.print(f"{_count(len(self.unusable), 'input')} could not be used:", style="bold red")
        for name, reason in self.unusable:
            notes.print(f"  {name}: {reason}")
        if self.interrupted:
            notes.print("Interrupted; what was done until then is whole.")


def _count(number: int, one: str, more: str | None = None) -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"
