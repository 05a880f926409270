"""Finds the parts of a human in a skeleton: limbs by the usual names, trunk and neck by what they connect."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from model.errors import BadData

from .skeleton import Skeleton

# Names of the joint where each limb begins, without case, prefix and punctuation; the first that is there counts.
# {s} is l or r, {side} is left or right. In turn: CMU's ASF; MotionBuilder and Mixamo; 3ds Max; Daz.
# MotionBuilder's "LeftShoulder" is a clavicle and 3ds Max's an upper arm: "LeftArm", which only the first has, decides.
_NAMES = {
    "hip": ("{s}femur", "{side}upleg", "{side}upperleg", "{side}thigh", "{s}thigh", "{side}hip"),
    "knee": ("{s}tibia", "{side}leg", "{side}lowleg", "{side}lowerleg", "{side}knee", "{s}shin", "{side}shin"),
    "ankle": ("{side}ankle", "{s}foot", "{side}foot"),  # in SMPL's names the foot is what follows the ankle
    "shoulder": ("{s}humerus", "{side}arm", "{side}uparm", "{side}upperarm", "{s}shldr", "{side}shoulder"),
    "elbow": ("{s}radius", "{side}forearm", "{side}lowarm", "{side}lowerarm", "{s}forearm", "{side}elbow"),
    # CMU has one more joint between forearm and hand, which twists only; its BVH files call the hand a finger base.
    "wrist": ("{s}hand", "{side}fingerbase", "{side}hand", "{side}wrist"),
}
_HEAD = ("head", "neck1", "neck")


@dataclass(frozen=True)
class Humanoid:
    """Indices into a skeleton's joints.

    Attributes:
        limbs: by SMPL's name of the joint, such as "left_hip": where thighs, shins, feet, upper arms, forearms and
            hands begin.
        spine: from the pelvis, which carries both legs, to the chest, which carries arms and neck.
        neck: from the chest to the head.
        collars: by side, the joint that carries the upper arm; the chest where there is no clavicle.
    """

    limbs: dict[str, int]
    spine: list[int]
    neck: list[int]
    collars: dict[str, int]


def find_humanoid(skeleton: Skeleton, source: str) -> Humanoid:
    """Finds the parts of a human in a skeleton.

    Args:
        skeleton: any skeleton.
        source: its file, for the message.

    Raises:
        BadData: a part has none of the names that are known, or the parts do not hang together as in a human.
    """
    by_name: dict[str, int] = {}
    for index, name in enumerate(skeleton.names):
        by_name.setdefault(_plain(name), index)
    limbs: dict[str, int] = {}
    for side in ("left", "right"):
        for part, patterns in _NAMES.items():
            names = [pattern.format(s=side[0], side=side) for pattern in patterns]
            limbs[f"{side}_{part}"] = _find(by_name, names, f"{side} {part}", source)
    head = _find(by_name, _HEAD, "head", source)

    above = {name: skeleton.path(joint)[:-1] for name, joint in [*limbs.items(), ("head", head)]}
    carriers = set(above["head"]).intersection(above["left_shoulder"], above["right_shoulder"])
    seats = carriers.intersection(above["left_hip"], above["right_hip"])
    if not seats:
        raise BadData(f"{source}: no joint carries head, arms and legs: no human.")
    chest, pelvis = max(carriers), max(seats)  # the lowest in the tree: parents come first
    for side in ("left", "right"):
        for chain in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
            for upper, lower in itertools.pairwise(chain):
                if limbs[f"{side}_{upper}"] not in above[f"{side}_{lower}"]:
                    raise BadData(f"{source}: the {side} {lower} does not follow the {side} {upper}.")
    return Humanoid(
        limbs=limbs,
        spine=_between(skeleton, pelvis, chest),
        neck=_between(skeleton, chest, head),
        collars={side: skeleton.parents[limbs[f"{side}_shoulder"]] for side in ("left", "right")},
    )


def _plain(name: str) -> str:
    """Leaves of "mixamorig:LeftUpLeg" or "mixamorig_LeftUpLeg" the "leftupleg"."""
    return name.rsplit(":", 1)[-1].lower().removeprefix("mixamorig").translate(str.maketrans("", "", "_-. "))


def _find(by_name: dict[str, int], names: Sequence[str], part: str, source: str) -> int:
    for name in names:
        if name in by_name:
            return by_name[name]
    raise BadData(
        f"{source}: no joint has a known name for the {part} ({', '.join(names)}). Rename its joints as CMU, "
        "MotionBuilder, Mixamo or 3ds Max do, or remove the file."
    )


def _between(skeleton: Skeleton, first: int, last: int) -> list[int]:
    path = skeleton.path(last)
    return path[path.index(first) :]
