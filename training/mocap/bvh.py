"""Reads BVH: a skeleton and its motion in one text file, Biovision's format."""

from __future__ import annotations

import dataclasses
import logging
import math
import re
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from model.errors import BadData

from .skeleton import Motion, Skeleton
from .text import read_text

logger = logging.getLogger(__name__)

_KEYWORDS = {"ROOT", "JOINT", "END", "{", "}", "OFFSET", "CHANNELS"}
_CHANNELS = {axis + kind for axis in "xyz" for kind in ("position", "rotation")}

_MOTION = re.compile(r"(?<!\S)MOTION\s+(?=Frames)", re.IGNORECASE)  # and no joint of that name


def read_bvh(path: Path) -> Motion:
    """Reads a motion.

    Channels may come in any order, six on any joint. Where the root moves is left out; other joints stay where their
    OFFSET has them, or without one where their position channels do in the median.

    Raises:
        BadData: the file is no BVH or is damaged; the message names it.
    """
    try:
        # Where the system's numbers have a comma, some programs write them so.
        hierarchy, *tables = _MOTION.split(read_text(path).replace(",", "."), maxsplit=1)
        if not tables:
            raise ValueError("it has no MOTION")
        (table,) = tables
        skeleton, channels = _parse_hierarchy(re.sub(r"([{}])", r" \1 ", hierarchy).split())
        values, framerate = _parse_motion(table, sum(map(len, channels)))
        valid = np.isfinite(values).all(axis=1)
        local = _rotations(np.where(valid[:, None], values, 0.0), channels)
        if _in_radians(values[valid], channels):
            # Nor may it be refused: who stands still as at rest has no larger ones in degrees.
            logger.warning("%s has no angle above 2 pi. BVH has degrees: if these are radians, convert them.", path)
    except (OSError, ValueError, IndexError) as error:
        raise BadData(f"{path} is no BVH file that can be read ({error}): get it again or remove it.") from error
    return Motion(str(path), _placed(skeleton, values[valid], channels), local, valid, framerate)


def _placed(skeleton: Skeleton, values: np.ndarray, channels: list[list[str]]) -> Skeleton:
    """The skeleton, with joints that have no OFFSET where their channels (T, C) have them, from the parent."""
    offsets, column = skeleton.offsets.copy(), 0
    for joint, names in enumerate(channels):
        places = {name[0]: column + i for i, name in enumerate(names) if name.endswith("position")}
        if skeleton.parents[joint] >= 0 and not offsets[joint].any() and len(places) == 3 and len(values):
            offsets[joint] = np.median(values[:, [places[axis] for axis in "xyz"]], axis=0)
        column += len(names)
    return dataclasses.replace(skeleton, offsets=offsets)


def _rotations(values: np.ndarray, channels: list[list[str]]) -> list[Rotation | None]:
    """Values (T, C) to a rotation for each joint, None for one without such channels."""
    local: list[Rotation | None] = []
    column = 0
    for names in channels:
        about = [i for i, name in enumerate(names) if name.endswith("rotation")]
        # Each turn is about an axis that the ones before have turned: upper case is scipy's sign for that.
        order = "".join(names[i][0].upper() for i in about)
        angles = values[:, [column + i for i in about]]
        local.append(Rotation.from_euler(order, angles, degrees=True) if about else None)
        column += len(names)
    return local


def _in_radians(values: np.ndarray, channels: list[list[str]]) -> bool:
    """Whether the angles among the values (T, C) may be radians, by which everybody would stand nearly as at rest."""
    turns = [name.endswith("rotation") for names in channels for name in names]
    return 0 < np.abs(values[:, turns]).max(initial=0.0) <= 2 * math.pi


def _parse_hierarchy(words: list[str]) -> tuple[Skeleton, list[list[str]]]:
    """The skeleton, and the channels of each of its joints."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []
    open_joints: list[int] = []
    place = 0
    while place < len(words):
        word = words[place].upper()
        if word in ("ROOT", "JOINT", "END"):  # END is followed by "Site" where the others have a name
            parents.append(open_joints[-1] if open_joints else -1)
            name = f"{names[parents[-1]]} end" if word == "END" else words[place + 1]
            # A name may hold spaces: all up to the brace.
            while words[place + 2] != "{":
                place += 1
                name += f" {words[place + 1]}"
            names.append(name)
            offsets.append([0.0, 0.0, 0.0])
            channels.append([])
            place += 2
        elif word == "{":
            open_joints.append(len(names) - 1)
            place += 1
        elif word == "}":
            open_joints.pop()
            place += 1
        elif word == "OFFSET":
            end = next((i for i in range(place + 1, len(words)) if words[i].upper() in _KEYWORDS), len(words))
            # Some programs add the angles of the joint's rest, which is in the offsets already.
            if end - place - 1 not in (3, 6):
                raise ValueError(f"the OFFSET of {names[open_joints[-1]]} has {end - place - 1} numbers")
            offsets[open_joints[-1]] = [float(number) for number in words[place + 1 : end]][:3]
            place = end
        elif word == "CHANNELS":
            count = int(words[place + 1])
            channels[open_joints[-1]] = [channel.lower() for channel in words[place + 2 : place + 2 + count]]
            if not _CHANNELS.issuperset(channels[open_joints[-1]]):
                raise ValueError(f"the CHANNELS of {names[open_joints[-1]]} are not known")
            place += 2 + count
        elif word == "HIERARCHY":
            place += 1
        else:
            raise ValueError(f"{words[place]!r} is not expected in its HIERARCHY")
    if open_joints or parents.count(-1) != 1:
        raise ValueError("its HIERARCHY is not one tree")
    if not np.isfinite(offsets).all():
        raise ValueError("an OFFSET is no number")
    return Skeleton(tuple(names), tuple(parents), np.array(offsets)), channels


def _parse_motion(table: str, width: int) -> tuple[np.ndarray, float]:
    """The values (T, width), and frames per second."""
    head = re.match(r"\s*Frames:\s*\d+\s+Frame\s+Time:\s*(\S+)", table, re.IGNORECASE)
    if not head:
        raise ValueError("its MOTION has no `Frames:` and `Frame Time:`")
    seconds = float(head.group(1))
    if not 0 < seconds < np.inf:
        raise ValueError(f"its `Frame Time:` is {seconds}")
    values = np.array(table[head.end() :].split(), dtype=float)
    if len(values) == 0:
        raise ValueError("it holds no frame")
    # The number of frames in the head is wrong in some files: what counts is what is there.
    if width == 0 or len(values) % width:
        raise ValueError(f"its {len(values)} numbers are no whole frames of {width}: it is cut off")
    return values.reshape(-1, width), 1 / seconds
