"""Tells whether an export is still what the code and a checkpoint would give: a digest of what its graph is made of."""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

# What the exported modules are built by, and the file that turns them into graphs.
_ROOTS = (
    "model.network.mpt",
    "model.network.checkpoint",
    "model.network.backbones",
    "model.network.detectors.registry",
)
_EXPORTER = Path("runtime", "export.py")
_IN_NO_GRAPH = frozenset(("model.errors", "model.files"))  # words for people; how files are written


def fingerprint(checkpoint: Path, package: Path | None = None) -> str:
    """Changes with the checkpoint and with the code that makes a graph of it, and with nothing else.

    Args:
        checkpoint: its file.
        package: the folder of the package `model`; None for the one that runs.

    Raises:
        OSError: the checkpoint cannot be read.
    """
    package = package or Path(__file__).parents[1]
    digest = hashlib.sha256(checkpoint.read_bytes())
    for source in [*graph_sources(package), package / _EXPORTER]:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def graph_sources(package: Path) -> list[Path]:
    """The files of the package that the networks are made of: where the roots' imports lead, sorted."""
    found: dict[str, Path] = {}
    waiting = list(_ROOTS)
    while waiting:
        name = waiting.pop()
        path = _file(package, name)
        if path is not None and name not in found and name not in _IN_NO_GRAPH:
            found[name] = path
            waiting += _imports(path.read_bytes())
    return sorted(found.values())


def _file(package: Path, name: str) -> Path | None:
    """The file of a module of the package; None if the name is that of something else."""
    if name.partition(".")[0] != package.name:
        return None
    path = package.joinpath(*name.split(".")[1:])
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


@functools.cache  # the same for each checkpoint
def _imports(source: bytes) -> tuple[str, ...]:
    """Names of modules that a source imports, and of what it takes out of them, which may be modules too."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
            names += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(names)
