"""Pictures with meshes over them: colours, light, smooth edges, and who is in front."""

from __future__ import annotations

import numpy as np
import pytest

from model.body.normals import vertex_normals
from model.rendering import overlay as drawing
from model.rendering import rasterizer
from model.rendering.overlay import overlay, side_view
from model.rendering.rasterizer import rasterise
from model.rendering.shading import PALETTE
from tests.support.solids import CUBE, QUAD, cube, unproject


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vertices = np.random.default_rng(3).normal(size=(60, 3)) + np.array([0, 0, 4])
    faces = np.arange(60).reshape(-1, 3)
    photo = np.full((80, 80, 3), 90, np.uint8)
    whole = rasterise(vertices, faces, 60.0, (40, 40), (80, 80)), overlay(photo, [(vertices, faces)], 60.0)
    monkeypatch.setattr(rasterizer, "BUDGET", 500)
    monkeypatch.setattr(drawing, "BUDGET", 5000)
    parts = rasterise(vertices, faces, 60.0, (40, 40), (80, 80)), overlay(photo, [(vertices, faces)], 60.0)
    assert (whole[0].face == parts[0].face).all()
    assert (np.abs(whole[1].astype(int) - parts[1]) <= 1).all()


def test_normals_point_outwards() -> None:
    corners = cube((0, 0, 0))
    normals = vertex_normals(corners, CUBE)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1)
    assert (np.sign(normals) == np.sign(corners)).all()
    assert (vertex_normals(np.eye(3), np.zeros((0, 3), int)) == 0).all()


def test_an_overlay_changes_the_photo_only_where_the_mesh_is() -> None:
    photo = np.random.default_rng(4).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    before = photo.copy()
    square = unproject([(20, 10), (60, 10), (60, 50), (20, 50)], 2.3)[[0, 3, 2, 1]]  # seen from its outer side
    drawn = overlay(photo, [(square, QUAD, (200, 100, 50))], 100.0, (0, 0), opacity=1.0, smooth=False)
    assert (photo == before).all() and drawn.dtype == np.uint8 and drawn.shape == photo.shape
    inside = np.zeros((60, 80), bool)
    inside[10:50, 20:60] = True
    assert (drawn[~inside] == photo[~inside]).all()
    shade = drawn[inside] / np.array([200, 100, 50])
    assert shade.std() < 0.01 and 0.5 < shade.mean() <= 1  # it faces the camera, and so nearly the light
    half = overlay(photo, [(square, QUAD, (200, 100, 50))], 100.0, (0, 0), opacity=0.5, smooth=False)
    assert (np.abs(half - (photo / 2 + drawn / 2)) <= 1).all()
    assert (overlay(photo, [], 100.0) == photo).all()


def test_edges_are_smoothed() -> None:
    """An edge through the middle of a column of pixels colours them half."""
    square = unproject([(2, 2), (6.5, 2), (6.5, 8), (2, 8)], 2.0)
    drawn = overlay(np.zeros((10, 10, 3), np.uint8), [(square, QUAD, (200, 200, 200))], 100.0, (0, 0), opacity=1.0)
    row = drawn[5, :, 0].astype(float)
    assert row[6] == pytest.approx(row[4] / 2, abs=1) and row[7] == 0


def test_the_nearer_person_is_in_front_in_any_order() -> None:
    photo = np.zeros((100, 100, 3), np.uint8)
    near, far = (cube((0, 0, 3)), CUBE, (255, 0, 0)), (cube((0.2, 0, 5), 2.0), CUBE, (0, 0, 255))
    one, other = overlay(photo, [near, far], 100.0, opacity=1.0), overlay(photo, [far, near], 100.0, opacity=1.0)
    assert (one == other).all()
    assert one[50, 50, 0] > 0 == one[50, 50, 2] and one[50, 78, 2] > 0 == one[50, 78, 0]


def test_light_comes_from_above_left_and_falls_on_both_sides_of_a_face() -> None:
    bright = {}
    for name, tilt in (("up", [0, -1, 0]), ("down", [0, 1, 0]), ("left", [-1, 0, 0]), ("right", [1, 0, 0])):
        square = cube((0, 0, 0), 2)[[0, 2, 6, 4]] * [1, 1, 0]  # in the plane z = 0
        square = square + np.array([0, 0, 4.0]) + 0.5 * (square @ np.array(tilt, float))[:, None] * [0, 0, -1]
        drawn = [
            overlay(np.zeros((50, 50, 3), np.uint8), [(square, f, (250, 250, 250))], 60.0)
            for f in (QUAD, QUAD[:, ::-1])
        ]
        assert (drawn[0] == drawn[1]).all()
        bright[name] = int(drawn[0][25, 25, 0])
    # A square whose upper edge is nearer to the camera faces down.
    assert bright["up"] < bright["down"] and bright["left"] < bright["right"]


def test_colours_of_vertices_run_into_each_other_right_in_perspective() -> None:
    """A wall from 1 m on the left, black, to 3 m on the right: the middle of the picture is a quarter of the way."""
    wall = unproject([(0, 0), (40, 0), (40, 40), (0, 40)], [1, 3, 3, 1])[[0, 3, 2, 1]]
    plain, run = (
        overlay(np.zeros((40, 40, 3), np.uint8), [(wall, QUAD, colour)], 100.0, (0, 0), opacity=1.0)[20].astype(float)
        for colour in ((240, 240, 240), np.array([[0, 240, 0], [0, 240, 0], [240, 0, 0], [240, 0, 0.0]]))
    )
    across = (np.arange(40) + 0.5) / 40
    share = across / 3 / (1 + (1 / 3 - 1) * across)
    assert run[:, 0] / plain[:, 0] == pytest.approx(share, abs=0.01)
    assert run[:, 1] / plain[:, 0] == pytest.approx(1 - share, abs=0.01)
    assert (run[:, 2] == 0).all()


def test_a_face_that_runs_behind_the_camera_or_is_seen_edge_on_keeps_its_colours() -> None:
    floor = np.array([[-500, 1, -300], [500, 1, -300], [500, 1, 800], [-500, 1, 800.0]])
    drawn = overlay(np.zeros((64, 64, 3), np.uint8), [(floor, QUAD, (200, 100, 50))], 100.0, opacity=1.0)[33:]
    assert np.ptp(drawn.reshape(-1, 3), axis=0).max() <= 1 and drawn[0, 0] == pytest.approx(
        drawn[0, 0, 0] * np.array([1, 0.5, 0.25]), abs=1
    )
    rng = np.random.default_rng(6)
    slivers = rng.normal(size=(200, 3, 3)) * [1, 1, 1e-4] @ np.array([[0.02, 0, 1], [0, 1, 0], [1, 0, -0.02]]) + [
        0,
        0,
        4,
    ]
    colours = rng.choice([100.0, 110.0], (600, 1)) * [1, 1, 1]
    drawn = overlay(
        np.zeros((80, 80, 3), np.uint8),
        [(slivers.reshape(-1, 3), np.arange(600).reshape(-1, 3), colours)],
        60.0,
        opacity=1.0,
    )
    assert drawn.max() <= 110


def test_faces_that_share_an_edge_leave_no_gap_on_either_side() -> None:
    """Pixels' centres lie exactly on the edge between the two faces of a square."""
    square = unproject([(10, 10), (40, 10), (40, 40), (10, 40)], 4.0)
    for faces in (QUAD, QUAD[:, ::-1], (QUAD + 1) % 4, (QUAD[:, ::-1] + 1) % 4):
        drawn = overlay(np.zeros((50, 50, 3), np.uint8), [(square, faces, (200, 200, 200))], 100.0, (0, 0))
        inside = drawn[10:40, 10:40]
        assert inside.min() > 0 and int(inside.max()) - int(inside.min()) <= 1


def test_people_without_a_colour_get_the_palette() -> None:
    photo = np.zeros((40, 60, 3), np.uint8)
    people = [(cube((x, 0, 4)), CUBE) for x in (-1.0, 1.0)]
    drawn = overlay(photo, people, 60.0, opacity=1.0, smooth=False)
    for column, colour in ((15, PALETTE[0]), (45, PALETTE[1])):
        shade = drawn[20, column].sum() / sum(colour)
        assert shade > 0.4 and (np.abs(drawn[20, column] - shade * np.array(colour)) < 2).all()
    assert len(set(PALETTE)) == len(PALETTE) >= 6


def test_the_side_view_shows_what_is_far_on_the_right_and_fits() -> None:
    near, far = (cube((0.5, 0, 3)), CUBE, (255, 0, 0)), (cube((-0.5, 0, 6), 0.5), CUBE, (0, 0, 255))
    picture = side_view([near, far], (200, 100), background=(0, 0, 0))
    assert picture.shape == (100, 200, 3)
    reds, blues = (np.argwhere(picture[..., k] > 0) for k in (0, 2))
    assert reds[:, 1].max() < blues[:, 1].min()
    drawn = np.argwhere(picture.any(axis=2))
    low, high = drawn.min(axis=0), drawn.max(axis=0) + 1
    assert low[1] == pytest.approx(16, abs=1.5) and high[1] == pytest.approx(184, abs=1.5)  # 8 % of the width is free
    assert low[0] >= 7 and high[0] <= 93
    assert (side_view([], (20, 10), background=(1, 2, 3)) == [1, 2, 3]).all()
    edge_on = np.array([[0, 0, 3.0], [1, 0, 3], [0, 1, 3]])
    assert side_view([(edge_on, np.array([[0, 1, 2]]))], (20, 10)).shape == (10, 20, 3)
