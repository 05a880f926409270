"""A drawn right hand whose joints are known: photos may not be committed, and a drawing passes for a hand."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = 320
# x, y in pixels of the open right hand, its palm towards us and its fingers up: the thumb points to the right.
JOINTS = np.array(
    [
        (160, 262),
        *((192, 240), (220, 214), (242, 190), (260, 168)),
        *((194, 162), (204, 118), (210, 90), (215, 64)),
        *((168, 156), (170, 106), (171, 74), (172, 46)),
        *((144, 160), (139, 114), (136, 84), (134, 58)),
        *((122, 172), (109, 138), (101, 116), (94, 94)),
    ],
    np.float64,
)
_SKIN, _LINE, _SLEEVE = (222, 170, 138), (176, 118, 92), (52, 70, 120)
_PALM = ((186, 268), (212, 222), (206, 164), (170, 150), (138, 152), (110, 172), (116, 222), (132, 268))
_CREASES = (
    ((202, 196), (170, 182), (124, 184)),
    ((198, 200), (164, 208), (130, 216)),
    ((192, 176), (174, 210), (180, 256)),
    ((180, 268), (134, 268)),
)
_WIDTHS = (30, 26, 27, 25, 21)


def background(height: int = SIZE, width: int = SIZE) -> np.ndarray:
    """(height, width, 3) uint8 RGB: a wall that is lit from above."""
    shade = np.linspace(118, 84, height)[:, None, None] + np.array([0, 8, 14])
    return np.broadcast_to(shade, (height, width, 3)).astype(np.uint8)


def draw_hand(image: np.ndarray, dx: float = 0, dy: float = 0, angle: float = 0, scale: float = 1) -> np.ndarray:
    """Draws the hand into an RGB image, turned about its middle; returns the image.

    Args:
        dx, dy: moves it, in pixels; angle: degrees, clockwise as one sees it; scale: makes it larger.
    """
    to_image = placed(dx, dy, angle, scale)
    fine = 4  # drawn larger, then shrunk: smooth edges everywhere
    size = (SIZE * fine, SIZE * fine, 3)
    picture, mask = np.zeros(size, np.uint8), np.zeros(size[:2], np.uint8)

    def stroke(points: np.ndarray, width: float, colour: tuple[int, int, int]) -> None:
        line = [np.round(points * fine).astype(np.int32)]
        cv2.polylines(picture, line, False, colour, round(width * fine))
        cv2.polylines(mask, line, False, 255, round(width * fine))

    stroke(np.array([(160, 262), (158, 330)]), 58, _SKIN)
    palm = [np.array(_PALM) * fine]
    cv2.fillPoly(picture, palm, _SKIN)
    cv2.fillPoly(mask, palm, 255)
    for finger, width in enumerate(_WIDTHS):
        chain = JOINTS[1 + 4 * finger : 5 + 4 * finger]
        stroke(chain, width - 1, _SKIN)
        along = chain[3] - chain[0]
        across = np.array([-along[1], along[0]]) / np.linalg.norm(along) * width * 0.35
        for joint in chain[1:3]:
            stroke(np.array([joint - across, joint + across]), 1.5, _LINE)
    for crease in _CREASES:
        stroke(np.array(crease), 2, _LINE)
    stroke(np.array([(158, 318), (158, 340)]), 72, _SLEEVE)
    shrink = np.diag([1 / fine, 1 / fine, 1.0])
    matrix = (to_image @ shrink)[:2]
    out = (image.shape[1], image.shape[0])
    soft = cv2.warpAffine(cv2.GaussianBlur(mask, (0, 0), fine), matrix, out, flags=cv2.INTER_AREA)[..., None] / 255
    over = cv2.warpAffine(cv2.GaussianBlur(picture, (0, 0), fine), matrix, out, flags=cv2.INTER_AREA)
    image[:] = (image * (1 - soft) + over * soft).astype(np.uint8)
    return image


def placed(dx: float = 0, dy: float = 0, angle: float = 0, scale: float = 1) -> np.ndarray:
    """(3, 3): where `draw_hand` puts a point of the drawing."""
    turn = np.deg2rad(angle)
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    middle = np.array([SIZE / 2, SIZE / 2])
    linear = np.array([[cos, -sin], [sin, cos]])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = middle - linear @ middle + (dx, dy)
    return matrix
