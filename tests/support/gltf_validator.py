"""Khronos's validator of glTF files."""

from __future__ import annotations

import json
import subprocess

from tests.support.npm import npm_package

_VALIDATE = """
const validator = require(process.argv[1]);
const bytes = require("fs").readFileSync(0);
validator.validateBytes(new Uint8Array(bytes)).then((report) => console.log(JSON.stringify(report)));
"""


def validate(data: bytes) -> list[dict]:
    """What the validator has to say of a GLB; see `npm_package` for where there is none."""
    command = ["node", "-e", _VALIDATE, str(npm_package("gltf-validator", "2.0.0-dev.3.10"))]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    messages: list[dict] = json.loads(done.stdout)["issues"]["messages"]
    return messages
