"""Fitted bodies as GLB with a skeleton: joints, skinning weights, the pose, and a motion if there is one.

With all rotations zero the skeleton stands in SMPL's T-pose, facing +z, so that each joint's rotation is the one that
`BodyFit.pose` has. The mesh is bound in the pose in which the body was modelled. Metres, y up.
"""

from __future__ import annotations

import numpy as np

from model.body.motion import SkeletonMotion
from model.body.rig import Rest
from model.formats.gltf import GltfWriter
from model.formats.mesh import smooth_normals
from model.joints import JOINTS, SMPL_JOINT_NAMES, SMPL_PARENTS


def to_rigged_glb(
    motion: SkeletonMotion, faces: np.ndarray, name: str, moves: bool = False, colors: np.ndarray | None = None
) -> bytes:
    """Write one body as a binary glTF 2.0 file with a skin.

    Args:
        motion: Of the body.
        faces: (F, 3), counter-clockwise seen from outside.
        name: Name of the mesh and its node; the joints have SMPL's names.
        moves: Whether its frames become an animation; without one the first is shown.
        colors: (V, 3) uint8 sRGB of the vertices; None for one colour.
    """
    rest = motion.rest
    if not moves:  # what SMPL's pose blend shapes do is right for one pose only
        rest = motion.rig.with_pose_offsets(rest, motion.rotations[0])
    file = GltfWriter()
    primitive = {
        "attributes": {
            "POSITION": file.points(rest.vertices),
            "NORMAL": file.points(smooth_normals(rest.vertices, faces)),
            **({} if colors is None else {"COLOR_0": file.colors(colors)}),
            "JOINTS_0": file.bones(motion.rig.bones),
            "WEIGHTS_0": file.weights(motion.rig.weights),
        },
        "indices": file.indices(faces),
        "material": 0,
    }
    quaternions, roots = motion.quaternions, motion.roots
    joints = [
        {
            "name": joint,
            "translation": (roots[0] if index == 0 else motion.offsets[index]).tolist(),
            "rotation": quaternions[0, index].tolist(),
            "children": [1 + child for child in range(JOINTS) if SMPL_PARENTS[child] == index],
        }
        for index, joint in enumerate(SMPL_JOINT_NAMES)
    ]
    nodes = [
        {"name": name, "mesh": 0, "skin": 0},
        *({k: v for k, v in joint.items() if k != "children" or v} for joint in joints),
    ]
    if moves:
        turns = {(1 + joint, "rotation"): quaternions[:, joint] for joint in range(JOINTS)}
        file.animate(motion.times, {(1, "translation"): roots, **turns})
    skin = {
        "name": name,
        "inverseBindMatrices": file.matrices(_inverse_bind(rest)),
        "joints": list(range(1, JOINTS + 1)),
        "skeleton": 1,
    }
    return file.finish(nodes, {"name": name, "primitives": [primitive]}, skin=skin)


def _inverse_bind(rest: Rest) -> np.ndarray:
    """(22, 4, 4): from where the body was modelled to each joint's axes, which are the T-pose's."""
    matrices = np.tile(np.eye(4), (JOINTS, 1, 1))
    matrices[:, :3, :3] = rest.straighten
    matrices[:, :3, 3] = -np.einsum("jab,jb->ja", rest.straighten, rest.joints)
    return matrices
