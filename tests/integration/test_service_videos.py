"""Videos over HTTP: a job for each, whose state outlives the service."""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import json
import time
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.jobs import webhooks
from service.jobs.schemas import VideoQuery
from service.jobs.state import JobState
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.film_files import film
from tests.support.glb import Glb
from tests.support.service_client import form, photo, refused, serving, wait_until_ready
from tests.support.waiting import wait_for
from tests.support.web_server import redirect, web_server, whole

COUNT = 12
SECRET = "a-secret-that-is-long-enough"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Half a second of 24 frames a second, in which the stand-in sees one person."""
    frames = [np.full((48, 64, 3), 60 + 10 * index, np.uint8) for index in range(COUNT)]
    return film(tmp_path_factory.mktemp("clip") / "clip.mp4", frames, 24).read_bytes()


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


def test_a_video_becomes_a_job_and_then_files(client, clip):
    response = client.post("/v1/videos?overlay=true", files={"video": ("clip.mp4", clip)})
    job = response.json()
    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["status"] in ("queued", "running") and job["files"] == []
    job = ended(client, job["id"])
    assert (job["status"], job["progress"], job["people"]) == ("succeeded", 1.0, 1)
    assert job["frames"] == 2 * COUNT
    assert job["created"] <= job["started"] <= job["finished"]
    links = {file["name"]: file["url"] for file in job["files"]}
    assert set(links) == {"video-1.glb", "video.json", "video.overlay.webm"}
    told = client.get(links["video.json"]).json()
    assert len(told["people"][0]["frames"]) == COUNT
    keys, _ = Glb(client.get(links["video-1.glb"]).content).channels()["translation"]
    assert keys == pytest.approx(np.arange(COUNT) / 24, abs=0.002)
    part = client.get(links["video.overlay.webm"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"\x1a\x45\xdf\xa3")
    assert part.headers["content-type"] == "video/webm"


def test_bare_bytes_are_the_same(client, clip):
    response = client.post("/v1/videos", content=clip, headers={"Content-Type": "video/mp4"})
    assert response.status_code == 202
    assert ended(client, response.json()["id"])["status"] == "succeeded"


def test_the_query_reaches_the_film(client, model, clip):
    job = send(client, clip, "?format=npz&frame_rate=12&focal_length=70&max_people=1")
    (file,) = ended(client, job["id"])["files"]
    assert file["name"] == "video-1.npz"
    assert len(model.calls) == COUNT / 2
    assert {call["focal_length"] for call in model.calls} == {70}


def test_in_haste_networks_see_fewer_frames(client, model, clip):
    ended(client, send(client, clip, "?format=json&fast=true")["id"])
    assert 0 < len(model.calls) < COUNT


@pytest.mark.parametrize(
    ("query", "arguments", "status", "words"),
    [
        ("", {}, 422, "curl -F video="),
        ("", {"files": {"image": ("a", b"x")}}, 422, "curl -F video="),
        ("", {"content": b"{}", "headers": {"Content-Type": "application/json"}}, 422, "curl -F video="),
        ("", {"content": b"no film", "headers": {"Content-Type": "video/mp4"}}, 415, "no video"),
        ("", {"content": b"", "headers": {"Content-Type": "video/mp4"}}, 422, "video is empty"),
        ("?format=obj", {}, 422, "format"),
        ("?fps=3", {}, 422, "fps: there is no such parameter.*frame_rate"),
        ("?frame_rate=0", {}, 422, "frame_rate"),
        ("?mode=fine-tuned", {}, 422, "no fine-tuned checkpoint"),
        ("?format=bvh", {}, 422, "no rig"),
        ("?webhook=https://a.example/", {}, 422, "MPT_WEBHOOK_SECRET"),
    ],
)
def test_what_is_no_video_is_refused_and_leaves_nothing(client, settings, query, arguments, status, words):
    refused(client.post(f"/v1/videos{query}", **arguments), status, words)
    assert files(settings) == []


def test_a_broken_film_fails_with_a_sentence(client, settings, clip):
    for hostile in (clip[:400], b"\x1a\x45\xdf\xa3" + bytes(2000), b"\0\0\0\x18ftypmp42" + b"\xff" * 500):
        job = ended(client, send(client, hostile)["id"])
        assert job["status"] == "failed"
        assert job["problem"]["status"] == 422 and job["problem"]["detail"].endswith((".", "!"))
        assert not (settings.jobs_folder / job["id"] / "film").exists()


def test_a_long_film_is_refused(settings, clip):
    with serving(settings.model_copy(update={"max_video_frames": 5})) as client:
        wait_until_ready(client)
        assert "more than the 5 frames" in ended(client, send(client, clip)["id"])["problem"]["detail"]
        assert ended(client, send(client, clip, "?frame_rate=6")["id"])["status"] == "succeeded"


def test_a_large_film_is_refused_and_a_photo_may_not_be_as_large(settings):
    limits = {"max_body_bytes": 2**20, "max_video_bytes": 2**21}
    with serving(settings.model_copy(update=limits)) as client:
        wait_until_ready(client)
        film = {"headers": {"Content-Type": "video/mp4"}}
        refused(client.post("/v1/videos", content=bytes(2**21 + 1), **film), 413, "at most 2 MiB")
        refused(client.post("/v1/videos", content=iter([bytes(2**20)] * 3), **film), 413, "at most 2 MiB")
        refused(client.post("/v1/videos", content=bytes(2**20 + 1), **film), 415, "no video")
        refused(client.post("/v1/reconstruct", content=bytes(2**20 + 1), **film), 413, "at most 1 MiB")
    assert files(settings) == []


def test_a_film_larger_than_all_space_is_refused_for_good(settings):
    with serving(settings.model_copy(update={"max_video_bytes": 2**22, "job_quota_bytes": 2**20})) as client:
        wait_until_ready(client)
        response = client.post("/v1/videos", content=bytes(2**20 + 1), headers={"Content-Type": "video/mp4"})
        refused(response, 413, "at most 1 MiB")
        assert client.get("/v2/health/ready").json()["limits"]["max_video_bytes"] == 2**20


def test_a_request_without_a_film_is_told_how_to_send_one(client, clip):
    for bad in ({"files": {"image": clip}}, {"files": [("video", clip)] * 2}, {"json": {}}, {"content": b"x"}):
        response = client.post("/v1/videos", **bad)
        assert response.status_code in (400, 422)
        assert "Send one video" in response.json()["detail"] and "photo" not in response.json()["detail"]
    refused(client.post("/v1/videos", files={"video": b""}), 422, "video is empty")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such(settings, clip, monkeypatch, number):
    def full(*_: object) -> None:
        raise OSError(number, "full")

    with serving(settings) as client:
        wait_until_ready(client)
        job = send(client, clip)
        assert ended(client, job["id"])["status"] == "succeeded"
        monkeypatch.setattr("service.jobs.runner.run", full)
        assert "disk is full" in ended(client, send(client, clip)["id"])["problem"]["detail"]
        monkeypatch.setattr("service.jobs.folder.JobFolder.write", full)
        refused(client.post("/v1/videos", files={"video": clip}), 507, "disk is full")
        monkeypatch.setattr("service.store.MeshStore.put", full)
        refused(client.post("/reconstruct", files=form(photo())), 507, "disk is full")


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


def test_a_restart_goes_on_with_what_was_not_done(settings, model, clip):
    with serving(settings, model) as client:
        wait_until_ready(client)
        done = ended(client, send(client, clip)["id"])
        model.go.clear()
        working, waiting = send(client, clip), send(client, clip)
        wait_for(lambda: len(model.calls) > COUNT)
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
    job = JobState(id=identifier, query=VideoQuery(), base="", status="running", **state)
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
    with serving(settings.model_copy(update={"job_lifetime": 1})) as client:
        wait_until_ready(client)
        job = ended(client, send(client, clip)["id"])
        time.sleep(1.1)
        send(client, clip)  # makes room
        refused(client.get(f"/v1/jobs/{job['id']}"), 404, "no such job")


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


def test_videos_can_be_switched_off(settings, clip):
    with serving(settings.model_copy(update={"video_queue": 0}), FakeReconstructor()) as client:
        wait_until_ready(client)
        refused(client.post("/v1/videos", files={"video": ("a", clip)}), 422, "takes no videos.*MPT_VIDEO_QUEUE")
