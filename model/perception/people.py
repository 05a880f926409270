"""Finds the people in a photo by a detector that sees it at several scales. Numpy alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from model.errors import BadInput
from model.interfaces import DetectorOutputs
from model.perception.detection import Detection, prominence, suppress_duplicates
from model.perception.letterbox import PADDING, letterbox
from model.perception.multipose import CELL, decode_people

_AT_EDGE = 0.005  # of the photo's width from whom its edge cuts
_LONGEST = 2.0  # ratio of the sides of what is searched by its longer one

PeopleDetector = Callable[[np.ndarray], DetectorOutputs]
"""The detector: (B, H, W, 3) uint8 RGB, H and W multiples of 32, to its heads' raw outputs in numpy."""


@dataclass(frozen=True)
class PeopleSearch:
    """How a photo is searched.

    It is scaled, the detector runs on it, and so again at the next scale, as long as somebody small may be there, and
    once if somebody is faint. A length in "scaled pixels" is one in the scaled photo, that is in the detector's input.
    """

    sides: tuple[int, ...] = (256, 448, 768, 1344)
    """The longer side of the scaled photo (of a panorama see `_longer_side`), pixels, at one scale after the other. The
    detector was trained at the first, where it finds people who fill the photo; each next one finds people half as
    large, beside and behind them, and costs three times as much."""
    near_side: int = 160
    """Likewise where the first scale shows nobody: for people who are larger than the photo, as in portraits."""
    near_margin: int = 48
    """Scaled pixels of grey about the photo then: the detector sees people better whom the photo's edge cuts if what it
    is shown goes on there."""
    enlargement: float = 2.5
    """How many times a photo is enlarged at most: small people are found in an enlarged one, too."""
    threshold: float = 0.2
    """Lowest score of a person, 0..1."""
    faint: float = 0.13
    """Score from which somebody may be there, where somebody else surely is or the photo's left or right edge cuts her:
    she counts if her joints are seen. People who sit close together, or who are halved, have no more."""
    turned_threshold: float = 0.3
    """Lowest score in a photo that is turned, which is searched where nobody is found in the upright one, or only
    people of less than the next score: in photos the wrong way up, the detector takes some for others."""
    doubtful: float = 0.45
    """Score of the best person below which the photo may be the wrong way up; it is 0.47 or more in upright photos of
    strangers, and in 37 of 40 renders."""
    turned_gain: float = 1.25
    """How many times the upright photo's sum of scores a turned one's must be to count instead."""
    overlooked: float = 0.3
    """Lowest score at the finest scales, from the third on, which are searched where nobody is found and nothing calls
    for them: of people some 50 pixels high in photos of 1600 the first two scales mostly show no trace."""
    hint: float = 0.05
    """Lowest score of what calls for the next scale: somebody small may be there."""
    small_at_first: int = 100
    """Longer side of a box, scaled pixels, below which somebody is small at the first scale."""
    small: int = 120
    """The same at the other scales."""
    large_in_window: int = 300
    """Longer side of a box, scaled pixels, from which it does not count in a window of the photo: there, the detector
    takes halves of people for whole ones."""
    window_margin: int = 2 * CELL
    """Scaled pixels from a window's edge within which somebody may be cut by it, and does not count."""


SEARCH = PeopleSearch()
"""How photos are searched, unless it is said otherwise."""


class _Window(NamedTuple):
    """A part of the photo, in its pixels; the right and the lower edge may lie beyond the photo's."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, people: Sequence[Detection]) -> _Window:
        """People with as much about them as the tallest of them is high, or the widest wide."""
        boxes = np.array([person.box for person in people])
        margin = boxes[:, 2:].max()
        left, top = (max(0, int(edge - margin)) for edge in boxes[:, :2].min(axis=0))
        right, bottom = (int(edge + margin) for edge in (boxes[:, :2] + boxes[:, 2:]).max(axis=0))
        return cls(left, top, right, bottom)

    def cut(self, image: np.ndarray) -> np.ndarray:
        """What of the photo is in it."""
        return image[self.top : self.bottom, self.left : self.right]

    def cuts(self, person: Detection, image: np.ndarray, margin: float) -> bool:
        """Whether somebody, in pixels of the window, comes within the margin of an edge where the photo goes on."""
        x, y, w, h = person.box
        height, width = self.cut(image).shape[:2]
        goes_on = (self.left > 0, self.top > 0, self.right < image.shape[1], self.bottom < image.shape[0])
        gaps = (x, y, width - x - w, height - y - h)
        return any(edge and gap < margin for edge, gap in zip(goes_on, gaps, strict=True))


def detect_people(
    detector: PeopleDetector, image: np.ndarray, search: PeopleSearch = SEARCH, thorough: bool = True
) -> list[Detection]:
    """Finds people.

    Args:
        detector: the detector.
        image: (H, W, 3) uint8 RGB.
        search: at which scales, and what counts.
        thorough: whether to search the finest scales, too, where nobody is found: takes ten times as long then.

    Returns:
        The people in pixels of `image`, the most prominent first, those last who are faint. If there is nobody, or
        nobody sure, those of the image turned sideways or upside down if more is seen there: who lies, or whose photo
        came without a word on how it was held.

    Raises:
        BadInput: If the image has another shape or type, or is empty.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise BadInput(f"Expected an image as (height, width, 3) uint8 RGB, got {image.shape} {image.dtype}.")
    everyone = suppress_duplicates(_upright_people(detector, image, search))
    people = _surer(everyone, search.threshold)
    unsure = [person for person in everyone if person.score < search.threshold]
    faint = [replace(person, faint=True) for person in unsure if people or _is_halved(person, image)]
    if max((person.score for person in people), default=0.0) < search.doubtful:
        sides = _certainty_of_sides(detector, image, search)
        likeliest = max(sides, key=lambda quarters: sides[quarters])
        if sides[likeliest] > search.turned_gain * _certainty(people):
            turned = np.ascontiguousarray(np.rot90(image, likeliest))
            sure = max(search.threshold, search.turned_threshold)
            found = suppress_duplicates(_upright_people(detector, turned, replace(search, threshold=sure, faint=sure)))
            people, faint = [_turned_back(person, likeliest, turned.shape) for person in found], []
    if thorough and not people:
        people = suppress_duplicates(_overlooked_people(detector, image, search))
    return [*sorted(people, key=prominence, reverse=True), *sorted(faint, key=prominence, reverse=True)]


def _is_halved(person: Detection, image: np.ndarray) -> bool:
    """Whether the image's left or right edge cuts somebody, which is why she is hardly seen."""
    (x, _, w, _), width = person.box, image.shape[1]
    return x <= _AT_EDGE * width or x + w >= (1 - _AT_EDGE) * width


def _certainty(people: Sequence[Detection]) -> float:
    return sum(person.score for person in people)


def _upright_people(detector: PeopleDetector, image: np.ndarray, search: PeopleSearch) -> list[Detection]:
    """The people at one scale after the other, and who is faint, duplicates included."""
    longest = _longer_side(image)
    first, *finer = (side / longest for side in search.sides)
    seen = _detect_at(detector, image, first, search.hint)
    people = _surer(seen, search.faint)
    if not _surer(people, search.threshold):
        near = _detect_at(detector, image, search.near_side / longest, search.hint, search.near_margin)
        people = _surer(near, search.faint)
    sure = _surer(people, search.threshold)
    if sure and not _smaller(seen, search.small_at_first / first) and not _anyone_faint(people, sure):
        return people
    window = None
    for scale in finer:
        if scale > search.enlargement:
            break
        if window is None:
            seen = _detect_at(detector, image, scale, search.hint)
        else:
            seen = _detect_in(window, detector, image, scale, search)
        people += _surer(seen, search.faint)
        small = _smaller(seen, search.small / scale)
        if not small:
            break
        window = _Window.around(small)  # the next scale goes only there: it would cost most
    return people


def _anyone_faint(people: Sequence[Detection], sure: Sequence[Detection]) -> bool:
    """Whether some of the people are faint, as who sits behind others: the next scale shows them, however large."""
    return len(suppress_duplicates(people)) > len(suppress_duplicates(sure))


def _overlooked_people(detector: PeopleDetector, image: np.ndarray, search: PeopleSearch) -> list[Detection]:
    """Those who are too small for the first two scales, duplicates included."""
    sides, score = search.sides[2:], max(search.threshold, search.overlooked)
    if sides[0] > search.enlargement * _longer_side(image):
        return []
    return _upright_people(detector, image, replace(search, sides=sides, threshold=score, faint=score, hint=score))


def _longer_side(image: np.ndarray) -> float:
    """Of a photo, in pixels; of a panorama that of a less long one of its area: nobody in it is as large as it."""
    height, width = image.shape[:2]
    return float(min(max(height, width), (_LONGEST * height * width) ** 0.5))


def _certainty_of_sides(detector: PeopleDetector, image: np.ndarray, search: PeopleSearch) -> dict[int, float]:
    """How surely people are seen, at the first scale, in the photo turned anticlockwise by one, two, three quarters."""
    canvas, *_ = letterbox(image, search.sides[0] / _longer_side(image))
    threshold, sides = max(search.threshold, search.turned_threshold), {}
    for quarters in (1, 2, 3):
        turned = np.ascontiguousarray(np.rot90(canvas, quarters))
        sides[quarters] = _certainty(suppress_duplicates(decode_people(detector(turned[None]), threshold)))
    return sides


def _turned_back(person: Detection, quarters: int, shape: tuple[int, ...]) -> Detection:
    """A person in a photo that was turned anticlockwise and has this shape now, in pixels of the photo as it was."""
    x, y, w, h = person.box
    points = np.vstack([[[x, y], [x + w, y + h]], person.keypoints[:, :2]])
    for quarter in range(quarters):  # one back at a time: height and width change places
        points = np.column_stack([shape[quarter % 2] - points[:, 1], points[:, 0]])
    (left, top), (right, bottom) = np.sort(points[:2], axis=0).tolist()
    keypoints = np.column_stack([points[2:], person.keypoints[:, 2]]).astype(np.float32)
    return replace(person, box=(left, top, right - left, bottom - top), keypoints=keypoints)


def _surer(people: Sequence[Detection], threshold: float) -> list[Detection]:
    return [person for person in people if person.score >= threshold]


def _smaller(people: Sequence[Detection], limit: float) -> list[Detection]:
    return [person for person in people if max(person.box[2:]) < limit]


def _detect_in(
    window: _Window, detector: PeopleDetector, image: np.ndarray, scale: float, search: PeopleSearch
) -> list[Detection]:
    """Those in a window of the photo, in the photo's pixels, who are whole there."""
    seen = _smaller(_detect_at(detector, window.cut(image), scale, search.hint), search.large_in_window / scale)
    margin = search.window_margin / scale
    return [_moved(person, window.left, window.top) for person in seen if not window.cuts(person, image, margin)]


def _detect_at(
    detector: PeopleDetector, image: np.ndarray, scale: float, threshold: float, margin: int = 0
) -> list[Detection]:
    """Decodes what the detector says of the image at one scale, into pixels of the image as it is.

    Args:
        margin: scaled pixels of grey that it is shown on each side, half a multiple of 32.
    """
    canvas, *scales = letterbox(image, scale)
    canvas = np.pad(canvas, ((margin, margin), (margin, margin), (0, 0)), constant_values=PADDING)
    height, width = image.shape[:2]
    people = []
    for person in decode_people(detector(canvas[None]), threshold):
        x, y, w, h = person.box
        corners = (np.array([[x, y], [x + w, y + h]]) - margin) / scales
        (left, top), (right, bottom) = corners.clip(0, (width, height)).tolist()
        places = (person.keypoints[:, :2] - margin) / scales
        keypoints = np.column_stack([places, person.keypoints[:, 2]]).astype(np.float32)
        people.append(replace(person, box=(left, top, right - left, bottom - top), keypoints=keypoints))
    return people


def _moved(person: Detection, right: float, down: float) -> Detection:
    x, y, w, h = person.box
    keypoints = person.keypoints + np.array([right, down, 0], np.float32)
    return replace(person, box=(x + right, y + down, w, h), keypoints=keypoints)
