"""Where people are seen in a picture, by our own renderer from what the service gave away."""

from __future__ import annotations

import io

import cv2
import httpx2
import numpy as np
import trimesh

from model.rendering.rasterizer import rasterise


def silhouettes(both_modes: httpx2.Client, answer: dict, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Where each person is seen in a picture of the photo with this shape, by our own renderer from the downloads."""
    scale = shape[1] / answer["width"]
    masks = []
    for person in answer["people"]:
        data = both_modes.get(person["mesh"]["glb"]).content
        mesh = trimesh.load_mesh(io.BytesIO(data), file_type="glb", process=False)
        camera = person["camera"]
        placed = np.asarray(mesh.vertices) * (1, -1, -1) + camera["translation"]
        point = tuple(scale * value for value in camera["principal_point"])
        raster = rasterise(placed, np.asarray(mesh.faces), scale * camera["focal_length"], point, shape[1::-1])
        masks.append(raster.face >= 0)
    return masks


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * pixels + 1,) * 2, np.uint8)) > 0
