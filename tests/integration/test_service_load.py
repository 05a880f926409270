"""Start-up, health, failing models, and many requests at once."""

from __future__ import annotations

import json
import threading

import anyio
import httpx2
import numpy as np
import pytest

from model.errors import WeightsMissing
from service.app import create_app
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.service_client import form, photo, refused, serving, wait_until_loading_ends, wait_until_ready


def test_ready_only_once_the_model_is_loaded(settings):
    go = threading.Event()

    def load(_: Settings) -> list[FakeReconstructor]:
        assert go.wait(30)
        return [FakeReconstructor()]

    with serving(settings, load=load) as client:
        assert client.get("/v2/health/live").json() == {"status": "live"}
        refused(client.get("/v2/health/ready"), 503, "still loading")
        response = client.post("/reconstruct", files=form(photo()))
        refused(response, 503, "still loading")
        assert int(response.headers["retry-after"]) >= 1
        go.set()
        wait_until_ready(client)
        assert client.get("/v2/health/ready").json()["status"] == "ready"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            WeightsMissing("movenet-thunder is missing. Run python -m weights.fetch."),
            "failed to load: movenet-thunder.*fetch",
        ),
        (RuntimeError("/secret/path"), r"failed to load \(RuntimeError\)"),
    ],
)
def test_a_model_that_fails_to_load_says_why(settings, error, words):
    def load(_: Settings) -> list[FakeReconstructor]:
        raise error

    with serving(settings, load=load) as client:
        wait_until_loading_ends(client)
        body = refused(client.get("/v2/health/ready"), 503, words)
        assert "/secret/path" not in json.dumps(body)
        assert client.get("/v2/health/live").status_code == 200
        refused(client.post("/reconstruct", files=form(photo())), 503, words)


def test_a_model_that_fails_at_its_warm_up_is_not_ready(settings, model):
    model.reconstruct = lambda *_, **__: 1 / 0
    with serving(settings, model) as client:
        wait_until_loading_ends(client)
        refused(client.get("/v2/health/ready"), 503, "ZeroDivisionError")


def test_hands_that_fail_at_their_warm_up_leave_bodies_ready(settings, model, caplog):
    hands = FakeReconstructor()
    hands.subject, hands.reconstruct = "hand", lambda *_, **__: 1 / 0
    with serving(settings, load=lambda _: [model, hands]) as client:
        wait_until_ready(client)
        assert client.post("/reconstruct", files=form(photo())).status_code == 200
        refused(client.post("/reconstruct?subject=hand", files=form(photo())), 500, "log says why")


def test_a_failing_model_is_a_500_without_a_trace(client, model):
    model.reconstruct = lambda *_, **__: 1 / 0
    body = refused(client.post("/reconstruct", files=form(photo())), 500, "log says why")
    assert "ZeroDivision" not in json.dumps(body)


def test_a_model_that_returns_nan_is_a_500_not_a_broken_mesh(client, model, settings):
    model.vertices = np.full_like(model.vertices, np.nan)
    refused(client.post("/reconstruct", files=form(photo())), 500, "log says why")
    assert list(settings.store_dir.iterdir()) == []


async def ask_ready(client: httpx2.AsyncClient) -> None:
    with anyio.fail_after(30):
        while (await client.get("/v2/health/ready")).status_code != 200:
            await anyio.sleep(0.01)


def post_many(settings: Settings, model: FakeReconstructor, count: int, before_release: int) -> list[httpx2.Response]:
    """Post `count` photos on one event loop; the model answers only once `before_release` answers are there."""
    responses: list[httpx2.Response] = []

    async def main() -> None:
        app = create_app(settings, lambda _: [model])
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            await ask_ready(client)
            model.calls.clear()
            model.go.clear()

            async def post(index: int) -> None:
                query = f"/reconstruct?focal_length={100 + index}"
                responses.append(await client.post(query, files=form(photo(value=index + 1, extension=".png"))))

            with anyio.fail_after(60):
                async with anyio.create_task_group() as group:
                    for index in range(count):
                        group.start_soon(post, index)
                    while len(responses) < before_release or not model.calls:
                        await anyio.sleep(0.01)
                    # the model holds its threads, not the event loop
                    assert (await client.get("/v2/health/ready")).status_code == 200
                    model.go.set()

    anyio.run(main)
    return responses


def test_concurrent_requests_each_get_their_own_answer(settings, model):
    responses = post_many(settings, model, 12, before_release=0)
    assert [response.status_code for response in responses] == [200] * 12
    answers = [response.json() for response in responses]
    assert len({answer["id"] for answer in answers}) == 12
    focal_lengths = [answer["people"][0]["camera"]["focal_length"] for answer in answers]
    assert sorted(focal_lengths) == list(range(100, 112))
    # photo and focal length of one request stayed together
    assert all(call["focal_length"] == 99 + call["image"][0, 0, 0] for call in model.calls)


def test_beyond_the_queue_the_answer_is_503_at_once(tmp_path, model):
    settings = Settings(store_dir=tmp_path, concurrency=1, queue_size=2, retry_after=7)
    # Five answers come before the model lets go of the first photo: nobody who is refused waits.
    responses = post_many(settings, model, 8, before_release=5)
    assert [response.status_code for response in responses] == [503] * 5 + [200] * 3  # one at work, two waiting
    for response in responses[:5]:
        refused(response, 503, "busy")
        assert response.headers["retry-after"] == "7"


def test_places_are_free_again_after_failures(tmp_path, model):
    with serving(Settings(store_dir=tmp_path, concurrency=1, queue_size=0), model) as client:
        wait_until_ready(client)
        for _ in range(5):
            assert client.post("/reconstruct", files=form(photo()[:-9])).status_code == 422
        assert client.post("/reconstruct", files=form(photo())).status_code == 200


def test_beyond_its_deadline_a_photo_is_answered_504(tmp_path, model):
    settings = Settings(store_dir=tmp_path, concurrency=1, deadline=1.0)
    # The model lets go of the first photo only once both are answered: the one at work, and the one that waits.
    responses = post_many(settings, model, 2, before_release=2)
    for response in responses:
        refused(response, 504, "within 1 second")
