"""What each stage minimises, for `Trainer`: Eq. 6 on samples drawn at random, on images, or on both."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from model.network.lifting import MeshPrediction
from model.network.topology import MeshTopology
from training.images.batches import Source, joined_truth
from training.loop.trainer import StepLoss
from training.losses import edge_loss, joint_loss, mpt_loss, projection_loss, regressed_joint_loss, vertex_loss
from training.recipes import FinetuneRecipe
from training.synthesis.joint_samples import JointSynthesizer
from training.synthesis.samples import Synthesizer

_MASKED_QUERIES = 0.3
"""Masked Vertex Modeling: the share of queries that is hidden is drawn from 0 to this, as METRO does."""
_MESHES = 1 / 4  # of a first stage's samples have vertices: these follow from the joints, and cost more


def lifting_loss(joints: JointSynthesizer, edges: float = 0.0) -> StepLoss:
    """Eq. 6 and `edges` times the edge loss for a `LiftNetwork` on readouts; vertices count in a few samples only."""
    samples = joints.samples
    pairs, unit = samples.topology.coarse_edges.to(samples.device), samples.topology.unit

    def loss(network: Callable[..., MeshPrediction], batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        index = torch.randint(len(samples.poses), (batch,), generator=generator, device=samples.device)
        meshes = math.ceil(batch * _MESHES)
        readouts, truth = joints.batch(index, generator, meshes)
        answer = network(None, readout=readouts, meshes=meshes)
        vertices, true_joints = answer.vertices.float(), truth.joints
        terms = {
            "vertices": vertex_loss(vertices, truth.vertices) / unit,
            "joints": joint_loss(answer.joints.float(), true_joints) / unit,
            "regressed": regressed_joint_loss(vertices, samples.regressor, true_joints[:meshes]) / unit,
            "projection": projection_loss(
                answer.joints.float(), answer.camera.float(), truth.joints_2d, truth.joints_2d_valid
            ),
            "edges": edges * edge_loss(vertices, truth.vertices, pairs) / unit,
        }
        return {**terms, "loss": torch.stack(list(terms.values())).sum()}

    return loss


def pretraining_loss(samples: Synthesizer, edges: float = 0.0) -> StepLoss:
    """Eq. 6 on a batch of samples drawn at random, with queries masked, and `edges` times the edge loss."""
    topology, device = samples.topology, samples.device
    pairs = topology.coarse_edges.to(device)

    def loss(network: Callable[..., MeshPrediction], batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        index = torch.randint(len(samples.poses), (batch,), generator=generator, device=device)
        drawn, truth = samples.training_batch(index, generator)
        masks = [hidden(batch, n, generator) for n in (topology.joint_count, topology.coarse_count)]
        vertices, joints, camera = network(drawn.maps, *masks, drawn.readout)
        vertices = vertices.float()
        terms = mpt_loss(vertices, joints.float(), camera.float(), samples.regressor, truth, topology.unit)
        terms["edges"] = edge_loss(vertices, truth.vertices, pairs, truth.vertices_valid) / topology.unit
        return {**terms, "loss": terms["loss"] + edges * terms["edges"]}

    return loss


def finetuning_loss(
    images: Source,
    synthetic: Synthesizer | None,
    topology: MeshTopology,
    recipe: FinetuneRecipe,
    device: torch.device,
) -> StepLoss:
    """Eq. 6 and the edge loss on images, as far as their truth goes, and on pre-training's samples, in one batch.

    As in pre-training a share of the queries is masked, and of the heatmaps.
    """
    regressor, pairs = topology.coarse_regressor.to(device), topology.coarse_edges.to(device)

    def loss(network: Callable[..., MeshPrediction], batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        of_mocap = round(recipe.mixed * batch) if synthetic else 0
        of_images = batch - of_mocap
        drawn = images.draw(of_images, generator)
        maps, truth = drawn.maps, drawn.truth
        hide: Tensor | None = None
        if recipe.hides_heatmaps:
            hide = hidden(of_images, topology.joint_count, generator)
        if of_mocap:
            assert synthetic is not None
            index = torch.randint(len(synthetic.poses), (of_mocap,), generator=generator, device=device)
            seen, more = synthetic.training_batch(index, generator)
            maps = seen.maps if maps is None else torch.cat([maps, seen.maps])
            truth = joined_truth(truth, more)
            if hide is not None:  # those of MoCap are masked already
                hide = torch.cat([hide, hide.new_zeros(of_mocap, topology.joint_count)])
        masks = [hidden(batch, n, generator) for n in (topology.joint_count, topology.coarse_count)]
        vertices, joints, camera = network(drawn.crops, maps, hide, *masks)
        vertices = vertices.float()
        terms = mpt_loss(vertices, joints.float(), camera.float(), regressor, truth)
        terms["edges"] = edge_loss(vertices, truth.vertices, pairs, truth.vertices_valid)
        return {**terms, "loss": terms["loss"] + recipe.edges * terms["edges"]}

    return loss


def hidden(batch: int, queries: int, generator: torch.Generator) -> Tensor:
    """What a masked modeling task hides: (B, queries) bool, in half of the samples a random share."""
    device = generator.device
    share = _MASKED_QUERIES * torch.rand(batch, 1, generator=generator, device=device)
    share = share * (torch.rand(batch, 1, generator=generator, device=device) < 0.5)
    return torch.rand(batch, queries, generator=generator, device=device) < share
