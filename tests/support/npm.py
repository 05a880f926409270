"""Tools that exist for Node alone: from npm at the first use, and then from the cache."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from training.cache import cache_folder


@cache
def npm_package(name: str, version: str) -> Path:
    """The folder of a package; skips the test, with a warning, where it cannot be had."""
    root = cache_folder(f"tests/{name}-{version}")
    package = root / "node_modules" / name
    with FileLock(root / "lock"):
        if not (package / "package.json").exists():
            npm = shutil.which("npm")
            options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(root)]
            fetch = npm and subprocess.run(
                [npm, "install", *options, f"{name}@{version}"], capture_output=True, timeout=120
            )
            if not fetch or fetch.returncode != 0:
                reason = f"A check is NOT made: npm cannot fetch {name} {version}."
                warnings.warn(reason, pytest.PytestWarning, stacklevel=2)  # a skip alone is easily overlooked
                pytest.skip(reason)
    return package
