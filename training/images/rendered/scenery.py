"""What stands behind and before rendered people, and what a camera does to the picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from model.errors import BadData
from training.folders import files_below

_PHOTOS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_LARGEST = 1 << 26  # pixels of a background photo


def find_photos(folder: Path) -> list[Path]:
    """The photos in a folder and below it, in the order of their names.

    Raises:
        BadData: there is none.
    """
    found = [path for path in files_below(Path(folder)) if path.suffix.lower() in _PHOTOS]
    if not found:
        raise BadData(f"{folder} holds no photo ({', '.join(_PHOTOS)}): give a folder that does, or none at all.")
    return found


def background(rng: np.random.Generator, size: int, photos: Sequence[Path] = ()) -> np.ndarray:
    """A scene without people: (size, size, 3) float32 RGB in 0..255, a piece of a photo or made up.

    Raises:
        BadData: a photo cannot be read.
    """
    return _piece(rng, size, photos[int(rng.integers(len(photos)))]) if photos else _made_up(rng, size)


def _piece(rng: np.random.Generator, size: int, path: Path) -> np.ndarray:
    data = np.fromfile(path, np.uint8)
    photo = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if photo is None or photo.shape[0] * photo.shape[1] > _LARGEST:
        raise BadData(f"{path} cannot be read as a photo, or is larger than 64 megapixels: remove it from the folder.")
    height, width = photo.shape[:2]
    side = max(1, int(min(height, width) * rng.uniform(0.4, 1.0)))
    left, top = (int(rng.integers(length - side + 1)) for length in (width, height))
    piece = photo[top : top + side, left : left + side, ::-1]
    piece = piece[:, ::-1] if rng.random() < 0.5 else piece
    how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(piece), (size, size), interpolation=how).astype(np.float32)


def _made_up(rng: np.random.Generator, size: int) -> np.ndarray:
    """Walls and floors, clutter of boxes, blobs and lines, rough textures; more or less out of focus."""
    picture = _shaded(rng, size)
    if rng.random() < 0.6:  # a floor
        level = int(size * rng.uniform(0.45, 0.95))
        slope = int(size * rng.normal(0, 0.03))
        shape = np.array([[0, level - slope], [size, level + slope], [size, size], [0, size]], np.int32)
        _fill(picture, [shape], _shaded(rng, size))
    for _ in range(int(rng.integers(0, 12))):
        _clutter(rng, picture)
    rough = sum(np.float32(rng.exponential(5)) * _noise(rng, cells, size) for cells in (3, 12, 50))
    picture += np.asarray(rough)[..., None]
    if rng.random() < 0.6:
        cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 4), dst=picture)
    return np.clip(picture, 0, 255)


def _clutter(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Draws one thing somewhere, in place."""
    size = len(picture)
    x, y = (float(v) for v in rng.uniform(0, size, 2))
    width, height = (float(v) for v in size * rng.uniform(0.03, 0.5, 2))
    colour = tuple(float(v) for v in _colour(rng))
    kind = rng.integers(4)
    if kind == 0:
        box = cv2.boxPoints(((x, y), (width, height), float(rng.normal(0, 8)))).astype(np.int32)
        _fill(picture, [box], _shaded(rng, size))
    elif kind == 1:
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(picture, ((x, y), (width, height), angle), colour, -1, cv2.LINE_AA)
    elif kind == 2:  # shelves, bars, windows
        count, thick = int(rng.integers(2, 9)), int(rng.integers(1, 6))
        for k in range(count):
            step = k * width / 2
            ends = (
                ((x + step, y), (x + step, y + 2 * height))
                if rng.random() < 0.7
                else ((x, y + step), (x + 2 * width, y + step))
            )
            (x0, y0), (x1, y1) = ends
            cv2.line(picture, (int(x0), int(y0)), (int(x1), int(y1)), colour, thick, cv2.LINE_AA)
    else:
        corners = np.array([x, y]) + rng.normal(size=(int(rng.integers(3, 7)), 2)) * [width / 2, height / 2]
        cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)


def occluder(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Something that stands before the person: colours (size, size, 3) float32, and where it is (size, size) 0..1."""
    mask = np.zeros((size, size), np.float32)
    middle = tuple(float(v) for v in rng.uniform(0.1, 0.9, 2) * size)
    extent = tuple(float(v) for v in rng.uniform(0.08, 0.38, 2) * size)
    angle = float(rng.normal(0, 25))
    if rng.random() < 0.5:
        cv2.fillConvexPoly(mask, cv2.boxPoints((middle, extent, angle)).astype(np.int32), 1.0, cv2.LINE_AA)
    else:
        cv2.ellipse(mask, (middle, extent, angle), 1.0, -1, cv2.LINE_AA)
    texture = _shaded(rng, size) + rng.uniform(0, 30) * _noise(rng, int(rng.integers(4, 60)), size)[..., None]
    return np.clip(texture, 0, 255), mask


def photograph(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """What cameras and files do: (S, S, 3) float32 to uint8 with exposure, blur, noise, low resolution and JPEG."""
    size = len(picture)
    tones = 255 * np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, 0.15))
    tones = (tones - 128) * np.exp(rng.normal(0, 0.1)) + 128 + rng.normal(0, 10)
    tones = (tones * np.exp(rng.normal(0, 0.04, 3))).astype(np.float32)  # (256, 3)
    picture = cv2.LUT(np.clip(picture, 0, 255).astype(np.uint8), tones[None])
    if rng.random() < 0.35:  # the person was small in the photo
        small = int(size * rng.uniform(0.35, 0.9))
        picture = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)
    elif rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.1))
    if rng.random() < 0.7:
        picture += rng.standard_normal((size, size, 1), np.float32) * np.float32(rng.uniform(1, 7))
    result = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        coded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])[1]
        result = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return result


def _fill(picture: np.ndarray, shapes: list[np.ndarray], paint: np.ndarray) -> None:
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, shapes, 1)
    np.copyto(picture, paint, where=mask[..., None].astype(bool))


def _shaded(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size, size, 3) one colour that changes gently across the picture."""
    corners = _colour(rng) + rng.normal(0, 14, (2, 2, 1)) + rng.normal(0, 4, (2, 2, 3))
    return np.asarray(cv2.resize(corners.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def _noise(rng: np.random.Generator, cells: int, size: int) -> np.ndarray:
    """(size, size) smooth noise of deviation about 1, with this many lumps across."""
    lumps = rng.standard_normal((cells, cells), np.float32)
    return cv2.resize(lumps, (size, size), interpolation=cv2.INTER_CUBIC)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) RGB: mostly muted, as rooms and streets are."""
    grey = rng.uniform(30, 240)
    return np.clip(grey + rng.normal(0, 1, 3) * rng.choice([6.0, 22.0, 55.0], p=[0.55, 0.35, 0.1]), 3, 252)
