"""Finds the frames of a clip that no body was ever in: markers lost or swapped, joints bent the wrong way."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.joints import JOINTS, SMPL_JOINT_NAMES

FINE, NOT_FINITE, OUT_OF_RANGE, JUMP = 0, 1, 2, 3
REASONS = ("fine", "NaN or infinity", "joints bent further than a human's", "jumps between frames")

# A thrower's elbow and wrist turn at up to 2,500 to 4,000 degrees a second; a marker that is lost or swapped turns a
# joint by 60 to 180 degrees within a frame, which is 7,000 and more at 120 Hz. Where a clip of 60 Hz counts as one of
# 120, since AMC does not tell, this still lets pass all but throws.
_FASTEST = 4500.0  # degrees a second
_LARGEST_STEP = 120.0  # degrees from frame to frame, at rates of 37 Hz and below
# What lies between two jumps and is this short is the glitch itself, not motion between two glitches.
_SHORTEST_PIECE = 0.25  # seconds

# Knees bend forwards by 10 degrees at most (no clip of CMU's 227 at hand has more than 13), heads turn by 90, trunks
# bend by 100 and a contortionist's by 150. The margins allow for what retargeting and the captured skeleton add.
_KNEE_FORWARDS = 30.0  # degrees
_KNEE_SIDEWAYS = 45.0
_HEAD_FROM_CHEST = 120.0
_CHEST_FROM_PELVIS = 150.0


def find_glitches(rotations: np.ndarray, framerate: float | None) -> np.ndarray:
    """Marks the frames that cannot be right.

    Args:
        rotations: (T, J, 3) axis-angle of SMPL's joints, relative to the parent; NaN and infinity are allowed. Of
            joints beyond the first 22 nothing else is asked.
        framerate: frames per second, evenly spaced; None if the frames are not, so that jumps cannot be told.

    Returns:
        (T,) uint8: FINE, or else the first of NOT_FINITE, OUT_OF_RANGE and JUMP that applies. REASONS has their names.
    """
    marks = np.full(len(rotations), FINE, dtype=np.uint8)
    finite = np.isfinite(rotations).all(axis=(1, 2))
    marks[~finite] = NOT_FINITE
    rotations = rotations[:, :JOINTS]
    frames = np.flatnonzero(finite)
    marks[frames[_out_of_range(rotations[frames])]] = OUT_OF_RANGE
    if framerate is not None:
        frames = np.flatnonzero(marks == FINE)
        marks[frames[_in_short_pieces(rotations[frames], frames, framerate)]] = JUMP
    return marks


def _out_of_range(rotations: np.ndarray) -> np.ndarray:
    """(T,) bool: some joint is beyond human range."""

    def turn(*names: str) -> Rotation:
        """The joints' rotations (T,), one after the other."""
        turned = Rotation.identity(len(rotations))
        for name in names:
            turned = turned * Rotation.from_rotvec(rotations[:, SMPL_JOINT_NAMES.index(name)])
        return turned

    beyond = np.degrees(turn("neck", "head").magnitude()) > _HEAD_FROM_CHEST
    beyond |= np.degrees(turn("spine1", "spine2", "spine3").magnitude()) > _CHEST_FROM_PELVIS
    for side in ("left", "right"):
        x, y, z = turn(f"{side}_knee").apply([0.0, -1.0, 0.0]).T  # the shin, while the thigh points down
        beyond |= np.degrees(np.arctan2(z, -y)) > _KNEE_FORWARDS
        beyond |= np.degrees(np.arcsin(np.clip(np.abs(x), 0, 1))) > _KNEE_SIDEWAYS
    return beyond


def _in_short_pieces(rotations: np.ndarray, frames: np.ndarray, framerate: float) -> np.ndarray:
    """(T,) bool: the frame is in one of the short pieces into which jumps cut the clip.

    Args:
        rotations: (T, 22, 3), finite.
        frames: (T,) the frames' numbers in the clip; some may be missing.
        framerate: frames per second.
    """
    if len(frames) == 0:
        return np.zeros(0, dtype=bool)
    quaternions = Rotation.from_rotvec(rotations.reshape(-1, 3)).as_quat().reshape(len(frames), -1, 4)
    likeness = np.abs(np.einsum("tjc,tjc->tj", quaternions[1:], quaternions[:-1])).min(axis=1)  # of the fastest joint
    step = np.degrees(2 * np.arccos(np.clip(likeness, 0, 1)))  # (T - 1,)
    jumps = step > np.minimum(_FASTEST * np.diff(frames) / framerate, _LARGEST_STEP)
    if not jumps.any():
        return np.zeros(len(frames), dtype=bool)
    first = np.concatenate([[0], np.flatnonzero(jumps) + 1])  # of each piece
    last = np.append(first[1:], len(frames)) - 1
    lengths = frames[last] - frames[first] + 1
    short = lengths < _SHORTEST_PIECE * framerate
    short[lengths.argmax()] = False  # a clip may be that short as a whole
    return np.repeat(short, last - first + 1)
