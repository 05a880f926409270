"""One answer's photo and meshes in one file, and the pictures that are drawn of them when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from model.rendering.overlay import overlay, side_view
from model.rendering.shading import Figure
from model.scene.ground import leveling

if TYPE_CHECKING:
    from model.results import Person
    from model.scene.up import Up

View = Literal["photo", "side"]
Picture = Literal["png", "jpg", "webp"]
"""What a picture is written as: its name's ending."""

LONGEST = 1600
"""Pixels on the longer side of the photo that is kept: a picture for a screen, in bounded space and time."""
_QUALITY = 92
_ENCODING = {"png": [], "jpg": [cv2.IMWRITE_JPEG_QUALITY, _QUALITY], "webp": [cv2.IMWRITE_WEBP_QUALITY, 85]}
_PHOTO, _CAMERA, _VERTICES, _FACES, _COLORS, _OWN = "photo", "camera", "vertices-", "faces-", "colors-", "own"
_LEVEL = "level"


def pack(photo: np.ndarray, people: list[Person], up: Up | None) -> bytes:
    """Writes what the pictures need: the photo as JPEG, scaled down to `LONGEST`, its camera, and the meshes.

    Args:
        photo: (H, W, 3) uint8 RGB.
        people: All of this photo.
        up: Where up is in the camera's frame, if that is known.
    """
    height, width = photo.shape[:2]
    photo = _scaled_down(photo)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    # Scaled by what the sides were rounded to: else a long, narrow photo's meshes would be off by a pixel.
    along_x, along_y = photo.shape[1] / width, photo.shape[0] / height
    camera = [0.0, 0.0, 0.0]
    if people:
        focal, (x, y) = people[0].camera.focal_length, people[0].camera.principal_point
        camera = [focal * (along_x + along_y) / 2, x * along_x, y * along_y]
    arrays: dict[str, np.ndarray] = {_PHOTO: jpeg.reshape(-1), _CAMERA: np.array(camera, np.float64)}
    arrays[_LEVEL] = leveling(up) if up else np.eye(3)
    faces = _numbered([person.faces for person in people])
    colors = _numbered([person.colors for person in people if person.colors is not None])
    for number, person in enumerate(people):
        arrays[f"{_VERTICES}{number:03}"] = person.camera.to_camera(person.vertices)
    arrays |= {f"{_FACES}{number:03}": np.ascontiguousarray(array, np.uint32) for number, array in faces.values()}
    arrays |= {f"{_COLORS}{number:03}": np.ascontiguousarray(array) for number, array in colors.values()}
    of = [(faces[id(one.faces)][0], -1 if one.colors is None else colors[id(one.colors)][0]) for one in people]
    arrays[_OWN] = np.array(of, np.int32).reshape(-1, 2)
    return save(arrays)


def _numbered(arrays: list[np.ndarray]) -> dict[int, tuple[int, np.ndarray]]:
    """The different ones of some arrays, most of which are one and the same: by identity, with a number."""
    different = {id(array): array for array in arrays}
    return {key: (number, array) for number, (key, array) in enumerate(different.items())}


def photo(scene: bytes) -> bytes | None:
    """The photo of a scene as JPEG; None if the scene is broken."""
    try:
        return load(scene)[_PHOTO].tobytes()
    except (SafetensorError, KeyError):
        return None


def _scaled_down(photo: np.ndarray) -> np.ndarray:
    # Halves, averaged, and then the rest: five times as fast as averaging at once, since every photo waits for it.
    while max(photo.shape[:2]) >= 2 * LONGEST:
        size = max(1, photo.shape[1] // 2), max(1, photo.shape[0] // 2)
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    scale = LONGEST / max(photo.shape[:2])
    if scale >= 1:
        return photo
    size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    return cv2.resize(photo, size, interpolation=cv2.INTER_LINEAR)


def draw(scene: bytes, view: View, picture: Picture) -> bytes | None:
    """Draws a scene: the meshes over the photo, or the meshes alone from the photo's right.

    Args:
        scene: What `pack` wrote.
        view: Which of the two.
        picture: What to write it as.

    Returns:
        None if the scene is broken, as a store without atomic writes may leave it, or another version's.
    """
    try:
        arrays = load(scene)
        pixels = cv2.imdecode(arrays[_PHOTO], cv2.IMREAD_COLOR)
        level, (focal, x, y) = arrays[_LEVEL], arrays[_CAMERA].tolist()
        figures = [
            Figure(
                arrays[f"{_VERTICES}{number:03}"],
                arrays[f"{_FACES}{faces:03}"],
                None if colors < 0 else arrays[f"{_COLORS}{colors:03}"],
            )
            for number, (faces, colors) in enumerate(arrays[_OWN].tolist())
        ]
    except (SafetensorError, KeyError):
        return None
    if pixels is None:
        return None
    photo = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    if view == "side":
        turned = [figure._replace(vertices=figure.vertices @ level.T) for figure in figures]
        drawn = side_view(turned, (photo.shape[1], photo.shape[0]))
    elif figures:
        drawn = overlay(photo, figures, focal, (x, y))
    else:
        drawn = photo
    return cv2.imencode(f".{picture}", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR), _ENCODING[picture])[1].tobytes()
