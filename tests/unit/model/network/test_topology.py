"""The mesh topology: upsampling, regression, keeping and restoring it."""

from __future__ import annotations

import pytest
import torch

from model.errors import BadCheckpoint
from model.joints import COCO_JOINTS, COCO_MIRROR, COCO_ROOT
from model.network.topology import MeshTopology


def test_upsampling_is_the_weighted_sum_of_neighbours(topology: MeshTopology) -> None:
    coarse = torch.randn(2, topology.coarse_count, 3)
    full = topology.upsample(coarse)
    v = 17
    expected = sum(w * coarse[1, n] for w, n in zip(topology.weights[v], topology.neighbours[v], strict=True))
    torch.testing.assert_close(full[1, v], expected)


def test_moving_the_coarse_mesh_moves_the_full_one(topology: MeshTopology) -> None:
    coarse, shift = torch.randn(1, topology.coarse_count, 3), torch.tensor([1.0, -2.0, 0.5])
    torch.testing.assert_close(topology.upsample(coarse + shift), topology.upsample(coarse) + shift)


def test_coarse_regressor_is_g_after_upsampling(topology: MeshTopology) -> None:
    coarse = torch.randn(3, topology.coarse_count, 3)
    torch.testing.assert_close(
        topology.coarse_regressor @ coarse, topology.joint_regressor @ topology.upsample(coarse), atol=1e-5, rtol=0
    )


def test_coarse_edges_join_every_vertex_to_its_neighbours_once(topology: MeshTopology) -> None:
    edges, places = topology.coarse_edges, topology.template[topology.coarse]
    assert (edges[:, 0] < edges[:, 1]).all() and len(edges.unique(dim=0)) == len(edges)
    assert torch.equal(edges.unique(), torch.arange(topology.coarse_count))
    nearest = torch.cdist(places, places).fill_diagonal_(torch.inf).argmin(dim=1)
    pairs = {tuple(pair) for pair in edges.tolist()}
    assert all(tuple(sorted(pair)) in pairs for pair in enumerate(nearest.tolist()))


def test_state_restores_the_topology(topology: MeshTopology) -> None:
    again = MeshTopology.from_state("tube", COCO_JOINTS, COCO_ROOT, topology.state())
    assert again.fingerprint == topology.fingerprint
    torch.testing.assert_close(again.joint_regressor, topology.joint_regressor, atol=1e-3, rtol=0)
    torch.testing.assert_close(again.weights.sum(1), torch.ones(topology.vertex_count))
    assert again.landmarks.tolist() == [2, 31, 58] and again.map_count == 20


def test_what_is_seen_are_the_joints_and_then_the_landmarks(topology: MeshTopology) -> None:
    coarse = torch.randn(1, topology.coarse_count, 3, generator=torch.Generator().manual_seed(0))
    seen = topology.coarse_seen @ coarse
    torch.testing.assert_close(seen[:, :17], topology.coarse_regressor @ coarse)
    torch.testing.assert_close(seen[:, 17:], topology.upsample(coarse)[:, topology.landmarks])


def test_a_topology_from_before_landmarks_has_none(topology: MeshTopology) -> None:
    state = topology.state()
    del state["landmarks"]
    assert MeshTopology.from_state("tube", COCO_JOINTS, COCO_ROOT, state).map_count == 17


@pytest.mark.parametrize("key", ["faces", "coarse", "neighbours", "landmarks"])
def test_an_index_that_points_nowhere_is_refused(topology: MeshTopology, key: str) -> None:
    state = topology.state()
    state[key] = state[key].clone()
    state[key].view(-1)[0] = 30_000
    with pytest.raises(BadCheckpoint, match="contradicts"):
        MeshTopology.from_state("tube", COCO_JOINTS, COCO_ROOT, state)


def test_a_missing_tensor_is_named(topology: MeshTopology) -> None:
    state = topology.state()
    del state["weights"]
    with pytest.raises(BadCheckpoint, match="weights"):
        MeshTopology.from_state("tube", COCO_JOINTS, COCO_ROOT, state)


def test_mirroring_joints_twice_changes_nothing() -> None:
    assert [COCO_MIRROR[COCO_MIRROR[i]] for i in range(17)] == list(range(17))
    for i, name in enumerate(COCO_JOINTS):
        other = name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert COCO_JOINTS[COCO_MIRROR[i]] == other
