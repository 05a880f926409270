"""Quick scores while a network trains."""

from __future__ import annotations

import torch
from torch import nn

from training.evaluation.metrics import mpjpe, mpve, pa_mpjpe
from training.synthesis.samples import Synthesizer

_SEED = 2023
_BATCH = 64


def score_clean(network: nn.Module, samples: Synthesizer, count: int) -> dict[str, float]:
    """Scores for choosing a checkpoint: clean heatmaps, coarse vertices, joints regressed from them, millimetres.

    The poses, bodies and cameras are the same at every call.

    Args:
        network: heatmaps (B, K, S, S) to `MeshPrediction`.
        samples: bodies in the poses of validation subjects.
        count: how many poses are drawn.
    """
    generator = torch.Generator(samples.device).manual_seed(_SEED)
    root = samples.subject.root_joints
    sums = torch.zeros(3, dtype=torch.double)
    for start in range(0, count, _BATCH):
        size = min(_BATCH, count - start)
        index = torch.randint(len(samples.poses), (size,), generator=generator, device=samples.device)
        bodies = samples.bodies(index, generator)
        with torch.inference_mode():
            vertices = network(samples.clean_batch(bodies)).vertices.float()
        joints = samples.regressor @ vertices
        rows = (
            pa_mpjpe(joints, bodies.joints),
            mpjpe(joints, bodies.joints, root),
            mpve(vertices, bodies.vertices, joints, bodies.joints, root),
        )
        sums += torch.stack([row.double().sum() for row in rows]).cpu()
    return dict(zip(("PA-MPJPE", "MPJPE", "MPVE"), (sums / count * 1000).tolist(), strict=True))
