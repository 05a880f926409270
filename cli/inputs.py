"""What a person names (files, folders, patterns) as a list of files, and names for what is made of them."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cli.file_kinds import file_kind

PHOTOS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp")
VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".3gp", ".ogv", ".wmv")
"""Of files that hold nothing known: what they should have been. All else goes by what is in them."""
RIGGED = ".rigged.glb"
OVERLAY, SIDE, OVERLAY_VIDEO = ".overlay.png", ".side.png", ".overlay.webm"
"""Ends of the names of pictures that we make: a second run over the same folder passes over them."""


class Source(NamedTuple):
    """A file to work on, or a webcam."""

    path: Path
    place: Path
    """Its path below the folder, or the fixed part of the pattern, that was named; the bare name of a named file."""
    webcam: int | None = None
    """Its number; then there is no such file."""
    is_video: bool = False
    """Whether it has many frames."""


class Unusable(NamedTuple):
    """An input that cannot be used, and a sentence that says why."""

    name: str
    reason: str


def find_sources(arguments: Iterable[str]) -> tuple[list[Source], list[Unusable]]:
    """The files that arguments name, each once, in order.

    A folder stands for the photos in it, without those of its subfolders; videos take long, and are not meant by it.
    A pattern (`*`, `?`, `[...]`, and `**` for all subfolders) stands for photos and videos. A file that is named
    itself may be called anything. A number that is no file is a webcam.
    """
    found: dict[Path, Source] = {}
    unusable = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            sources = [Source(file, Path(file.name)) for file in sorted(path.iterdir()) if _is_input(file, PHOTOS)]
            reason = "This folder holds no photo (JPEG, PNG, WebP)."
        elif path.exists():
            sources = [Source(path, Path(path.name), is_video=_is_video(path))] if path.is_file() else []
            reason = "This is no ordinary file."
        elif glob.has_magic(argument):
            root = _fixed_part(path)
            files = sorted(Path(match) for match in glob.iglob(argument, recursive=True))
            sources = [
                Source(file, _place(file, root), is_video=_is_video(file))
                for file in files
                if _is_input(file, PHOTOS) or (_is_input(file) and (file_kind(file) or _is_video(file)))
            ]
            reason = "This pattern matches no photo (JPEG, PNG, WebP) and no video."
        elif re.fullmatch("[0-9]{1,2}", argument):
            sources, reason = [Source(path, Path(f"webcam-{argument}"), int(argument), is_video=True)], ""
        else:
            sources, reason = [], "There is no such file or folder."
        for source in sources:
            found.setdefault(source.path.resolve(), source)
        if not sources:
            unusable.append(Unusable(argument, reason))
    return list(found.values()), unusable


def output_names(sources: Sequence[Source]) -> list[str]:
    """A name without an ending for what is made of each source, all different, as short as they can be.

    That is its place without the ending; where two share it, their paths below the folder that both are in; where
    they share that too (photo.jpg, photo.png), with the ending; and at last with a number.
    """
    if not sources:
        return []
    paths = [_below_anchor(source.path.resolve()) for source in sources]
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


def _is_input(path: Path, suffixes: Sequence[str] | None = None) -> bool:
    hidden_or_ours = path.name.startswith(".") or path.name.endswith((OVERLAY, SIDE, OVERLAY_VIDEO))
    return (suffixes is None or path.suffix.lower() in suffixes) and not hidden_or_ours and path.is_file()


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


def _below_anchor(path: Path) -> Path:
    """An absolute path without its root, or on Windows its drive."""
    return path.relative_to(path.anchor)


def _bare(path: Path) -> str:
    return path.with_suffix("").as_posix()
