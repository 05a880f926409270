"""What can be reconstructed, a person's body or a hand, and how it is found in a photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from model.interfaces import Box, DetectorOutputs, Landmarks, Network, PalmOutputs
from model.perception.detection import Detection
from model.perception.hands import detect_hands, hands_in_boxes
from model.perception.people import detect_people


@dataclass(frozen=True)
class Subject:
    """One kind of thing that is reconstructed."""

    name: str
    detect: Callable[[Network, np.ndarray, bool], list[Detection]]
    """All that are in a photo (H, W, 3) uint8 RGB, the most prominent first; and whether to search it at all scales
    where nobody is found, see `detect_people`."""
    in_boxes: Callable[[Network, np.ndarray, Sequence[Box]], list[Detection]]
    """The one in each of the boxes that are given, in their order."""


def _detect_bodies(network: Network, image: np.ndarray, thorough: bool) -> list[Detection]:
    def run(images: np.ndarray) -> DetectorOutputs:
        return DetectorOutputs(*network.detect("movenet-multipose", images))

    return detect_people(run, image, thorough=thorough)


def _bodies_in_boxes(network: Network, image: np.ndarray, boxes: Sequence[Box]) -> list[Detection]:
    return [Detection(box, 1.0, np.zeros((0, 3))) for box in boxes]


def _detect_hands(network: Network, image: np.ndarray, _: bool) -> list[Detection]:
    def run_palms(images: np.ndarray) -> PalmOutputs:
        return PalmOutputs(*network.detect("handdetect", images))

    def run_bodies(image: np.ndarray) -> list[Detection]:
        # Those whose hands can be seen are not overlooked.
        return [person for person in _detect_bodies(network, image, thorough=False) if not person.faint]

    return detect_hands(run_palms, _landmarks(network), image, run_bodies)


def _hands_in_boxes(network: Network, image: np.ndarray, boxes: Sequence[Box]) -> list[Detection]:
    return hands_in_boxes(_landmarks(network), image, boxes)


def _landmarks(network: Network) -> Callable[[np.ndarray], Landmarks]:
    return lambda crops: Landmarks(*network.detect("handlandmark-full", crops))


SUBJECTS = {
    "body": Subject("body", _detect_bodies, _bodies_in_boxes),
    "hand": Subject("hand", _detect_hands, _hands_in_boxes),
}
