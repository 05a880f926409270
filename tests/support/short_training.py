"""Pre-training for tests of what is around it: a small network under the name of `tiny`, few bodies everywhere."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest

from model.network import sizes
from training.bodies import coarse
from training.recipes import PRETRAIN, PretrainRecipe, pretrain_tiny

SMALL = dataclasses.replace(sizes.tiny(), encoder=((32, 1),), heads=1, decoder=(16, 1), lift=32, memory=16)


def _small() -> PretrainRecipe:
    return dataclasses.replace(pretrain_tiny(), size=SMALL)


def shorten(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(PRETRAIN, "tiny", _small)
    patch.setattr("training.pretrain._VALIDATION_POSES", 64)
    patch.setattr("training.pretrain._BASIS_POSES", 256)
    patch.setattr(coarse, "build_topology", partial(coarse.build_topology, fit_bodies=24, test_bodies=2))
