"""The joints of bodies and hands: names, mirror images, roots, and what hangs on what."""

from __future__ import annotations

COCO_JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip

COCO_ROOT = (11, 12)
"""The pelvis is the middle of the hips."""

COCO_MIRROR = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""For each joint, the index of its left-right counterpart."""

COCO_BONES = (
    (5, 6), (11, 12), (5, 11), (6, 12), (11, 13), (12, 14), (13, 15), (14, 16), (5, 7), (6, 8), (7, 9), (8, 10)
)  # fmt: skip
"""From which of COCO's joints to which the bones go: shoulders, hips, both sides of the trunk, thighs, shanks, arms."""

HAND_JOINTS = (
    "wrist",
    *(f"{finger}_{joint}" for finger in ("thumb", "index", "middle", "ring", "little") for joint in (1, 2, 3, 4)),
)
"""A hand's wrist, then each finger from its base to its tip: the order of MediaPipe and FreiHAND."""

HAND_ROOT = (0,)

SMPL_JOINT_NAMES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
"""SMPL's joints without the hands, in SMPL's order. SMPL-H and SMPL-X begin with the same 22."""

SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
"""The parent of each joint; -1 for the root. A parent always comes before its children."""

JOINTS = len(SMPL_JOINT_NAMES)

BLAZEPOSE_LANDMARKS = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb",
    "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel",
    "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
"""What BlazePose finds, as MediaPipe names it: of hands the knuckles, foot_index is the tip of the big toe."""

BODY_LANDMARKS = (17, 18, 19, 20, 21, 22, 29, 30, 31, 32)
"""BlazePose's landmarks of hands and feet that networks read beside COCO's joints: knuckles, heels and toes' tips."""

BLAZEPOSE_COCO = (0, 2, 5, 7, 8, *range(11, 17), *range(23, 29))
"""BlazePose's landmarks that are COCO's joints, in COCO's order."""

BLAZEPOSE_MIRROR = (0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(joint + (1 if joint % 2 else -1) for joint in range(11, 33)))
"""For each landmark, the index of its left-right counterpart."""

SMPLH_JOINTS, SMPLX_JOINTS = 52, 55
"""How many joints SMPL-H and SMPL-X have: after the 22 SMPL-X jaw and eyes, then both 15 of the left and of the right
hand: three of index, middle, little, ring finger and thumb, base first."""


def finger_joints(count: int) -> tuple[range, range]:
    """The joints of the left and of the right hand in SMPL-H's or SMPL-X's skeleton, by their number; else none."""
    if count not in (SMPLH_JOINTS, SMPLX_JOINTS):
        return range(0), range(0)
    return range(count - 30, count - 15), range(count - 15, count)


FINGER_NAMES = tuple(
    f"{side}_{finger}{joint}"
    for side in ("left", "right")
    for finger in ("index", "middle", "pinky", "ring", "thumb")
    for joint in (1, 2, 3)
)
"""SMPL-H's 30 finger joints, which come after its 22 others: of each finger the one nearest to the wrist first."""

FINGER_PARENTS = tuple(
    (20 + index // 15) if index % 3 == 0 else JOINTS + index - 1 for index in range(len(FINGER_NAMES))
)
"""The parent of each finger joint among SMPL-H's 52."""
