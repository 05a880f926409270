"""What shares a pass of the network, and what does not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model.interfaces import CameraSpaceMeshes
from service.inference.batched_network import BatchedNetwork
from tests.support.waiting import wait_for


class Slow:
    """A network that answers with its images' means, the first once the others queue; notes how many came at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.first, self.others = threading.Event(), threading.Event()

    def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        self.batches.append(len(images))
        self.first.set()
        assert self.others.wait(60)
        return (images.mean(axis=(1, 2, 3)),)


@pytest.mark.parametrize(("side", "batches"), [(256, [1, 6]), (448, [1, 6]), (768, [1, 5, 1]), (1344, [1] * 7)])
def test_batches_are_smaller_where_images_are_larger(side: int, batches: list[int]) -> None:
    network = Slow()
    batched = BatchedNetwork(network, max_batch=16, max_wait=0)  # type: ignore[arg-type]

    def ask(value: int) -> float:
        if value:
            assert network.first.wait(60)
        (mean,) = batched.detect("detector", np.full((1, side, side, 3), value, np.uint8))
        return float(mean[0])

    with ThreadPoolExecutor(7) as threads:
        answers = threads.map(ask, range(7))
        wait_for(lambda: len(batched._detect._queue) == 6)
        network.others.set()
        assert list(answers) == list(range(7))
    assert network.batches == batches


def test_keypoints_of_several_photos_are_lifted_at_once() -> None:
    class Lifter:
        def __init__(self) -> None:
            self.batches: list[int] = []
            self.first, self.others = threading.Event(), threading.Event()

        def lift(self, keypoints: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
            self.batches.append(len(keypoints))
            self.first.set()
            assert self.others.wait(60)
            return CameraSpaceMeshes(keypoints * 2, keypoints, keypoints, crops, cameras)

    network = Lifter()
    batched = BatchedNetwork(network, max_batch=16, max_wait=0)  # type: ignore[arg-type]

    def ask(value: int) -> CameraSpaceMeshes:
        if value:
            assert network.first.wait(60)
        people = 1 + value % 2
        keypoints, place = np.full((people, 17, 3), value, np.float32), np.full((people, 3), value, np.float32)
        return batched.lift(keypoints, place, place)

    with ThreadPoolExecutor(5) as threads:
        answers = threads.map(ask, range(5))
        wait_for(lambda: len(batched._lift._queue) == 4)
        network.others.set()
        for value, answer in enumerate(answers):
            assert answer.vertices.shape == (1 + value % 2, 17, 3)
            assert (answer.vertices == 2 * value).all() and (answer.translation == value).all()
    assert network.batches == [1, 6]
