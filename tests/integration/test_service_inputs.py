"""The ways in which photos come: a form, bare bytes, base64, a URL; one, or several."""

from __future__ import annotations

import base64
import gzip
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.service_client import form, photo, refused, serving, wait_until_ready
from tests.support.waiting import wait_for
from tests.support.web_server import redirect, trickle, web_server

PHOTO = photo(80, 60, ".png", value=9)
TEXT = base64.b64encode(PHOTO).decode()


def several(*photos: bytes) -> list:
    return [("image", ("photo", data)) for data in photos]


@pytest.fixture
def calling(tmp_path):
    """A service that calls URLs, and a server that has photos."""
    pages = {"/photo": PHOTO, "/text": b"no photo", "/moved": redirect("/photo"), "/trickle": trickle}
    pages["/inside"] = redirect("http://10.0.0.1/photo")
    with web_server(pages) as server:
        model = FakeReconstructor()
        settings = Settings(store_dir=tmp_path, image_urls=True, url_hosts=(server.host,), url_seconds=2.0)
        with serving(settings, model) as client:
            wait_until_ready(client)
            yield client, server


@pytest.mark.parametrize(
    "arguments",
    [
        {"files": form(PHOTO)},
        {"content": PHOTO, "headers": {"content-type": "image/png"}},
        {"content": PHOTO, "headers": {"content-type": "IMAGE/JPEG; charset=x"}},  # the bytes count
        {"content": PHOTO, "headers": {"content-type": "application/octet-stream"}},
        {"content": iter([PHOTO[:100], PHOTO[100:]]), "headers": {"content-type": "image/png"}},
        {"json": {"image": TEXT}},
        {"content": b'\xef\xbb\xbf{"image": "%s"}' % TEXT.encode(), "headers": {"content-type": "application/json"}},
        {"json": {"image": f"data:image/png;base64,{TEXT}"}},
        {"json": {"image": base64.encodebytes(PHOTO).decode().replace("\n", "\r\n")}},
        {"json": {"image": base64.urlsafe_b64encode(PHOTO).decode().rstrip("=")}},
    ],
    ids=[
        "form",
        "bytes",
        "other type",
        "octets",
        "chunks",
        "base64",
        "byte order mark",
        "data URL",
        "base64 in lines",
        "URL-safe base64",
    ],
)
def test_a_photo_is_the_same_however_it_comes(client, model, arguments):
    answer = client.post("/v1/reconstruct?focal_length=70", **arguments)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["width"], answer.json()["height"]) == (80, 60)
    (call,) = model.calls
    assert (call["image"] == 9).all() and call["focal_length"] == 70


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "one of both"),
        ({"image": TEXT, "image_url": "http://a.example/"}, "one of both"),
        ({"image": 5}, "image: .*string"),
        ({"picture": TEXT}, "picture is no part of the request's JSON: a photo is given as image"),
        ({"image": TEXT, "max_people": 1}, r"max_people is no part of the JSON.*/v1/reconstruct\?max_people="),
        ([], "JSON cannot be used"),
        ("text", "JSON cannot be used"),
        ({"image": "n.o.t"}, "no base64"),
        ({"image": "é" * 20}, "no base64"),
        ({"image": "data:image/png,raw"}, "no base64"),
        ({"image": ""}, "empty"),
        ({"image_url": "http://a.example/" + "a" * 3000}, "image_url: .*2048"),
        ({"image_url": "http://a.example/"}, "calls no URLs.*MPT_IMAGE_URLS"),
    ],
)
def test_json_that_cannot_be_used(client, model, body, words):
    refused(client.post("/v1/reconstruct", json=body), 422, words)
    assert model.calls == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"image":' * 5000, b"\xff\xfe", b'{"image": "\\ud800"}'])
def test_broken_json_is_explained(client, content):
    headers = {"content-type": "application/json"}
    refused(client.post("/v1/reconstruct", content=content, headers=headers), 422, "JSON|base64")
    refused(client.post("/v1/reconstruct/batch", content=content, headers=headers), 422, "JSON|base64")


@pytest.mark.parametrize("path", ["/v1/reconstruct", "/v1/reconstruct/batch", "/v1/videos"])
def test_a_compressed_body_is_told(client, path):
    headers = {"content-type": "image/png", "content-encoding": "gzip"}
    answer = client.post(path, content=gzip.compress(PHOTO), headers=headers)
    refused(answer, 415, r"compressed \(Content-Encoding: gzip\).*as it is")
    assert answer.headers["accept-encoding"] == "identity"


def test_what_is_no_photo_is_told_however_it_comes(client):
    text = base64.b64encode(b"no photo").decode()
    refused(client.post("/v1/reconstruct", json={"image": text}), 415, "no JPEG")
    refused(client.post("/v1/reconstruct", content=b"x", headers={"content-type": "image/png"}), 415, "no JPEG")


def test_a_photo_is_fetched_where_that_is_allowed(calling):
    client, server = calling
    for path in ("/photo", "/moved"):
        answer = client.post("/v1/reconstruct", json={"image_url": server.url + path})
        assert answer.json()["width"] == 80
    refused(client.post("/v1/reconstruct", json={"image_url": f"{server.url}/text"}), 415, "no JPEG")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1/photo", "not public"),
        ("http://localhost/", "not public"),
        ("http://169.254.169.254/", "not public"),
        ("file:///etc/passwd", "begins with"),
        ("{server}/inside", "not public"),
        ("{server}/nothing", "answered 404"),
        ("{server}/trickle", r"within 2 seconds"),
    ],
)
def test_urls_that_lead_nowhere_good(calling, url, words):
    client, server = calling
    refused(client.post("/v1/reconstruct", json={"image_url": url.format(server=server.url)}), 422, words)


def test_several_are_answered_in_their_order_the_failed_beside_the_good(client, model):
    sent = several(photo(64, 48), b"no photo", PHOTO, photo()[:-20], photo(100, 90))
    results = client.post("/v1/reconstruct/batch?max_people=1", files=sent).json()["results"]
    assert [result["status"] for result in results] == [200, 415, 200, 422, 200]
    assert [result["reconstruction"]["width"] for result in results[::2]] == [64, 80, 100]
    assert results[1]["problem"]["type"] == "urn:mpt:problem:unsupported-format"
    assert all(("problem" in result) != ("reconstruction" in result) for result in results)
    assert all(call["max_people"] == 1 for call in model.calls)
    glb = client.get(results[4]["reconstruction"]["people"][0]["mesh"]["glb"])
    assert glb.status_code == 200


def test_a_file_without_a_name_is_not_left_out_in_silence(client):
    """Or the answers that follow would be taken for those of other photos."""
    boundary, parts = "x", []
    for name in ("a.jpg", "", "c.jpg"):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'
        parts.append(head.replace('; filename=""', "").encode() + photo() + b"\r\n")
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    refused(client.post("/v1/reconstruct/batch", content=body, headers=headers), 422, "with a file name")


def test_several_in_json(calling):
    client, server = calling
    images = [{"image": TEXT}, {"image_url": f"{server.url}/photo"}, {"image_url": "http://10.0.0.1/"}]
    results = client.post("/v1/reconstruct/batch", json={"images": images}).json()["results"]
    assert [result["status"] for result in results] == [200, 200, 422]
    boxes = [result["reconstruction"]["people"][0]["bbox"] for result in results[:2]]
    np.testing.assert_array_equal(*boxes)


def test_one_that_fails_inside_does_not_take_the_others_along(client, model, caplog):
    whole = model.reconstruct

    def sometimes(image: np.ndarray, **options: object) -> object:
        return whole(image, **options) if image.shape[1] == 80 else 1 / 0

    model.reconstruct = sometimes
    results = client.post("/v1/reconstruct/batch", files=several(PHOTO, photo(), PHOTO)).json()["results"]
    assert [result["status"] for result in results] == [200, 500, 200]
    assert "ZeroDivisionError" in caplog.text


def test_one_limit_of_time_for_all(settings):
    model = FakeReconstructor()
    with serving(settings.model_copy(update={"deadline": 0.5, "concurrency": 1}), model) as client:
        wait_until_ready(client)
        model.go.clear()
        results = client.post("/v1/reconstruct/batch", files=several(PHOTO, PHOTO)).json()["results"]
        model.go.set()
    assert [result["status"] for result in results] == [504, 504]


def test_all_of_them_come_again_where_the_service_is_too_busy_for_any(settings):
    model = FakeReconstructor()
    with serving(settings.model_copy(update={"concurrency": 1, "queue_size": 0}), model) as client:
        wait_until_ready(client)
        model.go.clear()
        model.calls.clear()  # the warm-up's
        with ThreadPoolExecutor(1) as other:
            alone = other.submit(client.post, "/v1/reconstruct", files=form(PHOTO))
            wait_for(lambda: model.calls)
            response = client.post("/v1/reconstruct/batch", files=several(PHOTO, PHOTO))
            model.go.set()
            assert alone.result().status_code == 200
        refused(response, 503, "The service is busy")
        assert response.headers["Retry-After"]
        results = client.post("/v1/reconstruct/batch", files=several(b"no photo", PHOTO)).json()["results"]
    assert [result["status"] for result in results] == [415, 200]


@pytest.mark.parametrize("count", [0, 17])
def test_too_many_or_none_are_refused(client, count):
    response = client.post("/v1/reconstruct/batch", files=several(*[PHOTO] * count) or None)
    assert response.status_code in (400, 422)
    refused(response, response.status_code, "curl -F image|Maximum number of files is 16")
    response = client.post("/v1/reconstruct/batch", json={"images": [{"image": TEXT}] * count})
    refused(response, 422, "at least 1|at most 16")


def test_a_body_over_the_limit_is_refused_in_every_form(tmp_path):
    with serving(Settings(store_dir=tmp_path, max_body_bytes=2**20)) as client:
        wait_until_ready(client)
        for kind in ("image/jpeg", "application/json"):
            for content in (bytes(2**20 + 1), iter([bytes(2**16)] * 17)):
                response = client.post("/v1/reconstruct", content=content, headers={"content-type": kind})
                refused(response, 413, "at most 1 MiB")


def test_the_description_has_every_form(client):
    document = client.get("/openapi.json").json()
    one = document["paths"]["/v1/reconstruct"]["post"]["requestBody"]["content"]
    assert set(one) == {"multipart/form-data", "image/*", "application/json"}
    for content in one.values():
        reference = content["schema"].get("$ref")
        assert reference is None or re.sub(".*/", "", reference) in document["components"]["schemas"]


@pytest.mark.parametrize("path", ["/v1/reconstruct", "/v1/reconstruct/batch"])
def test_the_descriptions_examples_can_be_sent_as_they_stand(client, path):
    document = client.get("/openapi.json").json()
    schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    example = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["example"]
    answer = client.post(path, json=example)
    assert answer.status_code == 200
    assert all(result["status"] == 200 for result in answer.json().get("results", []))
