"""A running service, and the command line, with a stand-in for the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from cli.main import app
from model.reconstructor import Reconstructor
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.remembering import loading_once
from tests.support.service_client import serving, wait_until_ready

# What trains needs PyTorch, for which tests of the service alone should not wait.
if TYPE_CHECKING:
    import torch

    from model.network.topology import MeshTopology
    from training.bodies.anny import AnnyBody
    from training.mocap.poses import MocapPoses


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Schemathesis makes up its requests when it is collected: for seconds, though the slow tests are not to be run."""
    return (collection_path.name == "test_service_schema.py" and config.option.markexpr == "not slow") or None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store_dir=tmp_path / "meshes")


@pytest.fixture
def model() -> FakeReconstructor:
    return FakeReconstructor()


@pytest.fixture(scope="session")
def shared_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(Settings(store_dir=tmp_path_factory.mktemp("shared") / "meshes")) as client:
        wait_until_ready(client)
        yield client


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """A running service: a test's own if it asks for its `settings` or `model`, else one that tests share.

    To start one costs as much as ten requests.
    """
    if not {"settings", "model"} & set(request.fixturenames):
        yield request.getfixturevalue("shared_client")
        return
    settings, model = (request.getfixturevalue(name) for name in ("settings", "model"))
    with serving(settings, model) as client:
        wait_until_ready(client)
        model.calls.clear()
        yield client


@pytest.fixture(scope="session")
def load() -> Callable[..., Reconstructor]:
    """`Reconstructor.load` for who changes nothing in it: each network once, and what it answers of a photo once."""
    return loading_once()


@pytest.fixture
def loads_once(load: Callable[..., Reconstructor], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line's too."""
    monkeypatch.setattr(Reconstructor, "load", load)


@pytest.fixture(scope="session")
def boxed_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint for hands that knows the drawn one."""
    from tests.support.boxed_hand import save_boxed_hand

    return save_boxed_hand(tmp_path_factory.mktemp("hand"))


@pytest.fixture
def loads(model: FakeReconstructor, monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What was asked of `Reconstructor.load`, which gives the stand-in."""
    calls: list[dict] = []

    def load(checkpoint: Path | None, **options: str) -> FakeReconstructor:
        calls.append({"checkpoint": checkpoint, **options})
        return model

    monkeypatch.setattr(Reconstructor, "load", load)
    return calls


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: list[dict]) -> Callable[..., tuple[int, str]]:
    """`mpt reconstruct` in a folder of its own: the exit code, and all that it wrote."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["reconstruct", *arguments])
        return result.exit_code, result.output

    return run


@pytest.fixture(scope="session")
def body() -> AnnyBody:
    from training.bodies.anny import AnnyBody

    return AnnyBody.load()


@pytest.fixture(scope="session")
def poses() -> torch.Tensor:
    """The built-in sample's, (N, 22, 3, 3)."""
    import torch

    from training.mocap.sample import read_sample

    return torch.from_numpy(read_sample().rotations)


@pytest.fixture(scope="session")
def topology() -> MeshTopology:
    """The open body's, of the shipped checkpoint: to fit one takes seconds."""
    from model.network.checkpoint import load_checkpoint
    from model.runtime.loading import default_checkpoint

    return load_checkpoint(default_checkpoint()).topology


@pytest.fixture(scope="session")
def three_people() -> MocapPoses:
    """The built-in sample's poses, called those of three people of CMU's: one for each split, 02 is held out."""
    from training.mocap.poses import MocapPoses
    from training.mocap.sample import read_sample

    sample = read_sample()
    subjects = sample.subjects.copy()
    subjects[:] = [("CMU/01", "CMU/03", "CMU/02")[i % 3] for i in range(len(sample))]
    return MocapPoses(sample.rotations, subjects, sample.clips)


@pytest.fixture(scope="session")
def rendered(topology: MeshTopology, three_people: MocapPoses, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of their pictures: 4 to train on, 2 to validate, 2 to test. Not to be changed."""
    from training.images.prepare import prepare

    folder = tmp_path_factory.mktemp("rendered")
    prepare(folder, topology, three_people, {"train": 4, "validation": 2, "test": 2})
    return folder
