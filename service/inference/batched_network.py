"""A network whose calls, from many threads, go through it in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from model.interfaces import CameraSpaceMeshes, Network, NetworkInfo
from service import metrics
from service.inference.batcher import Batcher

_People = tuple[np.ndarray, np.ndarray, np.ndarray]
"""What `Network.regress` and `Network.lift` take."""
_Images = tuple[str, np.ndarray]
"""What `Network.detect` takes."""

_SHARE = 448**2  # pixels that count as one image: what a batch takes of memory grows with them


class BatchedNetwork:
    """Behaves as the `Network` that it passes calls on to, the people of several photos at once.

    Args:
        network: Runs the batches.
        max_batch: Most people, and most images to detect people in, at once.
        max_wait: Seconds that a batch may wait to become full, if others came by lately.
    """

    def __init__(self, network: Network, max_batch: int, max_wait: float) -> None:
        self._network = network
        self._regress: Batcher[_People, CameraSpaceMeshes] = Batcher(
            self._regress_all, max_batch, max_wait, on_batch=metrics.BATCH_PEOPLE.observe
        )
        self._lift: Batcher[_People, CameraSpaceMeshes] = Batcher(self._lift_all, max_batch, max_wait)
        self._detect: Batcher[_Images, Sequence[np.ndarray]] = Batcher(self._detect_all, max_batch, max_wait)

    def exchange(self, network: Network) -> None:
        """Pass calls on to another network of the same kind; batches under way end with the one that began them."""
        self._network = network

    @property
    def info(self) -> NetworkInfo:
        """See `Network.info`."""
        return self._network.info

    @property
    def runtime(self) -> str:
        """See `Network.runtime`."""
        return self._network.runtime

    def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """See `Network.detect`; images of one size for one detector share a batch, large ones fewer of them."""
        height, width = images.shape[1:3]
        size = len(images) * max(1, round(height * width / _SHARE))
        return tuple(self._detect((detector, images), size, (detector, images.shape[1:])))

    def regress(self, pixels: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        """See `Network.regress`."""
        return self._regress((pixels, crops, cameras), len(pixels))

    def lift(self, keypoints: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        """See `Network.lift`."""
        return self._lift((keypoints, crops, cameras), len(keypoints))

    def _detect_all(self, calls: list[_Images]) -> list[list[np.ndarray]]:
        images = [each for _, each in calls]
        return _split(self._network.detect(calls[0][0], _joined(images)), images)

    def _regress_all(self, people: list[_People]) -> list[CameraSpaceMeshes]:
        return _together(self._network.regress, people)

    def _lift_all(self, people: list[_People]) -> list[CameraSpaceMeshes]:
        return _together(self._network.lift, people)


def _together(
    run: Callable[[np.ndarray, np.ndarray, np.ndarray], CameraSpaceMeshes], people: list[_People]
) -> list[CameraSpaceMeshes]:
    meshes = run(*(_joined(arrays) for arrays in zip(*people, strict=True)))
    return [CameraSpaceMeshes(*part) for part in _split(meshes, [each[0] for each in people])]


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _split(answers: Sequence[np.ndarray], questions: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """Gives each question its part of every answer."""
    ends = np.cumsum([len(question) for question in questions]).tolist()
    starts = [0, *ends[:-1]]
    return [[answer[start:end] for answer in answers] for start, end in zip(starts, ends, strict=True)]
