"""What can be reconstructed, a person's body or a hand, and how it is found in a photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from model.interfaces import Box, DetectorOutputs, Landmarks, Network, PalmOutputs
from model.perception.detection import Detection
from model.perception.hands import find_hands, hands_in_boxes
from model.perception.people import find_people


@dataclass(frozen=True)
class Subject:
    """One kind of thing that is reconstructed."""

    name: str
    find: Callable[[Network, np.ndarray], list[Detection]]
    """All that are in a photo (H, W, 3) uint8 RGB, the most prominent first."""
    look: Callable[[Network, np.ndarray, Sequence[Box]], list[Detection]]
    """The one in each of the boxes that are given, in their order."""


def _find_bodies(network: Network, image: np.ndarray) -> list[Detection]:
    return find_people(lambda images: DetectorOutputs(*network.find("movenet-multipose", images)), image)


def _bodies_in_boxes(network: Network, image: np.ndarray, boxes: Sequence[Box]) -> list[Detection]:
    return [Detection(box, 1.0, np.zeros((0, 3))) for box in boxes]


def _find_hands(network: Network, image: np.ndarray) -> list[Detection]:
    def find_palms(images: np.ndarray) -> PalmOutputs:
        return PalmOutputs(*network.find("handdetect", images))

    return find_hands(find_palms, _landmarks(network), image, partial(_find_bodies, network))


def _hands_in_boxes(network: Network, image: np.ndarray, boxes: Sequence[Box]) -> list[Detection]:
    return hands_in_boxes(_landmarks(network), image, boxes)


def _landmarks(network: Network) -> Callable[[np.ndarray], Landmarks]:
    return lambda crops: Landmarks(*network.find("handlandmark-full", crops))


SUBJECTS = {
    "body": Subject("body", _find_bodies, _bodies_in_boxes),
    "hand": Subject("hand", _find_hands, _hands_in_boxes),
}
