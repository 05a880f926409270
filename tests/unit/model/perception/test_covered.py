"""What is painted over where somebody stands before somebody else."""

from __future__ import annotations

import numpy as np

from model.perception.covered import paint_over

FACES = np.array([[0, 1, 2], [2, 1, 3]])


def test_a_mesh_takes_on_the_colours_about_it_and_nothing_else_changes() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[:, :150], image[:, 150:] = (200, 40, 40), (40, 40, 200)
    image[60:140, 130:170] = 255
    points = np.array([(130.0, 60.0), (170.0, 60.0), (130.0, 140.0), (170.0, 140.0)])
    painted = paint_over(image, points, FACES)
    assert (painted[60:140, 130:170].max(axis=2) < 210).all()  # nothing white is left
    left, right = painted[100, 132].astype(int), painted[100, 167].astype(int)
    assert left[0] > left[2] + 50 and right[2] > right[0] + 50
    far = np.ones((200, 300), bool)
    far[56:145, 126:175] = False
    np.testing.assert_array_equal(painted[far], image[far])
    assert image[100, 150].tolist() == [255, 255, 255]


def test_a_mesh_that_fills_the_image_or_lies_far_outside_of_it() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    corners = np.array([(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)])
    all_over = paint_over(image, 1e6 * corners, FACES)
    assert np.ptp(all_over, axis=(0, 1)).max() == 0
    assert np.abs(all_over[0, 0] - image.mean(axis=(0, 1))).max() <= 1
    np.testing.assert_array_equal(paint_over(image, corners + 1e7, FACES), image)
