"""From the detector's heads to people, decoded by hand."""

from __future__ import annotations

import numpy as np
import pytest

from model.perception.multipose import decode_people
from tests.support.multipose_heads import NO, YES, empty, put


def test_a_person_is_decoded_by_hand() -> None:
    outputs = empty()
    put(outputs, 20, 30, 24)
    outputs.box_offset[0, :, 20, 30] = 1.0, -2.0
    outputs.offset[0, 2 * 3 : 2 * 3 + 2, 15, 30] = 0.25, -0.5  # joint 3 within its cell: dy, dx
    (person,) = decode_people(outputs, 0.05)
    assert person.box == (4 * (28 - 5), 4 * (21 - 12), 40, 96)
    sure = 1 / (1 + np.exp(-YES))
    assert person.score == pytest.approx(sure * sure, rel=1e-5)
    positions = np.array([(30.0, 12 + joint) for joint in range(17)])
    positions[3] += (-0.5, 0.25)
    np.testing.assert_allclose(person.keypoints, np.column_stack([4 * positions, np.full(17, sure)]), rtol=1e-5)


def test_joints_are_sought_inside_the_box_and_near_where_they_are_expected() -> None:
    outputs = empty()
    put(outputs, 20, 30, 24)
    outputs.heatmap[0, 0] = NO
    outputs.heatmap[0, 0, 12, 28] = YES  # two cells from the expected place
    outputs.heatmap[0, 0, 12, 40] = 8.0  # surer, but outside of the box
    outputs.heatmap[0, 0, 30, 30] = 4.0  # surer, but far from the expected place
    (person,) = decode_people(outputs, 0.05)
    assert person.keypoints[0, :2].tolist() == [4 * 28, 4 * 12]


def test_joints_that_are_not_seen_do_not_lower_the_score() -> None:
    outputs = empty()
    put(outputs, 20, 30, 24)
    outputs.heatmap[0, 5:] = NO
    (person,) = decode_people(outputs, 0.05)
    sure = 1 / (1 + np.exp(-YES))
    assert person.score == pytest.approx(sure * sure, rel=1e-5)


def test_only_the_best_centre_of_its_surroundings_counts_and_boxes_end_at_the_image() -> None:
    outputs = empty()
    put(outputs, 20, 30, 24)
    put(outputs, 21, 31, 24, logit=1.0)  # the same person's second best
    put(outputs, 30, 62, 90, logit=0.5)
    people = sorted(decode_people(outputs, 0.05), key=lambda person: person.box[0])
    assert len(people) == 2
    x, y, width, height = people[1].box
    assert (y, height) == (0, 4 * 48) and x + width == 4 * 64


def test_a_box_without_cells_has_no_joints() -> None:
    outputs = empty()
    outputs.center[0, 0, 5, 5] = YES
    assert decode_people(outputs, 0.05) == []
    nobody = [person for person in decode_people(outputs) if person.box[:2] == (20, 20)]
    assert nobody[0].score == 0 and not nobody[0].keypoints.any()


def test_extreme_logits_are_no_overflow() -> None:
    outputs = empty()
    outputs.center[:] = -106.0
    put(outputs, 20, 30, 24, logit=106.0)
    with np.errstate(over="raise"):
        assert decode_people(outputs, 0.2)[0].score > 0.5
