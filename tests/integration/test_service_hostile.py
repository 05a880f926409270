"""Hundreds of hostile files over HTTP: each is refused with a sentence, and memory stays bounded."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image

from benchmarks.served import served
from service.settings import Settings
from tests.support.hostile_files import LIMIT, SIGNATURES, damaged_files, hostile_files
from tests.support.service_client import PROBLEM, form, photo, serving, wait_until_ready

MIB = 2**20
# For one photo at a time: its pixels as Pillow and as numpy keep them, 4 and 3 bytes each, the request's body twice,
# and 100 MiB for what Python and its libraries take on the way.
MEMORY_BOUND = 7 * LIMIT + 2 * 32 * MIB + 100 * MIB


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with serving(Settings(store_dir=tmp_path_factory.mktemp("meshes"), max_pixels=LIMIT)) as client:
        wait_until_ready(client)
        yield client


def assert_refused(response: httpx2.Response, name: str) -> None:
    assert response.status_code in (413, 415, 422), f"{name}: {response.status_code} {response.text[:300]}"
    assert response.headers["content-type"] == PROBLEM
    assert response.json()["detail"].endswith((".", "?"))


def test_every_hostile_file_is_refused(client):
    files = hostile_files()
    assert len(files) >= 200
    for name, data in files.items():
        assert_refused(client.post("/reconstruct", files=form(data)), name)


def test_every_hostile_file_is_refused_among_others(client):
    """As bare bytes, and in a request for several, beside a photo that is answered."""
    files = list(hostile_files().items())
    for start in range(0, len(files), 15):
        some = files[start : start + 15]
        sent = [("image", ("photo", data)) for data in [photo(), *(data for _, data in some)]]
        good, *results = client.post("/v1/reconstruct/batch", files=sent).json()["results"]
        assert good["status"] == 200
        for (name, _), result in zip(some, results, strict=True):
            assert result["status"] in (413, 415, 422), name
            assert result["problem"]["detail"].endswith((".", "?"))
    for name, data in files[::10]:
        assert_refused(client.post("/v1/reconstruct", content=data, headers={"content-type": "image/png"}), name)


def test_a_damaged_photo_is_read_or_refused(client):
    for name, data in damaged_files().items():
        response = client.post("/reconstruct", files=form(data))
        if response.status_code != 200:
            assert_refused(response, name)


@given(signature=st.sampled_from([b"", *SIGNATURES.values()]), noise=st.binary(max_size=2000))
@examples(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_noise_is_refused(client, signature, noise):
    assert_refused(client.post("/reconstruct", files=form(signature + noise)), repr(noise))


@given(content_type=st.text(max_size=40), body=st.binary(max_size=500))
@examples(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_form_of_noise_is_refused(client, content_type, body):
    for kind in (f"multipart/form-data; boundary={content_type}", content_type, "multipart/form-data; boundary=x"):
        headers = {"content-type": kind.encode("utf-8", "replace")}
        response = client.post("/reconstruct", content=b"--x\r\n" + body, headers=headers)
        assert 400 <= response.status_code < 500
        assert response.headers["content-type"] == PROBLEM


@pytest.mark.slow
def test_hostile_files_cost_bounded_memory():
    with (
        served("tests.support.fake_service", {"MPT_MAX_PIXELS": str(LIMIT)}) as service,
        httpx2.Client(base_url=service.url, timeout=300) as client,
    ):
        assert client.post("/reconstruct", files=form(photo())).status_code == 200
        before = service.memory("VmHWM")
        for name, data in {**hostile_files(), **damaged_files()}.items():
            response = client.post("/reconstruct", files=form(data))
            assert response.status_code in (200, 413, 415, 422), name
        grown = service.memory("VmHWM") - before
        print(f"memory grew by {grown / MIB:.0f} MiB at most, the bound is {MEMORY_BOUND / MIB:.0f}")
        assert grown < MEMORY_BOUND
        assert client.post("/reconstruct", files=form(photo())).status_code == 200


@pytest.mark.slow
def test_the_largest_photos_at_once_cost_little_more_than_one():
    side, at_once = 7071, 4  # 50 million pixels, the default limit; as WebP, which takes the most memory
    largest = io.BytesIO()
    Image.new("RGBA", (side, side), (9, 9, 9, 128)).save(largest, format="WEBP", lossless=True, method=0)
    with (
        served("tests.support.fake_service", {"MPT_CONCURRENCY": str(at_once)}) as service,
        httpx2.Client(base_url=service.url, timeout=300) as client,
        ThreadPoolExecutor(at_once) as pool,
    ):

        def post(_: int) -> int:
            return client.post("/reconstruct", files=form(largest.getvalue())).status_code

        before = service.memory("VmHWM")
        assert list(pool.map(post, range(2 * at_once))) == [200] * 2 * at_once
        grown = service.memory("VmHWM") - before
    print(f"memory grew by {grown / MIB:.0f} MiB at most")
    # One is decoded, each of the others there as RGB and scaled down. All decoded at once would be 3.2 GB.
    assert grown < side**2 * (16 + 4 * at_once) + 200 * MIB
