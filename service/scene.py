"""One answer's photo and meshes in one file, and the pictures that are drawn of them when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from model.rendering.overlay import overlay, side_view
from model.rendering.shading import Figure

if TYPE_CHECKING:
    from model.results import Person

View = Literal["photo", "side"]

LONGEST = 1600
"""Pixels on the longer side of the photo that is kept: a picture for a screen, in bounded space and time."""
_QUALITY = 92
_PHOTO, _CAMERA, _VERTICES, _FACES = "photo", "camera", "vertices-", "faces-"


def pack(photo: np.ndarray, people: list[Person]) -> bytes:
    """Writes what the pictures need: the photo as JPEG, scaled down to `LONGEST`, its camera, and the meshes.

    Args:
        photo: (H, W, 3) uint8 RGB.
        people: All of this photo.
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
    for number, person in enumerate(people):
        arrays[f"{_VERTICES}{number:03}"] = person.camera.to_camera(person.vertices)
        arrays[f"{_FACES}{number:03}"] = np.ascontiguousarray(person.faces, np.uint32)
    return save(arrays)


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


def draw(scene: bytes, view: View) -> bytes | None:
    """Draws a scene as PNG: the meshes over the photo, or the meshes alone from the photo's right.

    Args:
        scene: What `pack` wrote.
        view: Which of the two.

    Returns:
        None if the scene is broken, as a store without atomic writes may leave it.
    """
    try:
        arrays = load(scene)
    except SafetensorError:
        return None
    pixels = cv2.imdecode(arrays[_PHOTO], cv2.IMREAD_COLOR)
    if pixels is None:
        return None
    photo = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    numbers = sorted(name.removeprefix(_VERTICES) for name in arrays if name.startswith(_VERTICES))
    figures = [Figure(arrays[_VERTICES + number], arrays[_FACES + number]) for number in numbers]
    if view == "side":
        picture = side_view(figures, (photo.shape[1], photo.shape[0]))
    elif figures:
        focal, x, y = arrays[_CAMERA].tolist()
        picture = overlay(photo, figures, focal, (x, y))
    else:
        picture = photo
    return cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
