"""Finds the people in a photo: what the detector's heads say of it, decoded, duplicates suppressed. Numpy alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from model.errors import BadInput
from model.interfaces import DetectorOutputs
from model.perception.detection import Detection, prominence, suppress_duplicates

CELL = 4  # pixels of the network's input that one cell of its outputs spans
_STRIDE = 32  # the network's input sizes are multiples of this
_PADDING = 128  # grey: what the network's own zero padding looks like
# Longer sides, in pixels, at which the network looks at an image, one after the other as long as the last look shows
# somebody small, or a faint hint of one. It was trained at the first, where it finds people who fill the image; each
# next one finds people half as large, beside and behind them, and takes three times as long.
SCALES = (256, 448, 768, 1344)
_NEAR = 160  # likewise, where the first look shows nobody: of people who are larger than the image, as in portraits
_HINT, _SMALL, _SMALL_LATER = 0.05, 100, 120  # score; pixels of the first look, and of later ones
_SLACK = 2 * CELL  # pixels of the look; nearer to the edge of a part somebody may be cut
_LARGE = 300  # likewise; finer looks take halves of those for whole people
_LARGEST = 2.5  # times its own size: small people are found in an enlarged image, too
_THRESHOLD = 0.2  # lowest score to report,
_TURNED_THRESHOLD = 0.3  # and in an image that is turned, which is looked at where nobody is found in the upright one
_PEAK_WINDOW = 5  # cells; a centre is the best one of its surroundings
_CANDIDATES = 100  # centres of one look: bounds the work that a crowd makes
_MIN_JOINT_SCORE = 0.127  # below, a joint does not count in its person's score (MoveNet's own threshold)
_JOINT_SPREAD = 0.3  # variance of the prior about a joint's expected place: half of this times the shorter side, cells


Find = Callable[[np.ndarray], DetectorOutputs]
"""The detector: (B, H, W, 3) uint8 RGB, H and W multiples of 32, to its heads' raw outputs in numpy."""


def detect_people(find: Find, image: np.ndarray, threshold: float = _THRESHOLD) -> list[Detection]:
    """Finds people.

    Args:
        find: the detector.
        image: (H, W, 3) uint8 RGB.
        threshold: lowest score to report, 0..1.

    Returns:
        The people in pixels of `image`, the most prominent first. If there is nobody, those of the image turned
        sideways or upside down: who lies, or whose photo came without a word on how it was held.

    Raises:
        BadInput: If the image has another shape or type, or is empty.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise BadInput(f"Expected an image as (height, width, 3) uint8 RGB, got {image.shape} {image.dtype}.")
    height, width = image.shape[:2]
    longest = max(height, width)
    people: list[Detection] = []
    first, *finer = SCALES
    left, top, right, bottom = 0, 0, width, height  # of what is looked at
    for size in (first, *(size for size in finer if size <= _LARGEST * longest)):
        part = image[top:bottom, left:right]
        slack, largest = _SLACK * longest / size, (_LARGE if size > finer[0] else np.inf) * longest / size
        edges = (left > 0, top > 0, right < width, bottom < height)
        seen = [
            _moved(person, left, top)
            for person in _find_at(find, part, size / longest)
            if max(person.box[2:]) < largest and not _cut(person, part, edges, slack)
        ]
        people += [person for person in seen if person.score >= threshold]
        if not people and size == first:
            people = [person for person in _find_at(find, image, _NEAR / longest) if person.score >= threshold]
        limit = (_SMALL if size == first else _SMALL_LATER) * longest / size
        small = np.array([person.box for person in seen if max(person.box[2:]) < limit])
        if not len(small) and (people or size > first):
            break
        if size > first:  # the next look goes only to where the small ones are: it would take longest
            margin = small[:, 2:].max()
            left, top = (max(0, int(edge - margin)) for edge in small[:, :2].min(axis=0))
            right, bottom = (int(edge + margin) for edge in (small[:, :2] + small[:, 2:]).max(axis=0))
    if not people:
        sides = (person for side in (1, 2, 3) for person in _find_at(find, image, first / longest, side))
        people = [person for person in sides if person.score >= max(threshold, _TURNED_THRESHOLD)]
    return sorted(suppress_duplicates(people), key=prominence, reverse=True)


def _cut(person: Detection, part: np.ndarray, edges: Sequence[bool], slack: float) -> bool:
    """Whether the person reaches one of those edges of a part (left, top, right, bottom) where the image goes on."""
    x, y, w, h = person.box
    gaps = (x, y, part.shape[1] - x - w, part.shape[0] - y - h)
    return any(edge and gap < slack for edge, gap in zip(edges, gaps, strict=True))


def _find_at(find: Find, image: np.ndarray, scale: float, quarters: int = 0) -> list[Detection]:
    """Decodes the image seen at one scale, turned anticlockwise by some quarters, faint hints included.

    Returns:
        People in pixels of the image as it is.
    """
    canvas, *scales = letterbox(image, scale)
    turned = np.ascontiguousarray(np.rot90(canvas, quarters))
    height, width = image.shape[:2]
    people = []
    for person in decode_people(find(turned[None]), _HINT):
        x, y, w, h = person.box
        points = np.vstack([[[x, y], [x + w, y + h]], person.keypoints[:, :2]])
        for quarter in range(quarters):  # one back at a time: height and width change places
            points = np.column_stack([turned.shape[quarter % 2] - points[:, 1], points[:, 0]])
        points = points / scales
        corners = np.sort(points[:2], axis=0).clip(max=(width, height))
        (left, top), (right, bottom) = corners.tolist()
        keypoints = np.column_stack([points[2:], person.keypoints[:, 2]]).astype(np.float32)
        people.append(replace(person, box=(left, top, right - left, bottom - top), keypoints=keypoints))
    return people


def _moved(person: Detection, right: float, down: float) -> Detection:
    x, y, w, h = person.box
    keypoints = person.keypoints + np.array([right, down, 0], np.float32)
    return replace(person, box=(x + right, y + down, w, h), keypoints=keypoints)


def letterbox(image: np.ndarray, scale: float) -> tuple[np.ndarray, float, float]:
    """Scales an image, then pads it with grey at the right and at the bottom to multiples of 32.

    Returns:
        The (H, W, 3) uint8 canvas, and the scales in x and y that rounding to whole pixels really gave.
    """
    height, width = image.shape[:2]
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    inner = cv2.resize(image, (inner_width, inner_height), interpolation=interpolation)
    padding = (-inner_height % _STRIDE, -inner_width % _STRIDE)
    canvas = np.pad(inner, ((0, padding[0]), (0, padding[1]), (0, 0)), constant_values=_PADDING)
    return canvas, inner_width / width, inner_height / height


def decode_people(outputs: DetectorOutputs, threshold: float = 0.0) -> list[Detection]:
    """Finds people in the outputs for one image, duplicates included, in no order.

    A person is a local maximum of `center`. Each of her joints is the best heatmap cell inside her box, weighted by
    a Gaussian about the place that `displacement` predicts.

    Args:
        outputs: For a batch of one image.
        threshold: lowest score to report.

    Returns:
        Boxes and keypoints in pixels of the network's input.
    """
    centers = _sigmoid(outputs.center[0, 0])  # (h, w)
    best = cv2.dilate(centers, np.ones((_PEAK_WINDOW, _PEAK_WINDOW), np.uint8))
    # A person's score is at most that of her centre: the others need no second look.
    cells = np.flatnonzero((centers == best) & (centers >= threshold))
    cells = cells[np.argsort(-centers.ravel()[cells], kind="stable")[:_CANDIDATES]]
    people = [_decode_person(outputs, centers, *divmod(int(cell), centers.shape[1])) for cell in cells]
    return [person for person in people if person.score >= threshold]


def _decode_person(outputs: DetectorOutputs, centers: np.ndarray, row: int, column: int) -> Detection:
    """The person whose centre is in this cell."""
    limit = np.array(centers.shape, np.float32)
    cell = np.array([row, column], np.float32)
    size = outputs.box_size[0, :, row, column].clip(min=0)
    middle = cell + outputs.box_offset[0, :, row, column]
    low, high = (middle - size / 2).clip(0, limit), (middle + size / 2).clip(0, limit)  # (2,) each: y, x

    (top, left), (bottom, right) = np.ceil(low).astype(int), np.ceil(high).astype(int)  # whole cells inside
    expected = outputs.displacement[0, :, row, column].reshape(-1, 2) + cell  # (17, 2)
    rows, columns = np.arange(top, bottom, dtype=np.float32), np.arange(left, right, dtype=np.float32)
    precision = 1 / (_JOINT_SPREAD * limit.min())
    prior_y = np.exp(-((rows - expected[:, :1]) ** 2) * precision)  # (17, rows)
    prior_x = np.exp(-((columns - expected[:, 1:]) ** 2) * precision)  # (17, columns)
    inside = _sigmoid(outputs.heatmap[0, :, top:bottom, left:right]) * prior_y[:, :, None] * prior_x[:, None]

    joints = len(expected)
    scores, places = np.zeros(joints, np.float32), np.zeros((joints, 2), np.float32)
    if inside.size:
        flat = inside.reshape(joints, -1)
        peaks = flat.argmax(axis=1)
        scores = flat[np.arange(joints), peaks]
        at_y, at_x = peaks // len(columns) + top, peaks % len(columns) + left
        offsets = outputs.offset[0].reshape(joints, 2, *centers.shape)[np.arange(joints), :, at_y, at_x]
        places = np.stack([at_y, at_x], axis=1) + offsets
    seen = scores > _MIN_JOINT_SCORE
    score = float(centers[row, column] * (scores * seen).sum() / max(1, seen.sum()))
    x, y, w, h = (float(value) * CELL for value in (*low[::-1], *(high - low)[::-1]))
    return Detection((x, y, w, h), score, np.column_stack([places[:, ::-1] * CELL, scores]).astype(np.float32))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    answer: np.ndarray = 1 / (1 + np.exp(-np.maximum(logits, -80)))  # beyond, float32 would overflow
    return answer
