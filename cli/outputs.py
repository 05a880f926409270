"""What was found in one photo as files: GLB, OBJ, JSON, npz, and pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from cli.console import results
from model.errors import BadInput
from model.files import atomic_write
from model.formats.endings import OVERLAY, SIDE
from model.formats.mesh import glb_to_obj, to_glb
from model.formats.photo import Photo
from service import schemas
from service.responses import encode_answer, encode_person

if TYPE_CHECKING:
    from model.reconstructor import Reconstructor
    from model.results import Reconstruction


def write_meshes(stem: Path, found: Reconstruction, faces: np.ndarray, formats: frozenset[str]) -> list[dict[str, str]]:
    """Write each person's mesh as `<stem>-<number>.glb` and `.obj`, as far as the formats say.

    Returns:
        For each person the files' names by format.

    Raises:
        BadInput: A mesh is broken.
    """
    links = []
    for number, person in enumerate(found.people, start=1):
        name = f"{stem.name}-{number}"
        try:
            glb = to_glb(person.vertices, person.faces, name, person.colors) if formats & {"glb", "obj"} else b""
        except ValueError as error:
            raise BadInput(f"Person {number} came out as no mesh: {error}. Another checkpoint may help.") from None
        files: dict[str, str] = {}
        for kind in ("glb", "obj"):
            if kind in formats:
                files[kind] = f"{name}.{kind}"
                write(stem.with_name(files[kind]), glb if kind == "glb" else glb_to_obj(glb))
        links.append(files)
    return links


def write_scene(stem: Path, found: Reconstruction) -> str | None:
    """Write everyone on the ground as `<stem>.scene.glb`; returns its name, or None if there is nobody."""
    if not found.people:
        return None
    path = stem.with_name(f"{stem.name}.scene.glb")
    write(path, found.to_glb())
    return path.name


def to_json(
    stem: Path,
    photo: Photo,
    found: Reconstruction,
    model: Reconstructor,
    links: list[dict[str, str]],
    timings_ms: dict[str, float],
    parameters: Sequence[schemas.Parameters | None] | None = None,
    scene: str | None = None,
) -> bytes:
    """The answer that the service would give, as JSON; its links are the names of the files beside it."""
    of_people = zip_longest(found.people, links, parameters or ())
    people = [encode_person(f"{stem.name}-{number}", *about) for number, about in enumerate(of_people, start=1)]
    whole = encode_answer(stem.name, photo, model.modes[0], model, people, found.scene, timings_ms, {"scene": scene})
    told = whole.model_dump(mode="json", exclude_none=True)
    for person, files in zip(told.get("hands") or told["people"], links):
        person["mesh"] = files  # there may be more than the service has
    return json.dumps(told, separators=(",", ":")).encode()


def write_pictures(stem: Path, found: Reconstruction) -> None:
    """Write the photo with the meshes over it, and the meshes from the side."""
    write_png(stem.with_name(stem.name + OVERLAY), found.overlay())
    write_png(stem.with_name(stem.name + SIDE), found.side_view())


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, with the folders above it, and list it on standard output.

    Raises:
        OSError: It cannot be written.
    """
    with atomic_write(path) as partial:
        partial.write_bytes(data)
    results.print(str(path))


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write a picture, (H, W, 3) uint8 RGB, as PNG; see `write`."""
    write(path, cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes())
