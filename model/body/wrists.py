"""Turns bodies' wrists towards knuckles as BlazePose saw them, in closed form: one step of Gauss-Newton a hand.

A network's mesh tells little of how hands are turned, since neither its joints nor its heatmaps have any but wrists.
Knuckles do, but as they come from a 2D network that errs by a fifth of a hand, they turn it as far as they can be
believed: much about the forearm, about which a mesh knows least, and little across.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.evidence import Seen, noise_of
from model.body.fitting import BodyFit
from model.body.hands import WRISTS
from model.body.rig import Rig
from model.body.skeleton import joint_positions, to_global
from model.joints import SMPL_PARENTS

_WRISTS, _ELBOWS = list(WRISTS), [SMPL_PARENTS[wrist] for wrist in WRISTS]

HAND_LANDMARKS = tuple(
    f"{side}_{point}" for side in ("left", "right") for point in ("wrist", "pinky", "index", "thumb")
)
"""What BlazePose sees of hands: each wrist and its knuckles."""

# Where BlazePose sees the right hand's knuckles (little finger, index, thumb), forearms from the wrist, in the T-pose's
# axes: least squares over 105 renders of training subjects. It draws hands smaller than they are.
_RIGHT = np.array([[-0.312, -0.067, -0.069], [-0.355, -0.046, 0.054], [-0.245, -0.040, 0.092]])
_KNUCKLES = np.stack([_RIGHT * (-1, 1, 1), _RIGHT])  # (2, 3, 3)
_NOISE, _AT = 0.07, 0.95  # forearms: how far a knuckle may be off whose peak is so high, as `noise_of` has it
_GROSS = 3.0  # times the noise: errors beyond count less and less (Geman and McClure)
_TURNS = np.array([0.5, 0.2, 0.2])
"""Radians by which a hand may turn about the forearm, which the T-pose has along x, and across it."""
_ELSEWHERE = 0.5  # forearms: a wrist that is seen farther from the body's is another's
_MOST_BENT = np.radians(85.0)  # of a wrist
_NEAREST, _SHORTEST = 0.1, 0.01  # metres before the camera, and of a forearm: keep numbers finite


def turn_wrists(rig: Rig, fits: Sequence[BodyFit], translations: np.ndarray, seen: Seen) -> list[BodyFit]:
    """The bodies with their hands turned; half of what a hand turns about its forearm the forearm turns, too.

    Args:
        rig: the body.
        fits: B bodies in the camera's axes.
        translations: (B, 3) metres: where they stand before their cameras.
        seen: `HAND_LANDMARKS` of the same people.
    """
    if not fits:
        return []
    rotations = np.stack([fit.rotations for fit in fits]).astype(np.float64)
    resting, straighten = rig.skeleton(np.stack([fit.shape for fit in fits]).astype(np.float64))
    world = to_global(rotations)
    roots = np.stack([fit.translation for fit in fits]) + translations
    joints = joint_positions(resting, world @ straighten, roots)
    rays, confidence = seen.rays()
    hands, arms = world[:, _WRISTS], np.stack([joints[:, _ELBOWS], joints[:, _WRISTS]], axis=2)
    turned = _turn(hands, arms, rays.reshape(-1, 2, 4, 2), confidence.reshape(-1, 2, 4))
    before, after = rotations[:, _WRISTS], np.swapaxes(world[:, _ELBOWS], -1, -2) @ turned
    (twist, _), (twisted, bend) = _angles(before), _angles(after)
    shorter = (twisted - twist + np.pi) % (2 * np.pi) - np.pi
    half = Rotation.from_rotvec(np.outer(shorter / 2, (1.0, 0.0, 0.0))).as_matrix().reshape(after.shape)
    sound = (bend < _MOST_BENT)[..., None, None]
    rotations[:, _ELBOWS] = np.where(sound, rotations[:, _ELBOWS] @ half, rotations[:, _ELBOWS])
    rotations[:, _WRISTS] = np.where(sound, np.swapaxes(half, -1, -2) @ after, before)
    return [replace(fit, rotations=own) for fit, own in zip(fits, rotations, strict=True)]


def _turn(hands: np.ndarray, arms: np.ndarray, rays: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The hands' turns (B, 2, 3, 3) in the camera's axes, once they heed what was seen.

    Args:
        hands: (B, 2, 3, 3) how they are turned so far.
        arms: (B, 2, 2, 3) each one's elbow and wrist before the camera.
        rays: (B, 2, 4, 2) x / z and y / z of the wrist and the knuckles as they were seen.
        confidence: (B, 2, 4).
    """
    length = np.maximum(np.linalg.norm(arms[..., 1, :] - arms[..., 0, :], axis=-1), _SHORTEST)
    depth = np.maximum(arms[..., 1, 2], _NEAREST)
    scale = depth / length
    aim = (rays[..., 1:, :] - rays[..., :1, :]) * scale[..., None, None]  # (B, 2, 3, 2) forearms
    away = np.linalg.norm(rays[..., 0, :] - arms[..., 1, :2] / depth[..., None], axis=-1) * scale
    noise = noise_of(confidence[..., 1:], _NOISE, _AT)
    there = (confidence > 0).all(axis=-1) & (away < _ELSEWHERE)
    # A point p beside the wrist lies on a ray if p_xy - ray p_z is how far the ray passes it at the wrist's depth.
    view = np.zeros((*there.shape, 3, 3, 2))
    view[..., :2, :] = np.eye(2)
    view[..., 2, :] = -rays[..., 1:, :]
    points = _KNUCKLES @ np.swapaxes(hands, -1, -2)
    off = (points[..., None, :] @ view)[..., 0, :] - aim
    gross = np.square(_GROSS * noise)
    weight = there[..., None] * np.square(gross / (gross + np.square(off).sum(axis=-1)) / noise)
    changes = np.swapaxes(np.cross(np.eye(3), points[..., None, :]) @ view, -3, -2)  # (B, 2, axes, knuckles, 2)
    changes = changes.reshape(*there.shape, 3, 6)
    weighed = changes * np.repeat(weight, 2, axis=-1)[..., None, :]
    normal = weighed @ np.swapaxes(changes, -1, -2) + hands @ np.diag(_TURNS**-2) @ np.swapaxes(hands, -1, -2)
    step = -np.linalg.solve(normal, weighed @ off.reshape(*there.shape, 6, 1))
    turned: np.ndarray = Rotation.from_rotvec(step.reshape(-1, 3)).as_matrix().reshape(hands.shape) @ hands
    return turned


def _angles(local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radians (B, 2) by which wrists (B, 2, 3, 3) turn about the forearm and across it."""
    x, y, z, w = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().T.reshape(4, *local.shape[:2])
    return 2 * np.arctan2(x, w), 2 * np.arctan2(np.hypot(y, z), np.hypot(x, w))
