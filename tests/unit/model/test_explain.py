"""Pictures of heatmaps and influence: everything where it belongs."""

from __future__ import annotations

import numpy as np
import torch

from model.explain import Insight, heatmap_sheet, influence_sheet
from model.network.heatmaps import draw_heatmaps
from model.perception.crops import Crop, upright_crop
from model.rendering.contact_sheet import sheet
from model.results import Camera, Person

NAMES = ("left_hand", "head", "right_hand")


def tile(picture: np.ndarray, number: int, columns: int = 6, side: int = 224) -> np.ndarray:
    """One tile of a sheet, without its caption."""
    y, x = number // columns * (side + 26) + 22, number % columns * (side + 4)
    return picture[y : y + side, x : x + side].astype(int)


def test_a_sheet_keeps_its_tiles_in_order():
    tiles = [(f"tile {value}", np.full((20, 90, 3), value, np.uint8)) for value in (10, 20, 30, 40, 50)]
    picture = sheet(tiles, columns=2, gap=4)
    assert picture.shape == (3 * (20 + 22 + 4) - 4, 2 * 94 - 4, 3)
    for number, (_, expected) in enumerate(tiles):
        y, x = number // 2 * 46, number % 2 * 94
        np.testing.assert_array_equal(picture[y + 22 : y + 42, x : x + 90], expected)
        assert (picture[y : y + 22, x : x + 90] < 120).any()  # its caption
    assert (picture[92:, 94:] == 255).all()


def test_each_joints_heat_lies_where_its_peak_is():
    joints = torch.tensor([[[40.0, 60.0], [150.0, 30.0], [112.0, 200.0]]])
    heatmaps = draw_heatmaps(joints, 56, 8.0)[0].numpy()
    picture = heatmap_sheet(np.full((256, 256, 3), 90, np.uint8), heatmaps, NAMES)
    assert (tile(picture, 0) == 90).all()
    for number, place in enumerate(joints[0].numpy(), start=1):
        red = tile(picture, number)[..., 0]
        y, x = np.argwhere(red > 0.95 * red.max()).mean(axis=0)
        assert np.hypot(x - place[0], y - place[1]) < 4
        assert red.max() > 200 and np.median(red) == 45


def test_vertices_shine_by_joints_influence():
    # A square of two triangles before the camera; its left side follows the first joint, its right the last.
    square = np.array([(-0.5, -0.5, 0), (0.5, -0.5, 0), (0.5, 0.5, 0), (-0.5, 0.5, 0)], np.float32)
    middle = np.array([(0, -0.5, 0), (0, 0.5, 0)], np.float32)
    vertices = np.concatenate([square, middle])
    faces = np.array([(0, 3, 5), (0, 5, 4), (4, 5, 2), (4, 2, 1)])
    influence = np.array([(1, 0, 0), (0, 0, 1), (0, 0, 1), (1, 0, 0), (1, 0, 0), (0, 0, 1)], np.float32)
    person = Person(
        score=1.0,
        bbox=(50.0, 50.0, 100.0, 100.0),
        keypoints_2d=np.zeros((3, 3), np.float32),
        joints=np.array([(-0.4, -0.4, 0), (0, -0.4, 0), (0.4, -0.4, 0)], np.float32),
        vertices=vertices,
        faces=faces,
        joint_names=NAMES,
        camera=Camera(200.0, (100.0, 100.0), (0.0, 0.0, 2.0), (1.0, 0.0, 0.0)),
    )
    nothing = np.zeros((224, 224, 3), np.uint8), np.zeros((3, 56, 56), np.float32)
    picture = influence_sheet(Insight(person, upright_crop(person.bbox), *nothing, influence), faces, NAMES)
    # 100 photo pixels wide in a crop of 125: 179 pixels of the tile
    drawn = [tile(picture, number) for number in (1, 2, 3)]
    left, right = np.s_[100:180, 30:90], np.s_[100:180, 134:194]
    assert drawn[0][left].mean() > 1.5 * drawn[0][right].mean()
    assert drawn[2][right].mean() > 1.5 * drawn[2][left].mean()
    assert drawn[1][left].max() < 60 and drawn[1][right].max() < 60
    for number, x in ((0, 40), (1, 112), (2, 184)):  # the joints' dots
        hits = np.argwhere((drawn[number][:200] > 250).all(axis=2))
        assert np.hypot(*(hits.mean(axis=0) - (112 - 0.4 * 179.2, x))) < 2
    # Seen head over heels and mirrored, everything stands on its head.
    other = Crop((100.0, 100.0), 125.0, np.pi, mirrored=True)
    turned = influence_sheet(Insight(person, other, *nothing, influence), faces, NAMES)
    for number in (1, 2, 3):
        assert np.abs(tile(turned, number)[::-1] - tile(picture, number)).mean() < 1
