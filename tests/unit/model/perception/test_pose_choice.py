"""Who is seen by BlazePose, and who is left to the mesh network's own backbone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.perception.detection import Detection
from model.perception.pose_choice import Belief, belief_in, regress_people
from tests.unit.model.perception.test_landmarks import BOX, Networks, meshes, regressor, standing


def people(*joints: np.ndarray) -> list[Detection]:
    return [Detection(BOX, 0.9, each) for each in joints]


@pytest.mark.parametrize(("height", "lifts", "regressed"), [(0.9, True, 0), (0.6, True, 1), (0.9, False, 1)])
def test_the_surer_network_is_chosen(
    height: float, lifts: bool, regressed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = standing()
    seen[:, 2] = height
    network = Networks(seen, lifts)
    found = people(standing(confidence=0.4))
    (result,) = regress_people(found, [()], regressor(network, monkeypatch), Belief(0.7))
    assert result.confidence == pytest.approx(0.5 if regressed else 0.9)
    assert bool(network.regressed) == bool(regressed) and bool(network.lifted) != bool(regressed)


@pytest.mark.parametrize(
    ("count", "sure", "belief"),
    [
        (4, 0.65, (0.65, math.inf, 0.55)),  # few: everybody is seen twice
        (4, 2.0, (2.0, math.inf, 2.0)),  # never believed, about their boxes neither
        (5, 0.65, (0.65, 0.75, math.inf)),
        (9, 0.65, (0.5, 0.0, math.inf)),  # a crowd: nobody is
        (9, 0.0, (0.0, 0.0, math.inf)),  # always believed
        (9, 2.0, (2.0, 0.75, math.inf)),  # never, in no crowd either
    ],
)
def test_in_a_crowd_blazepose_is_believed_sooner(count: int, sure: float, belief: tuple[float, ...]) -> None:
    assert belief_in(sure, count, few=4, crowd=9) == belief


def test_who_is_given_by_her_box_is_found_by_the_backbone_first(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Networks(standing())
    regress = regressor(network, monkeypatch)
    by_backbone = standing()[None].astype(np.float32)
    by_backbone[..., 2] = 0.6
    monkeypatch.setattr(network, "regress", lambda pixels, crops, cameras: meshes(by_backbone))

    def confidence(box: tuple[float, float, float, float]) -> float:
        given = Detection(box, 1.0, np.zeros((0, 3)))
        (result,) = regress_people([given], [(given,)], regress, Belief(0.7))
        return result.confidence

    assert confidence(BOX) == pytest.approx(0.9)
    assert confidence((300.0, 100.0, 60.0, 200.0)) == pytest.approx(0.6)  # BlazePose has seen somebody beside it


@pytest.mark.parametrize("company", [True, False])
def test_who_is_taken_for_her_neighbour_is_seen_again_without_her(
    company: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Drawn(Networks):
        def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
            self.seen = standing(280.0 if self.crops[-1].within is None else 200.0)
            return super().detect(detector, images)

    network = Drawn(standing())
    own, other = people(standing(confidence=0.4), standing(280.0))
    neighbours = (own, other) if company else (own,)
    (result,) = regress_people([own], [neighbours], regressor(network, monkeypatch), Belief(0.7))
    assert (result.landmarks is not None) == company
    if company:
        np.testing.assert_allclose(result.mesh.keypoints[:, :2], standing()[:, :2], atol=1.0)


@pytest.mark.parametrize(
    ("given", "faint", "cut", "boxed", "seen"),
    [
        (False, False, False, 0.55, True),
        (True, False, False, 0.55, True),
        (False, True, False, 0.55, False),  # what is hardly there is not to become somebody
        (False, False, True, 0.55, False),
        (False, False, False, math.inf, False),
    ],
)
def test_whom_her_joints_show_badly_is_seen_about_her_box(
    given: bool, faint: bool, cut: bool, boxed: float, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from above: the detector takes head for feet, and BlazePose knows her if it looks from the right side."""

    class Steep(Networks):
        def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
            answers, every = [], self.crops
            for crop in every[-len(images) :]:
                right = abs(math.remainder(crop.angle - math.pi / 4, 2 * math.pi)) < 0.1 and crop.side == 320.0
                self.crops, self.seen = [crop], standing(lean=45.0, confidence=0.6 if right else 0.3)
                answers.append(super().detect(detector, images[:1]))
            self.crops = every
            return tuple(np.concatenate(each) for each in zip(*answers, strict=True))

    keypoints = np.zeros((0, 3)) if given else standing(lean=180.0, confidence=0.4)
    regress = regressor(Steep(standing()), monkeypatch)
    monkeypatch.setattr(regress, "shown", (0.0, 0.0, 400.0, 300.0 if cut else 400.0))
    found = [Detection(BOX, 0.9, keypoints, faint=faint)]
    (result,) = regress_people(found, [()], regress, Belief(0.7, 0.0, boxed))
    assert (result.landmarks is not None) == seen
    if seen:
        np.testing.assert_allclose(result.mesh.keypoints[:, :2], standing(lean=45.0)[:, :2], atol=1.0)


@pytest.mark.parametrize(("lean", "seen"), [(180.0, False), (135.0, True)])
def test_nobody_is_turned_upside_down_by_a_look_about_her_box(
    lean: float, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = Networks(standing())
    networks.seen = standing(confidence=0.6)
    found = [Detection(BOX, 0.9, standing(lean=lean, confidence=0.4))]
    (result,) = regress_people(found, [()], regressor(networks, monkeypatch), Belief(0.7, 0.0, 0.55))
    assert (result.landmarks is not None) == seen


@pytest.mark.parametrize(("detected", "lifted"), [(0.6, True), (0.4, False)])
def test_the_detectors_joints_are_lifted_where_the_crop_shows_less(
    detected: float, lifted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Networks(standing(confidence=0.1))  # BlazePose is not sure, and the backbone 0.5
    found = people(standing(confidence=detected))
    (result,) = regress_people(found, [()], regressor(network, monkeypatch), Belief(0.7))
    assert result.landmarks is None
    assert np.allclose(result.mesh.keypoints, found[0].keypoints, atol=1e-3) == lifted


@pytest.mark.parametrize("quarters", [0, 1, -1])
def test_who_lies_is_lifted_from_the_detectors_joints_the_right_way_up(
    quarters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Networks(standing(confidence=0.1))
    found = people(standing(lean=90 * quarters + 10, confidence=0.6))
    (result,) = regress_people(found, [()], regressor(network, monkeypatch), Belief(0.7))
    assert result.crop.angle % (2 * math.pi) == pytest.approx(quarters * math.pi / 2 % (2 * math.pi))


def test_in_a_collage_nobody_has_joints_in_another_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Networks(standing())
    regress = regressor(network, monkeypatch)
    regress.image[:] = 200
    legs = standing()[:, 1] > 220
    upper = (0.0, 0.0, 400.0, 220.0)
    monkeypatch.setattr(regress, "panels", [upper, (0.0, 228.0, 400.0, 172.0)])
    person = Detection((150.0, 60.0, 100.0, 165.0), 0.9, standing())
    (result,) = regress_people([person], [()], regress, Belief(0.7))
    assert legs.any() and result.landmarks is not None
    assert (result.mesh.keypoints[legs, 2] == 0).all() and (result.mesh.keypoints[~legs, 2] > 0).any()
    other = Detection(BOX, 0.9, standing())
    assert other.box[1] + other.box[3] > 260  # through both panels: what crosses her is no gutter
    (whole,) = regress_people([other], [()], regress, Belief(0.7))
    assert (whole.mesh.keypoints[:, 2] > 0).all()
