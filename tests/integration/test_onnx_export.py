"""The export of the shipped networks: PyTorch's numbers, and a service that answers without PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import weights
from model.interfaces import CameraSpaceMeshes
from model.network.backbones import build_backbone
from model.network.checkpoint import load_checkpoint, save_checkpoint
from model.perception.crops import cut_crop, square_crop
from model.reconstructor import Reconstructor
from model.runtime.fingerprint import fingerprint
from model.runtime.loading import default_checkpoint
from model.runtime.torch_runtime import TorchNetwork
from tests.support.drawn_figure import background, draw_figure
from tests.support.needed import skip_without

skip_without("onnx", "onnxscript", "onnxruntime")

from model.runtime.export import export  # noqa: E402
from model.runtime.onnx_runtime import OnnxNetwork  # noqa: E402
from tests.support.kept_exports import kept_export  # noqa: E402

PLACES = ((60, 10), (330, 30))


@pytest.fixture(scope="module")
def in_torch() -> TorchNetwork:
    return TorchNetwork.load(default_checkpoint(), "cpu")


@pytest.fixture(scope="module")
def exported(in_torch: TorchNetwork) -> Path:
    """The shipped checkpoint's."""
    checkpoint = default_checkpoint()
    return kept_export(
        "anny-tiny",
        [in_torch.mesh, *in_torch.detectors.values()],
        [checkpoint],
        lambda path: export(in_torch, path, "float32", fingerprint(checkpoint)),
    )


@pytest.fixture(scope="module")
def in_onnx(exported: Path) -> OnnxNetwork:
    return OnnxNetwork.load(exported, "cpu")


def photo() -> np.ndarray:
    """Two drawn people."""
    image = background(260, 560)
    for place in PLACES:
        draw_figure(image, *place)
    return image


def crops(count: int) -> list[np.ndarray]:
    """Crops of the drawn people, no two alike: what `Network.regress` takes."""
    random = np.random.default_rng(0)
    image, places = photo(), []
    for index in range(count):
        dx, dy = PLACES[index % 2] + random.uniform(-6, 6, 2)
        places.append(square_crop((dx + 66, dy + 22, 92, random.uniform(170, 210))))
    pixels = np.stack([cut_crop(image, place, 224) for place in places])
    return [pixels, np.array(places, np.float32), np.tile(np.array([620, 280, 130], np.float32), (count, 1))]


def millimetres(one: CameraSpaceMeshes, other: CameraSpaceMeshes) -> float:
    """The largest distance between vertices."""
    return 1000 * float(np.linalg.norm(one.vertices - other.vertices, axis=-1).max())


@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_export_is_equal_within_a_tenth_of_a_millimetre(
    in_torch: TorchNetwork, in_onnx: OnnxNetwork, count: int
) -> None:
    people = crops(count)
    expected, answer = in_torch.regress(*people), in_onnx.regress(*people)
    assert millimetres(expected, answer) < 0.1
    assert np.ptp(answer.vertices[0, :, 1]) > 1  # a body, not nothing
    for name, tolerance in (("joints", 1e-4), ("keypoints", 0.05), ("translation", 1e-2), ("weak_perspective", 1e-3)):
        np.testing.assert_allclose(getattr(answer, name), getattr(expected, name), atol=tolerance, err_msg=name)


def test_a_person_is_the_same_alone_and_in_company(in_onnx: OnnxNetwork) -> None:
    people = crops(8)
    together = in_onnx.regress(*people)
    for index in (0, 7):
        alone = in_onnx.regress(*(array[index : index + 1] for array in people))
        assert np.linalg.norm(alone.vertices[0] - together.vertices[index], axis=-1).max() < 1e-4


def test_both_engines_find_the_same_people(in_torch: TorchNetwork, in_onnx: OnnxNetwork) -> None:
    for mesh, apart in (("raw", 2e-3), ("body", 5e-3)):  # crops differ by a rounding
        for expected, found in zip(
            *(Reconstructor(network).reconstruct(photo(), mesh=mesh).people for network in (in_torch, in_onnx)),
            strict=True,
        ):
            assert found.mesh_kind == mesh
            np.testing.assert_allclose(found.bbox, expected.bbox, atol=0.01)
            assert found.score == pytest.approx(expected.score, abs=1e-4)
            assert np.linalg.norm(found.vertices - expected.vertices, axis=-1).max() < apart
    assert Reconstructor(in_onnx).info() | {"engine": ""} == Reconstructor(in_torch).info() | {"engine": ""}
    np.testing.assert_array_equal(in_onnx.info.faces, in_torch.info.faces)


@pytest.mark.slow
def test_float16_is_within_millimetres(in_torch: TorchNetwork, tmp_path: Path) -> None:
    export(in_torch, tmp_path / "half.onnx", "float16")
    half = OnnxNetwork.load(tmp_path / "half.onnx", "cpu")
    people = crops(8)
    assert millimetres(in_torch.regress(*people), half.regress(*people)) < 5
    assert (tmp_path / "half.onnx").stat().st_size < 90e6


@pytest.mark.slow
def test_a_fine_tuned_network_is_exported_with_its_own_backbone(in_torch: TorchNetwork, tmp_path: Path) -> None:
    shipped = load_checkpoint(default_checkpoint())
    backbone = build_backbone("movenet-thunder", weights.path("movenet-thunder"))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.mul_(1 + 0.02 * torch.randn(parameter.shape, generator=generator))
    card = {**shipped.card, "mode": "fine-tuned"}
    save_checkpoint(tmp_path / "tuned.safetensors", shipped.model, shipped.topology, card, backbone)
    tuned = TorchNetwork.load(tmp_path / "tuned.safetensors", "cpu")
    export(tuned, tmp_path / "tuned.onnx")
    twin = OnnxNetwork.load(tmp_path / "tuned.onnx", "cpu")
    assert twin.info.mode == "fine-tuned"
    people = crops(3)
    expected, answer = tuned.regress(*people), twin.regress(*people)
    assert millimetres(expected, answer) < 0.1
    assert millimetres(in_torch.regress(*people), answer) > 1  # the published backbone sees something else


WITHOUT_TORCH = """
import sys, time

class NotInstalled:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled)
import cv2
from fastapi.testclient import TestClient
from service.app import create_app
from service.settings import Settings
from tests.support.drawn_figure import background, draw_figure
photo = cv2.imencode(".png", draw_figure(background(300, 400), 80, 40)[..., ::-1])[1].tobytes()
with TestClient(create_app(Settings())) as client:
    while "still loading" in (ready := client.get("/v2/health/ready").text):
        time.sleep(0.05)
    assert "ready" in ready, ready
    answer = client.post("/reconstruct", files={"image": ("photo.png", photo)})
    assert answer.status_code == 200, answer.text
    (person,) = answer.json()["people"]
    mesh = client.get(person["mesh"]["glb"])
    assert mesh.status_code == 200 and len(mesh.content) > 100_000
    model = client.get("/models").json()[0]
    print(model["engine"])
"""


def test_a_service_answers_without_pytorch(exported: Path, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MPT_")},
        "MPT_ENGINE": "onnx",
        "MPT_CHECKPOINT": str(exported),
        "MPT_STORE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ONNX Runtime on CPU, float32" in done.stdout
