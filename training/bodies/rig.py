"""Makes a body's rig, the small file from which serving fits bodies to meshes: `python -m training.bodies.rig`."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

import numpy as np

from model.body.rig import Rig, strongest
from model.body.rig_file import save_rig
from model.errors import BadInput
from model.joints import COCO_JOINTS, JOINTS
from training.bodies.anny import LIMBS, SMPL_TO_ANNY, AnnyBody
from training.bodies.growth import Growth, anny_growth
from training.console import telling_errors

SHAPES = 24
"""Shape directions of anny that are kept: what the others do to its bodies is 0.05 mm in the mean."""
_SAMPLE = 256
# BlazePose's landmarks on anny's mesh: the vertices nearest to where it saw them on 500 rendered training subjects.
_LANDMARKS = {"left_foot_index": 12367, "right_foot_index": 5786}
_POSE_DIRECTIONS = 9 * (JOINTS - 1)


def anny_rig(body: AnnyBody, growth: Growth) -> Rig:
    """The rig of anny's body, which grows. Its measures are the phenotypes, which its shapes determine linearly."""
    turn = SMPL_TO_ANNY.numpy()  # row vectors times it: from anny's frame to SMPL's
    directions = np.concatenate([body.shape_directions.numpy()[:SHAPES], growth.directions[:, : body.vertex_count]])
    joint_directions = np.concatenate(
        [body.joint_directions.numpy()[:SHAPES], growth.directions[:, body.vertex_count :]]
    )
    joints, joint_directions = body.joints.numpy() @ turn, joint_directions @ turn  # of 24
    ends = [limb[1] for limb in LIMBS]
    limbs = np.full(JOINTS, -1)
    limbs[[limb[0] for limb in LIMBS]] = np.arange(len(LIMBS))
    limbs[[10, 11]] = limbs[[7, 8]]  # toes go with their feet
    shapes = body.shapes.numpy()[:, :SHAPES]
    design = np.column_stack([np.ones(len(shapes)), shapes])
    measures = np.linalg.lstsq(design, body.phenotypes, rcond=None)[0]
    years = np.linalg.lstsq(growth.ages[:, 1:], growth.phenotypes - measures[0], rcond=None)[0]
    template = body.template.numpy() @ turn
    bones, weights = strongest(body.weights.numpy())
    return Rig(
        name=body.name,
        template=template,
        joints=joints[:JOINTS],
        shape_directions=directions @ turn,
        joint_directions=joint_directions[:, :JOINTS],
        bones=bones,
        weights=weights,
        sample=spread(template, _SAMPLE),
        limbs=limbs,
        limb_joints=np.array([limb[0] for limb in LIMBS]),
        limb_ends=joints[ends],
        limb_end_directions=joint_directions[:, ends],
        limb_targets=np.array([limb[2] or (0.0, 0.0, 0.0) for limb in LIMBS], np.float32),
        pose_directions=np.zeros((0, len(template), 3), np.float32),
        regressor=np.concatenate([body.joint_regressor, _one_vertex(_LANDMARKS.values(), len(template))]),
        keypoint_names=(*COCO_JOINTS, *_LANDMARKS),
        measures=np.concatenate([measures, years]).astype(np.float32),
        measure_names=body.phenotype_names,
        growth=growth.ages,
    )


def _one_vertex(chosen: Collection[int], count: int) -> np.ndarray:
    """The regressor (N, V) of N keypoints that are vertices."""
    rows = np.zeros((len(chosen), count), np.float32)
    rows[np.arange(len(chosen)), list(chosen)] = 1
    return rows


def smpl_rig(path: Path) -> Rig:
    """The rig of a model file of SMPL's family; what hangs on hands, jaw and eyes goes with the wrists and the head.

    Raises:
        BadData: no such file, a pickle, or no model of SMPL's family; the message names the file.
        BadInput: what poses such models is not installed.
    """
    try:
        from training.bodies.smpl import SmplBody
    except ImportError as error:
        raise BadInput(str(error)) from None

    body = SmplBody(path)
    carrier = np.arange(len(body.parents))
    for joint in range(JOINTS, len(carrier)):
        carrier[joint] = carrier[body.parents[joint]]
    merged = np.zeros((body.vertex_count, JOINTS), np.float32)
    np.add.at(merged.T, carrier, body.weights.numpy().T)
    template = body.template.numpy()
    bones, weights = strongest(merged)
    shapes = len(body.shape_directions)
    return Rig(
        name=body.name,
        template=template,
        joints=body.joints.numpy()[:JOINTS],
        shape_directions=body.shape_directions.numpy(),
        joint_directions=body.joint_directions.numpy()[:, :JOINTS],
        bones=bones,
        weights=weights,
        sample=spread(template, _SAMPLE),
        limbs=np.full(JOINTS, -1),  # modelled in the T-pose
        limb_joints=np.zeros(0, np.int64),
        limb_ends=np.zeros((0, 3), np.float32),
        limb_end_directions=np.zeros((shapes, 0, 3), np.float32),
        limb_targets=np.zeros((0, 3), np.float32),
        pose_directions=body.pose_directions.numpy()[:_POSE_DIRECTIONS],
        regressor=body.joint_regressor,
        keypoint_names=COCO_JOINTS,
        measures=np.zeros((shapes + 1, 0), np.float32),
        measure_names=(),
        growth=np.zeros((0, 1), np.float32),
    )


def spread(points: np.ndarray, count: int) -> np.ndarray:
    """Farthest-point sampling: indices of `count` of the points (N, 3), or of all, as far from each other as can be."""
    chosen = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="the rig file to write (.safetensors)")
    parser.add_argument("--smpl", type=Path, metavar="FILE", help="of SMPL, SMPL-H or SMPL-X (.npz) instead of anny")
    arguments = parser.parse_args()
    with telling_errors():
        rig = smpl_rig(arguments.smpl) if arguments.smpl else anny_rig(body := AnnyBody.load(), anny_growth(body))
        save_rig(arguments.output, rig)
    print(f"{arguments.output}: {rig.vertex_count} vertices, {rig.shape_count} shape directions.")


if __name__ == "__main__":
    main()
