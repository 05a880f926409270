"""What an operator sees: metrics, request ids, logs, models."""

from __future__ import annotations

import logging
import re

import jsonschema
from prometheus_client.parser import text_string_to_metric_families

from service.settings import Settings
from tests.support.service_client import form, photo, refused, serving, wait_until_loading_ends


def metrics(client) -> dict[tuple, float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_status(client):
    before = metrics(client)
    client.post("/reconstruct", files=form(photo()))
    client.post("/reconstruct", files=form(b"no image"))
    client.get(f"/mesh/{'0' * 32}.glb")
    client.get("/wp-admin")
    client.request("HACK", "/wp-login")
    after = metrics(client)

    def more(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    assert more("mpt_requests_total", "POST", "/reconstruct", "200") == 1
    assert more("mpt_requests_total", "POST", "/reconstruct", "415") == 1
    assert more("mpt_requests_total", "GET", "/mesh/{mesh_id}.glb", "404") == 1
    assert more("mpt_requests_total", "GET", "other", "404") == 1  # a path is no label: they are without number
    assert more("mpt_requests_total", "other", "other", "404") == 1
    assert more("mpt_request_seconds_count", "/reconstruct") == 2
    assert more("mpt_stage_seconds_count", "queue") == 2
    assert more("mpt_stage_seconds_count", "meshes") == 1  # the other was no photo
    assert after["mpt_ready",] == 1
    assert after["mpt_requests_in_flight",] == 1  # the one that asks


def test_what_is_stored_is_counted(client, settings):
    client.post("/reconstruct?bbox=1,1,20,20&bbox=9,9,20,20", files=form(photo()))
    after = metrics(client)
    files = list(settings.store_dir.iterdir())
    assert after["mpt_stored_files",] == len(files) == 4  # two people, the answer and the photo
    assert after["mpt_stored_bytes",] == sum(file.stat().st_size for file in files)


def test_each_request_has_an_id_that_comes_back(client):
    first, second = (client.get("/v2/health/live").headers["x-request-id"] for _ in range(2))
    assert first != second
    assert client.get("/", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    for hostile in ("a" * 65, "a b", 'a"b', "", "a\tb"):
        given = client.get("/", headers={"X-Request-ID": hostile}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{16}", given)


def test_what_fails_inside_keeps_its_id_and_headers_and_is_logged(client, model, caplog):
    model.reconstruct = lambda *_, **__: 1 / 0
    with caplog.at_level(logging.ERROR):
        response = client.post("/reconstruct", files=form(photo()), headers={"X-Request-ID": "abc-2"})
    refused(response, 500, "log says why")
    assert response.headers["x-request-id"] == "abc-2"
    assert "content-security-policy" in response.headers
    assert "ZeroDivisionError" in caplog.text


def test_models_say_what_they_are(client):
    (entry,) = client.get("/models").json()
    assert (entry["mode"], entry["name"]) == ("zero-shot", "fake")
    assert entry["scores"] == {"validation": {"MPJPE": 58.3}}
    components = client.get("/openapi.json").json()["components"]
    jsonschema.validate(entry, {"$ref": "#/components/schemas/Model", "components": components})


def test_models_that_failed_to_load_say_why(tmp_path):
    def load(_: Settings) -> list:
        raise OSError("no disk")

    with serving(Settings(store_dir=tmp_path), load=load) as client:
        wait_until_loading_ends(client)
        refused(client.get("/models"), 503, "failed to load")
        assert metrics(client)["mpt_ready",] == 0
