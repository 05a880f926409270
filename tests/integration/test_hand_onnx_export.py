"""The export of the shipped networks for hands: whatever one engine is asked in a photo, the other answers alike."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from model.interfaces import CameraSpaceMeshes, NetworkInfo
from model.reconstructor import Reconstructor
from model.runtime.fingerprint import fingerprint
from model.runtime.loading import default_checkpoint, is_shipped
from model.runtime.torch_runtime import TorchNetwork
from tests.integration.test_hands import WIDTH, picture
from tests.integration.test_onnx_export import millimetres
from tests.support.needed import skip_without

skip_without("onnx", "onnxscript", "onnxruntime")

from model.runtime.export import export  # noqa: E402
from model.runtime.onnx_runtime import OnnxNetwork  # noqa: E402
from tests.support.kept_exports import kept_export  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_shipped("hand"), reason="this version comes without a checkpoint for hands"),
]


class Both:
    """A `Network` that asks both engines, and answers as PyTorch does if they agree.

    On their own they look at views that differ by hundredths of a pixel, since each view comes from the look before;
    pixels are rounded, and what is left of that in the depth of a finger are millimetres.
    """

    def __init__(self, one: TorchNetwork, other: OnnxNetwork):
        self.one, self.other, self.runtime = one, other, "both"
        self.asked: Counter[str] = Counter()

    @property
    def info(self) -> NetworkInfo:
        return self.one.info

    def detect(self, detector: str, images: np.ndarray) -> tuple[np.ndarray, ...]:
        expected, answer = self.one.detect(detector, images), self.other.detect(detector, images)
        for head, twin in zip(expected, answer, strict=True):
            np.testing.assert_allclose(twin, head, atol=0.01, rtol=1e-4)  # pixels and logits
        self.asked[detector] += len(images)
        return expected

    def regress(self, pixels: np.ndarray, crops: np.ndarray, cameras: np.ndarray) -> CameraSpaceMeshes:
        expected, answer = (network.regress(pixels, crops, cameras) for network in (self.one, self.other))
        assert millimetres(expected, answer) < 0.1
        for name, tolerance in (("joints", 1e-4), ("keypoints", 0.02), ("translation", 1e-3)):
            np.testing.assert_allclose(getattr(answer, name), getattr(expected, name), atol=tolerance, err_msg=name)
        self.asked["mesh"] += len(pixels)
        return expected


@pytest.fixture(scope="module")
def both() -> Both:
    """The shipped checkpoint, and its export."""
    checkpoint = default_checkpoint("hand")
    network = TorchNetwork.load(checkpoint, "cpu")
    path = kept_export(
        "anny-hand-tiny",
        [network.mesh, *network.detectors.values()],
        [checkpoint],
        lambda path: export(network, path, "float32", fingerprint(checkpoint)),
    )
    return Both(network, OnnxNetwork.load(path, "cpu"))


def three_hands() -> np.ndarray:
    """A right hand, a left one, and a right one that points sideways; each in a third of the picture."""
    return np.concatenate([picture(), picture()[:, ::-1], picture(90)], axis=1)


def test_both_engines_agree_within_a_tenth_of_a_millimetre_on_all_that_a_photo_asks(both: Both) -> None:
    hands = Reconstructor(both).reconstruct(three_hands()).people
    places = sorted((round((hand.bbox[0] + hand.bbox[2] / 2) // WIDTH), hand.handedness) for hand in hands)
    assert places == [(0, "right"), (1, "left"), (2, "right")]
    assert both.asked["handlandmark-full"] >= 9 and both.asked["handdetect"] and both.asked["movenet-multipose"]
    assert both.asked["mesh"] >= 3
    assert all(np.ptp(hand.vertices, axis=0).max() > 0.1 for hand in hands)  # a hand, not nothing


def test_a_given_box_gives_the_same_hand(both: Both) -> None:
    (hand,) = Reconstructor(both).reconstruct(picture(), boxes=[(200.0, 110.0, 180.0, 210.0)]).people
    assert hand.handedness == "right" and hand.score > 0.8


def test_each_engine_alone_finds_the_same_hands(both: Both) -> None:
    for one, other in zip(
        *(Reconstructor(network).reconstruct(three_hands()).people for network in (both.one, both.other)), strict=True
    ):
        assert one.handedness == other.handedness
        np.testing.assert_allclose(other.bbox, one.bbox, atol=0.5)
        assert other.score == pytest.approx(one.score, abs=0.01)
    assert both.other.info.subject == "hand" and both.other.info.joint_names == both.one.info.joint_names
    np.testing.assert_array_equal(both.other.info.faces, both.one.info.faces)
