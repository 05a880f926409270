"""How a real 2D network's heatmaps stray from Eq. 1, drawn at random for pre-training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from model.network.heatmaps import CROP_SIZE, SIGMA, Peaks, draw_heatmaps, read_heatmaps, read_peaks
from training.bodies.subject import Subject
from training.synthesis.landmark_errors import landmark_peaks
from training.synthesis.true_joints import TrueJoints


def mask_heatmaps(heatmaps: Tensor, masked: Tensor) -> Tensor:
    """Masked Heatmap Modeling (section 3.1.2): hides whole joints' heatmaps.

    Args:
        heatmaps: (B, K, S, S).
        masked: (B, K) bool, True where the joint is hidden.

    Returns:
        (B, K, S, S), zero for hidden joints.
    """
    return heatmaps.masked_fill(masked[..., None, None], 0.0)


@dataclass(frozen=True)
class HeatmapCorruption:
    """How far drawn heatmaps stray from Eq. 1, so that a real network's look like one more draw.

    Section 3.1.2 names masking, Gaussian noise and joint jitter; width, height, false and exchanged peaks are what
    real 2D networks do besides. Lengths are in crop pixels.
    """

    clean: float = 0.2
    """Share of samples that are drawn exactly by Eq. 1, only masked."""
    jitter: float = 4.0
    """Largest standard deviation of a sample's joint jitter."""
    part_jitter: float = 0.0
    """Largest standard deviation of a shift that the joints of one part, a limb or a finger, have in common."""
    outliers: float = 0.06
    """Share of joints that are off by some 16 pixels, and weaker: hidden elbows and wrists mostly."""
    sigma: tuple[float, float] = (2.5, 12.0)
    """Range of Eq. 1's sigma; MoveNet's is 5 to 13 on photos, 7 in the median, and 3 to 8 on rendered people."""
    height: tuple[float, float] = (0.62, 0.2)
    """Mean and standard deviation of a peak's height; MoveNet's median is 0.54 on photos, 0.76 on rendered people."""
    false_peaks: float = 0.06
    """Share of joints with a second, false peak."""
    exchanged: float = 0.03
    """Chance that a joint's peak stands where the one is that is most easily confused with it, such as its left-right
    counterpart."""
    exchanged_parts: float = 0.0
    """Chance that all peaks of a part, a limb or a finger, stand where their counterparts are."""
    noise: float = 0.04
    """Largest standard deviation of the additive noise; an eighth of the samples has any."""
    imagined: float = 0.5
    """Share of the joints outside of the photo for which a weak peak stands on its edge."""
    landmarks: float = 0.0
    """Share of samples seen as BlazePose sees people, joints and landmarks; see `landmark_peaks`. The others' landmarks
    have no peaks, but for half of the clean ones: networks that see joints alone are read, too."""
    masked: float = 0.3
    """Masked Heatmap Modeling: in half of the samples a share of the joints, drawn from 0 to this, is hidden."""


def corrupt(
    joints: TrueJoints, subject: Subject, corruption: HeatmapCorruption, generator: torch.Generator
) -> tuple[Peaks, Tensor]:
    """Each joint's peak as a 2D pose network might have answered, and which samples (B, 1) may have false ones too."""
    (b, k), rand, randn = joints.visible.shape, *_random(generator)
    dirty = rand(b, 1) >= corruption.clean  # (B, 1)
    jitter = randn(b, k, 2) * (rand(b, 1, 1) * corruption.jitter)
    off = (rand(b, k) < corruption.outliers) & dirty
    jitter = jitter + randn(b, k, 2) * (16.0 * off[..., None])
    exchange = (rand(b, k) < corruption.exchanged) & dirty
    if corruption.part_jitter or corruption.exchanged_parts:
        part = list(subject.parts[:k])
        common = randn(b, max(part) + 1, 2) * (rand(b, 1, 1) * corruption.part_jitter)
        jitter = jitter + common[:, part]
        exchange = exchange | ((rand(b, max(part) + 1) < corruption.exchanged_parts)[:, part] & dirty)
    at = joints.position + jitter * dirty[..., None]
    at = torch.where(exchange[..., None], at[:, list(subject.confused[:k])], at)

    low, high = corruption.sigma
    sigma = torch.where(dirty, low * (high / low) ** (0.7 * rand(b, 1) + 0.3 * rand(b, k)), SIGMA)
    mean, deviation = corruption.height
    height = torch.where(dirty, (mean + deviation * randn(b, k)).clamp(0.08, 1.0), 1.0)
    height = torch.where(off, height * (0.3 + 0.7 * rand(b, k)), height)

    imagined = (rand(b, k) < corruption.imagined) & dirty
    height = torch.where(joints.visible, height, height * imagined * rand(b, k))
    at = torch.where(joints.visible[..., None], at, joints.edge + 6.0 * randn(b, k, 2))
    peaks = Peaks(at, sigma.expand(b, k), height)
    if corruption.landmarks:
        alike = rand(b, 1) < corruption.landmarks
        height[:, len(subject.joint_names) :] *= ~dirty & (rand(b, 1) < 0.5)
        other = landmark_peaks(joints, subject, generator)
        peaks = Peaks(
            torch.where(alike[..., None], other.at, peaks.at),
            torch.where(alike, other.sigma, peaks.sigma),
            torch.where(alike, other.height, peaks.height),
        )
        dirty = dirty & ~alike
    share = corruption.masked * rand(b, 1) * (rand(b, 1) < 0.5)
    height = peaks.height.masked_fill(rand(b, k) < share, 0.0)
    return dataclasses.replace(peaks, height=height), dirty


class Drawn(NamedTuple):
    """Heatmaps as a 2D pose network might have answered."""

    maps: Tensor
    """(B, K, S, S) the joints', values in 0..1 but for the noise."""
    readout: Tensor
    """(B, K + L, 5) what is read from them, and would be from the landmarks'; see `HeatmapReadout.features`."""


def corrupt_and_draw(
    joints: TrueJoints,
    subject: Subject,
    corruption: HeatmapCorruption,
    size: int,
    generator: torch.Generator,
    noisy: float = 0.125,
) -> Drawn:
    """Draws heatmaps as a 2D pose network might have answered.

    Args:
        joints: the truth.
        subject: of which kind they are: it says which joints are confused.
        corruption: how far heatmaps stray.
        size: S, cells on a side.
        generator: draws everything, on the joints' device.
        noisy: share of the samples that get noise.
    """
    b, k = len(joints), len(subject.joint_names)
    rand, randn = _random(generator)
    peaks, which, second = _both_peaks(joints, subject, corruption, generator)
    maps = draw_heatmaps(peaks.at[:, :k], size, peaks.sigma[:, :k], peaks.height[:, :k]).flatten(0, 1)
    false = draw_heatmaps(second.at[None], size, second.sigma[None], second.height[None])[0]  # (F, S, S)
    maps[which] = torch.maximum(maps[which], false)

    maps = maps.unflatten(0, (b, k))
    count = int(noisy * b)  # the order of a batch is random, so its first ones are as good as any
    noise = randn(count, k, size, size)
    maps[:count] += noise * (corruption.noise * rand(count, 1, 1, 1))
    readout = read_corrupted(peaks, _spread(which, second, peaks, k), corruption, size)
    readout[:count, :k] = read_heatmaps(maps[:count]).features()
    return Drawn(maps, readout)


def read_corrupted(peaks: Peaks, false: Peaks, corruption: HeatmapCorruption, size: int) -> Tensor:
    """(B, N, 5) what would be read from these peaks' maps, see `corrupted_peaks`, if they were drawn."""
    return read_peaks(peaks, size, max(SIGMA, corruption.sigma[1]), false).features()


def corrupted_peaks(
    joints: TrueJoints, subject: Subject, corruption: HeatmapCorruption, generator: torch.Generator
) -> tuple[Peaks, Peaks]:
    """What `corrupt_and_draw` draws but for the noise: joints' peaks, and false ones, of height 0 for none."""
    peaks, which, second = _both_peaks(joints, subject, corruption, generator)
    return peaks, _spread(which, second, peaks, len(subject.joint_names))


def _spread(which: Tensor, second: Peaks, peaks: Peaks, joints: int) -> Peaks:
    """False peaks (F,) of the (B * K) joints `which`, as one for each point, of height 0 for none."""
    b, n = peaks.height.shape
    index = which // joints * n + which % joints
    height = torch.zeros_like(peaks.height).flatten().index_copy(0, index, second.height)
    at = peaks.at.flatten(0, 1).index_copy(0, index, second.at)
    return Peaks(at.unflatten(0, (b, n)), peaks.sigma, height.unflatten(0, (b, n)))


def _both_peaks(
    joints: TrueJoints, subject: Subject, corruption: HeatmapCorruption, generator: torch.Generator
) -> tuple[Peaks, Tensor, Peaks]:
    """All points' peaks (B, K + L), which of the (B * K) joints have false ones, (F,), and these."""
    peaks, dirty = corrupt(joints, subject, corruption, generator)
    return peaks, *_second_peaks(peaks, joints, dirty, subject, corruption, generator)


def _second_peaks(
    peaks: Peaks,
    joints: TrueJoints,
    dirty: Tensor,
    subject: Subject,
    corruption: HeatmapCorruption,
    generator: torch.Generator,
) -> tuple[Tensor, Peaks]:
    """Which of all (B * K) joints have a false peak, (F,), and these."""
    b, k, (rand, _) = len(joints), len(subject.joint_names), _random(generator)
    # A fixed number of joints, wherever they fall, keeps every shape the same from batch to batch.
    count = round(corruption.false_peaks * b * k)
    which = torch.randperm(b * k, generator=generator, device=generator.device)[:count]
    confused = joints.position[:, list(subject.confused[:k])]  # (B, K, 2)
    elsewhere = torch.where(rand(b, k, 1) < 0.5, confused, CROP_SIZE * rand(b, k, 2))
    height = peaks.height[:, :k] * dirty * rand(b, k) * 0.9
    return which, Peaks(*(part.flatten(0, 1)[which] for part in (elsewhere, peaks.sigma[:, :k], height)))


def _random(generator: torch.Generator) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Uniform and normal random numbers of a shape, on the generator's device."""
    on = {"generator": generator, "device": generator.device}
    return partial(torch.rand, **on), partial(torch.randn, **on)
