"""What a source's joints are in SMPL's T-pose, read off its motion: for skeletons that do not stand at rest.

LAFAN1, Bandai-Namco and SOMA lay every bone along an axis of its own, so that their offsets show no body. Where joints
are in the frames of the motion does: hips and shoulders lie left and right, knees bend backwards, elbows forwards, and
what else a joint turns is, in the mean of all frames, nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.errors import BadData

from .humanoid import Humanoid
from .rest_pose import LIMBS, RestPose, exchanged, nearest_axis, smallest_rotation
from .skeleton import Motion

_FRAMES = 1000  # as many are enough for means
_PRIOR = 0.1  # of a right-angled bend: how much it counts that joints do not turn in the mean
_SOLE = np.radians(26)  # how far SMPL's toes are below the ankle, seen from there
_AHEAD = np.array([0.0, 0, 1])
_LIMBS = {
    **LIMBS,
    "left_ankle": ("left_foot", np.array([0, -np.sin(_SOLE), np.cos(_SOLE)])),
    "right_ankle": ("right_foot", np.array([0, -np.sin(_SOLE), np.cos(_SOLE)])),
}
_BENDS = {"hip": ("knee", "ankle", -1.0), "shoulder": ("elbow", "wrist", 1.0)}  # the limb below bends back, or ahead
_CHAINS = (("hip", "knee", "ankle", "foot"), ("collar", "shoulder", "elbow", "wrist"))
_RIGHT_ANGLES = Rotation.create_group("O")


class _Seen:
    """Some frames of a motion, and vectors of them as joints see them."""

    def __init__(self, motion: Motion):
        valid = np.flatnonzero(motion.valid)
        frames = valid[:: -(-len(valid) // _FRAMES) or 1]
        self.world = [turns[frames] for turns in motion.world_rotations()]
        self.at = motion.positions()[frames]
        self.children, self.source = motion.skeleton.children, motion.source

    def mean(self, joint: int, vectors: np.ndarray) -> np.ndarray:
        """(3,) the mean of vectors (T, 3) in a joint's own axes."""
        return self.world[joint].inv().apply(vectors).mean(axis=0)

    def mean_direction(self, joint: int, start: int, end: int) -> np.ndarray:
        """(3,) the mean of the unit vectors from one joint to another, in a joint's own axes; zero between the same."""
        step = self.at[:, end] - self.at[:, start]
        return self.mean(joint, step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9))

    def unturned(self, joint: int, above: int, of_above: Rotation) -> Rotation:
        """What takes the T-pose to a joint's axes if it does not turn against the one above in the mean."""
        return (self.world[joint].inv() * self.world[above] * of_above).mean()


def neutral_pose(motion: Motion, human: Humanoid) -> RestPose:
    """Reads how a source's joints stand to SMPL's T-pose off its motion.

    Raises:
        BadData: the two hips are in one place, no frame is valid, or left and right are exchanged; the message names
            the file.
    """
    if not motion.valid.any():
        raise BadData(f"{motion.source} holds no frame of numbers: remove it.")
    seen = _Seen(motion)
    spine, neck = _trunk(seen, human)
    limbs: dict[str, Rotation] = {}
    for side in ("left", "right"):
        for chain in _CHAINS:
            above, own = (human.spine[0], spine[0]) if chain[0] == "hip" else (human.spine[-1], spine[-1])
            for part in chain:
                joint = human.turns[f"{side}_{part}"]
                if joint != above:
                    own = _limb(seen, human, f"{side}_{part}", seen.unturned(joint, above, own))
                limbs[f"{side}_{part}"] = own
                above = joint
    return RestPose(_axes(seen, human), spine, neck, limbs)


def _trunk(seen: _Seen, human: Humanoid) -> tuple[list[Rotation], list[Rotation]]:
    """By joint of the spine and of the neck its axes, which are at right angles to the body's."""
    limbs, at = human.limbs, seen.at
    middle = (at[:, limbs["left_hip"]] + at[:, limbs["right_hip"]]) / 2
    top = at[:, human.neck[min(1, len(human.neck) - 1)]]

    def square(joint: int, across: str) -> Rotation:
        left = seen.mean(joint, at[:, limbs[f"left_{across}"]] - at[:, limbs[f"right_{across}"]])
        up = seen.mean(joint, top - middle)
        up -= left * (up @ left) / max(left @ left, 1e-12)
        if min(np.linalg.norm(left), np.linalg.norm(up)) < 1e-6:
            raise BadData(f"{seen.source}: both {across}s are in one place, or the trunk has no length: no human.")
        left, up = left / np.linalg.norm(left), up / np.linalg.norm(up)
        return _squared(Rotation.from_matrix(np.stack([left, up, np.cross(left, up)], axis=1)))

    spine = [square(human.spine[0], "hip")]
    for above, joint in zip(human.spine, human.spine[1:]):
        spine.append(_squared(seen.unturned(joint, above, spine[-1])))
    if len(spine) > 1:
        spine[-1] = square(human.spine[-1], "shoulder")
    neck = [spine[-1]]
    for above, joint in zip(human.neck, human.neck[1:]):
        neck.append(_squared(seen.unturned(joint, above, neck[-1])))
    return spine, neck


def _squared(axes: Rotation) -> Rotation:
    """The nearest turn by right angles."""
    return _RIGHT_ANGLES[int((_RIGHT_ANGLES.inv() * axes).magnitude().argmin())]


def _limb(seen: _Seen, human: Humanoid, name: str, own: Rotation) -> Rotation:
    """A limb's axes from those that do not turn in the mean: its bone points and its joint bends as they should."""
    if name not in _LIMBS:
        return own
    end, t_pose = _LIMBS[name]
    joint, start = human.turns[name], human.limbs[name]
    ends = [human.limbs[end]] if end else seen.children(joint)
    bone = seen.mean(joint, seen.at[:, ends].mean(axis=1) - seen.at[:, start]) if ends else np.zeros(3)
    length = np.linalg.norm(bone)
    if length < 1e-6:
        return own
    bone /= length
    own = smallest_rotation(own.apply(t_pose), bone) * own
    return _bent(seen, human, name, own, bone) if name.split("_")[1] in _BENDS else own


def _bent(seen: _Seen, human: Humanoid, name: str, own: Rotation, bone: np.ndarray) -> Rotation:
    """A limb's axes turned about its bone (3,), a unit vector, until the limb below bends back, or ahead."""
    side, part = name.split("_")
    middle, end, sign = _BENDS[part]
    joint, now = human.turns[name], own.apply(_AHEAD)
    bend = sign * seen.mean_direction(joint, human.limbs[f"{side}_{middle}"], human.limbs[f"{side}_{end}"])
    if part == "hip":  # straight legs bend neither way, but their feet point ahead
        ankle, toes = human.limbs[f"{side}_ankle"], human.limbs[f"{side}_foot"]
        evidence = bend + seen.mean_direction(joint, ankle, toes)
        evidence -= bone * (evidence @ bone)
        if evidence @ now < -0.5 * np.linalg.norm(evidence):
            raise BadData(exchanged(seen.source, side))
    ahead = bend + _PRIOR * now
    ahead -= bone * (ahead @ bone)
    angle = np.arctan2(np.cross(now, ahead) @ bone, now @ ahead)
    return Rotation.from_rotvec(angle * bone) * own


def _axes(seen: _Seen, human: Humanoid) -> Rotation:
    """Takes y up to where people's heads are in the mean; where x and z go then is open, as is where they face."""
    feet = seen.at[:, [human.limbs["left_ankle"], human.limbs["right_ankle"]]].mean(axis=1)
    up = nearest_axis((seen.at[:, human.neck[-1]] - feet).mean(axis=0))
    return smallest_rotation(np.array([0.0, 1, 0]), up)
