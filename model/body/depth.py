"""How much nearer or farther joints are than others, by BlazePose: bodies are turned to it before they are refined.

From one view a limb that points to the camera and one that points away look alike. The mesh network knows what motion
capture holds, and takes what is rare, as yoga and sports are, for what is usual. BlazePose has learned on pictures of
these, so where the two are far apart, it is mostly right; where they agree roughly, the mesh network is finer.
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


class _Trust(NamedTuple):
    """How far BlazePose is believed, by how far apart it and the network are."""

    agree: float
    """Metres up to which they agree."""
    differ: float
    """Metres from which on they do not."""
    least: float
    """The share of the way from the network's depth to BlazePose's where they agree."""
    most: float
    """Likewise where they do not."""


class _Bone(NamedTuple):
    """From where to where a bone goes: joints that SMPL and COCO both name; several stand for their middle."""

    start: tuple[str, ...]
    end: tuple[str, ...]
    trust: _Trust


# Limbs of which both differ by 20 cm and more were 22 to 39 cm off by the network and 15 to 23 cm by BlazePose on
# rendered people in 36 rare poses; 16 and 19 cm on rendered motion capture of the archive that the network knows.
_LIMB, _TRUNK_TRUST = _Trust(0.18, 0.30, 0.0, 1.0), _Trust(0.10, 0.20, 0.3, 0.3)
_HIPS_TRUST, _SHOULDERS_TRUST = _Trust(0.07, 0.12, 0.0, 0.9), _Trust(0.11, 0.17, 0.0, 0.85)


def _pair(joint: str) -> tuple[str, str]:
    return f"left_{joint}", f"right_{joint}"


def _bones(start: str, end: str) -> tuple[_Bone, _Bone]:
    left, right = (_Bone((f"{side}_{start}",), (f"{side}_{end}",), _LIMB) for side in ("left", "right"))
    return left, right


_TRUNK = _Bone(_pair("hip"), _pair("shoulder"), _TRUNK_TRUST)
_HIPS = _Bone(("right_hip",), ("left_hip",), _HIPS_TRUST)
_SHOULDERS = _Bone(("right_shoulder",), ("left_shoulder",), _SHOULDERS_TRUST)
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
    """The same bodies, turned so that joints are as deep as BlazePose has them, as far as it is believed.

    Args:
        rig: the body.
        fits: B bodies in the camera's axes.
        translations: (B, 3) metres: where they stand before their cameras.
        depths: (B, 17) metres that COCO's joints are away from the camera, from any origin; NaN of what nobody knows.
            Who lacks a limb's joint stays as she is.
    """
    # Of who is cut off BlazePose tells depths worse: of 13 such renders PA-MPJPE rose from 71 to 79 mm.
    known = np.flatnonzero(np.isfinite(depths[:, _LIMBS]).all(axis=1)).tolist()
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
    """(B, 3) where a bone shall point: as long as it is, and as deep as both networks together say.

    Args:
        bone: which one.
        places: (B, 22, 3) of the joints, by the mesh network.
        rays: (B, 3) unit vectors away from the camera.
        depths: (B, 17) of COCO's joints, metres, by BlazePose.
    """
    own = _along(bone, places)
    length = np.linalg.norm(own, axis=1)
    deep = (own * rays).sum(axis=1)
    start, end = (depths[:, [COCO_JOINTS.index(name) for name in names]].mean(axis=1) for names in bone[:2])
    more = end - start - deep
    trust = bone.trust
    off = ((np.abs(more) - trust.agree) / (trust.differ - trust.agree)).clip(0, 1)
    share = trust.least + (trust.most - trust.least) * off * off * (3 - 2 * off)
    told = (deep + share * more).clip(-_STEEPEST * length, _STEEPEST * length)
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
