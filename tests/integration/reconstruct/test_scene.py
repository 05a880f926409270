"""The ground, and sizes by what is known."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import BadInput
from model.reconstructor import Reconstructor
from model.scene.up import Tilt
from tests.support.drawn import FOCAL, Picture


def test_the_person_stands_on_the_ground_below_a_level_camera(reconstructor: Reconstructor, picture: Picture) -> None:
    found = reconstructor.reconstruct(picture.image, focal_length=FOCAL)
    scene = found.scene
    assert scene is not None and scene.ground is not None
    assert abs(scene.up.pitch) < 15 and abs(scene.up.roll) < 10
    assert scene.ground.standing.tolist() == [True]
    assert scene.ground.height(found[0].camera.to_camera(found[0].vertices)).min() == pytest.approx(0, abs=1e-4)
    assert reconstructor.reconstruct(picture.image, focal_length=FOCAL, ground=False).scene is None


def test_a_known_camera_makes_a_person_larger_where_the_ground_is_lower(
    reconstructor: Reconstructor, picture: Picture
) -> None:
    known = {"focal_length": FOCAL, "pitch": Tilt(0.0, 0.0)}
    one = reconstructor.reconstruct(picture.image, **known)
    assert one.scene is not None and one.scene.ground is not None
    height = 1.08 * one.scene.ground.camera_height
    other = reconstructor.reconstruct(picture.image, **known, camera_height=height)
    (person,), (larger,) = one, other
    factor = larger.camera.translation[2] / person.camera.translation[2]
    assert 1.03 < factor < 1.08  # the network's own size counts as well
    assert np.ptp(larger.vertices[:, 1]) / np.ptp(person.vertices[:, 1]) == pytest.approx(factor, abs=0.02)
    np.testing.assert_allclose(
        larger.camera.project(larger.joints), person.camera.project(person.joints), atol=0.02 * picture.image.shape[0]
    )


def test_a_person_is_as_tall_as_she_is_said_to_be(reconstructor: Reconstructor, picture: Picture) -> None:
    one = reconstructor.reconstruct(picture.image, focal_length=FOCAL)
    other = reconstructor.reconstruct(picture.image, focal_length=FOCAL, person_height=1.9)
    (person,), (taller,), rig = one, other, reconstructor.rig
    assert person.body is not None and taller.body is not None and rig is not None
    assert rig.stature(taller.body.shape) == pytest.approx(1.9, abs=0.01)
    factor = taller.camera.translation[2] / person.camera.translation[2]
    # Limbs grow a little more than heads, as of real people.
    assert factor == pytest.approx(1.9 / rig.stature(person.body.shape), rel=0.02)
    assert one.scene is not None and one.scene.ground is not None
    assert other.scene is not None and other.scene.ground is not None
    assert other.scene.ground.camera_height == pytest.approx(factor * one.scene.ground.camera_height)
    np.testing.assert_allclose(
        taller.camera.project(taller.joints), person.camera.project(person.joints), atol=0.02 * picture.image.shape[0]
    )
    with pytest.raises(BadInput, match="give one of them"):
        reconstructor.reconstruct(picture.image, person_height=1.9, camera_height=1.5)
    with pytest.raises(BadInput, match="count where people stand on a ground"):
        reconstructor.reconstruct(picture.image, person_height=1.9, ground=False)
