"""A video's job: waited for, told, deleted; it outlives the service."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service.jobs import webhooks
from service.jobs.schemas import VideoQuery
from service.jobs.state import JobState
from service.routes import jobs as service_jobs
from service.settings import Settings
from tests.support.service_client import refused, serving, wait_until_ready
from tests.support.video_jobs import ended, files, send
from tests.support.waiting import wait_for
from tests.support.web_server import redirect, web_server, whole

SECRET = "a-secret-that-is-long-enough"


def test_no_more_wait_than_may(settings, model, clip):
    with serving(settings.model_copy(update={"video_queue": 2}), model) as client:
        wait_until_ready(client)
        model.go.clear()
        one, two = send(client, clip), send(client, clip)
        response = client.post("/v1/videos", files={"video": ("clip.mp4", clip)})
        refused(response, 503, "too many videos wait")
        assert response.headers["retry-after"]
        assert client.delete(f"/v1/jobs/{two['id']}").status_code == 204
        three = send(client, clip)
        model.go.set()
        assert ended(client, one["id"])["status"] == ended(client, three["id"])["status"] == "succeeded"


def test_a_job_is_deleted_wherever_it_stands(settings, model, clip):
    with serving(settings, model) as client:
        wait_until_ready(client)
        done = ended(client, send(client, clip)["id"])
        model.go.clear()
        working, waiting = send(client, clip), send(client, clip)
        wait_for(lambda: client.get(f"/v1/jobs/{working['id']}").json()["status"] == "running")
        for job in (done, working, waiting):
            assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
            refused(client.get(f"/v1/jobs/{job['id']}"), 404, "no such job")
            refused(client.delete(f"/v1/jobs/{job['id']}"), 404, "no such job")
        model.go.set()
        wait_for(lambda: files(settings) == [])
        assert client.get(done["files"][0]["url"]).status_code == 404


def test_what_a_job_has_not_is_not_there(client, clip):
    job = ended(client, send(client, clip)["id"])
    for name in ("state.json", "film", "..%2fstate.json", "../state.json", "video-2.glb", ""):
        assert client.get(f"/v1/jobs/{job['id']}/files/{name}").status_code == 404
    for identifier in ("x", "0" * 32, "..%2f.."):
        refused(client.get(f"/v1/jobs/{identifier}"), 404, "no such job|nothing at this address")


def test_events_tell_each_step_until_the_end(client, clip):
    job = send(client, clip)
    with client.stream("GET", job["events"]) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    assert set(lines[::2]) == {"event: job"}
    told = [json.loads(line.removeprefix("data: ")) for line in lines[1::2]]
    assert told[-1]["status"] == "succeeded"
    assert [one["progress"] for one in told] == sorted(one["progress"] for one in told)
    refused(client.get(f"/v1/jobs/{'0' * 32}/events"), 404, "no such job")


def test_events_tell_that_the_job_is_deleted(settings, model, clip):
    with serving(settings, model) as client, ThreadPoolExecutor() as pool:
        wait_until_ready(client)
        model.go.clear()
        job = send(client, clip)
        told = pool.submit(client.get, job["events"])
        wait_for(lambda: service_jobs._listeners == 1)
        client.delete(f"/v1/jobs/{job['id']}")
        model.go.set()
        *_, last = told.result().text.strip().split("\n\n")
        assert last == f'event: deleted\ndata: {{"id":"{job["id"]}"}}'


def test_a_restart_goes_on_with_what_was_not_done(settings, model, clip):
    with serving(settings, model) as client:
        wait_until_ready(client)
        done = ended(client, send(client, clip)["id"])
        model.go.clear()
        before = len(model.calls)
        working, waiting = send(client, clip), send(client, clip)
        wait_for(lambda: len(model.calls) > before)
        model.go.set()
    assert json.loads((settings.jobs_folder / working["id"] / "state.json").read_text())["status"] in (
        "queued",
        "succeeded",
    )
    with serving(settings, model) as client:
        assert client.get(f"/v1/jobs/{done['id']}").json() == done
        assert client.get(done["files"][0]["url"]).status_code == 200
        for job in (working, waiting):
            assert ended(client, job["id"])["status"] == "succeeded"


def lay(settings: Settings, clip: bytes, **state: object) -> str:
    """A job as a killed service leaves it."""
    identifier = f"{int(time.time()):08x}" + "a" * 23 + str(len(files(settings)))
    folder = settings.jobs_folder / identifier
    (folder / "results").mkdir(parents=True)
    (folder / "film").write_bytes(clip)
    job = JobState(id=identifier, query=VideoQuery(), base="", **{"status": "running", **state})
    (folder / "state.json").write_text(job.model_dump_json())
    return identifier


def test_a_film_that_killed_the_service_twice_is_given_up(settings, clip):
    settings.jobs_folder.mkdir(parents=True)
    once, twice = lay(settings, clip, begun=1), lay(settings, clip, begun=2)
    (settings.jobs_folder / ("0" * 32)).mkdir()  # of a film that never arrived
    with serving(settings) as client:
        assert ended(client, once)["status"] == "succeeded"
        assert ended(client, twice)["problem"]["title"] == "Gave up"
        assert set(files(settings)) == {once, twice}


def test_two_services_do_not_share_their_jobs(settings, clip):
    with serving(settings) as first, serving(settings) as second:
        for client in (first, second):
            wait_until_ready(client)
        assert ended(first, send(first, clip)["id"])["status"] == "succeeded"
        refused(second.post("/v1/videos", files={"video": ("a", clip)}), 422, "takes no videos")


def test_files_go_after_their_time(settings, clip):
    settings.jobs_folder.mkdir(parents=True)
    ahead = lay(settings, clip, status="succeeded", finished=time.time() + 1e6)  # when the clock was wrong
    with serving(settings.model_copy(update={"job_lifetime": 1})) as client:
        wait_until_ready(client)
        job = ended(client, send(client, clip)["id"])
        time.sleep(1.1)
        send(client, clip)  # makes room
        for identifier in (job["id"], ahead):
            refused(client.get(f"/v1/jobs/{identifier}"), 404, "no such job")


def test_a_webhook_is_signed_and_tried_again(settings, clip, monkeypatch):
    monkeypatch.setattr(webhooks, "RETRY_SECONDS", (0.01, 0.01))
    answers = [503, 500, 204]
    pages = {"/hook": lambda handler: whole(handler, b"", answers.pop(0)), "/away": redirect("/hook")}
    with web_server(pages) as server:
        more = {"webhook_secret": Settings(webhook_secret=SECRET).webhook_secret, "url_hosts": (server.host,)}
        with serving(settings.model_copy(update=more)) as client:
            wait_until_ready(client)
            for address in ("http://10.0.0.1/hook", "file:///etc/passwd"):
                response = client.post(f"/v1/videos?webhook={address}", files={"video": ("a", clip)})
                refused(response, 422, "not public|begins with")
            job = send(client, clip, f"?webhook={server.url}/hook")
            wait_for(lambda: len(server.visits) == 3)
            visit = server.visits[-1]
            assert json.loads(visit.body) == ended(client, job["id"])
            headers = {name.lower(): value for name, value in visit.headers.items()}
            assert headers["webhook-id"] == job["id"]
            assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
            signed = f"{job['id']}.{headers['webhook-timestamp']}.".encode() + visit.body
            digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
            assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
            state = Path(settings.jobs_folder / job["id"] / "state.json")
            wait_for(lambda: json.loads(state.read_text())["told"])
            send(client, clip, f"?webhook={server.url}/away")
            wait_for(lambda: len(server.visits) == 6)
            assert {visit.path for visit in server.visits[3:]} == {"/away"}
