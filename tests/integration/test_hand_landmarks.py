"""The network that sees hands of whole people: a drawn hand by either engine, and the sample photo's people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import weights
from model.formats.photo import decode
from model.network.detectors import registry
from model.reconstructor import Reconstructor
from model.runtime import hand_landmarks
from model.runtime.hand_landmarks import NAME, HandLandmarks
from tests.support.drawn_hand import JOINTS, SIZE, background, draw_hand

SAMPLE = Path(__file__).parents[2] / "service" / "static" / "sample.jpg"


@pytest.fixture(scope="module")
def exported() -> Path:
    """The folder of its export."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    from model.runtime.export import detector_model
    from tests.support.kept_exports import kept_export

    network = registry.load_detector(NAME, weights.path(NAME))

    def make(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(detector_model(network), path)

    return kept_export(NAME, [network], [], make).parent


@pytest.fixture(params=["torch", pytest.param("onnx", marks=pytest.mark.slow)])
def landmarks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> HandLandmarks:
    if request.param == "torch":
        return HandLandmarks("cpu", onnx=False, threads=1)
    folder = request.getfixturevalue("exported")
    monkeypatch.setattr(hand_landmarks, "export_path", lambda subject: folder / "anny-hand-tiny.onnx")
    monkeypatch.delattr("model.runtime.torch_runtime.open_detector")  # PyTorch's is not asked
    return HandLandmarks("cpu", onnx=True, threads=1)


def test_a_drawn_hand_and_its_mirror_image_by_either_engine(landmarks: HandLandmarks) -> None:
    crop = cv2.resize(draw_hand(background()), (224, 224), interpolation=cv2.INTER_AREA)
    found = landmarks(np.stack([crop, crop[:, ::-1]]))
    assert found.points.shape == (2, 21, 3) and found.presence.shape == found.right.shape == (2,)
    right, left = found.points[..., :2]
    error = np.linalg.norm(right - JOINTS * (224 / SIZE), axis=1)
    assert np.median(error) < 4 and error.max() < 16  # fingers are 20 px apart
    assert np.median(np.linalg.norm(left * [-1, 1] + [224, 0] - right, axis=1)) < 4
    assert found.presence.min() > 0.9 and found.right[0] > 0.9 and found.right[1] < 0.1


@pytest.mark.parametrize(
    ("files", "torch", "onnx", "there"),
    [
        (["safetensors"], True, False, True),
        (["safetensors"], True, True, True),  # there is no export yet
        (["safetensors"], False, True, False),
        (["onnx"], False, True, True),
        (["onnx"], True, False, False),  # PyTorch does not run exports
        ([], True, True, False),
    ],
)
def test_it_is_there_if_somebody_can_run_it(
    files: list[str], torch: bool, onnx: bool, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weights.registry.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if torch else None)
    for ending in files:
        (tmp_path / f"{NAME}.{ending}").touch()
    assert HandLandmarks.is_there(onnx) == there


def test_hands_of_the_sample_photo_are_seen_where_arms_end(load: Callable[..., Reconstructor]) -> None:
    photo = decode(SAMPLE.read_bytes(), 10**8).pixels
    reconstructor = load(device="cpu", engine="torch")
    assert reconstructor.rig is not None and reconstructor.rig.hands is not None
    sides = {}
    for mode in ("auto", "off"):
        people = reconstructor.reconstruct(photo, ground=False, hands=mode, twice=False).people
        sides[mode] = [person.body.hands_seen for person in people if person.body is not None]
    assert len(sides["auto"]) == len(sides["off"]) >= 3
    assert not np.any(sides["off"]) and np.sum(sides["auto"]) >= 3
