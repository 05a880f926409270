"""Khronos's validator of glTF files, by Node; it comes from npm at the first use and stays in the cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from training.cache import cache_folder

_PACKAGE = "gltf-validator"
_VERSION = "2.0.0-dev.3.10"
_VALIDATE = """
const validator = require(process.argv[1]);
const bytes = require("fs").readFileSync(0);
validator.validateBytes(new Uint8Array(bytes)).then((report) => console.log(JSON.stringify(report)));
"""


def validate(data: bytes) -> list[dict]:
    """What the validator has to say of a GLB; skips the test, with a warning, where the validator cannot be had."""
    command = ["node", "-e", _VALIDATE, str(_folder())]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    messages: list[dict] = json.loads(done.stdout)["issues"]["messages"]
    return messages


@cache
def _folder() -> Path:
    root = cache_folder(f"tests/{_PACKAGE}-{_VERSION}")
    package = root / "node_modules" / _PACKAGE
    with FileLock(root / "lock"):
        if not (package / "package.json").exists():
            npm = shutil.which("npm")
            options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(root)]
            fetch = npm and subprocess.run(
                [npm, "install", *options, f"{_PACKAGE}@{_VERSION}"], capture_output=True, timeout=120
            )
            if not fetch or fetch.returncode != 0:
                reason = f"GLB files are NOT validated: npm cannot fetch {_PACKAGE} {_VERSION}."
                warnings.warn(reason, pytest.PytestWarning, stacklevel=2)  # a skip alone is easily overlooked
                pytest.skip(reason)
    return package
