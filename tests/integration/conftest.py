"""A running service with a stand-in for the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.settings import Settings
from tests.integration.fake_reconstructor import FakeReconstructor
from tests.integration.service_client import serving, wait_until_ready


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store_dir=tmp_path / "meshes")


@pytest.fixture
def model() -> FakeReconstructor:
    return FakeReconstructor()


@pytest.fixture
def client(settings: Settings, model: FakeReconstructor) -> Iterator[TestClient]:
    with serving(settings, model) as client:
        wait_until_ready(client)
        model.calls.clear()
        yield client
