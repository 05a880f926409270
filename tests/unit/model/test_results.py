"""What people get from a reconstruction without knowing the rooms behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh

from model.errors import BadInput
from model.results import Reconstruction
from tests.support.fake_reconstructor import FakeReconstructor

PHOTO = np.full((120, 90, 3), 80, np.uint8)


@pytest.fixture(scope="module")
def found() -> Reconstruction:
    return FakeReconstructor().reconstruct(PHOTO, boxes=[(10, 10, 40, 100), (45, 10, 40, 100)])


def test_a_mesh_goes_to_trimesh_and_to_files_with_y_up(found: Reconstruction, tmp_path: Path) -> None:
    person = found[0]
    mesh = person.to_trimesh()
    np.testing.assert_allclose(mesh.vertices, person.vertices * (1, -1, -1), atol=1e-7)
    np.testing.assert_array_equal(mesh.faces, person.faces)
    assert mesh.volume > 0  # the faces look outwards
    for ending, precision in ((".glb", 1e-7), (".OBJ", 1e-5)):
        person.save(tmp_path / f"a{ending}")
        read = trimesh.load_mesh(tmp_path / f"a{ending}", process=False)
        np.testing.assert_allclose(read.vertices, mesh.vertices, atol=precision)
    with pytest.raises(BadInput, match=r"\.glb or \.obj, not as a\.fbx"):
        person.save(tmp_path / "a.fbx")
    assert {path.name for path in tmp_path.iterdir()} == {"a.glb", "a.OBJ"}


def test_people_are_told_apart(found: Reconstruction) -> None:
    person, other = found[0], replace(found[0], joints=found[0].joints + 1, vertices=found[0].vertices.copy())
    assert person == found[0] and person != other
    assert [other, person].index(person) == 1 and len({person, other}) == 2


def test_joints_have_names(found: Reconstruction) -> None:
    person = found[0]
    assert len(person.joint_names) == len(person.joints)
    joints = dict(zip(person.joint_names, person.joints, strict=True))
    assert joints["nose"][1] < joints["left_hip"][1] < joints["left_ankle"][1]  # y points down


def test_meshes_are_drawn_over_the_photo(found: Reconstruction) -> None:
    over, side = found.overlay(), found.side_view()
    assert over.shape == side.shape == PHOTO.shape
    changed = (over != PHOTO).any(axis=2)
    assert changed[20:100, 10:50].mean() > 0.1 and changed[20:100, 45:85].mean() > 0.1 and not changed[:3].any()
    assert (PHOTO == 80).all()


def test_a_folder_gets_everyone_and_the_picture(found: Reconstruction, tmp_path: Path) -> None:
    written = found.save(tmp_path / "new")
    assert [path.name for path in written] == ["person-1.glb", "person-2.glb", "scene.glb", "overlay.png"]
    picture = cv2.cvtColor(cv2.imread(str(written[-1])), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(picture, found.overlay())


def test_nobody_is_no_error_and_a_missing_photo_gets_a_sentence(tmp_path: Path) -> None:
    empty = Reconstruction([], {}, PHOTO)
    assert (empty.overlay() == PHOTO).all() and [path.name for path in empty.save(tmp_path)] == ["overlay.png"]
    with pytest.raises(BadInput, match="without its photo"):
        Reconstruction([], {}).overlay()
    with pytest.raises(BadInput, match="nobody was found here"):
        empty.to_glb()


def test_a_person_of_another_size_has_the_same_picture(found: Reconstruction) -> None:
    person = found[1]
    larger = person.scaled(1.25)
    np.testing.assert_allclose(
        larger.camera.project(larger.vertices), person.camera.project(person.vertices), atol=1e-3
    )
    assert np.ptp(larger.joints[:, 1]) == pytest.approx(1.25 * np.ptp(person.joints[:, 1]))
    scale, x, y = larger.camera.weak_perspective
    np.testing.assert_allclose(scale * larger.joints[:, :2] + (x, y), person.joints[:, :2], atol=1e-5)


def test_answers_are_shown_in_few_words(found: Reconstruction) -> None:
    """In a notebook: their arrays took hundreds of lines."""
    text = repr(found)
    count = len(found[0].vertices)
    assert text.startswith("<Reconstruction: [<Person: score 0.") and f"17 joints, {count} vertices" in text
    assert len(text) < 150 * len(found)


def test_a_folder_is_not_called_as_a_file_is(found: Reconstruction, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"name a folder for them, not all\.glb"):
        found.save(tmp_path / "all.glb")
    assert not list(tmp_path.iterdir())
