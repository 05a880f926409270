"""BlazePose's errors, drawn at random: how high its peaks are, and how far they stand from the truth.

The numbers are those of 599 rendered people of the training and validation subjects of whom it was sure, in a crop of
224 pixels. A peak's height tells its error: the median is 1.9 pixels at heights about 0.92, 2.8 at 0.78, 5.6 at 0.61,
13 at 0.42 and 29 below 0.3, with long tails.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from model.network.heatmaps import Peaks
from model.network.mpt import DRAWN_SIGMA
from training.bodies.subject import Subject
from training.synthesis.true_joints import TrueJoints

_HIGHEST = 0.95
_SHORT = (0.06, 0.04, 0.04, 0.1, 0.1, 0.12, 0.12, 0.18, 0.18, 0.16, 0.16, 0.14, 0.14, *[0.19] * 14)
"""Mean of what each joint's and landmark's peak lacks of `_HIGHEST`."""
_COMMON, _PART = 0.4, 0.5
"""Standard deviations of the logarithm of what all peaks of a person lack, and of what those of a part lack."""
_SCALE, _FALL, _AT = 2.0 / 1.18, 4.0, 0.9
"""Standard deviation along an axis, pixels, of peaks of the height `_AT`, and how fast its logarithm falls."""
_TAIL, _PERSON = 0.55, 0.35
"""Standard deviations of the error's logarithm, by joint and by person."""
_LARGEST = 45.0
_SHARED = 0.5
"""Share of an error's square that the joints of a part have in common."""
_EXCHANGED, _EXCHANGED_PARTS = 0.008, 0.012
_EDGED = 0.5
"""Share of what lies outside of the photo that is put on its edge, and not where it is."""


def landmark_peaks(joints: TrueJoints, subject: Subject, generator: torch.Generator) -> Peaks:
    """Peaks of joints and landmarks as `KeypointMPT` would draw them of BlazePose's answers.

    Args:
        joints: the truth, (B, K + L) of a body.
        subject: its parts, and what is confused.
        generator: draws everything, on the joints' device.
    """
    b, n = joints.visible.shape
    on = {"generator": generator, "device": generator.device}
    rand, randn = partial(torch.rand, **on), partial(torch.randn, **on)
    part = list(subject.parts[:n])

    def of_parts(*shape: int) -> Tensor:
        return randn(b, max(part) + 1, *shape)[:, part]

    short = joints.position.new_tensor(_SHORT[:n]) * torch.exp(_COMMON * randn(b, 1) + _PART * of_parts() - 0.2)
    height = _HIGHEST + short * torch.log(rand(b, n).clamp(min=1e-6))  # lacks are exponentially distributed
    unseen = (0.15 + 0.4 * rand(b, n)).minimum(height)
    height = torch.where(joints.visible, height, unseen).clamp(0.1, 1.0)

    logarithm = math.log(_SCALE) + _FALL * (_AT - height) + _TAIL * randn(b, n) + _PERSON * randn(b, 1)
    deviation = logarithm.exp().clamp(max=_LARGEST)  # (B, N)
    error = math.sqrt(_SHARED) * of_parts(2) + math.sqrt(1 - _SHARED) * randn(b, n, 2)
    edged = ~joints.visible & (rand(b, n) < _EDGED)
    at = torch.where(edged[..., None], joints.edge, joints.position)
    exchanged = (rand(b, n) < _EXCHANGED) | (rand(b, max(part) + 1) < _EXCHANGED_PARTS)[:, part]
    at = torch.where(exchanged[..., None], at[:, list(subject.confused[:n])], at)
    return Peaks(at + deviation[..., None] * error, torch.full_like(height, DRAWN_SIGMA), height)
