"""A drawn person whose joints are known: photos may not be committed, and MoveNet takes a drawing for a person."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = 224
# x, y of limb joints in pixels. She faces us, so that her left side (l) is on the right.
JOINTS = {
    **{"l_shoulder": (132, 66), "l_elbow": (146, 96), "l_wrist": (152, 124)},
    **{"r_shoulder": (92, 66), "r_elbow": (78, 96), "r_wrist": (72, 124)},
    **{"l_hip": (124, 124), "l_knee": (127, 160), "l_ankle": (129, 196)},
    **{"r_hip": (100, 124), "r_knee": (97, 160), "r_ankle": (95, 196)},
}
NAMES = ["shoulder", "elbow", "wrist", "hip", "knee", "ankle"]
COCO_LIMBS = [f"{side}_{name}" for name in NAMES for side in "lr"]  # COCO's joints 5 to 16

Point = tuple[int, int]
SKIN, SHIRT, TROUSERS, HAIR = (224, 172, 140), (40, 60, 160), (50, 50, 60), (60, 40, 25)


def background(height: int = SIZE, width: int = SIZE) -> np.ndarray:
    """(height, width, 3) uint8 RGB: a wall and a floor."""
    image = np.full((height, width, 3), (150, 170, 190), np.uint8)
    image[height * 3 // 4 :] = (120, 110, 90)
    return image


def draw_figure(image: np.ndarray, dx: int = 0, dy: int = 0) -> np.ndarray:
    """Draws the person, moved by whole pixels, into an RGB image; returns it."""

    def at(x: int, y: int) -> Point:
        return x + dx, y + dy

    def limb(start: str, end: str, colour: tuple[int, int, int], thickness: int) -> None:
        cv2.line(image, at(*JOINTS[start]), at(*JOINTS[end]), colour, thickness, cv2.LINE_AA)

    def oval(centre: Point, axes: Point, colour: tuple[int, int, int], start: int = 0) -> None:
        cv2.ellipse(image, at(*centre), axes, 0, start and 180, 360, colour, -1, cv2.LINE_AA)

    for side, outwards in (("l", 1), ("r", -1)):
        limb(f"{side}_hip", f"{side}_knee", TROUSERS, 15)
        limb(f"{side}_knee", f"{side}_ankle", TROUSERS, 12)
        limb(f"{side}_shoulder", f"{side}_elbow", SHIRT, 12)
        limb(f"{side}_elbow", f"{side}_wrist", SKIN, 9)
        oval(JOINTS[f"{side}_wrist"], (6, 6), SKIN)
        x, y = JOINTS[f"{side}_ankle"]
        oval((x + 3 * outwards, y + 6), (9, 5), (30, 20, 20))
    torso = np.array([at(88, 60), at(136, 60), at(131, 128), at(93, 128)])
    cv2.fillConvexPoly(image, torso, SHIRT, cv2.LINE_AA)
    cv2.line(image, at(112, 56), at(112, 64), SKIN, 12)
    oval((112, 42), (14, 18), SKIN)
    oval((112, 33), (15, 11), HAIR, start=180)
    for x in (107, 117):
        oval((x, 39), (2, 2), (30, 30, 30))
    cv2.line(image, at(108, 51), at(116, 51), (150, 60, 60), 2, cv2.LINE_AA)
    return image
