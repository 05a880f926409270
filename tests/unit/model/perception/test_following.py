"""People followed from frame to frame: where they went, and when to look for them anew."""

from __future__ import annotations

import numpy as np
import pytest

from model.perception.detection import Detection
from model.perception.following import follow_people
from tests.unit.model.perception.test_landmarks import BOX, Networks, regressor, standing


def known(joints: np.ndarray) -> Detection:
    return Detection(BOX, 0.6, joints)


def test_box_and_score_go_with_the_joints(monkeypatch):
    now = standing(215, 190)
    now[:, 2] = 0.75
    network = Networks(now)
    ((found, result),) = follow_people([known(standing())], regressor(network, monkeypatch))
    assert (network.lifted, network.regressed) == (1, 0)
    np.testing.assert_allclose(found.keypoints, now, atol=1e-3)
    assert found.box == pytest.approx((BOX[0] + 15, BOX[1] - 10, BOX[2], BOX[3]), abs=1e-3)
    assert found.score == pytest.approx(0.6 * 0.75 / 0.9)
    assert result.landmarks is not None


def test_a_box_ends_where_the_picture_does(monkeypatch):
    near = Detection((315.0, 100.0, 80.0, 200.0), 0.6, standing(355))
    ((found, _),) = follow_people([near], regressor(Networks(standing(368, 210)), monkeypatch))
    assert found.box == pytest.approx((328, 110, 72, 200), abs=1e-3)


def test_nobody_is_followed_whom_the_network_is_not_sure_of(monkeypatch):
    unsure = standing()
    unsure[:, 2] = 0.3
    assert follow_people([known(standing())], regressor(Networks(unsure), monkeypatch)) is None


def test_one_who_was_seen_by_another_network_is_looked_for(monkeypatch):
    network = Networks(standing())
    assert follow_people([known(standing()), None], regressor(network, monkeypatch)) is None
    assert network.lifted == 0


def test_two_who_come_out_as_the_same_are_looked_for(monkeypatch):
    both = [known(standing()), known(standing(250, 200))]
    assert follow_people(both, regressor(Networks(standing(245, 200)), monkeypatch)) is None
