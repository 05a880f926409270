"""What the service refuses, each with a sentence that says what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from model.formats.photo import be_able_to_read_heic
from service.settings import Settings
from tests.support.service_client import form, photo, refused, serving, wait_until_ready


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("mode=other", "mode: .*zero-shot"),
        ("max_people=0", "max_people"),
        ("max_people=two", "max_people"),
        ("max_people=51", "max_people"),
        ("vertices=perhaps", "vertices"),
        ("focal_length=0", "focal_length"),
        ("focal_length=nan", "focal_length"),
        ("focal_length=inf", "focal_length"),
        ("bbox=", "bbox: a box is four numbers"),
        ("bbox=1,2,3", "bbox: a box is four numbers"),
        ("bbox=1,2,3,4,5", "bbox: a box is four numbers"),
        ("bbox=1,2,nan,4", "bbox: a box is four numbers"),
        ("bbox=1,2,inf,4", "bbox: a box is four numbers"),
        ("bbox=1,2,1e300,4", "bbox: a box is four numbers"),
        ("bbox=1,2,3,4%0a", "bbox: a box is four numbers"),
        ("bbox=1,2,0,4", "bbox: .*at least 2 pixels"),
        ("bbox=1,2,1.9,4", "bbox: .*at least 2 pixels"),
        ("bbox=1,2,30,-4", "bbox: .*at least 2 pixels"),
        ("bbox=64,0,10,10", "outside the photo, which has 64 x 48"),
        ("bbox=0,48,10,10", "outside the photo"),
        ("bbox=-10,0,10,10", "outside the photo"),
        ("bbox=0,0,641,10", "ten times"),
        ("&".join(["bbox=1,2,3,4"] * 51), "at most 50"),
        ("max_people=1&max_people=2", "max_people: it is there more than once"),
        ("maxpeople=1", "maxpeople: there is no such parameter.*max_people"),
    ],
)
def test_parameters_that_cannot_be_used(client, query, words):
    refused(client.post(f"/reconstruct?{query}", files=form(photo())), 422, words)


def test_boxes_that_reach_over_the_edge_are_fine(client):
    assert client.post("/reconstruct?bbox=-20,-20,200,200", files=form(photo())).status_code == 200


def test_no_route_passes_over_a_parameter_that_it_does_not_know(client):
    asked = 0
    for path, operations in client.app.openapi()["paths"].items():
        for method in operations:
            for way in {path, path.removeprefix("/v1")}:
                answer = client.request(method, f"{re.sub('{[^}]*}', 'x', way)}?veiw=side")
                refused(answer, 422, "veiw: there is no such parameter; there (is none|are .*[a-z])")
                asked += 1
    assert asked > 40


def test_of_very_many_errors_the_first_are_told(client):
    answer = client.get("/models?" + "&".join(f"a{number}=1" for number in range(2000)))
    assert len(refused(answer, 422, "a0: there is no such parameter")["errors"]) == 10 and len(answer.content) < 5000


def test_words_of_a_client_are_shown_without_control_characters(client):
    problem = refused(client.get("/models?%1b[2Jx%0d=1"), 422, r"\\x1b\[2Jx\\r: there is no such parameter")
    assert problem["errors"][0]["field"] == r"\x1b[2Jx\r"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"files": form(photo(), field="photo")},
        {"data": {"image": "text"}},
        {"content": photo(), "headers": {"content-type": "text/plain"}},
        {"content": b"", "headers": {"content-type": "multipart/form-data; boundary=x"}},
    ],
    ids=["nothing", "wrong field", "no file", "text", "empty form"],
)
def test_a_missing_image_is_explained(client, arguments):
    refused(client.post("/reconstruct", **arguments), 422, "curl -F image=@photo.jpg")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=other", "multipart/form-data; boundary="]
)
def test_a_broken_form_is_explained(client, content_type):
    response = client.post("/reconstruct", content=b"--x\r\nnonsense", headers={"content-type": content_type})
    assert response.status_code in (400, 422)
    refused(response, response.status_code, "curl -F image=@photo.jpg")


def test_two_photos_are_refused(client):
    files = [("image", ("a.jpg", photo())), ("image", ("b.jpg", photo()))]
    refused(client.post("/reconstruct", files=files), 400, "Maximum number of files is 1")


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 422, "empty"),
        (b"hello", 415, "JPEG, PNG, WebP, HEIC, AVIF or still GIF"),
        (b"GIF89a" + bytes(100), 415, "JPEG, PNG, WebP, HEIC, AVIF or still GIF"),
        (photo()[:-20], 422, "before its data is complete"),
        (photo(8, 8), 422, "at least 16"),
    ],
)
def test_images_that_cannot_be_used(client, model, data, status, words):
    refused(client.post("/reconstruct", files=form(data)), status, words)
    assert model.calls == []


def test_heic_that_cannot_be_read_here_names_the_extra(client, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    be_able_to_read_heic.cache_clear()
    data = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(100)
    refused(client.post("/reconstruct", files=form(data)), 415, "extra heic")
    assert client.get("/v2/health/ready").json()["limits"]["heic"] is False  # the page does not offer it
    assert model.calls == []


def test_too_many_pixels(settings, tmp_path):
    with serving(Settings(store_dir=tmp_path, max_pixels=10_000)) as client:
        wait_until_ready(client)
        refused(client.post("/reconstruct", files=form(photo(101, 100))), 413, "10100|101 x 100")
        assert client.post("/reconstruct", files=form(photo(100, 100))).status_code == 200


def test_a_body_over_the_limit_is_refused_declared_or_streamed(tmp_path):
    with serving(Settings(store_dir=tmp_path, max_body_bytes=2**20)) as client:
        wait_until_ready(client)
        refused(client.post("/reconstruct", files=form(bytes(2**20))), 413, "at most 1 MiB")
        sent = 0

        def endless() -> Iterator[bytes]:
            nonlocal sent
            yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
            for _ in range(1000):
                sent += 2**16
                yield bytes(2**16)

        headers = {"content-type": "multipart/form-data; boundary=x"}
        refused(client.post("/reconstruct", content=endless(), headers=headers), 413, "at most 1 MiB")


@pytest.mark.parametrize("path", ["/reconstruct", "/v1/reconstruct/batch"])
def test_parameters_in_a_form_are_not_passed_over(client, path):
    answer = client.post(path, files=form(photo()), data={"note": "mine", "max_people": "1"})
    refused(answer, 422, rf"max_people is no part of the form.* {path}\?max_people=")
    assert client.post(path, files=form(photo()), data={"note": "mine"}).status_code == 200


def test_a_form_may_not_carry_large_other_fields(client):
    response = client.post("/reconstruct", files=form(photo()), data={"note": "x" * 5000})
    refused(response, 400, "maximum size")
