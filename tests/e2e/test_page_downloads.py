"""The page in a real browser: what can be saved of an answer, and that it is what the service has."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import trimesh

from tests.support.glb import Glb
from tests.support.gltf_validator import validate
from tests.support.tab import INSIDE, PEOPLE


def test_downloads(shown):
    tab, answer = shown
    for kind in ("glb", "obj"):
        with tab.page.expect_download() as download:
            tab.page.get_by_label(f"Download {kind.upper()} of person 2", exact=True).click()
        assert download.value.suggested_filename == f"dancers-person-2.{kind}"
        data = Path(download.value.path()).read_bytes()
        mesh = trimesh.load_mesh(io.BytesIO(data), file_type=kind, process=False)
        assert len(mesh.vertices) > 1000
        assert 0.5 < np.ptp(mesh.vertices, axis=0).max() < 3
        if kind == "glb":
            assert [message for message in validate(data) if message["severity"] < 2] == []  # errors and warnings
    with tab.page.expect_download() as download:
        tab.page.click("#json")
    assert download.value.suggested_filename == "dancers.json"
    assert json.loads(Path(download.value.path()).read_text()) == answer
    seen = tab.picture()
    with tab.page.expect_download() as download:
        tab.page.click("#picture")
    saved = cv2.imread(str(download.value.path()))[..., ::-1]
    saved = cv2.resize(saved, seen.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(saved - seen)[INSIDE].mean() < 3


def test_everything_in_one_file(shown):
    tab, _ = shown
    with tab.page.expect_download() as download:
        tab.page.click("#zip")
    assert download.value.suggested_filename == "dancers.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.endswith(".glb")]) >= PEOPLE


def test_everyone_on_the_ground_in_one_file(shown):
    tab, _ = shown
    with tab.page.expect_download() as download:
        tab.page.click("#scene")
    assert download.value.suggested_filename == "dancers.scene.glb"
    data = Path(download.value.path()).read_bytes()
    assert [message for message in validate(data) if message["severity"] < 2] == []
    assert len(Glb(data).content["meshes"]) == PEOPLE


def test_a_body_is_had_with_its_skeleton(shown, both_modes):
    tab, answer = shown
    with tab.page.expect_download() as download:
        tab.page.get_by_label("Download RIG of person 2", exact=True).click()
    assert download.value.suggested_filename == "dancers-person-2.rigged.glb"
    data = Path(download.value.path()).read_bytes()
    assert validate(data) == []
    fitted = Glb(data).skinned()
    distances = []
    for person in answer["people"]:
        glb = both_modes.get(person["mesh"]["glb"]).content
        mesh = trimesh.load_mesh(io.BytesIO(glb), file_type="glb", process=False)
        distances.append(np.linalg.norm(fitted - mesh.vertices, axis=1).mean())
    assert distances[1] < 0.05 < min(distances[0], distances[2])  # of this person, not of another


def test_an_expired_mesh_gives_a_sentence(shown):
    tab, _ = shown
    tab.page.route("**/mesh/**", lambda route: route.continue_(url=f"{tab.base}/mesh/{'0' * 32}.glb"))
    tab.page.get_by_label("Download GLB of person 1", exact=True).click()
    tab.page.wait_for_selector("#file-problem:not([hidden])")
    assert "Send the photo again" in tab.page.inner_text("#file-problem")
    tab.page.unroute("**/mesh/**")
