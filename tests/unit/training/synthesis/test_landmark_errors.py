"""BlazePose's errors as they are drawn: of the size that was measured, told by the peaks' heights, common to a part."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from training.bodies.subject import BODY
from training.synthesis.corruption import HeatmapCorruption, corrupt
from training.synthesis.landmark_errors import landmark_peaks
from training.synthesis.true_joints import TrueJoints

COUNT, POINTS = 4000, 27


def _joints(visible: bool = True) -> TrueJoints:
    at = 40 + 144 * torch.rand(COUNT, POINTS, 2, generator=torch.Generator().manual_seed(1))
    return TrueJoints(at, torch.full((COUNT, POINTS), visible), torch.zeros_like(at))


@pytest.mark.parametrize(
    ("low", "high", "median"), [(0.85, 1.0, 1.9), (0.7, 0.85, 2.8), (0.5, 0.7, 5.6), (0.3, 0.5, 13.0)]
)
def test_a_peaks_height_tells_its_error(low: float, high: float, median: float) -> None:
    joints = _joints()
    peaks = landmark_peaks(joints, BODY, torch.Generator().manual_seed(0))
    error = (peaks.at - joints.position).norm(dim=-1)
    assert error[(peaks.height >= low) & (peaks.height < high)].median() == pytest.approx(median, rel=0.25)


def test_wrists_are_less_sure_than_eyes_and_the_points_of_a_limb_err_together() -> None:
    joints = _joints()
    peaks = landmark_peaks(joints, BODY, torch.Generator().manual_seed(0))
    assert peaks.height[:, 9].mean() < peaks.height[:, 1].mean() - 0.05
    error = (peaks.at - joints.position)[..., 0]
    ankle, knee, wrist = error[:, 15], error[:, 13], error[:, 9]
    small = (ankle.abs() < 20) & (knee.abs() < 20) & (wrist.abs() < 20)
    together = torch.corrcoef(torch.stack([ankle, knee, wrist])[:, small])
    assert together[0, 1] > 0.25 and abs(together[0, 2]) < 0.1


def test_what_the_photo_does_not_show_is_never_sure() -> None:
    peaks = landmark_peaks(_joints(visible=False), BODY, torch.Generator().manual_seed(0))
    assert peaks.height.max() <= 0.55


def test_landmarks_have_peaks_only_where_blazepose_sees_or_nothing_strays() -> None:
    corruption = HeatmapCorruption(clean=0.0, masked=0.0, landmarks=0.4)
    peaks, may_have_false_ones = corrupt(_joints(), BODY, corruption, torch.Generator().manual_seed(0))
    seen = (peaks.height[:, 17:] > 0).all(dim=1)
    assert seen.float().mean() == pytest.approx(0.4, abs=0.03)
    assert torch.equal(seen, ~may_have_false_ones[:, 0])
    clean, _ = corrupt(_joints(), BODY, dataclasses.replace(corruption, clean=1.0), torch.Generator().manual_seed(0))
    assert (clean.height[:, :17] > 0).all()
    known = (clean.height[:, 17:] > 0).float()  # of half of the clean ones, and of BlazePose's
    assert known.mean() == pytest.approx(0.4 + 0.6 * 0.5, abs=0.03)
    assert torch.equal(known.amin(dim=1), known.amax(dim=1))
