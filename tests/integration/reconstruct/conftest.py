"""The shipped network, a drawn person, and what it answers to her."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from model.reconstructor import Reconstructor
from model.results import Person
from tests.support.drawn import FOCAL, Picture, draw_picture


@pytest.fixture(scope="module")
def reconstructor(load: Callable[..., Reconstructor]) -> Reconstructor:
    return load(device="cpu", engine="torch")


@pytest.fixture(scope="module")
def picture(reconstructor: Reconstructor) -> Picture:
    return draw_picture(reconstructor.network.topology, (0.0, 0.0, 3.2), turn=0.4)


@pytest.fixture(scope="module")
def person(reconstructor: Reconstructor, picture: Picture) -> Person:
    people = reconstructor.reconstruct(picture.image, focal_length=FOCAL).people
    assert len(people) == 1
    return people[0]
