"""The pages, their safety in browsers, and the settings."""

from __future__ import annotations

import re

import pytest

from service.settings import Settings
from tests.integration.service_client import (
    form,
    photo,
    refused,
)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_nothing_from_elsewhere(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "://" not in policy
    links = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert links
    for link in links:
        assert "://" not in link
        assert client.get("/" + link).status_code == 200, link
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=", response.text)  # what the policy would block


def test_modules_import_what_is_there(client):
    for name in ("app.js", "viewer.js"):
        source = client.get(f"/static/{name}").text
        for path in re.findall(r'(?:from|import\()\s*"\./([^"]+)"', source):
            assert client.get(f"/static/{path}").status_code == 200, path


def test_other_sites_are_kept_out(client):
    headers = {"Origin": "https://elsewhere.example"}
    response = client.post("/reconstruct", files=form(photo()), headers=headers)
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["cross-origin-resource-policy"] == "same-origin"


def test_wrong_methods_are_problems(client):
    response = client.get("/reconstruct")
    refused(response, 405, "use POST")
    assert response.headers["allow"] == "POST"


def test_settings_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MPT_PORT", "9001")
    monkeypatch.setenv("MPT_MAX_PEOPLE", "3")
    monkeypatch.setenv("MPT_STORE_DIR", str(tmp_path))
    settings = Settings()
    assert (settings.port, settings.max_people, settings.store_dir) == (9001, 3, tmp_path)


def test_every_setting_is_documented():
    assert all(field.description for field in Settings.model_fields.values())


def test_meshes_go_to_the_users_own_cache_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("MPT_STORE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Settings().store_dir == tmp_path / "mpt" / "meshes"
