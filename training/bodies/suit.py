"""Makes the close, smooth suit with shoes that a body wears (`model.body.suit`): `python -m training.bodies.suit`.

One linear map of the resting vertices, found on the template once. Nipples, navel and folds are evened out by a thin
plate, which is stiffer on the chest, so that everybody's is one soft, neutral arch; toes are spread over the cap of a
shoe.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags, identity
from scipy.sparse.linalg import splu

from model.body.suit import Suit, save_suit
from model.joints import JOINTS

_FEATURE = 0.012
"""Metres: folds and bumps of 2 pi times this width are halved on the trunk, smaller ones go, larger ones stay."""
_ARCH = 0.06
"""Metres: the same on the chest, whose breasts are smaller than that."""
_CHEST = (0.0, 0.35, 0.65, 0.9)  # of the way from the second spine joint up to the collars: where it begins and is all
_FRONT = (0.03, 0.08)  # metres before the spine: likewise
_SPINE, _COLLARS = (6, 9), (13, 14)
_TRUNK = (0, 1, 2, 3, 6, 9)  # pelvis, thighs and spine
_CROTCH = 0.25  # metres under the pelvis: the suit is no smoother than the body farther down
_TOES = (10, 11)
_FIRM = 1e4
_BLUNT = 2.3
_SOLE = 0.35  # of the shoe's height, where its tip is
_BEFORE_TOES = 2  # rows of vertices that the cap begins before the toes
_ROUNDS, _SLACK = 30, 1e-3
_NOTHING = 1e-3  # a share of a vertex that is not worth its place in the file


def dress(template: np.ndarray, faces: np.ndarray, weights: np.ndarray, joints: np.ndarray) -> csr_matrix:
    """Finds the map.

    Args:
        template: (V, 3) the resting body, metres, y up, facing +z.
        faces: (F, 3).
        weights: (V, 22) skinning weights of SMPL's joints; rows sum to 1.
        joints: (22, 3) at rest.

    Returns:
        (V, V) sparse, rows sum to 1: from bare resting vertices to dressed ones.
    """
    shoes = identity(len(template), format="csr")
    linked = links(faces, len(template))
    for joint in _TOES:
        shoes = _shoe(template, linked, np.flatnonzero(weights[:, joint] > 0.5)) @ shoes
    chest = _chest(weights, template, joints)
    share = np.maximum(_share(weights, template, joints), chest)
    width = _FEATURE * (_ARCH / _FEATURE) ** chest
    return smooth(shoes @ template, faces, linked, share, width) @ shoes


def as_suit(suit: csr_matrix) -> Suit:
    """The rows of the map (V, V) that are not the identity's, without shares that move nothing."""
    moved = np.flatnonzero(np.asarray(abs(suit - identity(suit.shape[0])).sum(axis=1)).ravel() > 1e-6)
    rows = suit[moved].tocsr()
    rows.data[np.abs(rows.data) < _NOTHING] = 0
    rows.eliminate_zeros()
    return Suit(moved, (diags(1 / np.asarray(rows.sum(axis=1)).ravel()) @ rows).tocsr())


def _share(weights: np.ndarray, template: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(V,) how far each vertex is smoothed, 0..1: all of the trunk and the shoes' tips, with soft borders."""
    trunk = weights[:, _TRUNK].sum(axis=1) * np.clip((template[:, 1] - joints[0, 1] + _CROTCH) / 0.1, 0, 1)
    return np.clip((np.maximum(trunk, weights[:, _TOES].sum(axis=1)) - 0.4) / 0.5, 0, 1)


def _chest(weights: np.ndarray, template: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(V,) how far each vertex is of the chest's front, 0..1, with soft borders."""
    low, spine = joints[_SPINE[0], 1], joints[_SPINE[1], 2]
    height = (template[:, 1] - low) / (joints[_COLLARS, 1].mean() - low)
    up = np.interp(height, _CHEST, (0, 1, 1, 0))
    front = np.interp(template[:, 2] - spine, _FRONT, (0, 1))
    trunk = weights[:, [*_TRUNK, *_COLLARS]].sum(axis=1)
    return up * front * np.clip((trunk - 0.4) / 0.5, 0, 1)


def smooth(
    vertices: np.ndarray, faces: np.ndarray, linked: csr_matrix, share: np.ndarray, width: np.ndarray | float = _FEATURE
) -> csr_matrix:
    """Smooths a surface: a thin plate that is drawn to where each vertex was, so that details go.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3).
        linked: (V, V) ones where two vertices have an edge; see `links`.
        share: (V,) where it is smoothed, 0..1.
        width: (V,) metres: of waves of 2 pi times this length half goes.

    Returns:
        (V, V), rows sum to 1.
    """
    stiff, area = _laplacian(vertices, faces)
    hold = area * _FIRM ** (1 - share) / np.broadcast_to(width, len(vertices)) ** 4
    bending = stiff @ diags(1 / area) @ stiff
    free = np.flatnonzero(share > 0)
    near = np.union1d(free, _next_to(linked, np.union1d(free, _next_to(linked, free))))
    near = np.union1d(near, _next_to(linked, free))
    system = (diags(hold) + bending).tocsr()[free]
    right = -system[:, near].toarray()
    right[:, np.searchsorted(near, free)] = np.diag(hold[free])
    solved = splu(system[:, free].tocsc()).solve(right)
    solved[np.abs(solved) < 1e-5] = 0
    return _with_rows(len(vertices), free, near, solved / solved.sum(axis=1, keepdims=True))


def _shoe(template: np.ndarray, linked: csr_matrix, toes: np.ndarray) -> csr_matrix:
    """Puts the toes into a shoe: spread evenly over a cap of the ring where they begin, which is pulled forward."""
    for _ in range(_BEFORE_TOES):
        toes = np.union1d(toes, _next_to(linked, toes))
    ring = _next_to(linked, toes)
    tips = np.array([toes[(side * template[toes, 0] + template[toes, 2]).argmax()] for side in (-1, 1)])
    spread = _spread(template, linked, toes, ring)  # (N, R)

    around = template[ring]  # (R, 3)
    centre = around.mean(axis=0)
    centre[1] = around[:, 1].min() + _SOLE * np.ptp(around[:, 1])
    fit = np.linalg.pinv(np.column_stack([around[:, :2], np.ones(len(ring))]))  # (3, R): the ring's plane
    middle = np.append(centre[:2], 1) @ fit
    behind = np.column_stack([template[tips, :2], np.ones(2)]) @ fit  # (2, R)
    away = (spread @ around - centre)[:, :2]
    share = np.hypot(*away.T) / _reach(around - centre, away)
    arc = (1 - np.clip(share, 0, 1)) * np.pi / 2
    inward, forward = np.cos(arc) ** (2 / _BLUNT) / np.maximum(share, 1e-6), np.sin(arc) ** (2 / _BLUNT)
    across = (spread @ around[:, 0] - around[:, 0].min()) / np.ptp(around[:, 0])

    rows = np.zeros((len(toes), len(ring) + 2))
    parts = forward[:, None] * np.stack([1 - across, across], axis=1)  # (N, 2)
    rows[:, :-2] = inward[:, None] * spread + (1 - inward)[:, None] * middle - parts @ behind
    rows[:, -2:] = parts
    return _with_rows(len(template), toes, np.append(ring, tips), rows)


def _spread(template: np.ndarray, linked: csr_matrix, toes: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """(N, R) each toe vertex as a blend of the ring's: flat, without folds, and so that no edge is long.

    Tutte's embedding with the weights that make the sum of the edges' fourth powers least, by reweighting; the sum of
    squares would stretch the edges between the toes.
    """
    links = linked[toes].tocoo()
    pull = np.ones(len(links.data))
    flat = template.astype(np.float64)
    for _ in range(_ROUNDS):
        stiff = coo_matrix((pull, (links.row, links.col)), links.shape).tocsr()
        total = np.asarray(stiff.sum(axis=1)).ravel()
        blend = splu((diags(total) - stiff[:, toes]).tocsc()).solve(stiff[:, ring].toarray())
        flat[toes] = blend @ template[ring]
        length = np.linalg.norm(flat[toes[links.row]] - flat[links.col], axis=1)
        pull = np.sqrt(pull * (length / length.mean()) ** 2) + _SLACK
    return blend


def _reach(around: np.ndarray, away: np.ndarray) -> np.ndarray:
    """How far the ring (R, 3) about its centre is in the directions (N, 2) across and up: (N,) metres."""
    angle = np.arctan2(around[:, 1], around[:, 0])
    order = np.argsort(angle)
    wanted = np.arctan2(away[:, 1], away[:, 0])
    return np.interp(wanted, angle[order], np.hypot(around[:, 0], around[:, 1])[order], period=2 * np.pi)


def _next_to(linked: csr_matrix, vertices: np.ndarray) -> np.ndarray:
    """The vertices that have an edge to some of these, and are none of them."""
    return np.setdiff1d(linked[vertices].indices, vertices)


def _with_rows(count: int, vertices: np.ndarray, places: np.ndarray, rows: np.ndarray) -> csr_matrix:
    """The identity (V, V), but for these vertices, whose rows (N, M) blend the vertices `places`."""
    matrix = identity(count, format="lil")
    for vertex, row in zip(vertices, rows):
        used = np.flatnonzero(row)
        matrix.rows[vertex], matrix.data[vertex] = places[used].tolist(), row[used].tolist()
    return matrix.tocsr()


def _laplacian(vertices: np.ndarray, faces: np.ndarray) -> tuple[csr_matrix, np.ndarray]:
    """The surface's Laplacian with cotangents as weights (V, V), and each vertex's share of the area (V,), m2."""
    corners = vertices[faces]
    stiff = coo_matrix((len(vertices), len(vertices))).tocsr()
    double = np.maximum(
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1), 1e-9
    )
    for k in range(3):
        i, j, at = faces[:, (k + 1) % 3], faces[:, (k + 2) % 3], corners[:, k]
        cotangent = np.einsum("fd,fd->f", vertices[i] - at, vertices[j] - at) / double / 2
        cotangent = np.clip(cotangent, 0.05, 5)  # slivers
        stiff = stiff - coo_matrix((np.tile(cotangent, 2), (np.append(i, j), np.append(j, i))), stiff.shape).tocsr()
    area = np.bincount(faces.ravel(), np.repeat(double / 6, 3), len(vertices))
    return stiff - diags(np.asarray(stiff.sum(axis=1)).ravel()), np.maximum(area, 1e-8)


def links(faces: np.ndarray, count: int) -> csr_matrix:
    """(V, V) ones where two vertices have an edge."""
    a, b = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    linked = coo_matrix((np.ones(2 * len(a)), (np.append(a, b), np.append(b, a))), (count, count)).tocsr()
    linked.data[:] = 1
    return linked


def main() -> None:
    """The command."""
    from training.bodies.anny import SMPL_TO_ANNY, AnnyBody

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="the suit's file to write (.safetensors)")
    arguments = parser.parse_args()
    body, turn = AnnyBody.load(), SMPL_TO_ANNY.numpy()
    suit = dress(body.template.numpy() @ turn, body.faces, body.weights.numpy(), body.joints.numpy()[:JOINTS] @ turn)
    save_suit(arguments.output, as_suit(suit))
    print(f"{arguments.output}: {suit.shape[0]} vertices.")


if __name__ == "__main__":
    main()
