"""Films of several people who walk on one floor, seen from above by a camera that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from training.images.rendered.dataset import RenderedPeople, StagedScene
from training.images.rendered.film import NO_EDGES, Walk, bodies_of
from training.synthesis.virtual_cameras import look_at

_PEOPLE = 4
_TALL = (70, 200)  # pixels that people are, of whom a level camera stands among them
_HIGH, _DOWN = (0.0044, 0.0066), (1.8, 3.2)
"""Metres that other cameras are above the floor for each pixel of the focal length, and so many times as far away what
they look at is: people are some hundred pixels tall."""
_AWAY = (1.3, 5.0)  # times the camera's height, likewise, that people are away
_EYES, _LEVEL = 1.6, np.radians(4.0)  # metres above the floor, and how far down the level camera looks
_MARGIN = 15  # pixels from the picture's edge to joints
_APART = 1.0  # metres between people, at least
_TRIES = 100  # to find a place for one, or all are placed anew


@dataclass(frozen=True)
class Square:
    """A film, and the truth about it."""

    pictures: list[np.ndarray]
    """T times (S, S, 3) uint8 RGB."""
    joints: np.ndarray
    """(P, T, K, 3) metres before the camera."""
    focal_length: float
    """Pixels."""
    pitch: float
    """Degrees, negative: down."""


def render_square(
    people: RenderedPeople, walks: Sequence[Walk], seed: int, focal_length: float, level: bool = False
) -> Square:
    """Draws random people who walk where all of them stay in the picture.

    Args:
        people: Draw pictures of their configuration's size.
        walks: Of which each one has one; as long as one another.
        seed: Another one makes another film.
        focal_length: Pixels.
        level: Whether the camera is held level at the height of eyes; else it looks down from above.
    """
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    height = _EYES if level else focal_length * rng.uniform(*_HIGH)
    pitch = _LEVEL if level else np.arctan2(1, rng.uniform(*_DOWN))
    turn = look_at(torch.zeros(1), torch.tensor([pitch], dtype=torch.float32), torch.zeros(1))[0].numpy().astype(float)
    size, tries = people.config.size, 0
    placed: list[tuple[np.ndarray, np.ndarray]] = []
    bodies = [bodies_of(people, walks[int(rng.integers(len(walks)))], generator) for _ in range(_PEOPLE)]
    while len(placed) < _PEOPLE:
        meshes, joints = bodies[len(placed)]
        away = focal_length * 1.7 / rng.uniform(*_TALL) if level else height * rng.uniform(*_AWAY)
        hips = joints[:, list(people.topology.root_joints)].mean(axis=1)
        middle = np.array([*hips[len(hips) // 2, :2], np.quantile(meshes[..., 2].min(axis=1), 0.2)])
        heading = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi)).as_matrix()
        beside = rng.uniform(-0.35, 0.35) * size / focal_length * away
        at = np.array([beside, np.sqrt(max(away**2 - height**2, 1.0)), -height])
        seen = ((joints - middle) @ heading.T + at) @ turn.T
        pixels = seen[..., :2] / seen[..., 2:] * focal_length + size / 2
        shown = (np.abs(pixels - size / 2) < size / 2 - _MARGIN).all()
        if shown and all(np.linalg.norm((seen - other).mean(axis=1), axis=1).min() > _APART for _, other in placed):
            placed.append((((meshes - middle) @ heading.T + at) @ turn.T, seen))
        elif (tries := tries + 1) % _TRIES == 0:
            placed = []
    everyone, joints = (np.stack(each).astype(np.float32) for each in zip(*placed, strict=True))
    look, pictures = int(rng.integers(2**62)), []
    for vertices, points in zip(everyone.swapaxes(0, 1), joints.swapaxes(0, 1), strict=True):
        scene = StagedScene(vertices, points, turn[:, 2], focal_length, (size / 2, size / 2), NO_EDGES)
        pictures.append(people.draw(np.random.default_rng(look), scene)[0])  # the same chances in all frames
    return Square(pictures, joints, focal_length, -float(np.degrees(pitch)))
