"""Reads Acclaim's ASF (a skeleton) and AMC (its motion), the format of CMU's archive.

The format is described by J. Lander, "Working with Motion Capture File Formats", Game Developer, January 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from model.errors import BadData

from .skeleton import Motion, Skeleton
from .text import read_text

FRAMERATE = 120.0
"""Frames per second. AMC does not say; CMU captured at 120, but for some clips at 60."""


@dataclass(frozen=True)
class Acclaim:
    """An ASF file.

    Attributes:
        skeleton: a joint for each bone, where the bone begins; the root has no bone.
        channels: by bone, what an AMC line holds for it, such as ("rx", "rz"); the root's are ("tx", ..., "rz").
        axes: by bone, the frame, relative to the world at rest, about whose axes it turns.
        degrees: whether angles are degrees.
    """

    skeleton: Skeleton
    channels: dict[str, tuple[str, ...]]
    axes: dict[str, Rotation]
    degrees: bool


def read_asf(path: Path) -> Acclaim:
    """Reads a skeleton.

    Raises:
        BadData: the file is no ASF or is damaged; the message names it.
    """
    try:
        return _parse_asf(read_text(path))
    except (OSError, LookupError, ValueError) as error:
        raise BadData(f"{path} is no ASF skeleton that can be read ({error!r}): get it again.") from error


def read_amc(path: Path, acclaim: Acclaim, framerate: float = FRAMERATE) -> Motion:
    """Reads a motion.

    Args:
        path: the AMC file.
        acclaim: the skeleton that it was made for.
        framerate: frames per second.

    Raises:
        BadData: the file is no AMC, is damaged or belongs to another skeleton; the message names it.
    """
    try:
        names, values, degrees = _parse_amc(read_text(path), acclaim)
    except (OSError, ValueError) as error:
        raise BadData(f"{path} is no AMC motion that can be read ({error}): get it again.") from error

    valid = np.isfinite(values).all(axis=1)
    values = np.where(valid[:, None], values, 0.0)
    turns: dict[str, Rotation] = {}
    column = 0
    for name in names:
        channels = acclaim.channels[name]
        about = [i for i, channel in enumerate(channels) if channel[0] == "r"]
        if about:
            # Lower case is scipy's sign for turns about fixed axes, one after the other.
            order = "".join(channels[i][1] for i in about)
            angles = values[:, [column + i for i in about]]
            turns[name] = Rotation.from_euler(order, angles, degrees=degrees)
            frame = acclaim.axes[name]
            if frame.magnitude() > 0:  # a third have none; products are what reading spends its time on
                turns[name] = frame * turns[name] * frame.inv()
        column += len(channels)
    local = [turns.get(name) for name in acclaim.skeleton.names]
    return Motion(str(path), acclaim.skeleton, local, valid, framerate)


def _parse_asf(text: str) -> Acclaim:
    sections: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words and words[0].startswith(":"):
            lines = sections.setdefault(words[0][1:].lower(), [])
        elif words and sections:
            lines.append(words)

    degrees = _fields(sections["units"]).get("angle", ["deg"])[0].lower().startswith("deg")
    root = _fields(sections["root"])
    channels = {"root": tuple(channel.lower() for channel in root["order"])}
    order = root["axis"][0]
    axes = {"root": _frame([*root.get("orientation", ["0", "0", "0"])], order, degrees)}
    bones = {"root": np.zeros(3)}
    for block in _blocks(sections["bonedata"]):
        bone = _fields(block)
        name = bone["name"][0]
        channels[name] = tuple(dof.lower() for dof in bone.get("dof", ()))
        axes[name] = _frame(bone["axis"], order, degrees)
        direction = np.array(bone["direction"], dtype=float)
        # A direction is only given to six digits, so its length is not 1; a bone without length has none.
        bones[name] = direction / (np.linalg.norm(direction) or 1.0) * float(bone["length"][0])
    return Acclaim(_skeleton(bones, sections["hierarchy"]), channels, axes, degrees)


def _skeleton(bones: dict[str, np.ndarray], hierarchy: list[list[str]]) -> Skeleton:
    """A bone's children begin where it ends; bones without children get an end."""
    children = {words[0]: words[1:] for words in hierarchy if words[0] not in ("begin", "end")}
    names, parents, offsets = ["root"], [-1], [np.zeros(3)]
    for index, name in enumerate(names):  # which grows on the way: parents before children
        for child in children.get(name, [] if name.endswith(" end") else [f"{name} end"]):
            if child in names:
                raise ValueError(f"{child} has two parents")
            names.append(child)
            parents.append(index)
            offsets.append(bones[name])
    return Skeleton(tuple(names), tuple(parents), np.array(offsets))


def _fields(lines: list[list[str]]) -> dict[str, list[str]]:
    return {words[0].lower(): words[1:] for words in lines}


def _blocks(lines: list[list[str]]) -> list[list[list[str]]]:
    blocks: list[list[list[str]]] = []
    for words in lines:
        if words[0] == "begin":
            blocks.append([])
        elif words[0] != "end":
            blocks[-1].append(words)
    return blocks


def _frame(words: list[str], order: str, degrees: bool) -> Rotation:
    """Three angles and maybe their order, as in "0 0 20 XYZ": fixed axes, the first that is named turns first."""
    order = words[3] if len(words) > 3 else order
    return Rotation.from_euler(order.lower(), [float(word) for word in words[:3]], degrees=degrees)


def _parse_amc(text: str, acclaim: Acclaim) -> tuple[list[str], np.ndarray, bool]:
    """The bones in the file's order, their values (T, C), and whether these are degrees.

    Every frame has the same bones in the same order, so that the words of all frames are one table, which is far
    faster to read than a file of a million lines.
    """
    degrees = acclaim.degrees
    start = 0
    for line in text.splitlines(keepends=True):
        word = line.strip().lower()
        if word.isdigit():
            break
        if word.startswith(":"):
            degrees = {":degrees": True, ":radians": False}.get(word, degrees)
        start += len(line)
    words = text[start:].split()
    names, of_values = _layout(words, acclaim)
    width = 1 + len(names) + len(of_values)
    frames, rest = divmod(len(words), width)
    if rest:
        raise ValueError(f"its last frame, {frames + 1}, is cut off or has other bones than the first")
    column = 1
    for name in names:
        if set(words[column::width]) != {name}:
            raise ValueError(f"{name} is not in its place in every frame")
        column += 1 + len(acclaim.channels[name])
    values = np.array([words[i::width] for i in of_values], dtype=float).T
    return names, values, degrees


def _layout(words: list[str], acclaim: Acclaim) -> tuple[list[str], list[int]]:
    """The bones of the first frame, and which of its words are values."""
    names: list[str] = []
    of_values: list[int] = []
    place = 1
    while place < len(words) and not words[place].isdigit():
        name = words[place]
        if name not in acclaim.channels:
            raise ValueError(f"{name} is no bone of its skeleton")
        names.append(name)
        count = len(acclaim.channels[name])
        of_values += range(place + 1, place + 1 + count)
        place += 1 + count
    if "root" not in names:
        raise ValueError("it holds no frame")
    return names, of_values
