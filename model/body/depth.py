"""How much nearer or farther joints are than others, as BlazePose's features tell: bodies are turned to it.

From one view a limb that points to the camera and one that points away look alike; what BlazePose has seen of it
besides its joints says which, and how far (`model/perception/bone_depths.py`). Bodies are turned to that before they
are refined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.limits import AXES
from model.body.rig import Rig
from model.body.rotations import about, smallest_rotation, to_vectors
from model.body.skeleton import FAMILY, joint_positions, to_global, to_local
from model.joints import COCO_JOINTS, SMPL_JOINT_NAMES

_STEEPEST = 0.97  # of a bone's length: the most that it has in depth
_SHORTEST = 1e-6  # metres: what has no direction


class _Bone(NamedTuple):
    """From where to where a bone goes: joints that SMPL and COCO both name; several stand for their middle."""

    start: tuple[str, ...]
    end: tuple[str, ...]


def _pair(joint: str) -> tuple[str, str]:
    return f"left_{joint}", f"right_{joint}"


def _bones(start: str, end: str) -> tuple[_Bone, _Bone]:
    left, right = (_Bone((f"{side}_{start}",), (f"{side}_{end}",)) for side in ("left", "right"))
    return left, right


_TRUNK = _Bone(_pair("hip"), _pair("shoulder"))
_HIPS = _Bone(("right_hip",), ("left_hip",))
_SHOULDERS = _Bone(("right_shoulder",), ("left_shoulder",))
_UPPER = (*_bones("hip", "knee"), *_bones("shoulder", "elbow"))
_LOWER = (*_bones("knee", "ankle"), *_bones("elbow", "wrist"))

_LIMBS = [index for index, name in enumerate(COCO_JOINTS) if name in SMPL_JOINT_NAMES]
_SMPL = {name: index for index, name in enumerate(SMPL_JOINT_NAMES)}
_SPINE = [_SMPL[name] for name in ("spine1", "spine2", "spine3")]
_NECK, _HEAD = _SMPL["neck"], _SMPL["head"]
_UPPER_JOINTS, _HINGES = ([_SMPL[bone.start[0]] for bone in bones] for bones in (_UPPER, _LOWER))
_ENDS = [_SMPL[bone.end[0]] for bone in _LOWER]
_FREE = np.radians([8.0, 8.0, 25.0, 25.0])  # how far a bent hinge's axis may be off from across both of its bones
_STRAIGHT, _BENT = 0.2, 0.5
"""Sines of a hinge's bend: up to the first nothing tells its axis, from the second on all does."""


def heed_depths(rig: Rig, fits: Sequence[BodyFit], translations: np.ndarray, depths: np.ndarray) -> list[BodyFit]:
    """The same bodies, turned so that bones are as deep as is told.

    Args:
        rig: the body.
        fits: B bodies in the camera's axes.
        translations: (B, 3) metres: where they stand before their cameras.
        depths: (B, 17) metres that COCO's joints are away from the camera, from any origin; NaN of what nobody knows.
            Bones that lack an end point where they did.
    """
    known = np.flatnonzero(np.isfinite(depths[:, _LIMBS]).sum(axis=1) > 1).tolist()
    turned = list(fits)
    if known:
        heeded = _heed(rig, [fits[index] for index in known], translations[known], depths[known])
        for index, body in zip(known, heeded, strict=True):
            turned[index] = body
    return turned


def _heed(rig: Rig, fits: Sequence[BodyFit], translations: np.ndarray, depths: np.ndarray) -> list[BodyFit]:
    resting, straighten = rig.skeleton(np.stack([fit.shape for fit in fits]).astype(np.float64))
    roots = np.stack([fit.translation for fit in fits]).astype(np.float64)
    world = to_global(np.stack([fit.rotations for fit in fits]).astype(np.float64))  # (B, 22, 3, 3)
    rays = translations / np.linalg.norm(translations, axis=1, keepdims=True)

    def places() -> np.ndarray:
        return joint_positions(resting, world @ straighten, roots)

    def turn(joint: int, swing: np.ndarray) -> None:
        world[:, FAMILY[joint] > 0] = swing[:, None] @ world[:, FAMILY[joint] > 0]

    before = places()
    hips = before[:, [_SMPL[name] for name in _pair("hip")]].mean(axis=1)
    aims = {bone: _aim(bone, before, rays, depths) for bone in (*_UPPER, *_LOWER)}
    heads = world[:, [_NECK, _HEAD]].copy()
    for bone in (_TRUNK, _HIPS):
        at = places()
        turn(0, smallest_rotation(_along(bone, at), _aim(bone, at, rays, depths)))
    at = places()
    third = to_vectors(smallest_rotation(_along(_SHOULDERS, at), _aim(_SHOULDERS, at, rays, depths))) / len(_SPINE)
    for joint in _SPINE:
        turn(joint, Rotation.from_rotvec(third).as_matrix())
    # Where somebody looks the network knows by her face.
    world[:, _HEAD] = heads[:, 1]
    half = to_vectors(world[:, _NECK] @ np.swapaxes(heads[:, 0], 1, 2)) / 2
    world[:, _NECK] = Rotation.from_rotvec(half).as_matrix() @ heads[:, 0]
    for bones in (_UPPER, _LOWER):
        at = places()
        for bone in bones:
            turn(_SMPL[bone.start[0]], smallest_rotation(_along(bone, at), aims[bone]))
    _set_hinges(world, places())
    after = places()
    back = hips - after[:, [_SMPL[name] for name in _pair("hip")]].mean(axis=1)
    return [
        replace(fit, rotations=own, translation=fit.translation + moved)
        for fit, own, moved in zip(fits, to_local(world), back, strict=True)
    ]


def _along(bone: _Bone, places: np.ndarray) -> np.ndarray:
    """(B, 3) from a bone's start to its end, of joints at these places (B, 22, 3)."""
    start, end = (places[:, [_SMPL[name] for name in names]].mean(axis=1) for names in bone[:2])
    difference: np.ndarray = end - start
    return difference


def _aim(bone: _Bone, places: np.ndarray, rays: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """(B, 3) where a bone shall point: as long as it is, and as deep as is told.

    Args:
        bone: which one.
        places: (B, 22, 3) of the joints, by the mesh network.
        rays: (B, 3) unit vectors away from the camera.
        depths: (B, 17) of COCO's joints, metres.
    """
    own = _along(bone, places)
    length = np.linalg.norm(own, axis=1)
    deep = (own * rays).sum(axis=1)
    start, end = (depths[:, [COCO_JOINTS.index(name) for name in names]].mean(axis=1) for names in bone[:2])
    told = np.where(np.isfinite(end - start), end - start, deep).clip(-_STEEPEST * length, _STEEPEST * length)
    beside = own - deep[:, None] * rays
    scale = np.sqrt((length**2 - told**2).clip(0)) / np.maximum(np.linalg.norm(beside, axis=1), _SHORTEST)
    aim: np.ndarray = scale[:, None] * beside + told[:, None] * rays
    return aim


def _set_hinges(world: np.ndarray, places: np.ndarray) -> None:
    """Turns thighs and upper arms of `world` (B, 22, 3, 3) about themselves so that knees and elbows bend as hinges.

    Args:
        world: each piece's axes; the limbs stay where they point.
        places: (B, 22, 3) of the joints.
    """
    upper = _unit(places[:, _HINGES] - places[:, _UPPER_JOINTS])  # (B, 4, 3)
    lower = _unit(places[:, _ENDS] - places[:, _HINGES])
    across = np.cross(upper, lower)
    sine = np.linalg.norm(across, axis=-1)
    own = (world[:, _UPPER_JOINTS] @ AXES[:, 0, :, None])[..., 0]  # how each hinge bends
    own -= (own * upper).sum(axis=-1, keepdims=True) * upper
    angle = np.arctan2((np.cross(own, across) * upper).sum(axis=-1), (own * across).sum(axis=-1))
    angle = np.sign(angle) * (np.abs(angle) - _FREE).clip(0)
    angle *= ((sine - _STRAIGHT) / (_BENT - _STRAIGHT)).clip(0, 1)
    twist = about(upper, angle)
    world[:, _UPPER_JOINTS] = twist @ world[:, _UPPER_JOINTS]
    back = smallest_rotation((twist @ lower[..., None])[..., 0], lower)
    for index, joint in enumerate(_HINGES):
        family = FAMILY[joint] > 0
        world[:, family] = (back[:, index] @ twist[:, index])[:, None] @ world[:, family]


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _SHORTEST)
    return unit
