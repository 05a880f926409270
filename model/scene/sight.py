"""From people to the scene that they stand in: up, the ground, and their sizes on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.scene.balance import balance
from model.scene.ground import Scene, camera_heights, check_camera_height, find_ground
from model.scene.lines import Lines
from model.scene.sizes import size_factors
from model.scene.up import Tilt, Up, estimate_up


def see_scene(
    joints: np.ndarray,
    confidence: np.ndarray | None,
    bodies: Sequence[np.ndarray],
    *,
    person: Sequence[int] | None = None,
    tilt: Tilt | None = None,
    up: Up | None = None,
    camera_height: float | None = None,
    lines: Lines | None = None,
) -> tuple[Scene, np.ndarray]:
    """Finds up and the ground by people before one camera that stands still.

    Args:
        joints: (P, 17, 3) COCO's joints where they are before the camera, metres: of one photo, or of all frames.
        confidence: (P, 17) 0..1, how surely each was seen; None for all.
        bodies: P times (N, 3) the points of each body that may touch the ground, likewise: its vertices or its feet's.
        person: (P,) which person each is, where several are of one; None if each is another one.
        tilt: the camera's, if it is known.
        up: which way it is, if that was told before; None to ask the people.
        camera_height: metres above the ground, if it is known.
        lines: of the photo, or of one frame, by `find_lines`.

    Returns:
        The scene; and (P,) by how much to scale each person about the camera, 1 where the ground says nothing. The
        scene's ground knows who stands on it once that is done.

    Raises:
        BadInput: a number that no camera can have.
    """
    check_camera_height(camera_height)
    told = balance(joints, confidence)
    if up is None:
        up = estimate_up(told, joints[:, [15, 16]].mean(axis=1), person, tilt, camera_height, lines)
    heights = camera_heights(bodies, up.direction)
    distances = np.linalg.norm(joints.mean(axis=1), axis=1)
    ground = find_ground(up, heights, told.on_feet, distances, camera_height)
    known = camera_height is not None
    factors = size_factors(Scene(up, ground), heights, distances, told.on_feet, told.stature, known)
    if person is not None:  # she is as large in all frames
        factors = _each_one_size(factors, np.asarray(person))
    if ground is not None:
        height = ground.camera_height
        ground = find_ground(up, factors * heights, told.on_feet, factors * distances, height)
    return Scene(up, ground), factors


def _each_one_size(factors: np.ndarray, person: np.ndarray) -> np.ndarray:
    """The median of each person's factors (P,), in all of her frames."""
    result = np.ones(len(factors))
    for one in np.unique(person):
        result[person == one] = np.median(factors[person == one])
    return result
