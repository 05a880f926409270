"""Fitted bodies as GLB with a skeleton: joints, skinning weights, the pose, and a motion if there is one.

With all rotations zero the skeleton stands in SMPL's T-pose, facing +z, so that each joint's rotation is the one that
`BodyFit.pose` has. The mesh is bound in the pose in which the body was modelled. Metres, y up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.rig import Rest, Rig
from model.formats.gltf import GltfWriter
from model.formats.mesh import TURN_UP, smooth_normals
from model.joints import JOINTS, SMPL_JOINT_NAMES, SMPL_PARENTS


def to_rigged_glb(
    rig: Rig,
    bodies: Sequence[BodyFit],
    faces: np.ndarray,
    name: str,
    times: np.ndarray | None = None,
    positions: np.ndarray | None = None,
) -> bytes:
    """Write one body as a binary glTF 2.0 file with a skin.

    Args:
        rig: The rig that the body was fitted with.
        bodies: The body, in the camera frame; or N of one shape, which become an animation.
        faces: (F, 3), counter-clockwise seen from outside.
        name: Name of the mesh and its node; the joints have SMPL's names.
        times: (N,) seconds, rising; without them there is no animation, and the first of the bodies is shown.
        positions: (N, 3) metres, camera frame, to be added to each body: where the pelvis is before the camera.
    """
    rest = rig.rest(bodies[0].shape)
    if times is None:  # what SMPL's pose blend shapes do is right for one pose only
        rest = rig.with_pose_offsets(rest, bodies[0].rotations)
    file = GltfWriter()
    primitive = {
        "attributes": {
            "POSITION": file.points(rest.vertices),
            "NORMAL": file.points(smooth_normals(rest.vertices, faces)),
            "JOINTS_0": file.bones(rig.bones),
            "WEIGHTS_0": file.weights(rig.weights),
        },
        "indices": file.indices(faces),
        "material": 0,
    }
    quaternions, roots = moves(rig, bodies, positions)
    offsets = bone_offsets(rest)
    joints = [
        {
            "name": joint,
            "translation": (roots[0] if index == 0 else offsets[index]).tolist(),
            "rotation": quaternions[0, index].tolist(),
            "children": [1 + child for child in range(JOINTS) if SMPL_PARENTS[child] == index],
        }
        for index, joint in enumerate(SMPL_JOINT_NAMES)
    ]
    nodes = [
        {"name": name, "mesh": 0, "skin": 0},
        *({k: v for k, v in joint.items() if k != "children" or v} for joint in joints),
    ]
    if times is not None:
        turns = {(1 + joint, "rotation"): quaternions[:, joint] for joint in range(JOINTS)}
        file.animate(np.asarray(times), {(1, "translation"): roots, **turns})
    skin = {
        "name": name,
        "inverseBindMatrices": file.matrices(_inverse_bind(rest)),
        "joints": list(range(1, JOINTS + 1)),
        "skeleton": 1,
    }
    return file.finish(nodes, {"name": name, "primitives": [primitive]}, skin)


def moves(rig: Rig, bodies: Sequence[BodyFit], positions: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """How the joints turn and where the root is, y up.

    Returns:
        (N, 22, 4) quaternions x, y, z, w relative to the parent's in the T-pose, without jumps from frame to frame;
        (N, 3) metres.
    """
    rotations = np.stack([body.rotations for body in bodies])
    rotations[:, 0] = np.diag(TURN_UP) @ rotations[:, 0]
    quaternions = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat().reshape(-1, JOINTS, 4)
    flips = np.where((quaternions[1:] * quaternions[:-1]).sum(axis=-1, keepdims=True) < 0, -1, 1)
    quaternions[1:] *= np.cumprod(flips, axis=0)
    roots = np.stack([rig.rest(body.shape).joints[0] + body.translation for body in bodies])
    return quaternions, (roots if positions is None else roots + positions) * TURN_UP


def bone_offsets(rest: Rest) -> np.ndarray:
    """From each joint's parent to the joint in the T-pose: (22, 3) metres; zero for the root."""
    offsets = np.zeros((JOINTS, 3))
    for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
        offsets[joint] = rest.straighten[parent] @ (rest.joints[joint] - rest.joints[parent])
    return offsets


def _inverse_bind(rest: Rest) -> np.ndarray:
    """(22, 4, 4): from where the body was modelled to each joint's axes, which are the T-pose's."""
    matrices = np.tile(np.eye(4), (JOINTS, 1, 1))
    matrices[:, :3, :3] = rest.straighten
    matrices[:, :3, 3] = -np.einsum("jab,jb->ja", rest.straighten, rest.joints)
    return matrices
