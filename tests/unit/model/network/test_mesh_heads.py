"""Mesh heads: a low-rank one's directions, and how its mesh follows the joints."""

from __future__ import annotations

import torch

from model.network.mesh_heads import LowRankMesh, MeshBasis
from model.network.topology import MeshTopology


def _meshes(topology: MeshTopology, count: int = 60) -> torch.Tensor:
    """Offsets that vary in three directions."""
    generator = torch.Generator().manual_seed(0)
    directions = 0.1 * torch.randn(3, topology.coarse_count * 3, generator=generator)
    return (torch.randn(count, 3, generator=generator) @ directions).unflatten(1, (-1, 3))


def test_a_basis_spans_the_meshes_that_it_was_fitted_to(topology: MeshTopology) -> None:
    meshes = _meshes(topology)
    basis = MeshBasis(4, topology)
    basis.fit(meshes)
    weights = meshes.flatten(1) @ torch.linalg.pinv(basis.directions, rtol=1e-4)  # the fourth direction is none
    torch.testing.assert_close(basis(weights), meshes, atol=1e-4, rtol=0)
    lengths = weights.square().mean(dim=0).sort().values[1:]
    torch.testing.assert_close(lengths, torch.ones(3), atol=1e-3, rtol=0)  # as long as meshes vary in them


def test_a_mesh_follows_its_joints(topology: MeshTopology) -> None:
    meshes = _meshes(topology)
    basis = MeshBasis(4, topology)
    basis.fit(meshes)
    regressor, still = topology.coarse_regressor, torch.zeros_like(meshes)
    joints = regressor @ meshes
    torch.testing.assert_close(basis.follow(still, joints), meshes, atol=5e-3, rtol=0)  # three directions, all told
    torn = joints.clone()
    torn[:, 0] += 1.0  # no mesh of these has one joint a metre off: it stays whole
    assert (basis.follow(still, torn) - meshes).norm(dim=-1).max() < 1.0


def test_a_new_head_answers_what_is_expected(topology: MeshTopology) -> None:
    basis = MeshBasis(4, topology)
    basis.fit(_meshes(topology))
    expected = topology.template[topology.coarse]
    joints = (topology.coarse_regressor @ expected).expand(2, -1, -1)
    answer = LowRankMesh(32, basis)(torch.randn(2, 32), expected, joints)
    assert answer.shape == (2, topology.coarse_count, 3) and (answer - expected).abs().max() < 0.05
