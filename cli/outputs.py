"""What was found in one photo as files: GLB, OBJ, JSON, npz, and pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from cli.console import results
from cli.inputs import OVERLAY, SIDE
from model.errors import BadInput
from model.files import atomic_write
from model.formats.mesh import glb_to_obj, to_glb
from model.formats.photo import Photo
from service import schemas
from service.responses import encode_answer, encode_person

if TYPE_CHECKING:
    from model.reconstructor import Reconstructor
    from model.results import Person, Reconstruction


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
            glb = to_glb(person.vertices, person.faces, name) if formats & {"glb", "obj"} else b""
        except ValueError as error:
            raise BadInput(f"Person {number} came out as no mesh: {error}. Another checkpoint may help.") from None
        files: dict[str, str] = {}
        for kind in ("glb", "obj"):
            if kind in formats:
                files[kind] = f"{name}.{kind}"
                write(stem.with_name(files[kind]), glb if kind == "glb" else glb_to_obj(glb))
        links.append(files)
    return links


def to_json(
    stem: Path,
    photo: Photo,
    found: Reconstruction,
    model: Reconstructor,
    links: list[dict[str, str]],
    timings_ms: dict[str, float],
    parameters: Sequence[schemas.Parameters] | None = None,
) -> bytes:
    """The answer that the service would give, as JSON; its links are the names of the files beside it."""
    of_people = zip_longest(found.people, links, parameters or ())
    people = [encode_person(f"{stem.name}-{number}", *about) for number, about in enumerate(of_people, start=1)]
    whole = encode_answer(stem.name, photo, model.modes[0], model, people, timings_ms)
    told = whole.model_dump(mode="json", exclude_none=True)
    for person, files in zip(told.get("hands") or told["people"], links):
        person["mesh"] = files  # there may be more than the service has
    return json.dumps(told, separators=(",", ":")).encode()


def to_npz(photo: Photo, found: Reconstruction, faces: np.ndarray, bodies: Mapping[str, Any]) -> bytes:
    """All that was found as numpy arrays, unrounded: those of `arrays`, faces (F, 3), and what is in `bodies`."""
    file = io.BytesIO()
    vertices = _stacked([person.vertices for person in found.people])
    found_arrays = arrays(found.people, photo.width, photo.height)
    np.savez_compressed(file, **found_arrays, **bodies, vertices=vertices, faces=faces)
    return file.getvalue()


def arrays(people: Sequence[Person], width: int, height: int) -> dict[str, Any]:
    """People, or one person's frames, as arrays; P is how many.

    Returns:
        scores (P,), bboxes (P, 4), keypoints_2d (P, K, 3), joints (P, K, 3), translations (P, 3), weak_perspectives
        (P, 3), focal_length (), principal_point (2,), size (2,) as width, height; of hands also left (P,) bool, whose
        faces are inside out.
    """
    camera = people[0].camera if people else None
    return {
        "scores": np.array([person.score for person in people], np.float32),
        "bboxes": np.array([person.bbox for person in people], np.float32).reshape(-1, 4),
        "keypoints_2d": _stacked([person.keypoints_2d for person in people]),
        "joints": _stacked([person.joints for person in people]),
        "translations": np.array([person.camera.translation for person in people], np.float32).reshape(-1, 3),
        "weak_perspectives": np.array([p.camera.weak_perspective for p in people], np.float32).reshape(-1, 3),
        "focal_length": np.float32(camera.focal_length if camera else np.nan),
        "principal_point": np.array(camera.principal_point if camera else (width / 2, height / 2), np.float32),
        "size": np.array([width, height], np.int32),
        **({"left": np.array([p.handedness == "left" for p in people])} if camera and people[0].handedness else {}),
    }


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


def _stacked(arrays: list[np.ndarray]) -> np.ndarray:
    return np.stack(arrays).astype(np.float32) if arrays else np.zeros((0, 0, 3), np.float32)
