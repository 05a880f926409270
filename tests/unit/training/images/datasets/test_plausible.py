"""Data sets of the right layout, but in other units, with axes exchanged or of another camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData
from tests.support.dataset_files import dump
from tests.unit.training.images.datasets.test_3d_datasets import muco
from training.images.datasets.base import DatasetPerson, SampleSet
from training.images.datasets.muco import read_muco
from training.images.datasets.plausible import check_plausible, leg_length


@pytest.fixture
def data(tmp_path: Path) -> SampleSet:
    return read_muco(dump(tmp_path / "MuCo-3DHP.json", muco((0, 0, 0), (-1.5, 0, 1), (1.5, 0, 2))))


def test_what_can_be_people_stays_as_it_is(data: SampleSet, tmp_path: Path) -> None:
    assert check_plausible(data, tmp_path) is data
    unknown = [replace(person, joints=None) for person in data.samples]
    check_plausible(replace(data, samples=unknown), tmp_path)
    # One of three may be anything.
    samples = [replace(data.samples[0], joints=1000 * data.samples[0].joints), *data.samples[1:]]
    check_plausible(replace(data, samples=samples), tmp_path)
    nobody = replace(data, samples=[])
    assert check_plausible(nobody, tmp_path) is nobody


def test_newborn_children_are_people(data: SampleSet, tmp_path: Path) -> None:
    small = []
    for person in data.samples:
        assert person.joints is not None and person.translation is not None
        scale = 0.17 / leg_length(person.joints)
        small.append(replace(person, joints=scale * person.joints, translation=scale * person.translation))
    check_plausible(replace(data, samples=small), tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda person: {"joints": person.joints / 1000, "translation": person.translation / 1000}, "in the unit"),
        (lambda person: {"joints": 1000 * person.joints}, "in the unit"),
        (lambda person: {"joints": person.joints * np.float32([1, -1, -1])}, "are axes exchanged"),
        (lambda person: {key: getattr(person, key)[..., [0, 2, 1]] for key in ("joints", "translation")}, "exchanged"),
        (lambda person: {"focal_length": person.focal_length / 2}, "another camera"),
    ],
)
def test_what_cannot_is_told(
    data: SampleSet, tmp_path: Path, change: Callable[[DatasetPerson], dict[str, object]], sentence: str
) -> None:
    samples = [replace(person, **change(person)) for person in data.samples]
    with pytest.raises(BadData, match=sentence) as raised:
        check_plausible(replace(data, samples=samples), tmp_path / "MuCo-3DHP.json")
    assert "MuCo-3DHP.json" in str(raised.value)
