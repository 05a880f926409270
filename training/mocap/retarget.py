"""Puts the motion of any human skeleton on SMPL's 22 joints, limb directions kept.

An SMPL joint's world rotation is that of the source joint, times the smallest rotation that takes the limb's direction
in SMPL's T-pose to its direction in the source's resting pose. So every limb points where the source's does, whatever
the two bodies' proportions and resting poses, and twists as the source does from its own rest.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.errors import BadData

from .humanoid import Humanoid, find_humanoid
from .poses import SMPL_JOINT_NAMES, SMPL_PARENTS
from .skeleton import Motion, Skeleton

_Y_UP_TO_Z_UP = Rotation.from_euler("x", 90, degrees=True)
_LEFT, _RIGHT, _DOWN = np.array([1.0, 0, 0]), np.array([-1.0, 0, 0]), np.array([0, -1.0, 0])
# Where each limb ends and points in SMPL's T-pose; None is the mean of the joint's children.
_LIMBS = {
    "left_hip": ("left_knee", _DOWN),
    "right_hip": ("right_knee", _DOWN),
    "left_knee": ("left_ankle", _DOWN),
    "right_knee": ("right_ankle", _DOWN),
    "left_shoulder": ("left_elbow", _LEFT),
    "right_shoulder": ("right_elbow", _RIGHT),
    "left_elbow": ("left_wrist", _LEFT),
    "right_elbow": ("right_wrist", _RIGHT),
    "left_wrist": (None, _LEFT),
    "right_wrist": (None, _RIGHT),
}


def to_smpl(motion: Motion) -> np.ndarray:
    """Retargets a motion to SMPL's first 22 joints.

    Spine, neck, head and clavicles turn as in the source from its rest; a source with more or fewer spine or neck
    joints shares their turns evenly. In the T-pose a foot points straight ahead, with the pitch that the source's has
    at rest, so that a standing sole is a standing sole; toes go on from the foot.

    Args:
        motion: of a human; the names of its joints must be known to `humanoid.py`. At rest it stands in any way that
            tells which way its limbs bend: T-pose, A-pose, hanging arms. It may face any axis, and any axis may be up.

    Returns:
        (T, 22, 3) float64 axis-angle as `MocapPoses` has them; NaN in frames that the file itself spoils.

    Raises:
        BadData: the skeleton is no human's, or does not stand upright at rest; the message names the file.
    """
    skeleton = motion.skeleton
    human = find_humanoid(skeleton, motion.source)
    axes = _axes(skeleton, human, motion.source)
    rest = axes.inv().apply(skeleton.rest_positions())  # x to the left, y up, z ahead
    from_rest = {name: axes * turn for name, turn in _corrections(skeleton, human, rest, motion.source).items()}
    turned = _source_rotations(motion, human)
    world = [turned[name] * from_rest.get(name, axes) for name in SMPL_JOINT_NAMES]

    rotations = np.empty((len(motion.valid), len(world), 3))
    rotations[:, 0] = (_Y_UP_TO_Z_UP * axes.inv() * world[0]).as_rotvec()
    for joint, parent in enumerate(SMPL_PARENTS):
        if parent >= 0:
            rotations[:, joint] = (world[parent].inv() * world[joint]).as_rotvec()
    rotations[~motion.valid] = np.nan
    return rotations


def _axes(skeleton: Skeleton, human: Humanoid, source: str) -> Rotation:
    """Takes x to the left, y up, z ahead to the source's axes: a turn by right angles, read off its rest."""
    rest = skeleton.rest_positions()
    left = _nearest_axis(rest[human.limbs["left_hip"]] - rest[human.limbs["right_hip"]])
    up = _nearest_axis(rest[human.neck[-1]] - rest[human.spine[0]])
    if abs(left @ up) > 0.5:
        raise BadData(_no_rest(source, "the hips lie along the spine"))
    return Rotation.from_matrix(np.stack([left, up, np.cross(left, up)], axis=1))


def _nearest_axis(vector: np.ndarray) -> np.ndarray:
    axis = np.zeros(3)
    largest = np.abs(vector).argmax()
    axis[largest] = np.sign(vector[largest]) or 1.0
    return axis


def _corrections(skeleton: Skeleton, human: Humanoid, rest: np.ndarray, source: str) -> dict[str, Rotation]:
    """By SMPL joint, what takes its T-pose to the source's rest; where none is given the two agree."""
    corrections: dict[str, Rotation] = {}
    for name, (end, t_pose) in _LIMBS.items():
        start = human.limbs[name]
        limb = rest[human.limbs[end]] - rest[start] if end else _reach(skeleton, rest, start)
        length = np.linalg.norm(limb)
        if length > 0:
            corrections[name] = _smallest_rotation(t_pose, limb / length)
        else:  # a hand without fingers goes on from its forearm
            corrections[name] = corrections[name.replace("wrist", "elbow")]
        if t_pose is _DOWN and corrections[name].apply(_DOWN)[1] > -0.5:
            raise BadData(_no_rest(source, f"the limb at the {name.replace('_', ' ')} does not point down"))
    for side in ("left", "right"):
        shin = corrections[f"{side}_knee"]
        foot = shin.inv().apply(_reach(skeleton, rest, human.limbs[f"{side}_ankle"]))  # below a shin turned straight
        ahead = np.hypot(foot[0], foot[2])
        if foot[2] < -0.5 * ahead:
            raise BadData(_no_rest(source, f"the {side} foot points backwards: are left and right exchanged?"))
        heading = np.arctan2(foot[0], foot[2]) if ahead > 1e-6 else 0.0
        corrections[f"{side}_ankle"] = corrections[f"{side}_foot"] = shin * Rotation.from_rotvec([0, heading, 0])
    return corrections


def _no_rest(source: str, what: str) -> str:
    return f"{source}: {what} while all angles are zero. Export it with a standing rest pose, best a T-pose."


def _reach(skeleton: Skeleton, rest: np.ndarray, joint: int) -> np.ndarray:
    """(3,) from a joint to the middle of its children, or where those are in the same place, of theirs."""
    children = skeleton.children(joint)
    while children:
        reach = rest[children].mean(axis=0) - rest[joint]
        if np.linalg.norm(reach) > 1e-6:
            return reach
        children = [below for child in children for below in skeleton.children(child)]
    return np.zeros(3)


def _smallest_rotation(start: np.ndarray, end: np.ndarray) -> Rotation:
    """The smallest rotation between two unit vectors (3,); opposite ones turn about z."""
    axis = np.cross(start, end)
    sine, cosine = np.linalg.norm(axis), start @ end
    if sine < 1e-9:
        return Rotation.from_rotvec([0, 0, 0 if cosine > 0 else np.pi])
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine))


def _source_rotations(motion: Motion, human: Humanoid) -> dict[str, Rotation]:
    """By SMPL joint, the world rotation of what corresponds to it in the source, from the source's rest."""
    world = motion.world_rotations()
    turned = {name: world[joint] for name, joint in human.limbs.items()}
    turned["pelvis"] = world[human.spine[0]]
    turned["spine1"], turned["spine2"], turned["spine3"] = _share(world, human.spine, 3)
    turned["neck"], turned["head"] = _share(world, human.neck, 2)
    for side in ("left", "right"):
        turned[f"{side}_collar"] = world[human.collars[side]]
        ankle = human.limbs[f"{side}_ankle"]
        toes = motion.skeleton.children(ankle)
        turned[f"{side}_foot"] = world[toes[0]] if toes else world[ankle]
    return turned


def _share(world: list[Rotation], chain: list[int], count: int) -> list[Rotation]:
    """World rotations of `count` joints spread evenly over a chain, from behind its first to its last."""
    shared = []
    for step in range(1, count + 1):
        place = step * (len(chain) - 1) / count
        below = int(place + 1e-9)
        rotation = world[chain[below]]
        if place - below > 1e-9:
            onward = (rotation.inv() * world[chain[below + 1]]).as_rotvec()
            rotation = rotation * Rotation.from_rotvec((place - below) * onward)
        shared.append(rotation)
    return shared
