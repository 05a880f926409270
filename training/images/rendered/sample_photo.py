"""The page's sample photo: dancers who never were, in a studio that is not there, so it is nobody's photo.

`python -m training.images.rendered.sample_photo service/static/sample.jpg` makes it again, the same bytes each time.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

import weights
from model.body.normals import vertex_normals
from model.body.rig_file import load_rig
from model.network.checkpoint import load_checkpoint
from model.rendering.rasterizer import Raster, interpolate, rasterise
from training.bodies.anny import AnnyBody
from training.images.rendered.appearance import Appearance, Fabric, Surface, colours, draw_appearance, regions
from training.images.rendered.lighting import Lamp
from training.mocap.sample import read_sample
from training.rotations import axis_angle_to_matrix

SIZE = (1200, 800)
FOCAL_LENGTH = float(np.hypot(*SIZE))  # what the service assumes when a photo does not say
CAMERA_HEIGHT = 0.97
WALL = 6.0
"""Metres from the camera."""

_SAMPLES = 2  # drawn pixels on a side of each of the picture's
_UP = np.array([0.0, -1.0, 0.0])
_SUN = np.array([-0.62, -0.68, -0.39]) / np.linalg.norm([-0.62, -0.68, -0.39])  # towards it: left, above, before


@dataclass(frozen=True)
class Dancer:
    """One person of the photo."""

    pose: int
    """Number in the sample MoCap."""
    turn: float
    """Degrees about the vertical axis."""
    place: tuple[float, float]
    """Metres to the right of the camera and before it."""
    body: int
    """Number in the bank of bodies."""
    appearance: int
    """Seed of face, hair and cut."""
    top: tuple[int, int, int]
    """RGB of the shirt."""
    bottom: tuple[int, int, int]
    """RGB of the trousers."""
    years: float | None = None
    """Of a child, whose body is the mean one of her age."""


DANCERS = (
    Dancer(pose=224, turn=-28, place=(-1.05, 3.95), body=31, appearance=20, top=(206, 84, 66), bottom=(46, 56, 82)),
    Dancer(pose=612, turn=172, place=(0.22, 4.35), body=2, appearance=5, top=(58, 122, 128), bottom=(52, 50, 54)),
    Dancer(pose=718, turn=-152, place=(1.02, 3.95), body=28, appearance=1, top=(214, 164, 60), bottom=(70, 96, 136)),
)


def dancer_mesh(dancer: Dancer) -> np.ndarray:
    """Where somebody's skin is in the studio: (V, 3) metres, camera frame.

    Raises:
        BadData: the sample MoCap can neither be found nor fetched.
    """
    body, poses = AnnyBody.load(), read_sample()
    rotations = axis_angle_to_matrix(torch.from_numpy(poses.rotations[dancer.pose])[None])
    if dancer.years is None:
        return _before_camera(body.pose(rotations, body.shapes[dancer.body][None])[0].numpy(), dancer)
    rig = load_rig(weights.path("anny-rig"))
    return _before_camera(rig.pose(rotations[0].double().numpy(), rig.grown(dancer.years), np.zeros(3)), dancer)


def sample_photo(dancers: Sequence[Dancer] = DANCERS) -> np.ndarray:
    """Draws the photo: (800, 1200, 3) uint8 RGB.

    Args:
        dancers: Who is in it.

    Raises:
        BadData: the sample MoCap can neither be found nor fetched.
    """
    body = AnnyBody.load()
    surface = Surface(load_checkpoint(Path(weights.__file__).parent / "anny-tiny.safetensors").topology)
    lamp = Lamp(_SUN, _UP, np.array([0.80, 0.74, 0.65]), np.array([0.43, 0.43, 0.45]), shadows=True)
    meshes, values, paints = [], [], []
    for dancer in dancers:
        appearance = _appearance(dancer)
        mesh = dancer_mesh(dancer)
        normals = vertex_normals(mesh, body.faces)
        mesh += (
            np.array(appearance.thickness, np.float32)[regions(appearance, surface, surface.rest)][:, None] * normals
        )
        meshes.append(mesh)
        values.append(np.concatenate([surface.rest, lamp.shine(mesh, body.faces, normals)], axis=1))
        paints.append(appearance)

    picture = _studio(_shadow(meshes, body.faces))
    faces = np.concatenate([body.faces.astype(np.int64) + k * len(surface.rest) for k in range(len(meshes))])
    fine = SIZE[0] * _SAMPLES, SIZE[1] * _SAMPLES
    raster = _seen(np.concatenate(meshes), faces, fine)
    pixel = np.flatnonzero(raster.face >= 0)
    found = interpolate(raster, faces, np.concatenate(values))  # (P, 6) resting place, light
    owner = raster.face.ravel()[pixel] // len(body.faces)
    flat = picture.reshape(-1, 3)
    for k, appearance in enumerate(paints):
        mine = np.flatnonzero(owner == k)
        place, light = found[mine, :3], found[mine, 3:]
        flat[pixel[mine]] = colours(appearance, surface, place, regions(appearance, surface, place)) * light
    picture = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)
    grain = np.random.default_rng(0).standard_normal((SIZE[1], SIZE[0], 1), np.float32)
    return np.clip(np.rint(picture + 1.2 * grain), 0, 255).astype(np.uint8)


def _appearance(dancer: Dancer) -> Appearance:
    """Somebody in plain clothes, barefoot."""
    appearance = draw_appearance(np.random.default_rng(dancer.appearance))

    def plain(colour: tuple[int, int, int]) -> Fabric:
        cloth = np.array(colour, np.float32)
        return replace(appearance.bottom, colour=cloth, second=cloth, pattern="plain", creases=0.06)

    top, bottom = plain(dancer.top), plain(dancer.bottom)
    return replace(
        appearance,
        top=top,
        bottom=bottom,
        shoes=None,
        socks=None,
        hem=min(appearance.hem, 0.02),
        leg=max(appearance.leg, 0.8),
    )


def _before_camera(world: np.ndarray, dancer: Dancer) -> np.ndarray:
    """Puts a body (V, 3), z up and facing -y, onto the studio's floor: (V, 3) camera frame."""
    angle = np.radians(dancer.turn)
    x, y = world[:, 0] - world[:, 0].mean(), world[:, 1] - world[:, 1].mean()
    across, away = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
    down = CAMERA_HEIGHT - (world[:, 2] - world[:, 2].min())
    return np.stack([across + dancer.place[0], down, away + dancer.place[1]], axis=1).astype(np.float32)


def _seen(vertices: np.ndarray, faces: np.ndarray, fine: tuple[int, int]) -> Raster:
    return rasterise(vertices, faces, FOCAL_LENGTH * _SAMPLES, (fine[0] / 2, fine[1] / 2), fine)


def _shadow(meshes: list[np.ndarray], faces: np.ndarray) -> np.ndarray:
    """(H, W) float32, 0..1: how much of the sun the dancers take from floor and wall."""
    fine = SIZE[0] * _SAMPLES, SIZE[1] * _SAMPLES
    shade = np.zeros((fine[1], fine[0]), np.float32)
    for mesh in meshes:
        reach = (CAMERA_HEIGHT - mesh[:, 1]) / -_SUN[1]
        fallen = mesh - reach[:, None] * _SUN  # where each vertex' shadow is on the floor
        np.maximum(shade, _seen(fallen, faces, fine).face >= 0, out=shade)
    return cv2.GaussianBlur(shade, (0, 0), 5.0)


def _studio(shadow: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32: a plastered wall, a skirting board and a floor of planks."""
    height, width = shadow.shape
    focal = FOCAL_LENGTH * _SAMPLES
    column, row = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    rng = np.random.default_rng(4)

    x, y = WALL * column / focal, WALL * row / focal  # on the wall, metres
    glow = 1.04 - 0.05 * ((x + 1.6) ** 2 + (y + 0.6) ** 2) ** 0.5
    plaster = cv2.resize(
        rng.standard_normal((60, 96)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    wall = np.array([206.0, 200, 190]) * (glow + 0.006 * plaster)[..., None]
    skirting = y > CAMERA_HEIGHT - 0.12
    wall[skirting] = np.array([228.0, 224, 216]) * glow[skirting][:, None]
    wall[np.abs(y - (CAMERA_HEIGHT - 0.12)) < 0.008] *= 0.82

    depth = CAMERA_HEIGHT * focal / np.maximum(row, 1e-3)
    across = column * depth / focal
    plank, along = np.floor(across / 0.16), depth + 0.7 * np.modf(np.abs(np.floor(across / 0.16)) * 0.618)[0] * 2.2
    tone = np.modf(np.sin(plank * 12.9898 + np.floor(along / 2.2) * 78.233) * 43758.5453)[0]
    seam = np.minimum(np.abs(np.modf(across / 0.16 + 1000)[0] - 0.5) * -2 + 1, 1) < 0.035
    seam |= np.modf(along / 2.2)[0] < 0.004
    veins = np.sin(across * 190 + 3 * np.sin(along * 2.1 + plank) + 5 * tone)
    floor = np.array([176.0, 140, 102]) * (1 + 0.07 * tone + 0.018 * veins)[..., None]
    floor[seam] *= 0.8
    floor *= (1.1 - 0.045 * np.hypot(across + 1.2, depth - 4.5))[..., None]
    floor *= 1 - 0.5 * shadow[..., None] * np.array([0.92, 0.97, 1.0])

    picture = np.where((depth < WALL)[..., None] & (row > 0)[..., None], floor, wall).astype(np.float32)
    corner = np.exp(-np.abs(row - CAMERA_HEIGHT * focal / WALL) / (8.0 * _SAMPLES))
    return np.ascontiguousarray(picture * (1 - 0.14 * corner)[..., None], np.float32)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Draw the page's sample photo.")
    parser.add_argument("output", type=Path, help="the JPEG file to write")
    output: Path = parser.parse_args().output
    coded = cv2.imencode(output.suffix, sample_photo()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    output.write_bytes(coded.tobytes())


if __name__ == "__main__":
    main()
