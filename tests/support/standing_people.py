"""People who stand on a known plane before a camera of known pitch, roll and height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.scene.up import directions

# COCO-17 of one who stands and faces us, metres: x to her left, y up from the floor, z towards us. Her weight is 14 cm
# ahead of her ankles, as it is in most people who stand or walk.
STANDING = np.array(
    [
        (0.0, 1.55, 0.24), (0.03, 1.58, 0.22), (-0.03, 1.58, 0.22), (0.08, 1.56, 0.15), (-0.08, 1.56, 0.15),
        (0.18, 1.40, 0.14), (-0.18, 1.40, 0.14), (0.25, 1.12, 0.14), (-0.25, 1.12, 0.14),
        (0.26, 0.88, 0.18), (-0.26, 0.88, 0.18), (0.10, 0.90, 0.09), (-0.10, 0.90, 0.09),
        (0.11, 0.49, 0.05), (-0.11, 0.49, 0.05), (0.12, 0.09, 0.0), (-0.12, 0.09, 0.0),
    ]
)  # fmt: skip
SOLES = np.array([(0.12, 0.0, -0.05), (0.12, 0.0, 0.18), (-0.12, 0.0, -0.05), (-0.12, 0.0, 0.18)])


@dataclass(frozen=True)
class KnownCamera:
    """A camera, its angles in degrees, its height in metres."""

    pitch: float = -10.0
    roll: float = 0.0
    height: float = 1.6

    @property
    def up(self) -> np.ndarray:
        """(3,) in its frame."""
        return directions(*np.radians([self.pitch, self.roll]))

    def see(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3), x right, y up from the floor, z towards the camera, in its frame."""
        away = np.array([0.0, 0.0, 1.0]) - self.up * self.up[2]
        away /= np.linalg.norm(away)
        axes = np.stack([np.cross(away, self.up), self.up, -away])
        return (points - [0.0, self.height, 0.0]) @ axes


def crowd(camera: KnownCamera, count: int, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """So many standing people 2 to 10 metres away, facing anywhere: joints (P, 17, 3), soles P times (4, 3)."""
    rng = np.random.default_rng(seed)
    joints, soles = [], []
    for _ in range(count):
        distance, angle = rng.uniform(2, 10), rng.uniform(-np.pi, np.pi)
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        place = np.array([rng.uniform(-0.4, 0.4) * distance, 0, -distance])
        joints.append(camera.see(STANDING @ turn.T + place))
        soles.append(camera.see(SOLES @ turn.T + place))
    return np.array(joints).reshape(-1, 17, 3), soles


def degrees_between(one: np.ndarray, other: np.ndarray) -> float:
    """The angle of two unit vectors."""
    return float(np.degrees(np.arccos(np.clip(one @ other, -1, 1))))
