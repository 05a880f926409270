"""A figure whose joints are known, as image data sets describe it, and what their readers must make of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from model.joints import COCO_JOINTS
from training.images.datasets.base import DatasetPerson
from training.images.datasets.joint_sets import HIPS, LIMBS

FACE = range(5)
SIDES = {"l": "left", "r": "right"}


def place_of(name: str) -> np.ndarray:
    """Some place for each limb joint, so that a joint in a wrong column is seen: metres, camera frame."""
    row = LIMBS.index(name)
    return np.array([0.1 * row - 0.5, 0.07 * row - 0.4, 3 + 0.05 * row])


def limb(short: str) -> str:
    """Makes "left hip" of "L_Hip" and of "left_hip"."""
    side, _, joint = short.lower().partition("_")
    return f"{SIDES.get(side, side)} {joint}"


def project(places: np.ndarray, focal: float, point: tuple[float, float]) -> np.ndarray:
    return focal * places[..., :2] / places[..., 2:] + np.array(point)


def check_camera(person: DatasetPerson) -> None:
    """The 3D joints, put where the translation says, project onto the 2D ones."""
    assert person.joints is not None and person.translation is not None and person.joints_2d is not None
    assert person.focal_length is not None and person.principal_point is not None
    limbs = person.joints[:12] - person.joints[list(HIPS)].mean(axis=0) + person.translation
    seen = project(limbs, person.focal_length, person.principal_point)
    for row, name in enumerate(LIMBS):
        np.testing.assert_allclose(person.joints_2d[COCO_JOINTS.index(name.replace(" ", "_"))], seen[row], atol=0.01)
        np.testing.assert_allclose(person.joints[row], place_of(name), atol=1e-6)
    assert np.isnan(person.joints_2d[list(FACE)]).all()


def dump(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path
