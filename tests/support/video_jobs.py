"""Videos that are sent to a service, and the jobs that come of them."""

from __future__ import annotations

from fastapi.testclient import TestClient

from service.settings import Settings
from tests.support.waiting import wait_for

COUNT = 12
"""Frames of the video that tests send."""


def send(client: TestClient, clip: bytes, query: str = "") -> dict:
    response = client.post(f"/v1/videos{query}", files={"video": ("clip.mp4", clip)})
    assert response.status_code == 202, response.text
    return response.json()


def ended(client: TestClient, identifier: str) -> dict:
    wait_for(lambda: client.get(f"/v1/jobs/{identifier}").json()["status"] in ("succeeded", "failed"))
    return client.get(f"/v1/jobs/{identifier}").json()


def files(settings: Settings) -> list[str]:
    """The jobs on the disk."""
    return [path.name for path in settings.jobs_folder.iterdir() if path.is_dir()]
