"""Where a posed body's finger joints are, as a landmark network would see them if it never erred."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.hands import FINGERS, WRISTS
from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global
from model.joints import FINGER_PARENTS, JOINTS

_ORDER = (4, 0, 1, 3, 2)  # thumb to little finger among SMPL-H's fingers


def curled(worn: Rig, curl: float) -> np.ndarray:
    """(30, 3, 3) fingers that are bent so many times as much as relaxed ones."""
    assert worn.hands is not None
    return Rotation.from_rotvec(curl * worn.hands.relaxed).as_matrix()


def joints_of(worn: Rig, fit: BodyFit, hand: int) -> np.ndarray:
    """(21, 3) the joints of one hand, by forward kinematics on the flat-handed body at rest."""
    assert worn.hands is not None and fit.fingers is not None
    rest = worn.rest(fit.shape)
    turns = to_global(fit.rotations)
    places = joint_positions(rest.joints, turns @ rest.straighten, np.zeros(3))
    offsets = worn.hands.offsets(rest.joints, rest.vertices, rest.straighten)
    tips, heads = worn.hands.tips(rest.vertices), worn.hands.heads(rest.vertices)
    world, at = dict(enumerate(turns)), dict(enumerate(places))
    found = [places[WRISTS[hand]]]
    for finger in range(FINGERS):
        parent = FINGER_PARENTS[finger]
        at[JOINTS + finger] = at[parent] + world[parent] @ offsets[finger]
        world[JOINTS + finger] = world[parent] @ fit.fingers[finger]
    for finger in _ORDER:
        first = 15 * hand + 3 * finger
        tip = rest.straighten[WRISTS[hand]] @ (tips[5 * hand + finger] - heads[first + 2])
        found += [at[JOINTS + first + bone] for bone in range(3)]
        found.append(at[JOINTS + first + 2] + world[JOINTS + first + 2] @ tip)
    return np.array(found)
