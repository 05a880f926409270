"""Finds the parts of a human in a skeleton: by the names of its joints, else by its structure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.errors import BadData

from .joint_names import ARMS, LEGS, named_head, named_limbs
from .skeleton import Motion, Skeleton
from .structure import Limbs, head_by_structure, limbs_by_structure

_LEG, _ARM = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")


@dataclass(frozen=True)
class Humanoid:
    """Indices into a skeleton's joints.

    Attributes:
        limbs: by SMPL's name of the joint, such as "left_hip": where thighs, shins, feet, toes, clavicles, upper arms,
            forearms and hands begin. A foot without toes has the ankle's, a trunk without clavicles the chest's.
        turns: by the same names the joint whose rotation is the limb's: the limb's own, but for thighs and upper arms
            the last one before the knee or elbow, since twist joints may lie between.
        spine: from the pelvis, which carries both legs, to the chest, which carries arms and neck.
        neck: from the chest to the head.
    """

    limbs: dict[str, int]
    turns: dict[str, int]
    spine: list[int]
    neck: list[int]


def find_humanoid(motion: Motion) -> Humanoid:
    """Finds the parts of a human in the skeleton of a motion.

    Raises:
        BadData: neither names nor structure tell a part, or the parts do not hang together as in a human; the message
            names the file.
    """
    skeleton, source = motion.skeleton, motion.source
    legs, arms = (_named(skeleton, rows, parts, source) for rows, parts in ((LEGS, _LEG), (ARMS, _ARM)))
    if legs is None or arms is None:
        known = legs or arms
        left = _across(motion, known) if known else None
        legs = legs or _by_structure(motion, "legs", left)
        arms = arms or _by_structure(motion, "arms", left)
    limbs: dict[str, int] = {}
    for parts, pair in ((_LEG, legs), (_ARM, arms)):
        for side, limb in zip(("left", "right"), pair):
            limbs |= {f"{side}_{part}": joint for part, joint in zip(parts, limb)}

    above = {name: skeleton.path(joint)[:-1] for name, joint in limbs.items()}
    shoulders = set(above["left_shoulder"]).intersection(above["right_shoulder"])
    head = named_head(skeleton.names)
    if head is None or not shoulders.intersection(skeleton.path(head)[:-1]):
        head = head_by_structure(skeleton, max(shoulders), set(limbs.values())) if shoulders else None
    if head is None:
        raise BadData(f"{source}: no joint is a head, by its name or at the end of a neck. Call it Head.")
    above["head"] = skeleton.path(head)[:-1]
    carriers = shoulders.intersection(above["head"])
    seats = carriers.intersection(above["left_hip"], above["right_hip"])
    if not seats:
        raise BadData(f"{source}: no joint carries head, arms and legs: no human.")
    chest, pelvis = max(carriers), max(seats)  # the lowest in the tree: parents come first
    turns = dict(limbs)
    for side in ("left", "right"):
        limbs[f"{side}_collar"] = skeleton.parents[limbs[f"{side}_shoulder"]]
        limbs[f"{side}_foot"] = _farthest(skeleton, limbs[f"{side}_ankle"])
        turns |= {name: limbs[name] for name in (f"{side}_collar", f"{side}_foot")}
        for upper, lower in (("hip", "knee"), ("shoulder", "elbow")):
            turns[f"{side}_{upper}"] = skeleton.parents[limbs[f"{side}_{lower}"]]
    return Humanoid(limbs, turns, _between(skeleton, pelvis, chest), _between(skeleton, chest, head))


def _named(
    skeleton: Skeleton, rows: tuple[tuple[str, str, str], ...], parts: tuple[str, str, str], source: str
) -> Limbs | None:
    """The limbs by name, None where no names are known."""
    found = named_limbs(skeleton.names, rows)
    faults = [_fault(skeleton, limbs, parts) for limbs in found]
    for limbs, fault in zip(found, faults):
        if fault is None:
            return limbs
    if found:
        raise BadData(f"{source}: {faults[0]}.")
    return None


def _fault(skeleton: Skeleton, limbs: Limbs, parts: tuple[str, str, str]) -> str | None:
    """What does not hang together."""
    for side, limb in zip(("left", "right"), limbs):
        for (upper, above), (lower, below) in itertools.pairwise(zip(parts, limb)):
            if above not in skeleton.path(below)[:-1]:
                return f"the {side} {lower} does not follow the {side} {upper}"
    return None


def _by_structure(motion: Motion, which: Literal["legs", "arms"], left: np.ndarray | None) -> Limbs:
    limbs = limbs_by_structure(motion, which, left)
    if limbs is None:
        raise BadData(
            f"{motion.source}: neither the names of its joints nor its structure tell its {which}. Call them "
            f"{'LeftUpLeg, LeftLeg, LeftFoot' if which == 'legs' else 'LeftArm, LeftForeArm, LeftHand'}, and the same "
            "with Right, or remove the file."
        )
    return limbs


def _across(motion: Motion, limbs: Limbs) -> np.ndarray:
    """(T, 3) from the right limb's beginning to the left one's."""
    at = motion.positions()
    return at[:, limbs[0][0]] - at[:, limbs[1][0]]


def _farthest(skeleton: Skeleton, joint: int) -> int:
    """Of what hangs on a joint the farthest, toes rather than a heel; the joint itself where nothing does."""
    lengths = np.linalg.norm(skeleton.offsets, axis=1)
    return max(skeleton.children(joint), key=lambda child: lengths[child], default=joint)


def _between(skeleton: Skeleton, first: int, last: int) -> list[int]:
    path = skeleton.path(last)
    return path[path.index(first) :]
