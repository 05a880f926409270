"""Helpers of the tests of the HTTP interface."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import httpx2
import numpy as np
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.waiting import wait_for

PROBLEM = "application/problem+json"
ID = re.compile(r"[0-9a-f]{32}")


def photo(width: int = 64, height: int = 48, extension: str = ".jpg", value: int = 128) -> bytes:
    return cv2.imencode(extension, np.full((height, width, 3), value, np.uint8))[1].tobytes()


def form(data: bytes, field: str = "image") -> dict:
    return {field: ("photo", data)}


@contextmanager
def serving(settings: Settings, *models: FakeReconstructor, load: Callable | None = None) -> Iterator[TestClient]:
    app = create_app(settings, load or (lambda _: list(models) or [FakeReconstructor()]))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def wait_until_loading_ends(client: TestClient) -> None:
    wait_for(lambda: "still loading" not in client.get("/v2/health/ready").text)


def wait_until_ready(client: TestClient) -> None:
    wait_until_loading_ends(client)
    response = client.get("/v2/health/ready")
    assert response.status_code == 200, response.text


def refused(response: httpx2.Response, status: int, words: str) -> dict:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    body = response.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= body.keys()
    assert re.search(words, body["detail"]), body["detail"]
    return body
