"""The pages, and their safety in browsers."""

from __future__ import annotations

import re

import pytest

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
