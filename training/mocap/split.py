"""Splits poses into training, validation and test so that no person is in two of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from model.errors import BadData

from .poses import MocapPoses

logger = logging.getLogger(__name__)

CMU_HELD_OUT = ("02", "08", "10", "43", "85")
"""CMU's test subjects: everyday motion, and also jumps, punches, kicks and acrobatics."""


def split_by_subject(
    poses: MocapPoses,
    held_out: Sequence[str] = CMU_HELD_OUT,
    validation: Sequence[str] | float = 0.05,
    seed: int = 0,
) -> tuple[MocapPoses, MocapPoses, MocapPoses]:
    """Splits by subject, in the same way whatever the order of the poses.

    Args:
        poses: all poses.
        held_out: subjects for the test, as "CMU/02", or as "02" whatever the data set. Those that are not in
            `poses` are named in a warning.
        validation: subjects in the same spelling, or a share: subjects are drawn whose poses come to at most
            this share of the remaining ones (but at least one subject if it is above 0).
        seed: draws the validation subjects.

    Returns:
        Training, validation and test poses; the latter two may be empty.

    Raises:
        BadData: nobody is left to train on.
    """
    subjects, person, counts = np.unique(poses.subjects, return_inverse=True, return_counts=True)
    in_test = _matches(subjects, held_out)
    if isinstance(validation, (int, float)):
        in_validation = _draw(counts, ~in_test, float(validation), seed)
    else:
        in_validation = _matches(subjects, validation) & ~in_test
    in_training = ~(in_test | in_validation)
    if not in_training.any():
        raise BadData(
            f"No subject is left to train on: of {len(subjects)}, {in_test.sum()} are held out and "
            f"{in_validation.sum()} validate. Add MoCap of more people; each one's clips lie in a folder of her own, "
            "<data set>/<subject>/<clip>."
        )
    training, checking, test = (poses.select(members[person]) for members in (in_training, in_validation, in_test))
    return training, checking, test


def _matches(subjects: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Marks the subjects (S,) that `names` pick, by full name or by the part after the slash."""
    missing = set(names) - {spelling for subject in subjects for spelling in _spellings(subject)}
    if missing:
        logger.warning("These subjects are not in the MoCap, so they are not held out: %s", ", ".join(sorted(missing)))
    return np.array([not _spellings(subject).isdisjoint(names) for subject in subjects])


def _spellings(subject: str) -> set[str]:
    """Both names of "CMU/02": itself and "02"."""
    return {subject, subject.rsplit("/", 1)[-1]}


def _draw(counts: np.ndarray, free: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Draws subjects among the free ones until their poses would exceed the share."""
    if not 0 <= share < 1:
        raise ValueError(f"the share of validation poses must be in [0, 1), not {share}")
    drawn = np.zeros(len(counts), dtype=bool)
    candidates = np.flatnonzero(free)
    if share == 0 or len(candidates) == 0:
        return drawn
    budget = share * counts[free].sum()
    for candidate in np.random.default_rng(seed).permutation(candidates):
        if counts[drawn].sum() + counts[candidate] <= budget:
            drawn[candidate] = True
    if not drawn.any():
        drawn[candidates[counts[candidates].argmin()]] = True
    return drawn
