"""What benchmarks render films of: motion-captured people who go somewhere, and who they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from model.network.checkpoint import load_checkpoint
from model.runtime.loading import default_checkpoint
from training.bodies.anny import AnnyBody
from training.images.rendered.config import RenderConfig
from training.images.rendered.dataset import RenderedPeople
from training.images.rendered.film import Walk, clips_of, read_walk


def film_people(side: int) -> RenderedPeople:
    """Who draws films' people, nothing before them, on pictures of so many pixels a side."""
    topology, config = load_checkpoint(default_checkpoint()).topology, RenderConfig(size=side, occluded=0)
    return RenderedPeople(AnnyBody.load(), topology, torch.zeros(1, 22, 3), config)


def goers(folder: Path, subjects: Sequence[str], rate: float, seconds: float, far: float) -> list[Walk]:
    """Of each subject's AMASS clips the first so many seconds, of those who end so many metres from where they begin.

    Raises:
        SystemExit: nobody goes so far.
    """
    walks = [walk for path in clips_of(folder, subjects) if (walk := read_walk(path, rate, seconds)) is not None]
    walks = [walk for walk in walks if np.linalg.norm(walk.roots[-1] - walk.roots[0]) > far]
    if not walks:
        raise SystemExit(f"{folder} holds no AMASS clip of {', '.join(subjects)} who goes somewhere.")
    return walks
