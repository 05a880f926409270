"""SMPL, SMPL-H and SMPL-X as a `BodyModel`: the user's own model file, posed with the `smplx` package.

The model files and the package are licensed for non-commercial research by the Max Planck Society; neither comes with
this project, and a checkpoint trained on them falls under their terms.
"""

from __future__ import annotations

import copy
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Self

from model.errors import BadData
from model.extras import how_to_install
from model.joints import SMPL_JOINT_NAMES, SMPL_PARENTS, SMPLH_JOINTS, SMPLX_JOINTS
from training.bodies.convert import MODEL_KEYS
from training.bodies.subject import BODY
from training.npz import open_npz

try:
    from smplx.lbs import batch_rigid_transform
    from smplx.vertex_ids import vertex_ids
except ImportError as error:
    raise ImportError(f"SMPL bodies need the smplx package: {how_to_install('smpl')}") from error

SHAPE_COUNT = 10
"""As many shape coefficients as every release has, and as the field uses."""

# The mesh tells the model: its name, and smplx's name for its vertices of nose, eyes and ears. SMPL-H has SMPL's mesh.
_MESHES = {6890: ("smpl", "smplh"), 10475: ("smplx", "smplx")}
_SIZES = {6890: "SMPL or SMPL-H", 10475: "SMPL-X"}
_FACE = ("nose", "leye", "reye", "lear", "rear")  # COCO's first five
_LIMBS = tuple(
    SMPL_JOINT_NAMES.index(f"{side}_{joint}")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)  # COCO's other twelve

_HEAD, _LEFT_HIP, _RIGHT_HIP = (SMPL_JOINT_NAMES.index(name) for name in ("head", "left_hip", "right_hip"))
_ANKLES = [SMPL_JOINT_NAMES.index(f"{side}_ankle") for side in ("left", "right")]
_SMALLEST, _LARGEST = 0.4, 3.0  # metres, from newborns to giants: neither feet nor centimetres
_STAR = 93  # pose directions: four for each of 23 joints, and one
_OFF = 0.05  # how far weights' sums may be from 1: half precision, rounding


class SmplBody:
    """A body of SMPL's family with its own linear blend skinning; see `BodyModel` for the interface.

    Shapes are (B, 10) standard-normal coefficients. Poses are of SMPL's first 22 joints, or of all of SMPL-H's and
    SMPL-X's: fingers, counted from the flat hand, jaw and eyes. What a pose leaves out stays at rest.
    """

    subject = BODY
    joint_count = len(SMPL_PARENTS)
    landmarks: tuple[int, ...] = ()

    def __init__(self, path: str | Path):
        """Loads a model file such as SMPL_NEUTRAL.npz.

        Raises:
            BadData: no such file, a pickle, or no model of SMPL's family; the message names the file.
        """
        arrays = read_model(Path(path), _SIZES, SMPL_PARENTS)
        vertices, joints = arrays["v_template"], arrays["J_regressor"]
        if len(joints) in (SMPLH_JOINTS, SMPLX_JOINTS):
            self.joint_count = len(joints)
        _check_stands(Path(path), vertices, joints @ vertices)
        self.name, ids = _MESHES[len(vertices)]
        face = np.eye(len(vertices), dtype=np.float32)[[vertex_ids[ids][point] for point in _FACE]]
        self._take(arrays, np.concatenate([face, joints[list(_LIMBS)]]))

    def _take(self, arrays: dict[str, np.ndarray], regressor: np.ndarray) -> None:
        """Keeps a model's arrays, and the regressor (K, V) of the joints that are evaluated."""
        vertices, joints = arrays["v_template"], arrays["J_regressor"]
        self.faces = arrays["f"].astype(np.int32)
        self.vertex_count = len(vertices)
        self.joint_regressor = regressor.astype(np.float32)

        # In float64 first: J, V and S are joints, vertices and shape coefficients.
        directions = arrays["shapedirs"][..., :SHAPE_COUNT].transpose(2, 0, 1)  # (S, V, 3)
        self.parents = torch.from_numpy(arrays["parents"])  # (J,)
        self.template = _tensor(vertices)  # (V, 3)
        self.joints = _tensor(joints @ vertices)  # (J, 3)
        self.shape_directions = _tensor(directions)  # (S, V, 3)
        self.joint_directions = _tensor(joints @ directions)  # (S, J, 3)
        self.pose_directions = _tensor(arrays["posedirs"].transpose(2, 0, 1))  # (9 (J - 1), V, 3)
        self.weights = _tensor(arrays["weights"])  # (V, J)

    def to(self, device: torch.device | str) -> Self:
        """Moves its tensors in place and returns itself."""
        for key, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, key, value.to(device))
        return self

    def double(self) -> Self:
        """The same body in float64, for solvers; it is posed by rotations and shapes in float64."""
        body = copy.copy(self)
        for key, value in vars(self).items():
            if isinstance(value, Tensor) and value.is_floating_point():
                setattr(body, key, value.double())
        return body

    def subset(self, vertices: Tensor) -> Self:
        """The same body with only these vertices (indices), for speed where few are wanted."""
        body = copy.copy(self)
        body.template, body.weights = self.template[vertices], self.weights[vertices]
        body.shape_directions = self.shape_directions[:, vertices]
        body.pose_directions = self.pose_directions[:, vertices]
        body.vertex_count = len(vertices)
        return body

    def mean_shape(self) -> Tensor:
        """(S,) zeros: the mean of the scanned people."""
        return self.template.new_zeros(SHAPE_COUNT)

    def sample_shapes(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard-normal coefficients, as SMPL's shape space is scaled: (count, S)."""
        shapes = torch.randn(count, SHAPE_COUNT, generator=generator, device=generator.device)
        return shapes.to(self.template.device)

    def pose(self, rotations: Tensor, shapes: Tensor) -> Tensor:
        """Linear blend skinning: (B, V, 3) metres, world frame, the pelvis at its resting place.

        See `BodyModel.pose`.
        """
        batch, rest_joints = len(rotations), len(self.parents) - rotations.shape[1]
        identity = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
        turns = torch.cat([rotations, identity.expand(batch, rest_joints, 3, 3)], dim=1)  # (B, J, 3, 3)
        joints = self.joints + _combine(shapes, self.joint_directions)  # (B, J, 3)
        bent = (turns[:, 1:] - identity).flatten(1)  # (B, 9 (J - 1))
        rest = (
            self.template + _combine(shapes, self.shape_directions) + _combine(bent, self.pose_directions)
        )  # (B, V, 3)
        _, motions = batch_rigid_transform(turns, joints, self.parents, dtype=turns.dtype)  # (B, J, 4, 4)
        blended = (self.weights @ motions[:, :, :3].flatten(2)).unflatten(2, (3, 4))  # (B, V, 3, 4)
        return (blended[..., :3] @ rest[..., None])[..., 0] + blended[..., 3]


def _combine(coefficients: Tensor, directions: Tensor) -> Tensor:
    """(B, S) coefficients of (S, N, 3) directions -> (B, N, 3)."""
    return (coefficients @ directions.flatten(1)).unflatten(1, directions.shape[1:])


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def read_model(path: Path, meshes: Mapping[int, str], first_parents: Sequence[int]) -> dict[str, np.ndarray]:
    """Reads and checks the arrays of a model file; `parents` (J,) is made from its kinematic tree.

    Args:
        path: npz.
        meshes: the models that are meant, by their number of vertices.
        first_parents: what the tree begins with.

    Raises:
        BadData: the file is not there, is a pickle, or holds none of these models.
    """
    if path.suffix == ".pkl":
        raise BadData(
            f"{path} is a pickle, which could run any code and is not read. Convert it to npz once: "
            f"mpt convert-body {path}"
        )
    if path.is_dir():
        raise BadData(f"{path} is a folder: name the model's file in it (.npz).")
    try:
        # Only these keys are decoded: releases carry object arrays beside them, which would need pickle.
        with open_npz(path) as file:
            arrays = {key: decoded(path, file, key) for key in MODEL_KEYS}
    except FileNotFoundError as error:
        raise BadData(f"{path} is not there: download the model from its licensor and give its path.") from error
    except KeyError as error:
        raise BadData(f"{path} is no SMPL model: {error.args[0]}.") from error
    except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BadData(
            f"{path} cannot be read ({error}). If it is a pickle under another name, convert it to npz once: "
            f"mpt convert-body {path} --output MODEL.npz"
        ) from error

    vertices, joints = len(arrays["v_template"]), len(arrays["J_regressor"])
    if vertices not in meshes:
        known = ", ".join(f"{name} has {count}" for count, name in meshes.items())
        raise BadData(f"{path} has {vertices} vertices: {known}.")
    if arrays["posedirs"].shape[-1:] == (_STAR,):
        raise BadData(f"{path} is a model of STAR's, which is posed in another way: give SMPL, SMPL-H or SMPL-X.")
    expected = {
        "v_template": (vertices, 3),
        "shapedirs": (vertices, 3, arrays["shapedirs"].shape[-1]),
        "posedirs": (vertices, 3, 9 * (joints - 1)),
        "J_regressor": (joints, vertices),
        "weights": (vertices, joints),
        "kintree_table": (2, joints),
        "f": (len(arrays["f"]), 3),
    }
    for key, shape in expected.items():
        if arrays[key].shape != shape:
            raise BadData(f"{path}: `{key}` has shape {arrays[key].shape}, but {shape} is needed.")
        if not np.isfinite(arrays[key]).all():
            raise BadData(f"{path}: `{key}` holds NaN or infinity. Download the model again.")
    if arrays["shapedirs"].shape[-1] < SHAPE_COUNT:
        raise BadData(f"{path} has fewer than {SHAPE_COUNT} shape directions.")
    faces = arrays["f"]
    if len(faces) == 0 or faces.min() < 0 or faces.max() >= vertices:
        raise BadData(f"{path}: `f` must name vertices from 0 to {vertices - 1}, three a triangle.")
    for key in ("J_regressor", "weights"):
        if np.abs(arrays[key].sum(axis=1, dtype=np.float64) - 1).max() > _OFF:
            raise BadData(f"{path}: `{key}` must have rows that sum to 1. Download or convert the model again.")
    parents = arrays["kintree_table"][0].astype(np.int64)
    parents[0] = -1  # files say 2^32 - 1
    if tuple(parents[: len(first_parents)]) != tuple(first_parents):
        raise BadData(f"{path}: the first {len(first_parents)} joints are not those of {meshes[vertices]}.")
    if (parents[1:] < 0).any() or (parents >= np.arange(joints)).any():
        raise BadData(f"{path}: in `kintree_table` a joint comes before the one that it hangs on.")
    return {**arrays, "parents": parents}


def decoded(path: Path, file: Mapping[str, np.ndarray], key: str) -> np.ndarray:
    """An array of numbers, or the sentence that says which one is none."""
    try:
        return file[key]
    except ValueError as error:
        raise BadData(
            f"{path}: `{key}` cannot be read ({error}). Save plain numbers; a sparse matrix is written out by "
            "its toarray()."
        ) from error


def _check_stands(path: Path, vertices: np.ndarray, joints: np.ndarray) -> None:
    """Sees to it that a template (V, 3) and its joints (J, 3) are in metres, y up, its left at +x.

    Raises:
        BadData: they are not; the message names the file.
    """
    left = joints[_LEFT_HIP] - joints[_RIGHT_HIP]
    up = joints[_HEAD] - joints[_ANKLES].mean(axis=0)
    size = float(np.ptp(vertices, axis=0).max())
    if left[0] < 0.7 * np.linalg.norm(left) or up[1] < 0.7 * np.linalg.norm(up):
        raise BadData(f"{path}: `v_template` must stand as SMPL's does: y up, its left at +x, so that it faces +z.")
    if not _SMALLEST < size < _LARGEST:
        raise BadData(
            f"{path}: `v_template` is {size:.3g} large, but metres are needed. Scale it, `shapedirs` and `posedirs`."
        )
