"""Puts the motion of any human skeleton on SMPL's 22 joints, limb directions kept.

An SMPL joint's world rotation is that of the source joint, times what takes SMPL's T-pose to the source joint's axes:
for a limb the smallest rotation that takes its direction in the T-pose to its direction at the source's rest, or, where
the rest shows no body, what its motion tells. So every limb points where the source's does, whatever the two bodies'
proportions and resting poses, and twists as the source does.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.joints import SMPL_JOINT_NAMES, SMPL_PARENTS

from .humanoid import Humanoid, find_humanoid
from .neutral_pose import neutral_pose
from .rest_pose import standing_rest
from .skeleton import Motion

_SAME = np.radians(0.1)
_LIES, _STANDS = 0.3, 0.7  # how much of a trunk's length is its height, in the mean of all frames
_Y_UP_TO_Z_UP = Rotation.from_euler("x", 90, degrees=True)


def to_smpl(motion: Motion) -> np.ndarray:
    """Retargets a motion to SMPL's first 22 joints.

    Spine, neck, head and clavicles turn as in the source from its rest; a source with more or fewer spine or neck
    joints shares their turns evenly. In the T-pose a foot points straight ahead, with the pitch that the source's has
    at rest, so that a standing sole is a standing sole; toes go on from the foot.

    Args:
        motion: of a human, by the names of its joints or its structure. At rest it stands in any way that tells which
            way its limbs bend (T-pose, A-pose, hanging arms), facing any axis, with any axis up; or its bones lie
            along axes of their own, and how they stand to a body is read off all frames; see `neutral_pose`.

    Returns:
        (T, 22, 3) float64 axis-angle as `MocapPoses` has them; NaN in frames that the file itself spoils.

    Raises:
        BadData: the skeleton is no human's, or its left and right are exchanged; the message names the file.
    """
    human = find_humanoid(motion)
    rest = standing_rest(motion.skeleton, human, motion.source) or neutral_pose(motion, human)
    world = motion.world_rotations()
    trunk = [world[joint] * own for joint, own in zip(human.spine, rest.spine)]
    neck = [world[joint] * own for joint, own in zip(human.neck, rest.neck)]
    turned = {name: world[joint] * rest.limbs[name] for name, joint in human.turns.items()}
    turned["pelvis"] = trunk[0]
    turned["spine1"], turned["spine2"], turned["spine3"] = _share(trunk, 3)
    turned["neck"], turned["head"] = _share(neck, 2)

    rotations = np.empty((len(motion.valid), len(SMPL_JOINT_NAMES), 3))
    world_of_rest = rest.axes.inv() * _scene_turn(motion, human, world, rest.axes).inv()
    rotations[:, 0] = (_Y_UP_TO_Z_UP * world_of_rest * turned["pelvis"]).as_rotvec()
    for joint, parent in enumerate(SMPL_PARENTS):
        if parent >= 0:
            above, own = turned[SMPL_JOINT_NAMES[parent]], turned[SMPL_JOINT_NAMES[joint]]
            rotations[:, joint] = (above.inv() * own).as_rotvec()
    rotations[~motion.valid] = np.nan
    return rotations


def _scene_turn(motion: Motion, human: Humanoid, world: list[Rotation], axes: Rotation) -> Rotation:
    """A turn that all above the pelvis keeps in all frames, if people would lie by it and stand without.

    Converters write the node that an exporter for another up axis puts above a skeleton as one more joint.
    """
    above, valid = motion.skeleton.parents[human.spine[0]], np.flatnonzero(motion.valid)
    if above >= 0 and len(valid):
        turns = world[above][valid]
        turn = turns[0]
        up = axes.apply([0.0, 1, 0])
        trunk = world[human.spine[0]][valid].apply(up).mean(axis=0)
        stays = (turn.inv() * turns).magnitude().max() < _SAME
        if stays and trunk @ up < _LIES and turn.inv().apply(trunk) @ up > _STANDS:
            return turn
    return Rotation.identity()


def _share(chain: list[Rotation], count: int) -> list[Rotation]:
    """World rotations of `count` joints spread evenly over those of a chain, from behind its first to its last."""
    shared = []
    for step in range(1, count + 1):
        place = step * (len(chain) - 1) / count
        below = int(place + 1e-9)
        rotation = chain[below]
        if place - below > 1e-9:
            onward = (rotation.inv() * chain[below + 1]).as_rotvec()
            rotation = rotation * Rotation.from_rotvec((place - below) * onward)
        shared.append(rotation)
    return shared
