"""Videos over HTTP: what may be sent, and what comes of it."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.glb import Glb
from tests.support.service_client import form, photo, refused, serving, wait_until_ready
from tests.support.video_jobs import COUNT, ended, files, send


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
    known = client.get(links["video.json"], headers={"If-None-Match": client.head(links["video.json"]).headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    beyond = client.get(links["video.json"], headers={"Range": "bytes=9999999-"})
    refused(beyond, 416, "no such bytes as Range asks for")
    size = next(file["bytes"] for file in job["files"] if file["name"] == "video.json")
    assert beyond.headers["content-range"] == f"bytes */{size}"


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
        ("", {"files": {"video": ("a", b"x")}, "data": {"overlay": "true"}}, 422, r"/v1/videos\?overlay="),
        ("", {"content": b"{}", "headers": {"Content-Type": "application/json"}}, 422, "curl -F video="),
        ("", {"content": b"no film", "headers": {"Content-Type": "video/mp4"}}, 415, "no video"),
        ("", {"files": {"video": ("a", photo())}}, 415, "photo, no video: photos go to /reconstruct"),
        ("", {"content": b"", "headers": {"Content-Type": "video/mp4"}}, 422, "video is empty"),
        ("?format=obj", {}, 422, "format"),
        ("?skeleton=mixamo", {}, 422, "add format=bvh"),
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


def test_videos_can_be_switched_off(settings, clip):
    with serving(settings.model_copy(update={"video_queue": 0}), FakeReconstructor()) as client:
        wait_until_ready(client)
        refused(client.post("/v1/videos", files={"video": ("a", clip)}), 422, "takes no videos.*MPT_VIDEO_QUEUE")
