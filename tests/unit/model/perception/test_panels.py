"""Collages: where their pictures are, and who is in which of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.perception.panels import are_apart, panel_of, panels_of

WIDE, HIGH, GUTTER = 160, 100, 8


def picture(seed: int) -> np.ndarray:
    """(HIGH, WIDE, 3) something of many colours."""
    coarse = np.random.default_rng(seed).integers(0, 255, (5, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)


def collage(rows: list[int], colour: int) -> tuple[np.ndarray, list[tuple[float, ...]]]:
    """As many pictures in each row, in the middle of it, and their boxes, row by row."""
    width = GUTTER + max(rows) * (WIDE + GUTTER)
    image = np.full((GUTTER + len(rows) * (HIGH + GUTTER), width, 3), colour, np.uint8)
    boxes = []
    for row, count in enumerate(rows):
        y, first = GUTTER + row * (HIGH + GUTTER), (width - count * (WIDE + GUTTER) + GUTTER) // 2
        for x in range(first, first + count * (WIDE + GUTTER), WIDE + GUTTER):
            image[y : y + HIGH, x : x + WIDE] = picture(len(boxes))
            boxes.append((x, y, WIDE, HIGH))
    return image, boxes


@pytest.mark.parametrize("colour", [28, 255])
@pytest.mark.parametrize("rows", [[2, 2], [3, 3, 2], [1, 1], [2, 3]])
def test_each_picture_of_a_collage_is_told(rows: list[int], colour: int) -> None:
    image, boxes = collage(rows, colour)
    compressed = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1], 1)
    for seen in (image, compressed):
        assert np.array(panels_of(seen)) == pytest.approx(np.array(boxes), abs=4)


def test_bars_about_the_collage_do_not_count() -> None:
    image, boxes = collage([2], 28)
    framed = np.pad(image, ((50, 30), (40, 40), (0, 0)), constant_values=200)
    shown = (40.0, 50.0, float(image.shape[1]), float(image.shape[0]))
    assert np.array(panels_of(framed, shown)) == pytest.approx(np.add(boxes, [40, 50, 0, 0]), abs=1)


def test_one_picture_is_no_collage() -> None:
    assert panels_of(picture(0)) == []
    people = np.full((300, 400, 3), 250, np.uint8)  # two before a white wall, which is seen between them
    people[40:, 60:140] = people[60:, 260:330] = picture(1)[:1, :1]
    assert panels_of(people) == []
    behind = np.concatenate([picture(0), np.full((6, WIDE, 3), 90, np.uint8), picture(1)])  # a beam, and who hides it
    behind[60:, 70:90] = 20
    assert panels_of(behind) == []


def test_a_pattern_is_no_collage() -> None:
    tiles = np.tile(np.pad(picture(0), ((0, 6), (0, 6), (0, 0))), (12, 8, 1))
    assert panels_of(tiles) == []
    assert panels_of(np.zeros((1, 1, 3), np.uint8)) == []


def test_who_is_in_two_panels_is_in_none() -> None:
    panels = [(0.0, 0.0, 100.0, 100.0), (108.0, 0.0, 100.0, 100.0)]
    assert panel_of((120.0, 20.0, 60.0, 85.0), panels) == panels[1]
    assert panel_of((60.0, 20.0, 90.0, 70.0), panels) is None


def test_people_are_apart_whom_different_cameras_saw() -> None:
    left, right = (0.0, 0.0, 100.0, 100.0), (108.0, 0.0, 100.0, 100.0)
    one, other, across = (20.0, 10.0, 40.0, 80.0), (120.0, 10.0, 40.0, 80.0), (80.0, 10.0, 60.0, 80.0)
    assert are_apart([one, other], [left, right])
    assert not are_apart([one, one], [left, right])
    assert not are_apart([one, other, across], [left, right])  # what crosses her is no gutter
    assert not are_apart([one, other], []) and not are_apart([], [left, right])
