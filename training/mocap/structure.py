"""Finds a human's limbs where names say nothing: by which bones hang on which, their lengths, and the motion."""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np

from .joint_names import named_side
from .skeleton import Motion, Skeleton

Limbs = tuple[list[int], list[int]]
"""The three joints of the left limb, and of the right one: hip, knee, ankle or shoulder, elbow, wrist."""

_ALIKE = 0.05  # of a limb's reach: left and right bones differ by less
_LEAST = 0.25  # of the longest limb's reach: fingers, eyes and breasts are pairs, too
_MAIN = 0.5  # of a limb's reach: its two long bones' share, at least
_MANY_JOINTS = 1000  # more than any human's skeleton, face and fingers included: what follows compares them in pairs


def limbs_by_structure(motion: Motion, which: Literal["legs", "arms"], left: np.ndarray | None = None) -> Limbs | None:
    """A human's pair of legs or arms: two branches that are alike, with two long bones each.

    Args:
        motion: of any skeleton.
        which: legs are the pair on which the other hangs, in the tree.
        left: (T, 3) the body's left in each frame, if it is known from other limbs.

    Returns:
        None where there are no two such pairs, far too many joints, or left and right cannot be told apart.
    """
    skeleton = motion.skeleton
    if len(skeleton.names) > _MANY_JOINTS:
        return None
    reach = _reach(skeleton)
    pairs = sorted(_pairs(skeleton, reach), key=lambda pair: -min(reach[pair[0]], reach[pair[1]]))
    if not pairs:
        return None
    first = pairs[0]
    inside = {joint for joint in range(len(skeleton.names)) if set(first) & set(skeleton.path(joint))}
    others = [pair for pair in pairs[1:] if not inside & set(pair)]
    others = [pair for pair in others if min(reach[list(pair)]) > _LEAST * min(reach[list(first)])]
    if not others:
        return None
    nearest = sorted((first, others[0]), key=lambda pair: (len(skeleton.path(pair[0])), -reach[pair[0]]))
    legs, arms = (_main_bones(skeleton, pair, reach) for pair in nearest)
    pair = legs if which == "legs" else arms
    if pair is None:
        return None
    if left is None and legs is not None:
        left = _left(motion, legs)
    return _sided(motion, pair, left)


def head_by_structure(skeleton: Skeleton, chest: int, limbs: set[int]) -> int | None:
    """The end of the neck: of the chest's branches without limbs the longest, up to where it forks or ends."""
    reach = _reach(skeleton)
    bearing = {above for limb in limbs for above in skeleton.path(limb)}
    branches = [child for child in skeleton.children(chest) if child not in bearing and not _is_end(skeleton, child)]
    if not branches:
        return None
    head = max(branches, key=lambda branch: reach[branch])
    while len(onward := [child for child in skeleton.children(head) if not _is_end(skeleton, child)]) == 1:
        (head,) = onward
    return head


def _is_end(skeleton: Skeleton, joint: int) -> bool:
    return skeleton.names[joint].endswith(" end")


def _reach(skeleton: Skeleton) -> np.ndarray:
    """(J,) how far it is along bones from each joint's parent, by the joint, to the farthest end."""
    lengths = np.linalg.norm(skeleton.offsets, axis=1)
    reach = lengths.copy()
    for joint in reversed(range(len(reach))):
        parent = skeleton.parents[joint]
        if parent >= 0:
            reach[parent] = max(reach[parent], lengths[parent] + reach[joint])
    return reach


def _pairs(skeleton: Skeleton, reach: np.ndarray) -> list[tuple[int, int]]:
    """Siblings with the same bones one after the other, three at least with the one to the sibling itself."""
    bones = [np.linalg.norm(skeleton.offsets[_chain(skeleton, joint, reach)], axis=1) for joint in range(len(reach))]
    return [
        (one, other)
        for joint in range(len(reach))
        for one, other in itertools.combinations(skeleton.children(joint), 2)
        if len(bones[one]) == len(bones[other]) >= 3
        and np.abs(bones[one] - bones[other]).max() < _ALIKE * max(reach[one], reach[other])
    ]


def _chain(skeleton: Skeleton, joint: int, reach: np.ndarray) -> list[int]:
    """From a joint along its longest branch to the end; joints in one place count once."""
    chain = [joint]
    while children := skeleton.children(joint):
        joint = max(children, key=lambda child: reach[child])
        if np.linalg.norm(skeleton.offsets[joint]) > 0.02 * reach[chain[0]]:
            chain.append(joint)
        else:
            chain[-1] = joint
    return chain


def _main_bones(skeleton: Skeleton, pair: tuple[int, int], reach: np.ndarray) -> Limbs | None:
    """Of both limbs the ends of the two longest bones that follow each other; None where these are not the limb."""
    limbs = []
    for branch in pair:
        chain = _chain(skeleton, branch, reach)
        bones = np.linalg.norm(skeleton.offsets[chain[1:]], axis=1)
        start = int((bones[1:] + bones[:-1]).argmax())
        upper, lower = bones[start], bones[start + 1]
        if upper + lower < _MAIN * bones[start:].sum() or max(upper, lower) > 2 * min(upper, lower):
            return None
        limbs.append(chain[start : start + 3])
    return limbs[0], limbs[1]


def _left(motion: Motion, legs: Limbs) -> np.ndarray:
    """(T, 3) the body's left: across its thighs, to where up, ahead and left follow each other as fingers do."""
    at = motion.positions()
    hips = at[:, [legs[0][0], legs[1][0]]]
    above = {*motion.skeleton.path(legs[0][0])} & {*motion.skeleton.path(legs[1][0])}
    trunk = [joint for joint in range(at.shape[1]) if not {legs[0][0], legs[1][0]} & {*motion.skeleton.path(joint)}]
    up = at[:, [joint for joint in trunk if joint not in above]].mean(axis=1) - hips.mean(axis=1)
    ahead = np.zeros_like(up)
    for hip, knee, ankle in legs:  # knees stick out ahead, and so do toes
        ahead += at[:, knee] - (at[:, hip] + at[:, ankle]) / 2
        toes = motion.skeleton.children(ankle)
        ahead += at[:, toes].mean(axis=1) - at[:, ankle] if toes else 0.0
    return np.cross(up, ahead)


def _sided(motion: Motion, pair: Limbs, left: np.ndarray | None) -> Limbs | None:
    """Which of two limbs is the left one: what names say, or where it is."""
    names = motion.skeleton.names
    one, other = ({side for joint in limb if (side := named_side(names[joint]))} for limb in pair)
    if one | other == {"left", "right"} and len(one) == len(other) == 1:
        return pair if one == {"left"} else pair[::-1]
    if left is None:
        return None
    at = motion.positions()
    across = at[:, pair[0][0]] - at[:, pair[1][0]]
    side = np.einsum("tc,tc->t", across, left).mean()
    size = (np.linalg.norm(across, axis=1) * np.linalg.norm(left, axis=1)).mean()
    if abs(side) < 0.2 * size or size == 0:
        return None
    return pair if side > 0 else pair[::-1]
