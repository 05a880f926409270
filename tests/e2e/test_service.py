"""The real thing: `python -m service` as its own process, real weights, real HTTP."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
import trimesh

from tests.support.glb import Glb

START_SECONDS = 120.0  # PyTorch and the weights on a slow, busy machine


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A running service on a free port; ends with a check that it shuts down cleanly."""
    environment = {
        **os.environ,
        "MPT_PORT": "0",
        "MPT_STORE_DIR": str(tmp_path_factory.mktemp("meshes")),
        "MPT_MAX_BODY_BYTES": str(2**20),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "service"],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True).start()
    try:
        with httpx2.Client(base_url=address(process, lines), timeout=60) as client:
            wait_until_ready(client, lines)
            yield client
        process.terminate()
        process.wait(20)  # uvicorn reports the signal that ended it
        assert "Application shutdown complete" in "".join(lines), "".join(lines)
    finally:
        process.kill()
        process.wait()


def address(process: subprocess.Popen[str], lines: list[str]) -> str:
    """The address that the service says it listens on, since port 0 lets the system choose."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"running on (http://\S+)", "".join(lines)):
            return found[1]
        time.sleep(0.05)
    pytest.fail("the service did not start:\n" + "".join(lines))


def wait_until_ready(client: httpx2.Client, lines: list[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        response = client.get("/v2/health/ready")
        if response.status_code == 200:
            return
        assert "failed" not in response.text, response.text + "".join(lines)
        assert client.get("/v2/health/live").status_code == 200
        time.sleep(0.1)
    pytest.fail("the service did not become ready:\n" + "".join(lines))


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
    assert 1000 * off.mean() == pytest.approx(person["parameters"]["residual_mm"], abs=0.1)
    assert off.mean() < 0.1  # metres, of a figure that hardly looks like anybody


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
    ("data", "status"), [(b"", 422), (b"no image", 415), (photo()[:-100], 422), (bytes(2**20), 413)]
)
def test_what_cannot_be_used_is_a_problem(service, data, status):
    response = service.post("/reconstruct", files={"image": data})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"].endswith(".")


def test_a_mode_without_checkpoint_is_a_problem(service):
    response = service.post("/reconstruct?mode=fine-tuned", files={"image": photo()})
    assert response.status_code in (200, 422)
    if response.status_code == 422:
        assert "fine-tuned" in response.json()["detail"]


def test_the_page_is_there(service):
    assert "<h1>MPT</h1>" in service.get("/").text
