"""One person's skeleton in motion: what every file of a motion is written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from model.body.fitting import BodyFit
from model.body.interpolation import between, turned_between
from model.body.rig import Rest, Rig
from model.body.rotations import to_quaternions
from model.body.skeleton import TURN_UP, to_global
from model.joints import JOINTS, SMPL_PARENTS

TIME_ROUNDING = 5e-4  # seconds: files round times to milliseconds
LONGEST_BRIDGE = 0.6
"""Seconds between frames in which somebody was seen; what is longer is an absence, and nobody knows what was in it."""


@dataclass(frozen=True)
class SkeletonMotion:
    """A body of one shape in N poses. Metres, y up, left = +x of who faces +z."""

    rig: Rig
    shape: np.ndarray
    """(S,)."""
    times: np.ndarray
    """(N,) seconds on the film's clock, rising."""
    rotations: np.ndarray
    """(N, 22, 3, 3) relative to the parent's in the T-pose; the first takes the body's axes to the world's."""
    roots: np.ndarray
    """(N, 3) where the pelvis is."""
    keypoints: np.ndarray | None = None
    """(N, 17, 3) COCO's joints, if they are known."""
    seen_fingers: np.ndarray | None = None
    """(N, 30, 3, 3) SMPL-H's finger joints, relative to the parent's in the T-pose; None if hands are relaxed."""
    hands_seen: np.ndarray | None = None
    """(N, 2) bool: in which frames the left and the right hand are posed as they were seen; None if in none."""

    @classmethod
    def of(
        cls,
        rig: Rig,
        bodies: Sequence[BodyFit],
        times: Sequence[float] | np.ndarray = (0.0,),
        positions: np.ndarray | None = None,
        keypoints: np.ndarray | None = None,
    ) -> SkeletonMotion:
        """That of fitted bodies.

        Args:
            rig: The rig that they were fitted with.
            bodies: N, of one shape, in the camera frame.
            times: (N,) seconds, rising.
            positions: (N, 3) metres, camera frame, to be added to each body: where it stands before the camera.
            keypoints: (N, 17, 3) metres, camera frame: COCO's joints of each body, to be placed likewise.
        """
        rotations = np.stack([body.rotations for body in bodies]).astype(np.float64)
        rotations[:, 0] = np.diag(TURN_UP) @ rotations[:, 0]
        shift = np.zeros((len(bodies), 3)) if positions is None else np.asarray(positions, np.float64)
        roots = rig.rest(bodies[0].shape).joints[0] + np.stack([body.translation for body in bodies]) + shift
        if keypoints is not None:
            keypoints = (keypoints + shift[:, None]) * TURN_UP
        fingers = None
        if rig.hands is not None and any(body.fingers is not None for body in bodies):
            relaxed = rig.hands.relaxed_rotations
            fingers = np.stack([relaxed if body.fingers is None else body.fingers for body in bodies])
        return cls(rig, bodies[0].shape, np.asarray(times, np.float64), rotations, roots * TURN_UP, keypoints, fingers)

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def rest(self) -> Rest:
        """The body as it was modelled, before it is posed."""
        return self.rig.rest(self.shape)

    @cached_property
    def offsets(self) -> np.ndarray:
        """(22, 3) from each joint's parent to the joint in the T-pose; zero for the root."""
        offsets = np.zeros((JOINTS, 3))
        for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
            offsets[joint] = self.rest.straighten[parent] @ (self.rest.joints[joint] - self.rest.joints[parent])
        return offsets

    @cached_property
    def fingers(self) -> np.ndarray:
        """(N, 30, 3, 3) how SMPL-H's finger joints are turned; (N, 0, 3, 3) of hands in one piece."""
        if self.rig.hands is None:
            return np.zeros((len(self), 0, 3, 3))
        relaxed = self.rig.hands.relaxed_rotations
        return np.broadcast_to(relaxed, (len(self), *relaxed.shape)) if self.seen_fingers is None else self.seen_fingers

    @cached_property
    def finger_offsets(self) -> np.ndarray:
        """(30, 3) like `offsets`; (0, 3) of hands in one piece."""
        if self.rig.hands is None:
            return np.zeros((0, 3))
        return self.rig.hands.offsets(self.rest.joints, self.rest.vertices, self.rest.straighten)

    @cached_property
    def height(self) -> float:
        """Metres from the soles to the top of the head as the body was modelled, standing."""
        return self.rig.stature(self.shape)

    @cached_property
    def turns(self) -> np.ndarray:
        """(N, 22, 3, 3): where each joint's axes, in the T-pose the world's, point to."""
        return to_global(self.rotations)

    @cached_property
    def joints(self) -> np.ndarray:
        """(N, 22, 3) where the joints are."""
        positions = np.repeat(self.roots[:, None], JOINTS, axis=1)
        for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
            positions[:, joint] = positions[:, parent] + self.turns[:, parent] @ self.offsets[joint]
        return positions

    @cached_property
    def quaternions(self) -> np.ndarray:
        """(N, 22, 4) x, y, z, w of the rotations, without jumps from frame to frame."""
        return steady_quaternions(self.rotations)

    def with_rotations(self, rotations: np.ndarray) -> SkeletonMotion:
        """Other rotations (N, 22, 3, 3); keypoints go with the pelvis alone."""
        return replace(self, rotations=rotations)

    def shifted(self, shift: np.ndarray) -> SkeletonMotion:
        """All moved by (N, 3) or (3,) metres."""
        shift = np.broadcast_to(shift, self.roots.shape)
        keypoints = None if self.keypoints is None else self.keypoints + shift[:, None]
        return replace(self, roots=self.roots + shift, keypoints=keypoints)

    def turned(self, rotation: np.ndarray) -> SkeletonMotion:
        """All turned about the origin by (3, 3), or each pose by its own of (N, 3, 3)."""
        rotations = self.rotations.copy()
        rotations[:, 0] = rotation @ rotations[:, 0]
        roots = (rotation @ self.roots[..., None])[..., 0]
        keypoints = None if self.keypoints is None else self.keypoints @ np.swapaxes(rotation, -1, -2)
        return replace(self, rotations=rotations, roots=roots, keypoints=keypoints)

    def at(self, times: np.ndarray) -> SkeletonMotion:
        """The motion at other times (T,), rising; before the first pose, after the last, and in absences it stands.

        Rotations go the shortest way from pose to pose, and all without kinks.
        """
        times = np.asarray(times, np.float64)
        within = np.clip(times, self.times[0], self.times[-1])
        for last, back in self.absences:
            within = np.where((within > last) & (within < back - TIME_ROUNDING), last, within)
        return replace(
            self,
            times=times,
            rotations=turned_between(self.times, self.rotations, within),
            seen_fingers=None if self.seen_fingers is None else turned_between(self.times, self.seen_fingers, within),
            hands_seen=None if self.hands_seen is None else self.hands_seen[self._nearest(within)],
            roots=between(self.times, self.roots, within),
            keypoints=None if self.keypoints is None else between(self.times, self.keypoints, within),
        )

    def _nearest(self, times: np.ndarray) -> np.ndarray:
        """(T,) which poses' times are nearest to others."""
        return np.searchsorted((self.times[1:] + self.times[:-1]) / 2, times)

    @property
    def absences(self) -> list[tuple[float, float]]:
        """See `absences`."""
        return absences(self.times)

    def is_there(self, times: np.ndarray) -> np.ndarray:
        """(T,) bool: which times lie between the first pose and the last, and in no absence, by half a millisecond."""
        there = (times > self.times[0] - TIME_ROUNDING) & (times < self.times[-1] + TIME_ROUNDING)
        for last, back in self.absences:
            there &= (times < last + TIME_ROUNDING) | (times > back - TIME_ROUNDING)
        return there


def absences(times: np.ndarray) -> list[tuple[float, float]]:
    """When somebody was seen last and when again, in seconds, by the times (N,) at which she was seen.

    That is longer than 0.6 s, and than twice the usual step.
    """
    steps = np.diff(times)
    usual = np.median(steps) if len(steps) else 0.0
    longer = np.flatnonzero(steps > max(LONGEST_BRIDGE, 2 * usual))
    return [(float(times[before]), float(times[before + 1])) for before in longer]


def steady_quaternions(rotations: np.ndarray) -> np.ndarray:
    """(N, J, 4) x, y, z, w of rotations (N, J, 3, 3), without jumps from frame to frame."""
    found = to_quaternions(rotations)
    flips = np.where((found[1:] * found[:-1]).sum(axis=-1, keepdims=True) < 0, -1, 1)
    found[1:] *= np.cumprod(flips, axis=0)
    return found


def even_times(rate: float, end: float) -> np.ndarray:
    """Times in even steps from 0 to `end`, in seconds, for files that know no others; rate in frames a second."""
    return np.arange(int(end * rate + 1e-6) + 1) / rate
