"""What the service answers: people, modes, meshes."""

from __future__ import annotations

import io
import os

import jsonschema
import numpy as np
import pytest
import trimesh
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.image_files import FORMATS, HEIC, encode, exif_block, smooth
from tests.support.service_client import ID, PROBLEM, form, photo, refused, serving, wait_until_ready


def test_a_photo_becomes_people_with_meshes(client):
    response = client.post("/reconstruct", files=form(photo()))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == [
        "id",
        "width",
        "height",
        "mode",
        "model",
        "people",
        "scene",
        "overlay",
        "npz",
        "zip",
        "timings_ms",
    ]
    assert (answer["width"], answer["height"], answer["mode"], answer["model"]) == (64, 48, "zero-shot", "fake")
    (person,) = answer["people"]
    assert list(person) == ["id", "score", "bbox", "keypoints_2d", "joints", "mesh_kind", "camera", "mesh"]
    assert np.shape(person["keypoints_2d"]) == np.shape(person["joints"]) == (17, 3)
    assert list(person["camera"]) == ["focal_length", "principal_point", "translation", "weak_perspective"]
    assert ID.fullmatch(answer["id"])
    assert ID.fullmatch(person["id"])
    assert list(person["mesh"]) == ["glb", "obj", "vertices", "topology"]
    assert person["mesh"]["glb"] == f"/mesh/{person['id']}.glb"
    assert person["mesh"]["vertices"] == f"/mesh/{person['id']}.f32"
    assert {"decode", "network", "meshes", "total"} <= answer["timings_ms"].keys()


def test_the_answer_keeps_to_the_published_schema(client):
    document = client.get("/openapi.json").json()
    schema = {"$ref": "#/components/schemas/Reconstruction", "components": document["components"]}
    answer = client.post("/reconstruct?vertices=true", files=form(photo())).json()
    jsonschema.validate(answer, schema, cls=jsonschema.Draft202012Validator)
    problem = client.post("/reconstruct", files=form(b"no image")).json()
    jsonschema.validate(problem, {**schema, "$ref": "#/components/schemas/Problem"})


def test_published_examples_keep_to_the_schema(client):
    components = client.get("/openapi.json").json()["components"]
    examples = {name: schema["example"] for name, schema in components["schemas"].items() if "example" in schema}
    assert {"Reconstruction", "Problem", "Batch", "ImageBody", "ImagesBody", "Topology", "Model", "Job"} <= set(
        examples
    )
    for name, example in examples.items():
        jsonschema.validate(example, {"$ref": f"#/components/schemas/{name}", "components": components})


def test_errors_are_published_as_problems(client):
    responses = client.get("/openapi.json").json()["paths"]["/v1/reconstruct"]["post"]["responses"]
    for status in ("400", "413", "415", "422", "503"):
        assert list(responses[status]["content"]) == [PROBLEM]


def test_projecting_with_the_camera_gives_the_keypoints(client):
    (person,) = client.post("/reconstruct", files=form(photo())).json()["people"]
    camera = person["camera"]
    placed = np.array(person["joints"]) + camera["translation"]
    projected = camera["focal_length"] * placed[:, :2] / placed[:, 2:] + camera["principal_point"]
    np.testing.assert_allclose(projected, np.array(person["keypoints_2d"])[:, :2], atol=0.05)


def test_the_scene_says_where_up_and_the_ground_are(client):
    answer = client.post("/reconstruct?pitch=-20.5&camera_height=1.5", files=form(photo())).json()
    scene, (person,) = answer["scene"], answer["people"]
    assert list(scene) == ["up", "pitch", "roll", "confidence", "source", "ground", "glb"]
    assert (scene["pitch"], scene["source"]) == (-20.5, "given")
    assert np.linalg.norm(scene["up"]) == pytest.approx(1, abs=1e-4)
    assert scene["ground"] == {"normal": scene["up"], "camera_height": 1.5, "standing": [person["id"]]}
    by_the_person = client.post("/reconstruct", files=form(photo())).json()["scene"]
    assert (by_the_person["source"], by_the_person["roll"]) == ("people", pytest.approx(0, abs=1))
    assert client.post("/reconstruct", files=form(photo(value=0))).json()["scene"]["source"] == "assumed"


@pytest.mark.parametrize(
    "query",
    ["pitch=91", "pitch=nan", "pitch=-inf", "pitch=steep", "pitch=", "camera_height=0", "camera_height=-1",
     "camera_height=1e9", "camera_height=nan", "camera_height=inf", "pitch=1&pitch=2x", "person_height=0.3",
     "person_height=180", "person_height=nan"],
)  # fmt: skip
def test_angles_and_heights_that_nobody_has_are_refused(client, query):
    response = client.post(f"/reconstruct?{query}", files=form(photo()))
    assert response.status_code == 422
    assert response.headers["content-type"] == PROBLEM


def test_vertices_only_when_asked(client, model):
    (person,) = client.post("/reconstruct?vertices=true", files=form(photo())).json()["people"]
    np.testing.assert_allclose(person["vertices"], model.vertices, atol=6e-6)
    (person,) = client.post("/reconstruct?vertices=false", files=form(photo())).json()["people"]
    assert "vertices" not in person


def test_nobody_found_is_an_empty_list(client):
    response = client.post("/reconstruct", files=form(photo(value=0)))
    assert response.status_code == 200
    assert response.json()["people"] == []


def test_the_model_gets_what_was_asked(client, model):
    query = "?bbox=1,2,30,40&bbox=-5.5,0,20,20.25&max_people=2&focal_length=70&person_height=1.85"
    answer = client.post("/reconstruct" + query, files=form(photo(value=7, extension=".png"))).json()
    (call,) = model.calls
    assert call["boxes"] == [(1, 2, 30, 40), (-5.5, 0, 20, 20.25)]
    assert call["person_height"] == 1.85
    assert (call["max_people"], call["focal_length"]) == (2, 70)
    assert (call["image"] == 7).all()
    assert call["image"].shape == (48, 64, 3)
    assert [person["bbox"] for person in answer["people"]] == [[1, 2, 30, 40], [-5.5, 0, 20, 20.25]]
    assert answer["people"][0]["camera"]["focal_length"] == 70


def test_defaults_are_left_to_the_model(client, model):
    client.post("/reconstruct", files=form(photo()))
    assert model.calls[0]["boxes"] is None
    assert model.calls[0]["focal_length"] is None
    assert model.calls[0]["max_people"] == 50


def test_a_turned_photo_is_answered_upright(client, model):
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    jpeg = photo(64, 48)
    segment = b"Exif\0\0" + exif
    turned = jpeg[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:]
    answer = client.post("/reconstruct", files=form(turned)).json()
    assert (answer["width"], answer["height"]) == (48, 64)
    assert model.calls[0]["image"].shape == (64, 48, 3)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
def test_the_format_is_told_by_the_bytes_not_the_name(client, extension):
    files = {"image": ("evil.exe", photo(extension=extension), "text/html")}
    assert client.post("/reconstruct", files=files).status_code == 200


@pytest.mark.parametrize("options", [FORMATS["avif"], *HEIC.values()], ids=lambda options: str(options["format"]))
def test_photos_as_phones_make_them(client, model, options):
    data = encode(smooth(), exif=exif_block(6, focal_length=50), **options)
    answer = client.post("/reconstruct", files=form(data)).json()
    assert (answer["width"], answer["height"], len(answer["people"])) == (60, 80, 1)
    assert model.calls[0]["focal_length"] == pytest.approx(100 * 50 / 43.2666, rel=1e-5)


def test_links_begin_with_the_path_of_the_proxy(settings):
    app = create_app(settings, lambda _: [FakeReconstructor()])
    with TestClient(app, root_path="/mpt") as client:
        wait_until_ready(client)
        (person,) = client.post("/reconstruct", files=form(photo())).json()["people"]
        assert person["mesh"]["glb"] == f"/mpt/mesh/{person['id']}.glb"
        assert client.get(person["mesh"]["glb"]).status_code == 200


def test_modes_choose_their_model(settings):
    plain, tuned = FakeReconstructor(), FakeReconstructor(modes=("fine-tuned",))
    with serving(settings, plain, tuned) as client:
        wait_until_ready(client)
        for query, mode in (("", "zero-shot"), ("?mode=zero-shot", "zero-shot"), ("?mode=fine-tuned", "fine-tuned")):
            plain.calls.clear()
            tuned.calls.clear()
            assert client.post("/reconstruct" + query, files=form(photo())).json()["mode"] == mode
            assert (len(plain.calls), len(tuned.calls)) == ((1, 0) if mode == "zero-shot" else (0, 1))


def test_a_lone_fine_tuned_model_is_the_default(settings):
    with serving(settings, FakeReconstructor(modes=("fine-tuned",))) as client:
        wait_until_ready(client)
        assert client.post("/reconstruct", files=form(photo())).json()["mode"] == "fine-tuned"


def test_a_mode_without_checkpoint_is_refused(client):
    refused(client.post("/reconstruct?mode=fine-tuned", files=form(photo())), 422, "no fine-tuned checkpoint")


def test_meshes_can_be_fetched(client, model):
    (person,) = client.post("/reconstruct", files=form(photo())).json()["people"]
    for kind, media_type in (("glb", "model/gltf-binary"), ("obj", "model/obj")):
        response = client.get(person["mesh"][kind])
        assert response.status_code == 200
        assert response.headers["content-type"] == media_type
        assert response.headers["content-disposition"] == f'attachment; filename="{person["id"]}.{kind}"'
        assert response.headers["cache-control"] == "private, max-age=3600, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
        mesh = trimesh.load_mesh(io.BytesIO(response.content), file_type=kind, process=False, maintain_order=True)
        np.testing.assert_allclose(mesh.vertices, model.vertices * (1, -1, -1), atol=6e-6)
        assert mesh.volume > 0


@pytest.mark.parametrize(
    "path",
    [
        f"/mesh/{'0' * 32}.glb",
        f"/mesh/{'0' * 32}.obj",
        f"/mesh/{'0' * 32}.stl",
        "/mesh/x.glb",
        "/mesh/.glb",
        "/mesh/..%2f..%2fetc%2fpasswd.glb",
        "/mesh/%2e%2e/%2e%2e/secret.glb",
        "/mesh/..%5c..%5csecret.glb",
        f"/mesh/{'0' * 31}%00.glb",
        f"/mesh/{'0' * 32}%0a.glb",
        "/mesh/",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/nothing",
    ],
)
def test_what_is_not_there_is_a_problem(client, settings, path):
    (settings.store_dir.parent / "secret.glb").write_bytes(b"secret")
    refused(client.get(path), 404, r"nothing at this address|no mesh with this id")


@pytest.mark.parametrize("ending", ["rigged.glb", "bvh"])
def test_a_raw_mesh_says_that_it_has_no_skeleton(client, ending):
    (person,) = client.post("/reconstruct", files=form(photo())).json()["people"]
    assert person["mesh_kind"] == "raw"
    refused(client.get(f"/mesh/{person['id']}.{ending}"), 404, "is raw.*no skeleton")


def test_an_expired_mesh_says_what_to_do(tmp_path):
    with serving(Settings(store_dir=tmp_path, store_lifetime=60)) as client:
        wait_until_ready(client)
        (person,) = client.post("/reconstruct", files=form(photo())).json()["people"]
        path = tmp_path / f"{person['id']}.person"
        os.utime(path, (0, 0))
        refused(client.get(person["mesh"]["glb"]), 404, "Send the photo again")


def test_a_mesh_broken_by_a_crash_is_not_served(client, settings):
    (person,) = client.post("/reconstruct", files=form(photo())).json()["people"]
    path = settings.store_dir / f"{person['id']}.person"
    path.write_bytes(path.read_bytes()[:-4])
    for kind in ("glb", "obj", "vertices"):
        refused(client.get(person["mesh"][kind]), 404, "no mesh")


def test_meshes_survive_a_restart(settings):
    with serving(settings) as client:
        wait_until_ready(client)
        (person,) = client.post("/reconstruct", files=form(photo())).json()["people"]
        glb = client.get(person["mesh"]["glb"]).content
    with serving(settings) as client:
        assert client.get(person["mesh"]["glb"]).content == glb


def test_a_drones_photo_says_how_its_camera_was_held_and_the_request_wins(client):
    xmp = b'<x drone-dji:GimbalPitchDegree="-35.00" drone-dji:GimbalRollDegree="+0.00"/>'
    data = encode(smooth(), format="JPEG", quality=95, xmp=xmp)
    scene = client.post("/reconstruct", files=form(data)).json()["scene"]
    assert (scene["pitch"], scene["roll"], scene["source"], scene["confidence"]) == (-35, 0, "xmp", 1)
    scene = client.post("/reconstruct?pitch=-10", files=form(data)).json()["scene"]
    assert (scene["pitch"], scene["source"]) == (-10, "given")
