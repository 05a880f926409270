"""What an answer links to: itself, its files, all of them at once; and what is left once it is deleted."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from model.formats.mesh import to_glb
from service.app import create_app
from service.settings import Settings
from tests.support.glb import Glb
from tests.support.service_client import form, photo, refused, serving, wait_until_ready

TURN_UP = (1, -1, -1)


@pytest.fixture
def answer(client) -> dict:
    boxes = "bbox=20,20,100,200&bbox=180,20,100,200"
    return client.post(f"/v1/reconstruct?{boxes}", files=form(photo(320, 240))).json()


def test_an_answer_can_be_had_again(client, answer):
    response = client.get(f"/v1/reconstructions/{answer['id']}")
    assert response.json() == answer
    assert response.headers["cache-control"] == "no-store"


def test_vertices_come_as_numbers_and_not_twice(client, model, answer):
    told = client.post("/v1/reconstruct?vertices=true", files=form(photo())).json()
    again = client.get(f"/v1/reconstructions/{told['id']}").json()
    assert "vertices" in told["people"][0] and "vertices" not in again["people"][0]
    response = client.get(told["people"][0]["mesh"]["vertices"])
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["x-array-type"] == "float32"
    shape = tuple(map(int, response.headers["x-array-shape"].split(",")))
    vertices = np.frombuffer(response.content, "<f4").reshape(shape)
    np.testing.assert_array_equal(vertices, model.vertices)
    np.testing.assert_allclose(vertices, told["people"][0]["vertices"], atol=6e-6)


def test_faces_are_fetched_once(client, model, answer):
    links = {person["mesh"]["topology"] for person in answer["people"]}
    assert len(links) == 1
    (link,) = links
    response = client.get(link)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    told = response.json()
    assert told["vertices"] == len(model.vertices)
    np.testing.assert_array_equal(told["faces"], model.faces)
    binary = client.get(f"{link}.u32")
    assert (binary.headers["x-array-type"], binary.headers["x-array-shape"]) == ("uint32", f"{len(model.faces)},3")
    np.testing.assert_array_equal(np.frombuffer(binary.content, "<u4").reshape(-1, 3), model.faces)
    refused(client.get("/v1/topology/0123456789abcdef"), 404, "None of the networks")


def test_vertices_and_faces_make_the_mesh_of_the_glb(client, answer):
    mesh = answer["people"][0]["mesh"]
    vertices = np.frombuffer(client.get(mesh["vertices"]).content, "<f4").reshape(-1, 3)
    faces = np.array(client.get(mesh["topology"]).json()["faces"])
    made, glb = Glb(to_glb(vertices, faces)), Glb(client.get(mesh["glb"]).content)
    for attribute in ("POSITION", "NORMAL"):
        np.testing.assert_array_equal(made.attribute(attribute), glb.attribute(attribute))


def test_arrays_are_those_of_the_command_line(client, model, answer):
    with np.load(io.BytesIO(client.get(answer["npz"]).content), allow_pickle=False) as arrays:
        assert arrays["vertices"].shape == (2, len(model.vertices), 3)
        np.testing.assert_array_equal(arrays["faces"], model.faces)
        np.testing.assert_allclose(arrays["bboxes"], [person["bbox"] for person in answer["people"]])
        np.testing.assert_allclose(
            arrays["translations"], [p["camera"]["translation"] for p in answer["people"]], atol=1e-5
        )
        assert arrays["size"].tolist() == [320, 240]


def test_everyone_stands_in_the_scene(client, model, answer):
    response = client.get(answer["scene"]["glb"])
    assert response.headers["content-type"] == "model/gltf-binary"
    scene = Glb(response.content)
    assert [node["name"] for node in scene.content["nodes"]] == ["person-1", "person-2"]
    first, second = ({"translation": [0, 0, 0], **node}["translation"] for node in scene.content["nodes"])
    np.testing.assert_allclose(first, 0, atol=1e-6)
    apart = np.subtract(*(person["camera"]["translation"] for person in reversed(answer["people"])))
    np.testing.assert_allclose(np.linalg.norm(second), np.linalg.norm(apart), rtol=0.05)
    for mesh in scene.content["meshes"]:
        (primitive,) = mesh["primitives"]
        assert scene.array(primitive["attributes"]["POSITION"])[:, 1].min() == pytest.approx(0, abs=1e-5)
    with zipfile.ZipFile(io.BytesIO(client.get(answer["zip"]).content)) as archive:
        assert archive.read("scene.glb") == response.content


def test_nobody_stands_in_no_scene(client):
    told = client.post("/v1/reconstruct", files=form(photo(value=0))).json()
    assert "glb" not in told["scene"]
    refused(client.get(f"/v1/mesh/{told['id']}.scene.glb"), 404, "Nobody was found")


def test_nobody_has_arrays_and_an_archive_too(client):
    answer = client.post("/v1/reconstruct", files=form(photo(value=0))).json()
    with np.load(io.BytesIO(client.get(answer["npz"]).content), allow_pickle=False) as arrays:
        assert len(arrays["scores"]) == 0
    with zipfile.ZipFile(io.BytesIO(client.get(answer["zip"]).content)) as archive:
        assert set(archive.namelist()) == {"answer.json", "arrays.npz", "overlay.png", "side.png"}


def test_everything_in_one_file(client, model, answer):
    response = client.get(answer["zip"])
    assert response.headers["content-type"] == "application/zip"
    assert int(response.headers["content-length"]) == len(response.content)
    assert f'filename="{answer["id"]}.zip"' in response.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        people = {f"person-{number}.{kind}" for number in (1, 2) for kind in ("glb", "obj")}
        assert set(archive.namelist()) == {"answer.json", "arrays.npz", "scene.glb", "overlay.png", "side.png", *people}
        positions = Glb(archive.read("person-2.glb")).attribute("POSITION")
        np.testing.assert_allclose(positions, model.vertices * TURN_UP, atol=1e-6)
        assert archive.read("overlay.png") == client.get(answer["overlay"]).content


def test_nothing_is_left_of_what_is_deleted(client, settings, answer):
    other = client.post("/v1/reconstruct", files=form(photo())).json()
    assert client.delete(f"/v1/reconstructions/{answer['id']}").status_code == 204
    left = {path.stem for path in settings.store_dir.iterdir()}
    assert left == {other["id"], other["people"][0]["id"]}
    for link in (answer["npz"], answer["zip"], answer["overlay"], answer["people"][0]["mesh"]["glb"]):
        refused(client.get(link), 404, "no answer|no picture|no mesh")
    refused(client.get(f"/v1/reconstructions/{answer['id']}"), 404, "no answer")
    refused(client.delete(f"/v1/reconstructions/{answer['id']}"), 404, "no answer")
    assert client.get(other["zip"]).status_code == 200


def test_who_has_no_key_deletes_nothing(settings):
    key = "a-key-that-is-long-enough"
    with serving(settings.model_copy(update={"api_keys": Settings(api_keys=(key,)).api_keys})) as client:
        wait_until_ready(client)
        with_key = {"headers": {"X-API-Key": key}}
        answer = client.post("/v1/reconstruct", files=form(photo()), **with_key).json()
        path = f"/v1/reconstructions/{answer['id']}"
        refused(client.delete(path), 401, "key")
        assert client.get(path).status_code == 200
        assert client.delete(path, **with_key).status_code == 204


@pytest.mark.parametrize("identifier", ["0" * 32, "x", "..%2f..%2fetc", "0" * 31 + "%0a"])
@pytest.mark.parametrize("end", ["", ".npz", ".zip"])
def test_what_was_never_there(client, identifier, end):
    refused(client.get(f"/v1/reconstructions/{identifier}{end}"), 404, "no answer|nothing at this address")
    if not end:
        refused(client.delete(f"/v1/reconstructions/{identifier}"), 404, "no answer|nothing at this address")


def test_links_keep_to_the_version_that_was_asked(client):
    new = client.post("/v1/reconstruct", files=form(photo())).json()
    old = client.post("/reconstruct", files=form(photo())).json()
    assert new["people"][0]["mesh"]["glb"].startswith("/v1/mesh/")
    assert old["people"][0]["mesh"]["glb"].startswith("/mesh/")
    for link in (new["zip"], old["zip"], new["overlay"], old["overlay"]):
        assert client.get(link).status_code == 200


def test_each_address_is_described_once(settings):
    paths = create_app(settings, lambda _: []).openapi()["paths"]
    for path in ("/v1/reconstruct", "/v1/mesh/{mesh_id}.glb", "/v1/reconstructions/{reconstruction_id}", "/v1/models"):
        assert path in paths
        assert path.removeprefix("/v1") not in paths
    assert {"/v2/health/live", "/metrics"} <= paths.keys()


def test_each_answer_that_can_come_is_described(settings):
    paths = create_app(settings, lambda _: []).openapi()["paths"]
    statuses = {
        f"{method} {path.removeprefix('/v1')}": {int(status) for status in operation["responses"]}
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert all({422, 500} <= each for each in statuses.values())
    takes_a_body = {name for name in statuses if name.startswith("post")}
    assert {name for name, each in statuses.items() if 413 in each} == takes_a_body
    writes = takes_a_body | {"get /reconstructions/{reconstruction_id}.zip"}
    assert {name for name, each in statuses.items() if 507 in each} == writes


def test_text_is_compressed_and_pictures_are_not(client, answer):
    mesh = answer["people"][0]["mesh"]
    text, binary = (mesh["topology"], mesh["obj"]), (mesh["glb"], answer["overlay"])
    for link in (*text, *binary):
        packed = client.get(link, headers={"Accept-Encoding": "gzip"})
        assert (packed.headers.get("content-encoding") == "gzip") is (link in text)
        plain = client.get(link, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert packed.content == plain.content
