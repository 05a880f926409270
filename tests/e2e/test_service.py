"""The real thing: the service as its own process, real weights, real HTTP."""

from __future__ import annotations

import io

import cv2
import httpx2
import numpy as np
import pytest
import trimesh

from tests.support.glb import Glb


@pytest.fixture
def service(both_modes: httpx2.Client) -> httpx2.Client:
    return both_modes


def photo(extension: str = ".jpg") -> bytes:
    """A drawn figure: what the network makes of it does not matter, that it gets through everything does."""
    image = np.full((480, 360, 3), 200, np.uint8)
    cv2.circle(image, (180, 90), 36, (120, 150, 210), -1)
    for start, end in [((180, 126), (180, 280)), ((180, 150), (110, 260)), ((180, 150), (250, 260))]:
        cv2.line(image, start, end, (160, 80, 40), 44)
    for start, end in [((165, 280), (150, 440)), ((195, 280), (210, 440))]:
        cv2.line(image, start, end, (60, 60, 60), 40)
    return cv2.imencode(extension, image)[1].tobytes()


BOX = {"bbox": "90,40,180,420"}


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
def test_from_a_photo_to_meshes(service, extension):
    response = service.post("/reconstruct", params={**BOX, "vertices": "true"}, files={"image": photo(extension)})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["width"], answer["height"], answer["mode"]) == (360, 480, "zero-shot")
    (person,) = answer["people"]
    assert np.shape(person["keypoints_2d"]) == np.shape(person["joints"]) == (17, 3)
    vertices = np.array(person["vertices"])
    assert vertices.shape[1] == 3
    assert np.isfinite(vertices).all()
    assert 0.5 < np.ptp(vertices, axis=0).max() < 3.0  # metres, a body
    hips = np.array(person["joints"])[[11, 12]].mean(axis=0)
    assert np.linalg.norm(hips) < 0.05  # pelvis at the origin

    for kind, media_type in (("glb", "model/gltf-binary"), ("obj", "model/obj")):
        mesh_response = service.get(person["mesh"][kind])
        assert mesh_response.status_code == 200
        assert mesh_response.headers["content-type"] == media_type
        mesh = trimesh.load_mesh(io.BytesIO(mesh_response.content), file_type=kind, process=False, maintain_order=True)
        np.testing.assert_allclose(mesh.vertices, vertices * (1, -1, -1), atol=1.5e-5)
        assert mesh.volume > 0  # outside is outside


def test_from_a_photo_to_a_skeleton(service):
    parameters = {**BOX, "vertices": "true", "rigged": "true"}
    (person,) = service.post("/reconstruct", params=parameters, files={"image": photo()}).json()["people"]
    fitted = Glb(service.get(person["mesh"]["rigged"]).content).skinned()
    off = np.linalg.norm(fitted - np.array(person["vertices"]) * (1, -1, -1), axis=1)
    # Metres: it is the same body; between fingers some vertices hang on five joints, of which files keep four.
    assert off.mean() < 1e-5 and off.max() < 1e-3
    assert 0 < person["parameters"]["residual_mm"] < 100  # a figure that hardly looks like anybody


def test_the_camera_puts_the_body_on_its_box(service):
    (person,) = service.post("/reconstruct", params={**BOX, "vertices": "true"}, files={"image": photo()}).json()[
        "people"
    ]
    camera = person["camera"]
    placed = np.array(person["vertices"]) + camera["translation"]
    assert placed[:, 2].min() > 0  # before the camera
    projected = camera["focal_length"] * placed[:, :2] / placed[:, 2:] + camera["principal_point"]
    x, y, width, height = person["bbox"]
    centre = (projected.min(axis=0) + projected.max(axis=0)) / 2
    assert x < centre[0] < x + width
    assert y < centre[1] < y + height


def test_people_are_detected_without_a_box(service):
    response = service.post("/reconstruct", params={"max_people": 1}, files={"image": photo()})
    assert response.status_code == 200
    assert len(response.json()["people"]) <= 1


def test_an_empty_wall_has_nobody(service):
    wall = cv2.imencode(".png", np.full((240, 320, 3), 128, np.uint8))[1].tobytes()
    response = service.post("/reconstruct", files={"image": wall})
    assert response.status_code == 200
    assert response.json()["people"] == []


@pytest.mark.parametrize(
    ("data", "status"), [(b"", 422), (b"no image", 415), (photo()[:-100], 422), (bytes(2**25), 413)]
)
def test_what_cannot_be_used_is_a_problem(service, data, status):
    response = service.post("/reconstruct", files={"image": data})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"].endswith(".")


def test_each_mode_answers_for_itself(service):
    for mode in ("zero-shot", "fine-tuned"):
        response = service.post(f"/reconstruct?mode={mode}", files={"image": photo()})
        assert (response.status_code, response.json()["mode"]) == (200, mode)
    response = service.post("/reconstruct?mode=none", files={"image": photo()})
    assert response.status_code == 422 and "mode" in response.json()["detail"]


def test_the_page_is_there(service):
    assert "<h1>MPT</h1>" in service.get("/").text
