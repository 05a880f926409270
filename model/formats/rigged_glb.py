"""Fitted bodies as GLB with a skeleton: joints, skinning weights, the pose, and a motion if there is one.

With all rotations zero the skeleton stands in SMPL's T-pose, facing +z, so that each joint's rotation is the one that
`BodyFit.pose` has. The mesh is bound in the pose in which the body was modelled. Metres, y up.
"""

from __future__ import annotations

import numpy as np

from model.body.hands import Hands, with_fingers
from model.body.motion import SkeletonMotion, steady_quaternions
from model.body.rig import Rest, strongest
from model.formats.gltf import GltfWriter
from model.formats.mesh import smooth_normals
from model.joints import FINGER_NAMES, FINGER_PARENTS, JOINTS, SMPL_JOINT_NAMES, SMPL_PARENTS


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
    rest, hands = motion.rest, motion.rig.hands
    bones, weights = motion.rig.bones, motion.rig.weights
    names: tuple[str, ...] = SMPL_JOINT_NAMES
    parents: tuple[int, ...] = SMPL_PARENTS
    offsets, quaternions, roots = motion.offsets, motion.quaternions, motion.roots
    if hands:
        bones, weights = strongest(hands.weights(motion.rig.dense_weights))
        names, parents = (*names, *FINGER_NAMES), (*parents, *FINGER_PARENTS)
        offsets = np.concatenate([offsets, motion.finger_offsets])
        quaternions = np.concatenate([quaternions, steady_quaternions(motion.fingers)], axis=1)
    if not moves:  # what SMPL's pose blend shapes do is right for one pose only
        rest = motion.rig.with_pose_offsets(rest, motion.rotations[0])
    file = GltfWriter()
    primitive = {
        "attributes": {
            "POSITION": file.points(rest.vertices),
            "NORMAL": file.points(smooth_normals(rest.vertices, faces)),
            **({} if colors is None else {"COLOR_0": file.colors(colors)}),
            "JOINTS_0": file.bones(bones),
            "WEIGHTS_0": file.weights(weights),
        },
        "indices": file.indices(faces),
        "material": 0,
    }
    joints = [
        {
            "name": joint,
            "translation": (roots[0] if index == 0 else offsets[index]).tolist(),
            "rotation": quaternions[0, index].tolist(),
            "children": [1 + child for child, parent in enumerate(parents) if parent == index],
        }
        for index, joint in enumerate(names)
    ]
    nodes = [
        {"name": name, "mesh": 0, "skin": 0},
        *({k: v for k, v in joint.items() if k != "children" or v} for joint in joints),
    ]
    if moves:
        moving = JOINTS if motion.seen_fingers is None else len(names)  # relaxed fingers keep still
        turns = {(1 + joint, "rotation"): quaternions[:, joint] for joint in range(moving)}
        file.animate(motion.times, {(1, "translation"): roots, **turns}, 1, motion.absences)
    skin = {
        "name": name,
        "inverseBindMatrices": file.matrices(_inverse_bind(rest, hands)),
        "joints": list(range(1, len(names) + 1)),
        "skeleton": 1,
    }
    return file.finish(nodes, {"name": name, "primitives": [primitive]}, skin=skin)


def _inverse_bind(rest: Rest, hands: Hands | None) -> np.ndarray:
    """(J, 4, 4): from where the body was modelled to each joint's axes, which are the T-pose's."""
    axes, joints = rest.straighten, rest.joints
    if hands:
        axes = with_fingers(axes)
        joints = np.concatenate([joints, hands.heads(rest.vertices)])
    matrices = np.tile(np.eye(4), (len(joints), 1, 1))
    matrices[:, :3, :3] = axes
    matrices[:, :3, 3] = -np.einsum("jab,jb->ja", axes, joints)
    return matrices
