"""A photo's scene in the programs that people open it with: on Blender's floor, and on a page of their own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import weights
from model.body.garment import Garment
from model.body.suit import find_worn
from model.formats.scene_glb import SceneBody, to_scene_glb
from model.network.checkpoint import load_checkpoint
from model.scene.ground import Ground, Scene
from model.scene.up import Up
from tests.support.browser import chromium
from tests.support.motion_tools import IN_BLENDER, blender_meshes
from tests.support.npm import npm_package
from tests.support.snippets import blocks
from tests.support.standing_people import KnownCamera

pytestmark = pytest.mark.slow

CAMERA = KnownCamera(pitch=-20.0, roll=5.0, height=1.7)
PLACES = {"person-1": (0.0, 0.0, -4.0), "person-2": (1.5, 0.0, -6.0)}
SIZE = (800, 480)


@pytest.fixture(scope="module")
def bodies() -> dict[str, np.ndarray]:
    """(V, 3) metres in the world that the camera sees: two who stand at their places, y up, facing it."""
    rig = find_worn(13_718)
    assert rig is not None
    still = rig.pose(np.tile(np.eye(3), (22, 1, 1)), np.zeros(rig.shape_count), np.zeros(3))
    still -= (0, still[:, 1].min(), 0)
    return {name: still + place for name, place in PLACES.items()}


@pytest.fixture(scope="module")
def scene(bodies: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    faces = load_checkpoint(weights.path("anny-tiny")).topology.faces.numpy()
    colors = Garment(13_718, find_worn(13_718)).colors()
    people = [
        SceneBody(name, CAMERA.see(mesh), faces, CAMERA.see(np.add(PLACES[name], (0, 0.9, 0))), colors)
        for name, mesh in bodies.items()
    ]
    ground = Ground(CAMERA.up, CAMERA.height, np.array([True, True]))
    path: Path = tmp_path_factory.mktemp("scene") / "photo.scene.glb"
    path.write_bytes(to_scene_glb(people, Scene(Up(CAMERA.up, 1.0, "given", 0.02), ground)))
    return path


def test_blender_stands_everyone_on_its_floor(scene: Path, bodies: dict[str, np.ndarray]) -> None:
    """Z up, the floor at 0, the first one at the origin, who came nearer to the camera nearer along -y."""
    found = blender_meshes(scene)
    assert set(found) == set(PLACES)
    for name, mesh in bodies.items():
        expected = (mesh - PLACES["person-1"]) @ IN_BLENDER.T
        low, high = found[name].min(axis=0), found[name].max(axis=0)
        np.testing.assert_allclose((low, high), (expected.min(axis=0), expected.max(axis=0)), atol=1e-3)
        assert abs(low[2]) < 1e-4 and high[2] > 1.5


def test_the_documented_page_shows_it_lit_and_whole(scene: Path, bodies: dict[str, np.ndarray]) -> None:
    """In model-viewer, which frames what it loads: true size, on the floor, in their colours, no one black."""
    (snippet,) = (text for page, text in blocks("html") if page == "docs/serve.md" and "model-viewer" in text)
    library = npm_package("@google/model-viewer", "4.4.0")
    files = {
        "/": ("text/html", b"<!doctype html>" + snippet.encode()),
        "/photo.scene.glb": ("model/gltf-binary", scene.read_bytes()),
        "/node_modules/@google/model-viewer/dist/model-viewer.min.js": (
            "text/javascript",
            (library / "dist" / "model-viewer.min.js").read_bytes(),
        ),
    }
    with chromium() as browser:
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})

        def answer(route) -> None:
            kind, content = files.get(route.request.url.removeprefix("http://page.test"), ("text/plain", b""))
            route.fulfill(status=200 if content else 404, content_type=kind, body=content)

        page.route("**/*", answer)
        page.goto("http://page.test/")
        page.wait_for_function("document.querySelector('model-viewer')?.loaded", timeout=120_000)
        page.wait_for_timeout(2_000)  # it fades in
        size, middle = page.evaluate(
            """() => {
                const viewer = document.querySelector("model-viewer");
                return [viewer.getDimensions(), viewer.getBoundingBoxCenter()].map((one) => [one.x, one.y, one.z]);
            }"""
        )
        shown = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    everyone = np.concatenate(list(bodies.values()))
    np.testing.assert_allclose(size, np.ptp(everyone, axis=0), atol=0.01)
    assert middle[1] == pytest.approx(size[1] / 2, abs=1e-3)  # feet at 0
    blue, green, red = shown[40:].reshape(-1, 3).astype(int).T  # below the bar that shows progress
    shirts, people = blue > red + 25, (blue < 240) & (np.ptp([blue, green, red], axis=0) > 12)
    assert shirts.mean() > 0.01 and (blue[shirts] > 120).mean() > 0.5
    assert (shown[40:].max(axis=2).ravel()[people] > 60).mean() > 0.8
