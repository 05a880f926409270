"""A body's motion by AMASS' keys, for all that reads AMASS, and as joints' places, for robots' retargeters."""

from __future__ import annotations

import io

import numpy as np

from model.body.motion import SkeletonMotion, even_times
from model.body.rotations import to_vectors
from model.joints import JOINTS, SMPLH_JOINTS

TO_Z_UP = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""From y up and z ahead to z up and x ahead, y to the left, as robots and laboratories have it: a rotation."""
_BETAS = 16
_SMPLH_PELVIS = np.array([-0.0018, -0.2233, 0.0282])
"""(3,) metres: where SMPL-H's mean neutral body has its pelvis at rest, which whoever reads `trans` adds to it."""


def to_smpl_npz(motion: SkeletonMotion, rate: float, end: float) -> bytes:
    """Write T frames at even steps from 0 on; metres, radians, z up.

    Keys: `poses` (T, 156) axis-angle relative to SMPL's T-pose, SMPL-H's 52 joints, fingers relaxed where nobody saw
    them; `trans` (T, 3), where the pelvis is less where the body that these keys are read with has it at rest
    (`rest_pelvis` (3,)), as SMPL has it; `betas` (16,), zeros but for a body of SMPL's family; `gender` "neutral";
    `mocap_framerate`; `global_joint_positions` (T, 22, 3); `height`, metres; `present` (T,) bool: false before she
    enters and after she leaves, where she stands, and while she is out of sight for longer than 0.6 s, where she stands
    as she was seen last.

    Args:
        motion: At any times.
        rate: Frames a second.
        end: Seconds: where the film ends.
    """
    times = even_times(rate, end)
    even = motion.at(times)
    rotations = even.rotations.copy()
    rotations[:, 0] = TO_Z_UP @ rotations[:, 0]
    poses = np.zeros((len(times), SMPLH_JOINTS, 3), np.float32)
    poses[:, :JOINTS] = to_vectors(rotations)
    if motion.rig.hands:
        poses[:, JOINTS:] = to_vectors(even.fingers)
    betas, pelvis = np.zeros(_BETAS, np.float32), _SMPLH_PELVIS
    if len(motion.rig.pose_directions):  # SMPL's family; other bodies' shapes mean something else
        known, pelvis = motion.shape[:_BETAS], motion.rest.joints[0]
        betas[: len(known)] = known
    file = io.BytesIO()
    np.savez_compressed(
        file,
        poses=poses.reshape(len(times), -1),
        trans=(even.roots @ TO_Z_UP.T - pelvis).astype(np.float32),
        betas=betas,
        gender=np.array("neutral"),
        mocap_framerate=np.float64(rate),
        global_joint_positions=(even.joints @ TO_Z_UP.T).astype(np.float32),
        height=np.float32(motion.height),
        rest_pelvis=pelvis.astype(np.float32),
        present=motion.is_there(times),
    )
    return file.getvalue()
