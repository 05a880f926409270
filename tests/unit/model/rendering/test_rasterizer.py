"""The rasteriser against coverage and depth worked out by hand or ray by ray."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from model.rendering import rasterizer
from model.rendering.projection import NEAR, extent, project
from model.rendering.rasterizer import Raster, interpolate, is_closed, rasterise
from tests.support.solids import CUBE, QUAD, cube, unproject


def ray_by_ray(vertices: np.ndarray, faces: np.ndarray, focal: float, point: tuple, size: tuple) -> Raster:
    """The same answer by intersecting every ray with every triangle: slow, and by another way."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) + 0.5 - point[0], np.arange(height) + 0.5 - point[1])
    rays = np.stack([x / focal, y / focal, np.ones_like(x)], axis=-1).reshape(-1, 3)
    depth, face = np.full(len(rays), np.inf), np.full(len(rays), -1)
    weights = np.zeros((len(rays), 3))
    for index, corners in enumerate(vertices[faces]):
        solved = rays @ np.linalg.inv(corners)  # the ray as a sum of the corners
        with np.errstate(all="ignore"):
            z = 1 / solved.sum(axis=1)
            inside = (solved * z[:, None] >= 0).all(axis=1) & (z > NEAR) & (z < depth)
        depth[inside], face[inside] = z[inside], index
        weights[inside] = (solved * z[:, None])[inside]
    return Raster(depth.reshape(height, width), face.reshape(height, width), weights.reshape(height, width, 3))


def test_a_square_covers_the_pixels_whose_centres_it_covers() -> None:
    raster = rasterise(unproject([(2, 1), (6, 1), (6, 4), (2, 4)], 2.0), QUAD, 100.0, (0, 0), (9, 7))
    expected = np.zeros((7, 9), bool)
    expected[1:4, 2:6] = True
    assert ((raster.face >= 0) == expected).all()
    assert raster.depth[expected] == pytest.approx(2.0)
    assert np.isinf(raster.depth[~expected]).all() and (raster.face[~expected] == -1).all()
    assert raster.depth.dtype == np.float32 and raster.face.dtype == np.int32


def test_the_first_pixels_centre_is_at_one_half() -> None:
    for edge, columns in ((2.49, [0, 1]), (2.51, [0, 1, 2])):
        square = unproject([(0, 0), (edge, 0), (edge, 1), (0, 1)], 1.0)
        assert np.flatnonzero(rasterise(square, QUAD, 100.0, (0, 0), (5, 1)).face[0] >= 0).tolist() == columns


def test_a_triangle_leaves_out_the_centres_on_its_slanted_edge() -> None:
    raster = rasterise(unproject([(0, 0), (4, 0), (0, 4)], 3.0), np.array([[0, 1, 2]]), 100.0, (0, 0), (5, 5))
    assert (raster.face >= 0).tolist() == [[x + y + 1 < 4 for x in range(5)] for y in range(5)]
    first = raster.barycentric[0, 0]  # at (0.5, 0.5) of a triangle with legs of 4
    assert first == pytest.approx([0.75, 0.125, 0.125])


def test_depth_is_right_in_perspective() -> None:
    """A wall from 1 m on the left to 3 m on the right: half way across the picture it is 1.5 m away, not 2."""
    wall = unproject([(0, 0), (10, 0), (10, 10), (0, 10)], [1, 3, 3, 1])
    raster = rasterise(wall, QUAD, 100.0, (0, 0), (10, 10))
    across = (np.arange(10) + 0.5) / 10
    assert raster.depth[4] == pytest.approx(1 / (1 + (1 / 3 - 1) * across))
    assert interpolate(raster, QUAD, wall)[:, 2] == pytest.approx(raster.depth.ravel(), rel=1e-5)


def test_triangles_that_cross_hide_each_other_half_by_half() -> None:
    left = np.array([[-1, -1, 1.0], [1, -1, 3], [0, 1, 2]])  # near on the left
    right = left * [-1, 1, 1]
    raster = rasterise(np.concatenate([left, right]), np.array([[0, 1, 2], [3, 4, 5]]), 40.0, (20, 20), (40, 40))
    for row in raster.face:
        assert set(row[:20]) <= {-1, 0} and set(row[20:]) <= {-1, 1}
    assert (raster.face == 0).sum() == (raster.face == 1).sum() > 100


@pytest.mark.parametrize("cull", [False, True])
def test_any_triangles_are_seen_as_rays_see_them(cull: bool) -> None:
    """Corners on all sides: outside of the picture, behind the camera, before the near plane."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(60, 1, 3)) * [2, 2, 1.5] + [0, 0, 2]
    vertices = (middles + 0.6 * rng.normal(size=(60, 3, 3))).reshape(-1, 3)
    faces = np.arange(180).reshape(60, 3)
    crossing = ((vertices[faces][..., 2] > NEAR).sum(axis=1) % 3 > 0).sum()
    if cull:
        a, b, c = vertices[faces].transpose(1, 0, 2)
        facing = np.einsum("fd,fd->f", np.cross(b - a, c - a), a) < 0
        reference = ray_by_ray(vertices, faces[facing], 30.0, (17, 22), (40, 50))
        reference.face[reference.face >= 0] = np.flatnonzero(facing)[reference.face[reference.face >= 0]]
    else:
        reference = ray_by_ray(vertices, faces, 30.0, (17, 22), (40, 50))
    raster = rasterise(vertices, faces, 30.0, (17, 22), (40, 50), cull=cull)
    assert crossing >= 5 and (reference.face >= 0).mean() > 0.2 and len(np.unique(reference.face)) > 10
    assert (raster.face != reference.face).mean() < 1e-3  # a centre on an edge may go either way
    same = (raster.face == reference.face) & (raster.face >= 0)
    assert raster.depth[same] == pytest.approx(reference.depth[same], rel=1e-4)
    assert raster.barycentric[same] == pytest.approx(reference.barycentric[same], abs=2e-3)


def test_faces_that_share_edges_share_the_pixels_without_gaps() -> None:
    """A crumpled sheet with corners on pixel centres too: each pixel is covered exactly once."""
    rng = np.random.default_rng(1)
    n = 12
    grid = np.stack(np.meshgrid(np.arange(n), np.arange(n)), axis=-1).reshape(-1, 2) * 4.0
    inner = ((grid > 0) & (grid < 4 * (n - 1))).all(axis=1)
    grid[inner] += rng.integers(-2, 3, (inner.sum(), 2)) / 2
    corner = np.arange(n * n).reshape(n, n)
    a, b, c, d = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel(), corner[1:, 1:].ravel(), corner[1:, :-1].ravel()
    faces = np.concatenate([np.c_[a, b, c], np.c_[a, c, d]])
    sheet = unproject(grid, 2.0)
    covered = sum((rasterise(sheet, face[None], 100.0, (0, 0), (44, 44)).face == 0).astype(int) for face in faces)
    assert (covered == 1).all()


def test_nothing_is_seen_of_what_is_behind_or_has_no_place() -> None:
    behind = np.array([[-1, -1, -2.0], [1, -1, -2], [0, 1, -2]])
    flat = np.array([[0, 1, 2]])
    for vertices in (behind, behind * [1, 1, 0], np.full((3, 3), np.nan), np.full((3, 3), np.inf), np.zeros((3, 3))):
        assert (rasterise(vertices, flat, 50.0, (10, 10), (20, 20)).face == -1).all()
        assert extent(project(vertices, flat, 50.0, (10, 10)), (20, 20)) == (0, 0, 0, 0)
    assert (rasterise(np.zeros((0, 3)), np.zeros((0, 3), int), 50.0, (10, 10), (20, 20)).face == -1).all()
    one_bad = np.concatenate([cube((0, 0, 3)), [[np.nan, 0, 3]]])
    raster = rasterise(one_bad, np.concatenate([CUBE, [[0, 1, 8]]]), 50.0, (10, 10), (20, 20))
    assert (raster.face == rasterise(cube((0, 0, 3)), CUBE, 50.0, (10, 10), (20, 20)).face).all()


def test_a_floor_that_runs_under_the_camera_is_cut_at_the_camera() -> None:
    """One metre below: row r sees it at f / (r - middle) metres, however far it goes behind the camera."""
    floor = np.array([[-500, 1, -300], [500, 1, -300], [500, 1, 800], [-500, 1, 800.0]])
    raster = rasterise(floor, QUAD, 100.0, (32, 32), (64, 64))
    assert (raster.face[:32] == -1).all() and (raster.face[33:] >= 0).all()
    below = np.arange(33, 64) + 0.5 - 32
    assert raster.depth[33:, 10] == pytest.approx(100 / below, rel=1e-4)


def test_memory_is_bounded_wherever_the_vertices_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    wild = rng.normal(size=(300, 3)) * 10.0 ** rng.uniform(-3, 8, (300, 1)) + [0, 0, 0.5]
    filling = np.tile(np.array([[-9, -9, 1.0], [30, -9, 1], [-9, 30, 1]]), (50, 1))  # 50 times the whole picture
    vertices = np.concatenate([wild, filling])
    monkeypatch.setattr(rasterizer, "BUDGET", 1 << 16)
    tracemalloc.start()
    raster = rasterise(vertices, np.arange(450).reshape(-1, 3), 1e3, (100, 100), (200, 200))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (raster.face >= 0).all() and np.isfinite(raster.barycentric).all()
    assert peak < 15e6  # all at once they take over 80 MB


def test_a_closed_mesh_looks_the_same_without_its_inside() -> None:
    assert is_closed(CUBE) and not is_closed(CUBE[1:]) and not is_closed(QUAD)
    for at in ((0.3, 0.2, 3), (-2, 1, 4)):
        every, outer = (rasterise(cube(at), CUBE, 80.0, (50, 50), (100, 100), cull=cull) for cull in (False, True))
        # On the outline the inside is as near as the outside, and either may win.
        assert outer.depth == pytest.approx(every.depth) and (outer.face != every.face).sum() <= 3
        assert (every.face >= 0).sum() > 300
