"""Who may ask: API keys, and pages of other sites."""

from __future__ import annotations

import pytest

from service.settings import Settings
from tests.support.service_client import form, photo, refused, serving, wait_until_ready

KEY = "correct-horse-battery"
OTHER = "another-key-of-ours"


@pytest.fixture
def locked(tmp_path):
    settings = Settings(store_dir=tmp_path, api_keys=(KEY, OTHER), cors_origins=("https://a.example",))
    with serving(settings) as client:
        wait_until_ready(client)  # health needs no key
        yield client


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": KEY}, {"X-API-Key": OTHER}, {"Authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer {KEY}"}],
)
def test_a_known_key_opens(locked, headers):
    response = locked.post("/reconstruct", files=form(photo()), headers=headers)
    assert response.status_code == 200
    for path in ("/models", "/metrics"):
        assert locked.get(path, headers=headers).status_code == 200
    # Who has the link has the mesh: a download link on a page cannot send a key.
    assert locked.get(response.json()["people"][0]["mesh"]["glb"]).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": KEY[:-1]},
        {"X-API-Key": KEY + " x"},
        {"X-API-Key": f"{KEY},{OTHER}"},
        {"X-API-Key": "ключ".encode()},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
    ],
)
def test_anything_else_does_not(locked, headers):
    for method, path in (("POST", "/reconstruct"), ("GET", "/models"), ("GET", "/metrics")):
        response = locked.request(method, path, headers=headers)
        refused(response, 401, "needs a key")
        assert response.headers["www-authenticate"] == "Bearer"


def test_the_key_is_asked_for_before_the_body_is_read(locked):
    def body():
        yield b"--x\r\n"
        raise AssertionError("the body was read")

    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert locked.post("/reconstruct", content=body(), headers=headers).status_code == 401


def test_pages_and_health_stay_open(locked):
    for path in ("/", "/docs", "/openapi.json", "/static/app.js", "/v2/health/live", "/v2/health/ready"):
        assert locked.get(path).status_code == 200


def test_the_description_names_the_keys(locked, client):
    operations = locked.get("/openapi.json").json()
    assert operations["components"]["securitySchemes"].keys() == {"key", "bearer"}
    assert operations["paths"]["/v1/reconstruct"]["post"]["security"] == [{"key": []}, {"bearer": []}]
    assert "security" not in operations["paths"]["/v2/health/live"]["get"]
    assert "securitySchemes" not in client.get("/openapi.json").json()["components"]


def test_keys_never_show():
    assert KEY not in repr(Settings(api_keys=(KEY,)))


def test_only_the_sites_of_the_settings_may_call(locked):
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-API-Key"}
    response = locked.options("/reconstruct", headers={"Origin": "https://a.example", **preflight})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://a.example"
    headers = {"Origin": "https://a.example", "X-API-Key": KEY}
    response = locked.post("/reconstruct", files=form(photo()), headers=headers)
    assert response.headers["access-control-allow-origin"] == "https://a.example"
    assert "access-control-allow-credentials" not in response.headers
    response = locked.options("/reconstruct", headers={"Origin": "https://b.example", **preflight})
    assert "access-control-allow-origin" not in response.headers


def test_a_key_has_so_many_requests_a_minute(settings):
    more = {"rate_limit": 60.0, "rate_burst": 3, "api_keys": Settings(api_keys=(KEY, OTHER)).api_keys}
    with serving(settings.model_copy(update=more)) as client:
        wait_until_ready(client)
        mine, others = {"X-API-Key": KEY}, {"Authorization": f"Bearer {OTHER}"}
        for _ in range(3):
            assert client.post("/v1/reconstruct", files=form(photo()), headers=mine).status_code == 200
        response = client.post("/reconstruct", files=form(photo()), headers=mine)
        refused(response, 429, "60 a minute")
        assert int(response.headers["retry-after"]) == 1
        assert client.get("/models", headers=mine).status_code == 200
        batch = [("image", ("photo", photo()))] * 3
        assert client.post("/v1/reconstruct/batch", files=batch, headers=others).status_code == 200
        refused(client.post("/v1/reconstruct", files=form(photo()), headers=others), 429, "60 a minute")
