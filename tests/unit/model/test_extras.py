"""What to install is said so that the command works, wherever the package came from."""

from __future__ import annotations

import json
import sys
from importlib import metadata

import pytest

from model import extras


class Installed:
    def __init__(self, origin: object) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


ORIGINS = {
    "checkout": ({"url": "file:///src/a b", "dir_info": {"editable": True}}, '-e "/src/a b[heic]"'),
    "folder": ({"url": "file:///src/mpt", "dir_info": {}}, '"mpt-human[heic] @ file:///src/mpt"'),
    "git": (
        {"url": "https://a.example/mpt.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
        '"mpt-human[heic] @ git+https://a.example/mpt.git@abc"',
    ),
    "index": (None, '"mpt-human[heic]"'),
}


@pytest.mark.parametrize(("origin", "requirement"), ORIGINS.values(), ids=ORIGINS.keys())
def test_an_extra_comes_from_where_the_package_came_from(monkeypatch, origin, requirement):
    monkeypatch.setattr(metadata, "distribution", lambda name: Installed(origin))
    assert extras.how_to_install("heic") == f"{sys.executable} -m pip install {requirement}"


def test_a_checkout_that_was_never_installed_is_named(monkeypatch):
    def missing(name: str) -> Installed:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    command = extras.how_to_install("heic")
    folder = command.removeprefix(f'{sys.executable} -m pip install -e "').removesuffix('[heic]"')
    with open(f"{folder}/pyproject.toml", encoding="utf-8") as file:
        assert 'name = "mpt-human"' in file.read()


def test_a_dependency_is_named_with_its_version(monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda name: ["torchvision>=1", "torch-scatter>=2", "torch==2.13.0"])
    command = extras.how_to_install_again("torch")
    assert command == f'{sys.executable} -m pip install --force-reinstall "torch==2.13.0"'
