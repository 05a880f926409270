"""The two clients that people copy, against a service on a socket."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks.served import Served
from tests.support.fake_reconstructor import figure
from tests.support.film_files import film
from tests.support.forked_service import served_at_once
from tests.support.glb import Glb
from tests.support.service_client import photo
from tests.support.web_server import web_server

CLIENTS = Path(__file__).parents[2] / "service" / "static" / "clients"
KEY = "a-key-that-is-long-enough"


@pytest.fixture(scope="module")
def service() -> Iterator[Served]:
    with served_at_once({"MPT_API_KEYS": KEY}) as service:
        yield service


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photo and a clip."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "photo.jpg").write_bytes(photo(64, 48))
    film(folder / "clip.mp4", [np.full((48, 64, 3), 60 + 10 * index, np.uint8) for index in range(8)])
    return folder


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mpt_client", CLIENTS / "mpt_client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_python(service: Served, desk: Path, module: ModuleType):
    client = module.Client(service.url, KEY)
    answer = client.reconstruct(desk / "photo.jpg", max_people=1, vertices=True)
    (person,) = answer["people"]
    assert len(person["vertices"]) == len(figure()[0])
    client.save(person["mesh"]["glb"], desk / "person.glb")
    assert len(Glb((desk / "person.glb").read_bytes()).attribute("POSITION")) == len(figure()[0])
    assert client.reconstruction(answer["id"])["id"] == answer["id"]
    client.delete_reconstruction(answer["id"])
    with pytest.raises(module.Refused, match="no answer with this id") as caught:
        client.reconstruction(answer["id"])
    assert (caught.value.status, caught.value.type) == (404, "urn:mpt:problem:not-found")
    boxed = client.reconstruct(desk / "photo.jpg", bbox=[(1, 1, 20, 20), "9,9,20,20"])
    assert [person["bbox"][:2] for person in boxed["people"]] == [[1, 1], [9, 9]]
    results = client.reconstruct_all([desk / "photo.jpg", b"no photo"])
    assert [result["status"] for result in results] == [200, 415]


def test_the_example_at_the_beginning_is_python(module: ModuleType):
    _, example = module.__doc__.split("\n\n", 1)
    ast.parse(example)


def test_python_videos(service: Served, desk: Path, module: ModuleType):
    client, told = module.Client(service.url, KEY), []
    job = client.wait(client.send_video(desk / "clip.mp4", format=["glb", "npz"], overlay=True), told.append, 0.05)
    assert {file["name"] for file in job["files"]} == {"video-1.glb", "video-1.npz", "video.overlay.webm"}
    assert told[-1] == 1 and told == sorted(told)
    assert len(client.fetch(job["files"][0]["url"])) == job["files"][0]["bytes"]
    client.delete_job(job["id"])
    with pytest.raises(module.Refused, match="no such job"):
        client.job(job["id"])
    (desk / "broken.mp4").write_bytes((desk / "clip.mp4").read_bytes()[:200])
    with pytest.raises(module.Refused, match=r"breaks off|decoded"):
        client.wait(client.send_video(desk / "broken.mp4"), every=0.05)


def test_python_says_what_is_wrong(service: Served, desk: Path, module: ModuleType):
    with pytest.raises(module.Refused, match="needs a key"):
        module.Client(service.url).reconstruct(desk / "photo.jpg")
    with pytest.raises(module.Refused, match="no such parameter"):
        module.Client(service.url, KEY).reconstruct(desk / "photo.jpg", maxpeople=1)


SCRIPT = """
import { readFile } from "node:fs/promises";
import { Client, Refused } from "CLIENT";
const client = new Client("URL", { key: "KEY" });
const photo = await readFile("photo.jpg");
const answer = await client.reconstruct(photo, { max_people: 1, bbox: ["1,1,20,20", "9,9,20,20"] });
const [person] = answer.people;
const vertices = await client.vertices(person);
const faces = await client.faces(person);
const again = await client.reconstruction(answer.id);
await client.deleteReconstruction(answer.id);
const gone = await client.reconstruction(answer.id).catch((error) => error);
const results = await client.reconstructAll([photo, new Uint8Array([1])]);
const told = [];
const sent = await client.sendVideo(await readFile("clip.mp4"), { format: ["glb", "npz"] });
const job = await client.wait(sent, { tell: (progress) => told.push(progress), every: 50 });
const bytes = (await (await client.fetch(job.files[0].url)).arrayBuffer()).byteLength;
await client.deleteJob(job.id);
const locked = await new Client("URL").reconstruct(photo).catch((error) => error);
console.log(JSON.stringify({
  people: answer.people.length, vertices: [...vertices], faces: [...faces], again: again.id === answer.id,
  gone: [gone instanceof Refused, gone.status, gone.message], results: results.map((one) => one.status),
  files: job.files.map((file) => file.name), bytes: bytes === job.files[0].bytes, told: told.at(-1),
  locked: [locked.status, locked.type],
}));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_javascript(service: Served, desk: Path):
    script = desk / "try.mjs"
    shutil.copy(CLIENTS / "mpt-client.js", desk / "mpt-client.mjs")  # Node takes .js for another kind of module
    source = SCRIPT.replace("CLIENT", "./mpt-client.mjs").replace('"URL"', f'"{service.url}"').replace("KEY", KEY)
    script.write_text(source)
    done = subprocess.run(["node", script.name], cwd=desk, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    vertices, faces = figure()
    np.testing.assert_array_equal(np.array(told["vertices"], np.float32).reshape(-1, 3), vertices)
    np.testing.assert_array_equal(np.array(told["faces"]).reshape(-1, 3), faces)
    assert told["people"] == 1 and told["again"] and told["bytes"]
    assert told["gone"][:2] == [True, 404] and "no answer with this id" in told["gone"][2]
    assert told["results"] == [200, 415]
    assert told["files"] == ["video-1.glb", "video-1.npz"] and told["told"] == 1
    assert told["locked"] == [401, "urn:mpt:problem:unauthorized"]


def test_who_had_to_give_way_tries_again(desk: Path, module: ModuleType):
    """408 is what idle uploads get where places run out; a proxy's Retry-After may be a date."""
    answers = [(408, "0"), (429, "Wed, 21 Oct 2015 07:28:00 GMT"), (503, "0"), (200, "")]
    left: list[tuple[int, str]] = []

    def page(handler: BaseHTTPRequestHandler) -> None:
        status, wait = left.pop(0)
        handler.send_response(status)
        body = json.dumps({"type": "x", "detail": "y", "people": []}).encode()
        for name, value in {"Retry-After": wait, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    with web_server({"/v1/reconstruct": page}) as server:
        left[:] = answers
        assert module.Client(server.url).reconstruct(desk / "photo.jpg")["people"] == [] and not left
        left[:] = answers
        with pytest.raises(module.Refused, match="y"):
            module.Client(server.url, tries=1).reconstruct(desk / "photo.jpg")
        if shutil.which("node"):
            left[:] = [answers[0], answers[-1]]
            shutil.copy(CLIENTS / "mpt-client.js", desk / "mpt-client.mjs")
            script = f'import {{ Client }} from "./mpt-client.mjs"; await new Client("{server.url}").reconstruct("x");'
            subprocess.run(["node", "--input-type=module", "-e", script], cwd=desk, check=True, timeout=60)
            assert not left


def test_they_can_be_fetched_from_the_service(service: Served, module: ModuleType):
    for name in ("mpt_client.py", "mpt-client.js"):
        assert module.Client(service.url).fetch(f"static/clients/{name}") == (CLIENTS / name).read_bytes()
