"""One person as the store keeps her: what was put in comes out."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load, save

from model.body.fitting import BodyFit
from model.results import Camera, Person
from service import scene
from service.records import Record, pack, unpack


def person(body: BodyFit | None) -> Person:
    joints = np.zeros((17, 3), np.float32)
    camera = Camera(1000.0, (320.0, 240.0), (0.0, 0.5, 4.0), (1.0, 0.0, 0.0))
    mesh = np.eye(3, dtype=np.float32)
    names = tuple(f"joint{number}" for number in range(17))
    return Person(
        0.9, (10.0, 20.0, 30.0, 40.0), joints, joints, mesh, np.array([[0, 1, 2]], np.int32), names, camera, body=body
    )


@pytest.mark.parametrize("seen", [(False, False), (True, False), (False, True)])
def test_a_body_comes_back_with_its_hands(seen: tuple[bool, bool]) -> None:
    fingers = np.tile(np.eye(3), (30, 1, 1)) if any(seen) else None
    body = BodyFit(np.tile(np.eye(3), (22, 1, 1)), np.ones(4), np.zeros(3), 0.01, fingers, seen)
    again = unpack(pack(Record(person(body))))
    assert again is not None and again.body is not None
    assert again.body.hands_seen == seen
    assert (again.body.fingers is None) == (fingers is None)
    np.testing.assert_array_equal(again.body.shape, body.shape)
    np.testing.assert_array_equal(again.person.joints, person(body).joints)


def test_a_mesh_without_body_and_broken_bytes() -> None:
    again = unpack(pack(Record(person(None))))
    assert again is not None and again.body is None
    assert unpack(b"broken") is None


@pytest.mark.parametrize("key", ["names", "camera", "vertices"])
def test_what_another_version_wrote_is_as_good_as_none(key: str) -> None:
    arrays = load(pack(Record(person(None))))
    del arrays[key]
    assert unpack(save(arrays)) is None


@pytest.mark.parametrize("view", ["photo", "side"])
@pytest.mark.parametrize("key", ["photo", "camera", "level", "own", "vertices-000"])
def test_so_is_a_picture(key: str, view: scene.View) -> None:
    packed = scene.pack(np.zeros((48, 64, 3), np.uint8), [person(None)], None)
    assert scene.draw(packed, view, "png") is not None
    arrays = load(packed)
    del arrays[key]
    assert scene.draw(save(arrays), view, "png") is None
