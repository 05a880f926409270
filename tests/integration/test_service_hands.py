"""Hands over HTTP: the real 2D networks on a drawn hand, an untrained mesh network beside a stand-in for bodies."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
import trimesh
from fastapi.testclient import TestClient

from model.errors import WeightsMissing
from model.reconstructor import Reconstructor
from service.inference import engine
from service.inference.batched_network import BatchedNetwork
from service.settings import Settings
from tests.integration.test_hands import HEIGHT, WIDTH, background, drawn, picture, volume
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.service_client import ID, form, refused, serving, wait_until_ready


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


@pytest.fixture(scope="module")
def service(
    boxed_hand: Path, load: Callable[..., Reconstructor], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("hands")
    hands = Reconstructor(BatchedNetwork(load(boxed_hand, device="cpu").network, max_batch=8, max_wait=0.0))
    with serving(Settings(store_dir=folder / "meshes"), FakeReconstructor(), hands) as client:  # type: ignore[arg-type]
        wait_until_ready(client)
        yield client


def test_a_drawn_hand_becomes_a_hand_with_a_mesh(service: TestClient) -> None:
    answer = service.post("/reconstruct?subject=hand&vertices=true", files=form(png(picture()))).json()
    assert (answer["model"], answer["mode"], answer["people"]) == ("boxed-hand", "zero-shot", [])
    assert "scene" not in answer
    (hand,) = answer["hands"]
    assert hand["handedness"] == "right" and hand["score"] > 0.8
    assert np.shape(hand["joints"]) == np.shape(hand["keypoints_2d"]) == (21, 3)
    assert np.median(np.linalg.norm(np.array(hand["keypoints_2d"])[:, :2] - drawn(), axis=1)) < 4
    assert ID.fullmatch(hand["id"])
    for kind in ("glb", "obj"):
        content = service.get(hand["mesh"][kind]).content
        mesh = trimesh.load_mesh(io.BytesIO(content), file_type=kind, process=False, maintain_order=True)
        np.testing.assert_allclose(mesh.vertices, np.array(hand["vertices"]) * (1, -1, -1), atol=2e-5)


def test_hands_have_no_rig(service: TestClient) -> None:
    for wish in ("rigged", "parameters"):
        response = service.post(f"/reconstruct?subject=hand&{wish}=true", files=form(png(picture())))
        refused(response, 422, "Hands have no skeleton")


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ("pitch=-20", "Hands stand on no ground"),
        ("camera_height=1.5", "Hands stand on no ground"),
        ("person_height=1.8", "says nothing of single hands"),
        ("hands=off", "hands=off says how bodies' hands are posed"),
        ("colors=person", "Hands wear nothing"),
    ],
)
def test_what_tells_of_bodies_alone_is_refused(service: TestClient, wish: str, sentence: str) -> None:
    response = service.post(f"/reconstruct?subject=hand&{wish}", files=form(png(background(64, 64))))
    refused(response, 422, sentence)


def test_a_left_hands_mesh_is_not_inside_out(service: TestClient) -> None:
    answer = service.post("/reconstruct?subject=hand", files=form(png(picture()[:, ::-1]))).json()
    (hand,) = answer["hands"]
    assert hand["handedness"] == "left"
    content = service.get(hand["mesh"]["glb"]).content
    mesh = trimesh.load_mesh(io.BytesIO(content), file_type="glb", process=False, maintain_order=True)
    assert volume(np.asarray(mesh.vertices), np.asarray(mesh.faces)) > 0
    over = cv2.imdecode(np.frombuffer(service.get(answer["overlay"]).content, np.uint8), cv2.IMREAD_COLOR)
    assert over.shape == (HEIGHT, WIDTH, 3)


def test_boxes_say_where_hands_are(service: TestClient) -> None:
    x, y = drawn().min(axis=0)
    width, height = np.ptp(drawn(), axis=0)
    query = f"?subject=hand&bbox={x:.1f},{y:.1f},{width:.1f},{height:.1f}&bbox=5,5,80,90"
    there, absent = service.post(f"/reconstruct{query}", files=form(png(picture()))).json()["hands"]
    assert there["score"] > 0.8 > 0.2 > absent["score"]


def test_no_hand_is_an_empty_list(service: TestClient) -> None:
    response = service.post("/reconstruct?subject=hand", files=form(png(background())))
    assert response.status_code == 200
    assert response.json()["hands"] == []


def test_bodies_are_answered_as_ever(service: TestClient) -> None:
    answer = service.post("/reconstruct", files=form(png(picture()))).json()
    assert len(answer["people"]) == 1 and "hands" not in answer
    assert "handedness" not in answer["people"][0]


def test_hands_keep_to_the_published_schema(service: TestClient) -> None:
    components = service.get("/openapi.json").json()["components"]
    answer = service.post("/reconstruct?subject=hand&vertices=true", files=form(png(picture()))).json()
    schema = {"$ref": "#/components/schemas/Reconstruction", "components": components}
    jsonschema.validate(answer, schema, cls=jsonschema.Draft202012Validator)


def test_models_names_both_subjects(service: TestClient) -> None:
    models = service.get("/models").json()
    assert {(model["subject"], model["joints"]) for model in models} == {("body", 17), ("hand", 21)}


def test_what_is_not_offered_gets_a_sentence(service: TestClient, client: TestClient) -> None:
    refused(client.post("/reconstruct?subject=hand", files=form(png(picture()))), 422, "no checkpoint for subject=hand")
    query = "?subject=hand&mode=fine-tuned"
    refused(service.post(f"/reconstruct{query}", files=form(png(picture()))), 422, "it offers mode=zero-shot")
    refused(service.post("/reconstruct?subject=foot", files=form(png(picture()))), 422, "body")


def test_bodies_are_served_where_hands_cannot_be(
    tmp_path: Path, load: Callable[..., Reconstructor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing file for hands that nobody asked for must not stop the service; one that was asked for must."""

    def open_network(checkpoint: Path | None, *how: object, subject: str = "body", landmarks: bool = True) -> object:
        if subject == "hand":
            raise WeightsMissing("no hands here")
        return load(device="cpu", engine="torch").network

    monkeypatch.setattr("model.runtime.loading.open_network", open_network)
    (model,) = engine.load_reconstructors(Settings(store_dir=tmp_path))
    assert model.subject == "body"
    with pytest.raises(WeightsMissing, match="no hands here"):
        engine.load_reconstructors(Settings(store_dir=tmp_path, hand_checkpoint=tmp_path / "hand.safetensors"))


def test_a_checkpoint_for_another_subject_is_refused(tmp_path: Path, boxed_hand: Path) -> None:
    settings = Settings(store_dir=tmp_path, checkpoint=boxed_hand)
    with pytest.raises(engine.WrongSubject, match=r"MPT_CHECKPOINT .* is for subject=hand"):
        engine.load_reconstructors(settings)
