"""The suit that bodies wear: what it evens out, what it leaves alone, and that it is a linear map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix
from scipy.spatial import ConvexHull

import weights
from model.body.rig import Rig
from model.body.suit import Suit, dressed, load_suit, save_suit
from model.errors import BadData
from model.network.checkpoint import load_checkpoint
from model.rendering.rasterizer import rasterise
from training.bodies.suit import dress, links, smooth


@pytest.fixture(scope="module")
def suited(rig: Rig) -> Rig:
    return dressed(rig)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return load_checkpoint(weights.path("anny-tiny")).topology.faces.numpy()


def test_it_moves_trunk_and_feet_by_millimetres_and_nothing_else(rig: Rig, suited: Rig) -> None:
    moved = np.linalg.norm(suited.template - rig.template, axis=1)
    share = rig.dense_weights[:, [0, 1, 2, 3, 6, 9, 7, 8, 10, 11]].sum(axis=1)
    assert (moved[share < 0.3] == 0).all() and (moved > 0).mean() > 0.2
    on_trunk = rig.dense_weights[:, [7, 8, 10, 11]].sum(axis=1) < 0.1
    assert moved[on_trunk].mean() < 1.5e-3 and moved[on_trunk].max() < 0.025
    assert moved.mean() < 3e-3
    for name in ("joints", "joint_directions", "weights", "bones"):
        assert getattr(suited, name) is getattr(rig, name)


@pytest.mark.parametrize(("width", "kept"), [(0.03, 0.024), (2 * np.pi * 0.012, 0.5), (0.2, 0.98)])
def test_folds_go_by_their_width(width: float, kept: float) -> None:
    """Waves on a plane: a thin plate keeps 1 / (1 + (2 pi l / width) ** 4) of them, where l is 12 mm."""
    count, step = 33, 0.005
    rows, columns = np.divmod(np.arange(count * count), count)
    plane = np.stack(
        [columns * step, 0.002 * np.cos(2 * np.pi * (columns - count // 2) * step / width), rows * step], axis=1
    )
    corner = (rows < count - 1) & (columns < count - 1)
    a = np.flatnonzero(corner)
    faces = np.concatenate([np.stack([a, a + count, a + 1], 1), np.stack([a + 1, a + count, a + count + 1], 1)])
    inside = np.minimum.reduce([rows, columns, count - 1 - rows, count - 1 - columns]) > 2
    smoothed = smooth(plane, faces, links(faces, len(plane)), inside.astype(float)) @ plane
    middle = np.abs(columns - count // 2) + np.abs(rows - count // 2) < 12
    share = (smoothed[middle, 1] @ plane[middle, 1]) / (plane[middle, 1] @ plane[middle, 1])
    assert share == pytest.approx(kept, abs=0.06)
    assert (smoothed[~inside] == plane[~inside]).all()


def _bump(vertices: np.ndarray, rig: Rig) -> float:
    """Metres by which a resting chest stands out beside its middle, at the height of the upper spine's joint."""
    trunk = rig.dense_weights[:, [6, 9, 13, 14]].sum(axis=1) > 0.5
    level = vertices[trunk & (np.abs(vertices[:, 1] - rig.joints[9, 1]) < 0.025)]
    aside = np.abs(level[:, 0])
    return float(level[(aside > 0.05) & (aside < 0.12), 2].max() - level[aside < 0.02, 2].max())


def _of(rig: Rig, measure: str, value: float) -> np.ndarray:
    """The smallest shape (S,) of which the rig's measure has this value."""
    column = rig.measures[:, rig.measure_names.index(measure)]
    return (value - column[0]) * column[1:] / (column[1:] @ column[1:])


@pytest.mark.parametrize(("measure", "value"), [("gender", 0.0), ("gender", 1.0), ("weight", 0.1), ("weight", 1.0)])
def test_all_chests_are_one_arch(rig: Rig, suited: Rig, faces: np.ndarray, measure: str, value: float) -> None:
    """Those of men and of women, of the thin and the heavy; from the front nobody is wider or narrower."""
    shape = _of(rig, measure, value)
    bare, worn = (body.rest(shape).vertices for body in (rig, suited))
    assert _bump(worn, rig) < 0.25 * _bump(bare, rig) and _bump(worn, rig) < 0.004
    above = rig.template[:, 1] > rig.joints[0, 1]
    part = faces[above[faces].all(axis=1)]
    seen = [
        rasterise(body * [1, -1, -1] + [0, 0.2, 10], part, 5000.0, (150, 150), (300, 300)).face >= 0
        for body in (bare, worn)
    ]
    assert (seen[0] != seen[1]).sum() < 0.01 * seen[0].sum()  # at 2 mm a pixel


@pytest.mark.parametrize("joint", [10, 11])
def test_toes_are_in_shoes(rig: Rig, suited: Rig, faces: np.ndarray, joint: int) -> None:
    """Seen from above, gaps between toes leave a part of the outline empty; a shoe is full, and as long as the foot."""
    foot, toes = (rig.dense_weights[:, joints].sum(axis=1) > 0.5 for joints in ([joint - 3, joint], [joint]))
    part = faces[foot[faces].all(axis=1)]
    full = []
    for body in (rig, suited):
        above = (body.template * [1, -1, 1])[:, [0, 2, 1]] + [-rig.joints[joint, 0], -rig.joints[joint, 2], 3]
        seen = rasterise(above, part, 3000.0, (100, 0), (200, 200)).face >= 0  # from the toes' joints forwards
        full.append(seen.sum() / ConvexHull(np.argwhere(seen)).volume)
    assert full[0] < 0.92 and full[1] > 0.98
    bare, shoe = (body.template[toes] for body in (rig, suited))
    assert abs(bare[:, 2].max() - shoe[:, 2].max()) < 0.01 and abs(bare[:, 1].min() - shoe[:, 1].min()) < 0.01


def test_bodies_of_every_shape_wear_it(rig: Rig, suited: Rig) -> None:
    """Rows sum to 1: moved bodies wear it as they do at home; and it is linear in the shape."""
    shape = np.random.default_rng(0).normal(size=rig.shape_count).astype(np.float32)
    there = dressed(replace(rig, template=rig.template + np.array([3, -2, 1], np.float32)))
    np.testing.assert_allclose(there.template - suited.template, np.tile([3, -2, 1], (rig.vertex_count, 1)), atol=1e-5)
    off = [body.rest(shape).vertices - body.template for body in (rig, suited)]
    head = rig.template[:, 1] > rig.joints[15, 1]
    np.testing.assert_array_equal(off[0][head], off[1][head])
    assert 0 < np.linalg.norm(off[0] - off[1], axis=1).mean() < 2e-3


def test_the_shipped_suit_is_what_training_makes(rig: Rig, suited: Rig, faces: np.ndarray) -> None:
    made = dress(rig.template.astype(float), faces, rig.dense_weights, rig.joints) @ rig.template
    assert np.abs(made - suited.template).max() < 3e-3  # small shares are left out of the file


def test_another_mesh_stays_bare(rig: Rig) -> None:
    part = rig.subset(np.arange(100))
    assert dressed(part) is part


@pytest.mark.parametrize(
    "harm",
    [
        lambda suit: suit.pop("sources"),
        lambda suit: suit.update(sources=suit["sources"][:-1]),
        lambda suit: suit.update(sources=np.full_like(suit["sources"], 65535)),
        lambda suit: suit.update(vertices=np.full_like(suit["vertices"], 65535)),
        lambda suit: suit.update(shares=np.full_like(suit["shares"], np.nan)),
        lambda suit: suit.update(shares=suit["shares"] * 2),
    ],
)
def test_a_broken_suit_is_refused(tmp_path: Path, harm) -> None:
    with safe_open(weights.path("anny-suit"), "numpy") as file:
        suit, about = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    harm(suit)
    save_file(suit, tmp_path / "suit.safetensors", metadata=about)
    for path in (tmp_path / "suit.safetensors", tmp_path / "missing.safetensors", weights.path("anny-rig")):
        with pytest.raises(BadData, match="no sound suit"):
            load_suit(path)


def test_a_suit_is_read_as_written(tmp_path: Path) -> None:
    """Two of four vertices go: one half way to another, one out of the other two."""
    blend = csr_matrix([[0.5, 0.5, 0, 0], [0, 0.25, 0.75, 0]])
    save_suit(tmp_path / "suit.safetensors", Suit(np.array([0, 3]), blend))
    bare = np.array([[[0, 0, 0], [2, 0, 0], [0, 4, 0], [9, 9, 9]]], np.float32)
    worn = load_suit(tmp_path / "suit.safetensors").wear(bare)
    np.testing.assert_allclose(worn, [[[1, 0, 0], [2, 0, 0], [0, 4, 0], [0.5, 3, 0]]])
