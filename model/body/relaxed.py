"""Pieces of bodies that nobody saw, at rest: trunks stand, arms and legs hang, and who lies is in line.

A network hedges what it cannot see: arms outside of the photo come out bent before the body, legs half bent, the trunk
above a pair of legs bent over, and above shins alone it sits. Nothing in the photo says so. Whatever has none of its
joints seen goes along one line instead: the person's own, down the trunk or else down the legs, and the more upright
she is in the photo, the nearer to the photo's own down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.evidence import Seen
from model.body.fitting import BodyFit
from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global, to_local
from model.joints import COCO_JOINTS, SMPL_JOINT_NAMES

_DOWN = np.array([0.0, 1.0, 0.0])  # of a camera that is held level
# Degrees by which the left arm is turned from the T-pose, about x, y and z: a little off the body, and a little bent.
_SHOULDER, _ELBOW = np.array([0.0, 0.0, -78.0]), np.array([0.0, -15.0, 0.0])
_TOES_OUT = 6.0  # degrees
_MOST_BENT = np.radians(150.0)  # a knee
# A leg that is so far off rest, or a shin below a knee that was seen, goes half of the way, others less the
# farther off they are: of who strides or sits the network knows more. Half of the legs outside of cropped photos are
# more than 24 degrees off, half of such shins more than 14.
_HEDGED_LEG, _HEDGED_SHIN = np.radians([45.0, 12.0])
_JOINT = {name: index for index, name in enumerate(SMPL_JOINT_NAMES)}
_HIPS, _KNEES = ([_JOINT[f"{side}_{joint}"] for side in ("left", "right")] for joint in ("hip", "knee"))
_PELVIS, _CHEST = _JOINT["pelvis"], _JOINT["spine3"]
_LOWER_TRUNK = [_PELVIS, _JOINT["spine1"], _JOINT["spine2"]]
_TRUNK = [*_LOWER_TRUNK, _CHEST, *(_JOINT[name] for name in ("neck", "head", "left_collar", "right_collar"))]


def relax(rig: Rig, fits: Sequence[BodyFit], seen: Seen) -> list[BodyFit]:
    """The same bodies, those of their pieces at rest of which no joint was seen.

    Args:
        rig: the body.
        fits: B bodies in the camera's axes.
        seen: the joints of the same people, COCO's first; those of confidence 0 were not seen. A body of which none was
            seen stays as it is.
    """
    _, confidence = seen.rays()
    known = confidence[:, : len(COCO_JOINTS)] > 0
    return [
        body
        if joints.all() or not joints.any()
        else _relaxed(rig, body, {name for name, is_seen in zip(COCO_JOINTS, joints) if is_seen})
        for body, joints in zip(fits, known, strict=True)
    ]


def _relaxed(rig: Rig, body: BodyFit, seen: set[str]) -> BodyFit:
    """One body, of which the named joints were seen; what is nearest to these stays in its place."""
    joints, straighten = rig.skeleton(body.shape[None].astype(np.float64))
    world = to_global(body.rotations.astype(np.float64))
    places = joint_positions(joints[0], world @ straighten[0], body.translation)
    line, fixed = _line(places, seen), [_PELVIS]
    if not _any("shoulder", seen) and _any("knee ankle", seen):
        world[_TRUNK] = _along(world[_PELVIS], line)
        if not _any("hip", seen) and {"left_knee", "right_knee", "left_ankle", "right_ankle"} <= seen:
            fixed = _KNEES
            for hip, knee in zip(_HIPS, _KNEES):
                world[hip] = _above(world[knee], line)
    elif not _any("hip", seen):
        fixed = [_CHEST]
        world[_LOWER_TRUNK] = _along(world[_CHEST], line)
    for side, mirror in (("left", 1), ("right", -1)):
        if not {f"{side}_elbow", f"{side}_wrist"} & seen:
            _hang_arm(world, side, mirror, line)
        if not _any("ankle", seen):  # of who shows one the network knows more
            _hang_leg(world, side, mirror, line, f"{side}_knee" in seen, _any("hip", seen))
    moved = joint_positions(joints[0], world @ straighten[0], body.translation)
    back = (places[fixed] - moved[fixed]).mean(axis=0)
    return replace(body, rotations=to_local(world), translation=body.translation + back)


def _any(parts: str, seen: set[str]) -> bool:
    """Whether one of the parts was seen on either side."""
    return any(f"{side}_{part}" in seen for part in parts.split() for side in ("left", "right"))


def _line(places: np.ndarray, seen: set[str]) -> np.ndarray:
    """(3,) unit vector: which way what hangs goes, of a body whose joints are at these places (22, 3)."""

    def middle(part: str) -> np.ndarray:
        ends: np.ndarray = places[[_JOINT[f"left_{part}"], _JOINT[f"right_{part}"]]]
        return ends.mean(axis=0)

    if _any("shoulder", seen) or not _any("knee ankle", seen):
        own = _unit(middle("hip") - middle("shoulder"))
    elif not _any("ankle", seen):
        own = _unit(middle("knee") - middle("hip"))
    else:
        own = _unit(middle("ankle") - middle("knee" if _any("knee", seen) and not _any("hip", seen) else "hip"))
    return _unit(own + max(0.0, float(own @ _DOWN)) * _DOWN)


def _along(frame: np.ndarray, line: np.ndarray) -> np.ndarray:
    """A piece's axes (3, 3), as columns, swung so that its own down is along a line (3,)."""
    own = -frame[:, 1]
    axis = np.cross(own, line)
    angle = np.arctan2(np.linalg.norm(axis), own @ line)
    swung: np.ndarray = Rotation.from_rotvec(angle * _unit(axis)).as_matrix() @ frame
    return swung


def _above(shin: np.ndarray, line: np.ndarray) -> np.ndarray:
    """The axes (3, 3) of the thigh that a shin's knee leaves nearest to a line (3,)."""
    own = shin.T @ line
    thigh: np.ndarray = (
        shin @ Rotation.from_euler("x", -np.clip(np.arctan2(own[2], -own[1]), 0, _MOST_BENT)).as_matrix()
    )
    return thigh


def _hang_arm(world: np.ndarray, side: str, mirror: int, line: np.ndarray) -> None:
    """Lets an arm of `world` (22, 3, 3), each piece's axes, hang; a right one turns the other way about y and z."""
    turns = np.stack([_SHOULDER, _ELBOW]) * (1, mirror, mirror)
    shoulder, elbow = Rotation.from_euler("xyz", turns, degrees=True).as_matrix()
    upper = _along(world[_CHEST], line) @ shoulder
    world[_JOINT[f"{side}_shoulder"]] = upper
    world[[_JOINT[f"{side}_elbow"], _JOINT[f"{side}_wrist"]]] = upper @ elbow


def _hang_leg(world: np.ndarray, side: str, mirror: int, line: np.ndarray, knee_seen: bool, hip_seen: bool) -> None:
    """Lets a leg hang, or, below a knee that was seen, the shin alone: the less, the farther off rest it is.

    Where neither the knee nor a hip was seen, the leg hangs all the way.
    """
    leg = [_JOINT[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle", "foot")]
    thigh = world[leg[0]] if knee_seen else _along(world[_PELVIS], line)
    hanging = thigh.T @ line
    bend = np.clip(np.arctan2(-hanging[2], -hanging[1]), 0, _MOST_BENT)
    shin = thigh @ Rotation.from_euler("x", bend).as_matrix()
    foot = shin @ Rotation.from_euler("y", mirror * _TOES_OUT, degrees=True).as_matrix()
    first = 1 if knee_seen else 0
    before, rest = world[leg[first:]], np.stack([thigh, shin, foot, foot])[first:]
    off = np.arccos(np.clip((before[:-2, :, 1] * rest[:-2, :, 1]).sum(axis=1), -1, 1)).max()
    share = 1 / (1 + (off / (_HEDGED_SHIN if knee_seen else _HEDGED_LEG)) ** 4) if hip_seen or knee_seen else 1.0
    turns = Rotation.from_matrix(rest @ np.swapaxes(before, 1, 2)).as_rotvec()
    world[leg[first:]] = Rotation.from_rotvec(share * turns).as_matrix() @ before


def _unit(vector: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit
