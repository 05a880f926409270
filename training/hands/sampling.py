"""Random hands: no open MoCap of hands is at hand, so poses are drawn within what hands can do."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.files import atomic_write
from training.bodies.anny_hand import AnnyHand
from training.bodies.subject import TEST_PERSON
from training.cache import cache_folder
from training.hands.anatomy import ANGLES, HIGHEST, LOWEST, to_rotations
from training.hands.gestures import GESTURES, HELD_OUT_GESTURES
from training.mocap.poses import MocapPoses
from training.rotations import matrix_to_axis_angle

PEOPLE, POSES_EACH, TEST_POSES = 40, 2500, 4000
_BATCH = 2048

_MCP, _PIP, _DIP, _SPREAD = (slice(4 + angle, None, 4) for angle in range(4))
_FLEXIONS = [index for index, name in enumerate(ANGLES) if not name.endswith("spread")]

# Metres: half the thickness of fingers and of the palm, and how far the flesh of each gives way.
_FINGER, _PALM, _FLESH = 0.0075, 0.008, 0.0025


def drawn_hands(people: int = PEOPLE, each: int = POSES_EACH, test: int = TEST_POSES) -> MocapPoses:
    """The poses that hands are pre-trained and evaluated on, the same at every call; kept in the cache (20 MB).

    Args:
        people: subjects "drawn/00", ..., each with a generator and a range of motion of its own;
        each: how many poses they have.
        test: poses of `TEST_PERSON`, half of them about gestures that the others do not make.

    Returns:
        (N, 20, 3) rotations of `AnnyHand`, the wrist unturned but for standing upright, fingers to the world's +z.
    """
    path = cache_folder("hands") / f"drawn-1-{people}-{each}-{test}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as data:
            return MocapPoses(data["rotations"], data["subjects"].astype(object), data["clips"].astype(object))
    hand = AnnyHand.load()
    common = [name for name in GESTURES if name not in HELD_OUT_GESTURES]
    parts = []
    for person in tqdm(range(people), desc="drawing hands", leave=False, delay=2):
        parts.append(_person(hand, each, common, person, f"drawn/{person:02d}"))
    parts.append(_person(hand, test - test // 2, common, 10_001, TEST_PERSON))
    parts.append(_person(hand, test // 2, list(HELD_OUT_GESTURES), 10_002, TEST_PERSON))
    poses = MocapPoses.concat(parts)
    with atomic_write(path) as partial:
        np.savez_compressed(
            partial, rotations=poses.rotations, subjects=poses.subjects.astype(str), clips=poses.clips.astype(str)
        )
    return poses


def _person(hand: AnnyHand, count: int, gestures: list[str], seed: int, subject: str) -> MocapPoses:
    random = np.random.default_rng(seed)
    stiff = random.uniform(-6, 6, len(ANGLES)) * np.isin(np.arange(len(ANGLES)), _FLEXIONS)
    low, high = LOWEST + np.abs(stiff) * (LOWEST < 0) * (np.arange(len(ANGLES)) > 0), HIGHEST - np.abs(stiff)
    angles = np.zeros((0, len(ANGLES)), np.float32)
    names = np.zeros(0, object)
    while len(angles) < count:
        drawn, of = _draw(_BATCH, gestures, random)
        drawn = within_limits(drawn, low, high)
        free = ~crossing(hand, torch.from_numpy(drawn)).numpy()
        angles, names = np.concatenate([angles, drawn[free]]), np.concatenate([names, of[free]])
    rotations = matrix_to_axis_angle(to_rotations(torch.from_numpy(angles[:count]))).numpy()
    rotations[:, 0, 0] = np.pi / 2  # y up to z up
    return MocapPoses(rotations, np.full(count, subject, dtype=object), names[:count])


def _draw(count: int, gestures: list[str], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Angles (N, 20) before their limits, and what each is near."""
    table = np.stack([GESTURES[name] for name in gestures])
    one, other = random.integers(len(table), size=(2, count))
    kind = random.random(count)

    # On the way from one gesture to another, mostly near one of them.
    way = random.beta(0.4, 0.8, size=(count, 1))
    between = (1 - way) * table[one] + way * table[other]
    # Fingers that make different gestures; neighbours mostly the same.
    source = np.stack([one] * 5, axis=1)
    for finger in range(1, 5):
        change = random.random(count) < 0.45
        source[:, finger] = np.where(change, random.integers(len(table), size=count), source[:, finger - 1])
    mixed = table[source[:, [finger for finger in range(5) for _ in range(4)]], np.arange(20)]
    # Anything within the limits, fingers alike in part, the last two joints coupled.
    free = LOWEST + (HIGHEST - LOWEST) * random.random((count, 20))
    for bend in (_MCP, _PIP):
        common = random.random((count, 1))
        level = np.clip(common + 0.28 * random.standard_normal((count, 4)), 0, 1)
        free[:, bend] = LOWEST[bend] + (HIGHEST - LOWEST)[bend] * level
    free[:, _DIP] = free[:, _PIP] * 2 / 3 + 8 * random.standard_normal((count, 4))
    free[:, _SPREAD] = random.random((count, 1)) + 0.15 * random.standard_normal((count, 4))

    angles = np.where(kind[:, None] < 0.5, between, np.where(kind[:, None] < 0.75, mixed, free))
    # Nobody makes the same gesture twice: a part of the noise is common to a hand's flexions.
    amount = random.gamma(2.0, 0.5, size=(count, 1))
    noise = amount * (4 * random.standard_normal((count, 1)) + 5 * random.standard_normal((count, 20)))
    noise[:, _SPREAD] *= 0.03
    names = np.where(kind < 0.75, np.array(gestures, dtype=object)[one], "free")
    return (angles + noise).astype(np.float32), names


def within_limits(angles: np.ndarray, low: np.ndarray = LOWEST, high: np.ndarray = HIGHEST) -> np.ndarray:
    """Brings angles (N, 20) within each joint's range, and within what one joint allows another.

    The last joint of a finger follows the middle one by about two thirds (one tendon bends both, another stretches
    both); the ring finger, tied to its neighbours, cannot stretch far beyond both of them.
    """
    angles = np.clip(angles, low, high)
    follows = angles[:, _PIP] * 2 / 3
    angles[:, _DIP] = np.clip(np.clip(angles[:, _DIP], follows - 40, follows + 18), low[_DIP], high[_DIP])
    middle, ring, little = ANGLES.index("middle_mcp"), ANGLES.index("ring_mcp"), ANGLES.index("little_mcp")
    angles[:, ring] = np.maximum(angles[:, ring], np.minimum(angles[:, middle], angles[:, little]) - 40)
    return angles.astype(np.float32)


def crossing(hand: AnnyHand, angles: Tensor) -> Tensor:
    """(N,) bool: whether fingers run through one another or through the palm, on the mean hand.

    Bones are rods; those of different fingers keep a finger's thickness apart, but for what flesh gives, and the outer
    two of each finger keep off the palm, in which a rod lies along each metacarpal.
    """
    steps = torch.linspace(0.1, 1.0, 5)
    rods = _rods(hand, angles)  # (N, 19, 2, 3)
    points = (rods[:, :, :1] + steps[:, None] * (rods[:, :, 1:] - rods[:, :, :1])).flatten(1, 2)  # (N, 95, 3)
    part = torch.arange(5).repeat_interleave(3)
    fingers = part[:, None] != part[None]
    outer = (torch.arange(15) % 3 > 0)[:, None].expand(15, 4)
    least = torch.zeros(19, 19)
    least[:15, :15] = 2 * (_FINGER - _FLESH) * fingers
    least[:15, 15:] = (_FINGER + _PALM - 2 * _FLESH) * outer
    least = least.repeat_interleave(len(steps), 0).repeat_interleave(len(steps), 1)
    return (torch.cdist(points, points) < least).any(dim=2).any(dim=1)


def _rods(hand: AnnyHand, angles: Tensor) -> Tensor:
    """The ends (N, 19, 2, 3) of the fingers' bones, three each from the thumb on, and of four rods in the palm."""
    shape = hand.mean_shape()[None].expand(len(angles), -1)
    rotations = to_rotations(angles)
    few = hand.subset(torch.from_numpy(hand.joint_regressor[[4, 8, 12, 16, 20]].argmax(axis=1)))
    tips, joints = few.pose(rotations, shape), hand.posed_joints(rotations, shape)
    rods = []
    for finger in range(5):
        first = 1 if finger == 0 else 4 * finger + 1
        points = list(joints[:, first : first + 3].unbind(1))
        points.append(points[-1] + 0.8 * (tips[:, finger] - points[-1]))  # a tip is on the skin, a bone within it
        rods += [torch.stack(ends, dim=1) for ends in itertools.pairwise(points)]
    for finger in range(1, 5):
        knuckle = joints[:, 4 * finger + 1]
        rods.append(torch.stack([0.25 * knuckle, 0.9 * knuckle], dim=1))  # the wrist is the origin
    return torch.stack(rods, dim=1)
