"""The service on a local Ray with two replicas that share one store."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from pydantic import ValidationError

from service.settings import Settings
from tests.support.fake_service import load
from tests.support.service_client import form, photo, refused

ray = pytest.importorskip("ray", reason="needs the extra `cluster`")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    from ray import serve

    from service.cluster import Options, application

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("cluster")
    # `folder` itself is not used: where the replicas keep their meshes is the fsspec address alone.
    settings = Settings(store_dir=folder / "unused", store_url=f"file://{folder}/meshes")
    paths = {"PYTHONPATH": str(Path(__file__).parents[2])}
    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": paths}, log_to_driver=False)
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(application(settings, Options(min_replicas=2, max_replicas=2, cpus=0.5), load), name="mpt")
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            yield client
        assert not (folder / "unused").exists()
    finally:
        serve.shutdown()
        ray.shutdown()


def answer(client: httpx2.Client) -> dict:
    end = time.monotonic() + 120
    while True:
        response = client.post("/reconstruct", files=form(photo()))
        if response.status_code == 200 or time.monotonic() > end:
            assert response.status_code == 200, response.text
            return response.json()
        time.sleep(0.5)  # a replica is still loading


def test_two_replicas_answer_and_each_serves_the_meshes_of_both(client):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(answer, [client] * 40))
    assert len({found["model"] for found in answers}) == 2
    for found in answers:
        for person in found["people"]:
            for _ in range(2):  # by whichever replica
                assert client.get(person["mesh"]["glb"]).content[:4] == b"glTF"


def test_the_rest_is_the_same_service(client):
    assert client.get("/v2/health/ready").status_code == 200
    assert "<h1>" in client.get("/").text
    refused(client.post("/reconstruct", files=form(b"no image")), 415, "JPEG, PNG, WebP, HEIC, AVIF or still GIF")
    refused(client.get("/nothing"), 404, "nothing at this address")
    response = client.get("/models", headers={"X-Request-ID": "abc"})
    assert "abc" in response.headers["x-request-id"]  # Ray adds the same header once more
    assert response.json()[0]["mode"] == "zero-shot"


def test_serve_run_hands_over_its_options_as_text(monkeypatch, tmp_path):
    from ray import serve

    from service.cluster import build

    monkeypatch.setenv("MPT_STORE_URL", f"file://{tmp_path}")
    assert isinstance(build({"max_replicas": "2", "gpus": "0.5"}), serve.Application)
    for options, words in [({"max_replicas": "many"}, "max_replicas"), ({"max_replica": "2"}, "max_replica")]:
        with pytest.raises(ValidationError, match=words):
            build(options)
