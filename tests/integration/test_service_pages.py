"""The pages, and their safety in browsers."""

from __future__ import annotations

import re

import pytest

from tests.support.service_client import form, photo, refused


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
    """From the page's first to all that they lead to."""
    found, unread = {"app.js"}, ["app.js"]
    while unread:
        path = unread.pop()
        module = client.get(f"/static/{path}")
        assert module.status_code == 200, path
        imported = set(re.findall(r'(?:from|import\()\s*"\./([^"]+)"', module.text)) - found
        found |= imported
        unread += imported
    assert "vendor/three.js" in found and len(found) > 20


def test_parts_of_files(client):
    """Wherever files are; in other units than bytes a range is none."""

    def asked(part: str, path: str = "/static/app.js"):
        return client.get(path, headers={"Range": part})

    whole = client.get("/static/app.js")
    part = asked("bytes=2-5")
    assert (part.status_code, part.content) == (206, whole.content[2:6])
    for path in ("/static/app.js", "/"):
        for words in ("bytes=5-2", "bytes=a-b"):
            refused(asked(words, path), 400, "Range cannot be read: write it as bytes=0-499")
        beyond = asked("bytes=99999999-", path)
        refused(beyond, 416, "no such bytes as Range asks for")
        assert re.fullmatch(r"bytes \*/\d+", beyond.headers["content-range"])
    assert asked("items=0-1").content == whole.content


@pytest.mark.parametrize("path", ["/reconstruct/", "/v1/videos/", "/docs/"])
def test_a_slash_too_many_is_told(client, path):
    """Starlette redirected to where no proxy is: past its path, and without its TLS."""
    refused(client.post(path, content=b"x", follow_redirects=False), 404, "leave out the slash at its end")


@pytest.mark.parametrize("path", ["/nothing/", "/static/", "/static/docs/"])
def test_where_there_is_nothing_either_way_no_slash_is_to_blame(client, path):
    refused(client.get(path, follow_redirects=False), 404, "There is nothing at this address. The page is at /")


def test_other_sites_are_kept_out(client):
    headers = {"Origin": "https://elsewhere.example"}
    response = client.post("/reconstruct", files=form(photo()), headers=headers)
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["cross-origin-resource-policy"] == "same-origin"


def test_wrong_methods_are_problems(client):
    response = client.get("/reconstruct")
    refused(response, 405, "use POST")
    assert response.headers["allow"] == "POST"
    for path in (f"/v1/reconstructions/{'0' * 32}", f"/jobs/{'0' * 32}"):  # two routes at one address
        response = client.put(path)
        refused(response, 405, "use GET, HEAD, DELETE")
        assert response.headers["allow"] == "GET, HEAD, DELETE"
    for path in ("/static/app.js", "/static/docs", "/static/"):
        response = client.post(path)
        refused(response, 405, "use GET, HEAD.")
        assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("query", ["", "?view=side"])
def test_head_answers_as_get_does_without_the_body(client, query):
    answer = client.post("/reconstruct", files=form(photo())).json()
    links = answer["people"][0]["mesh"]
    paths = [
        links["glb"],
        links["obj"],
        answer["overlay"] + query,
        "/",
        "/static/app.js",
        "/v2/health/ready",
        "/nothing",
    ]
    for path in paths:
        plain = {"headers": {"Accept-Encoding": "identity"}}  # lengths are those of what is sent
        head, whole = client.head(path, **plain), client.get(path, **plain)
        assert head.status_code == whole.status_code, path
        assert head.content == b""
        ignored = {"x-request-id", "date"}
        assert {k: v for k, v in head.headers.items() if k not in ignored} == {
            k: v for k, v in whole.headers.items() if k not in ignored
        }
        assert int(head.headers["content-length"]) == len(whole.content) > 0


def test_head_where_there_is_no_get(client):
    response = client.head("/reconstruct")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
