"""What a person names (files, folders, patterns) as a list of files, and names for what is made of them."""

from __future__ import annotations

import glob
import itertools
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from cli.errors import describe
from model.formats.endings import HEATMAPS, INFLUENCE, OVERLAY, OVERLAY_VIDEO, SIDE
from model.formats.file_kinds import file_kind
from model.formats.signatures import FORMATS

PHOTOS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif", ".avif")
VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".3gp", ".ogv", ".wmv")
"""Of files that hold nothing known: what they should have been. All else goes by what is in them."""
_OURS = (OVERLAY, SIDE, OVERLAY_VIDEO, HEATMAPS, INFLUENCE)
"""Ends of the names of pictures that we make: a second run over the same folder passes over them."""

_STDIN = "/dev/stdin"  # otherwise called -


class Source(NamedTuple):
    """A file to work on, or a webcam."""

    path: Path
    place: Path
    """Its path below the folder, or the fixed part of the pattern, that was named; the bare name of a named file."""
    webcam: int | None = None
    """The number of a webcam, which is no file; None of files."""
    is_video: bool = False
    """Whether it has many frames."""


class Unusable(NamedTuple):
    """An input that cannot be used, and a sentence that says why."""

    name: str
    reason: str


class Found(NamedTuple):
    """What arguments stand for."""

    sources: list[Source]
    """Each once, in order."""
    passed_over: list[Unusable]
    """What lies in folders, and files that patterns match, that is not meant."""
    unusable: list[Unusable]
    """Arguments that stand for nothing."""


def find_sources(arguments: Iterable[str]) -> Found:
    """The files that arguments name.

    A folder stands for the photos in it, without those of its subfolders; videos take long, and are not meant by it.
    A pattern (`*`, `?`, `[...]`, and `**` for all subfolders) stands for photos and videos. Files in folders and of
    patterns count by what they hold, not by their endings; hidden ones never do. A file that is named itself may hold
    anything. A number that is no file is a webcam, `-` standard input.
    """
    found: dict[Path, Source] = {}
    passed: dict[Path, Unusable] = {}
    unusable = []
    arguments = list(dict.fromkeys("-" if name == _STDIN else name for name in arguments))  # a pipe can be read once
    for argument in arguments:
        try:
            sources, reason = _named(argument, passed)
        except OSError as error:  # a folder that may not be read, a name that is too long
            sources, reason = [], describe(error)
        for source in sources:
            found.setdefault(_real(source.path), source)
        if not sources:
            unusable.append(Unusable(argument, reason))
    meant = found.keys() | {_real(Path(argument)) for argument in arguments}
    passed_over = [what for file, what in passed.items() if file not in meant]
    return Found(list(found.values()), passed_over, unusable)


def _named(argument: str, passed: dict[Path, Unusable]) -> tuple[list[Source], str]:
    """What one argument stands for, and why where that is nothing; what is passed over is put into `passed`."""
    path = Path(argument)
    if not argument:
        return [], "This name is empty."  # and not this folder: a script's variable was not set
    if argument == "-" or path.is_fifo():
        return _piped(path)
    if path.is_dir():
        return _meant(sorted(path.iterdir()), path, passed, videos=False), f"This folder holds no photo ({FORMATS})."
    if path.exists():
        named = [Source(path, Path(path.name), is_video=_is_video(path))] if path.is_file() else []
        return named, "This is no ordinary file."
    if glob.has_magic(argument):
        files = sorted(Path(match) for match in glob.iglob(argument, recursive=True))
        reason = f"This pattern matches no photo ({FORMATS}) and no video."
        return _meant(files, _fixed_part(path), passed, videos=True), reason
    if re.fullmatch("[0-9]{1,2}", argument):
        return [Source(path, Path(f"webcam-{argument}"), int(argument), is_video=True)], ""
    if re.match("[a-z]+://", argument, re.IGNORECASE):
        return [], "Nothing is fetched from the web, but read what is piped in: curl URL | mpt reconstruct -"
    return [], "There is no such file or folder."


def _piped(pipe: Path) -> tuple[list[Source], str]:
    """What comes through a pipe, or standard input ("-"), as a file of its own: it can be read once only."""
    standard = str(pipe) == "-"
    if standard and (sys.stdin is None or sys.stdin.isatty()):
        return [], "Nothing is piped into it: cat photo.jpg | mpt reconstruct -"
    file = Path(_spool().name, str(len(os.listdir(_spool().name))), "stdin" if standard else pipe.name)
    file.parent.mkdir()
    with nullcontext(sys.stdin.buffer) if standard else pipe.open("rb") as source, file.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    return [Source(file, Path(file.name), is_video=_is_video(file))], ""


@cache
def _spool() -> TemporaryDirectory[str]:
    """A folder that is gone once the program ends."""
    return TemporaryDirectory(prefix="mpt-")


def _meant(files: Iterable[Path], root: Path, passed: dict[Path, Unusable], videos: bool) -> list[Source]:
    """Those of files below `root` that are inputs; what is passed over, and why, is put into `passed`."""
    sources = []
    for file in files:
        if file.name.startswith("."):
            continue
        if file.is_dir():
            below = not _real(root).is_relative_to(_real(file))  # or a link leads in a circle
            if not videos and below and _holds_photos(file):  # of a pattern `**` is what reaches further
                passed[_real(file)] = Unusable(str(file), "a folder: name it too, or a pattern such as 'folder/**/*'.")
            continue
        reason = _why_not(file, videos)
        if reason is None:
            sources.append(Source(file, _place(file, root), is_video=_is_video(file)))
        else:
            passed[_real(file)] = Unusable(str(file), reason)
    return sources


def _holds_photos(folder: Path) -> bool:
    """Whether photos lie in a folder or further down, by their endings, that were not made here.

    The first thousand folders are searched, without hidden ones and links; those that may not be read count as empty.
    """
    for _, folders, files in itertools.islice(os.walk(folder), 1000):
        folders[:] = [name for name in folders if not name.startswith(".")]
        photos = (name for name in files if not name.startswith(".") and not name.endswith(_OURS))
        if any(name.lower().endswith(PHOTOS) for name in photos):
            return True
    return False


def _why_not(file: Path, videos: bool) -> str | None:
    """Why a file is not meant by its folder, or a pattern; None if it is."""
    if not file.is_file():
        return "no ordinary file."
    if file.name.endswith(_OURS):
        return "a picture that mpt made."
    if _is_video(file):
        return None if videos else "a video: name it itself, or by a pattern."
    kind = file_kind(file)
    # A photo that is damaged from its first byte on is to be told as one.
    if kind == "photo" or (kind is None and file.suffix.lower() in PHOTOS):
        return None
    return f"no photo in {FORMATS}{' and no video' if videos else ''}."


def output_names(sources: Sequence[Source]) -> list[str]:
    """A name without an ending for what is made of each source, all different, as short as they can be.

    That is its place without the ending; where two share it, their paths below the folder that both are in; where
    they share that too (photo.jpg, photo.png), with the ending; and at last with a number.
    """
    if not sources:
        return []
    paths = [_below_anchor(_real(source.path)) for source in sources]
    root = os.path.commonpath([Path(".", path).parent for path in paths])
    longer = [path.relative_to(root) for path in paths]
    choices = [
        [_bare(source.place), _bare(path), path.as_posix(), f"{path.as_posix()}-{number}"]
        for number, (source, path) in enumerate(zip(sources, longer), start=1)
    ]
    level = [0] * len(sources)
    while True:
        names = [choice[step] for choice, step in zip(choices, level)]
        count = Counter(name.casefold() for name in names)  # some file systems take A and a for the same
        clashing = [i for i, name in enumerate(names) if count[name.casefold()] > 1 and level[i] < 3]
        if not clashing:
            return names
        for i in clashing:
            level[i] += 1


def answer_name(name: str, kind: str) -> str:
    """The name of what is made of an input: that of hands or a video never takes the place of bodies in a photo.

    Phones call a photo and the film that goes with it the same.

    Args:
        name: The input's.
        kind: "body", "hand" or "video".
    """
    return name if kind == "body" else f"{name}.{kind}"


def _is_video(path: Path) -> bool:
    kind = file_kind(path)
    return kind == "video" or (kind is None and path.suffix.lower() in VIDEOS)


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    parts = pattern.parts[:-1]
    fixed = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return Path(*parts[:fixed])


def _place(file: Path, root: Path) -> Path:
    place = file.relative_to(root)
    return Path(file.name) if ".." in place.parts else place  # nothing may end up outside of the output folder


def _real(path: Path) -> Path:
    """Absolute and without links; those that lead in a circle stay."""
    return Path(os.path.realpath(path))


def _below_anchor(path: Path) -> Path:
    """An absolute path without its root, or on Windows its drive."""
    return path.relative_to(path.anchor)


def _bare(path: Path) -> str:
    return path.with_suffix("").as_posix()
