"""What is to be done with each input, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import notes
from cli.errors import ExitCode
from cli.inputs import Source, Unusable

if TYPE_CHECKING:
    from model.body.rig import Rig
    from model.interfaces import Box
    from model.reconstructor import Colors, HandsMode, MeshKind, Reconstructor
    from model.video.film import Frame


@dataclass(frozen=True)
class Job:
    """What to make of each input, and with which network."""

    model: Reconstructor
    output: Path
    """The folder."""
    formats: frozenset[str]
    """The kinds of files to write, of glb, obj, scene, json, npz, rigged, bvh, trc, c3d and smpl-npz."""
    overlay: bool
    boxes: list[Box] | None
    max_people: int | None
    focal_length: float | None
    pitch: float | None
    camera_height: float | None
    person_height: float | None
    max_pixels: int
    frame_rate: float
    """Frames a second of videos, at most."""
    fast: bool
    """Whether networks see `FAST` of them a second."""
    colors: Colors
    rig: Rig | None
    """Of what needs a skeleton; None if nothing does."""
    mesh: MeshKind = "body"
    """Whose mesh is written: a body's, or the network's own."""
    hands: HandsMode = "auto"
    """Whether hands that are seen pose those of bodies."""
    skeleton: str = "smpl"
    """Whose joints' names and resting pose BVH has, of `SKELETONS`."""
    frame: Frame = "world"
    """Where files that move stand."""


@dataclass
class Outcome:
    """What came of all inputs."""

    photos: int = 0
    videos: int = 0
    people: int = 0
    """People, or hands if the subject is hands."""
    hands: bool = False
    wanted_still: bool = False
    """Whether what cannot move was asked for."""
    empty: list[Unusable] = field(default_factory=list)
    """Photos and videos without people, and why."""
    partial: list[Unusable] = field(default_factory=list)
    """Videos that are not whole; what could be read of them is done."""
    unusable: list[Unusable] = field(default_factory=list)
    passed_over: list[Unusable] = field(default_factory=list)
    """Files of folders and patterns that are no inputs."""
    bare: list[str] = field(default_factory=list)
    """People of photos who came out as no body and so have no skeleton, though one was wanted."""
    untried: Sequence[Source] = ()
    """Inputs that were left, since the disk is full."""
    moving: list[str] = field(default_factory=list)
    """Videos whose camera goes somewhere."""
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """As `ExitCode` says; 0 if every input was used."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.unusable and not (self.photos or self.videos):
            return ExitCode.FAILED
        return ExitCode.PARTLY if self.unusable or self.partial or self.bare else 0

    def tell(self, output: Path) -> None:
        """Say what was done, then what was not."""
        done = [_count(n, kind) for n, kind in ((self.photos, "photo"), (self.videos, "video")) if n]
        if done:
            found = _count(self.people, "hand") if self.hands else _count(self.people, "person", "people")
            notes.print(f"{found} in {' and '.join(done)} -> {output}")
        if self.videos and self.wanted_still:
            notes.print("Of videos there is no obj and no scene, which cannot move; glb, bvh, json and npz can.")
        if self.moving:
            films = ", ".join(self.moving)
            notes.print(f"The camera is carried along: how far people walk is by their feet alone: {films}")
        if self.empty:
            nothing = "No hand" if self.hands else "Nobody"
            notes.print(f"{nothing} was found in {_count(len(self.empty), 'input')}:")
        for name, reason in self.empty:
            notes.print(f"  {name}: {reason}" if reason else f"  {name}")
        if self.partial:
            notes.print(f"{_count(len(self.partial), 'video')} could be read in part only:", style="bold red")
        for name, reason in self.partial:
            notes.print(f"  {name}: {reason}")
        if self.bare:
            count = _count(len(self.bare), "person", "people")
            notes.print(f"{count} came out as no body, which has no skeleton: {'; '.join(self.bare)}")
        if self.unusable:
            notes.print(f"{_count(len(self.unusable), 'input')} could not be used:", style="bold red")
        for name, reason in self.unusable:
            notes.print(f"  {name}: {reason}")
        if self.untried:
            others = f"{_count(len(self.untried), 'input')}, from {self.untried[0].path} on"
            notes.print(f"The disk is full. Left for later: {others}")
        if self.passed_over:
            notes.print("Passed over:")
        for name, reason in self.passed_over:
            notes.print(f"  {name}: {reason}")
        if self.interrupted:
            notes.print("Interrupted; what was done until then is whole.")


def _count(number: int, one: str, more: str | None = None) -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"
