"""The export of a small network: the same numbers at any batch, a file that describes itself, and what is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.errors import BadCheckpoint, BadInput, WeightsMissing
from model.interfaces import LANDMARKS, CameraSpaceMeshes, DetectorOutputs, NetworkInfo, PoseLandmarks
from model.network.backbones import PoseBackbone
from model.network.build import build_network
from model.network.detectors.registry import PhotoDetector
from model.network.mpt import MPT, KeypointMPT, PhotoMPT
from model.network.projection import from_crop
from model.network.sizes import TransformerSize
from model.network.topology import MeshTopology
from tests.support.needed import skip_without

skip_without("onnx", "onnxscript", "onnxruntime")

import onnx  # noqa: E402

from model.runtime.export import export, is_up_to_date, main  # noqa: E402
from model.runtime.onnx_runtime import FORMAT, OnnxNetwork  # noqa: E402
from tests.support.kept_exports import kept_export  # noqa: E402


class Backbone(PoseBackbone):
    """One convolution, and a size of heatmaps that is not the transformer's."""

    joints, input_size, heatmap_size = 17, 64, 32

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 17, 3, stride=2, padding=1)

    def forward(self, crops: Tensor) -> Tensor:
        return (self.layer(crops / 64)).sigmoid()


class Detector(nn.Module):
    """A convolution in the place of MoveNet."""

    outputs = DetectorOutputs._fields

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 90, 4, stride=4)

    def predict(self, images: Tensor) -> DetectorOutputs:
        return DetectorOutputs(*self.layer(images).split([17, 1, 34, 34, 2, 2], dim=1))


class Landmarker(nn.Module):
    """A mean in the place of BlazePose; it takes images of one size."""

    outputs, input_size = PoseLandmarks._fields, 64

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 39)

    def predict(self, images: Tensor) -> PoseLandmarks:
        peaks = self.layer(images.mean(dim=(2, 3)) / 256).sigmoid()
        points = torch.stack([peaks, peaks * 2], dim=-1)
        return PoseLandmarks(points, peaks, 3 * peaks, images[:, 0] / 256, points[:, :29], 5 * peaks)


def stand_in(topology: MeshTopology, size: TransformerSize) -> Any:
    """What `export` looks at of a `TorchNetwork`."""
    torch.manual_seed(0)
    info = NetworkInfo(
        "small",
        "test",
        "zero-shot",
        {"name": "small"},
        "body",
        topology.faces.numpy(),
        60,
        _JOINT_NAMES,
        64,
        lifts=True,
    )
    mesh = PhotoMPT(MPT(Backbone(), build_network(size, topology), topology)).eval()
    networks = {"movenet-multipose": Detector(), LANDMARKS: Landmarker()}
    detectors = {name: PhotoDetector(each).eval() for name, each in networks.items()}
    return SimpleNamespace(mesh=mesh, detectors=detectors, info=info)


def people(count: int) -> list[np.ndarray]:
    """Pixels, crops and cameras of people in different photos."""
    random = np.random.default_rng(count)
    crops = np.column_stack([random.uniform(0, 900, (count, 2)), random.uniform(50, 400, count)])
    cameras = np.column_stack([random.uniform(500, 1500, count), random.uniform(300, 600, (count, 2))])
    pixels = random.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    return [pixels, crops.astype(np.float32), cameras.astype(np.float32)]


def in_torch(network: Any, count: int) -> CameraSpaceMeshes:
    with torch.inference_mode():
        return CameraSpaceMeshes(*(t.numpy() for t in network.mesh(*map(torch.from_numpy, people(count)))))


_JOINT_NAMES = tuple(f"joint {index}" for index in range(17))
_MADE_OF = [Path(__file__), Path(__file__).parents[2] / "conftest.py"]


@pytest.fixture(params=["float32", pytest.param("float16", marks=pytest.mark.slow)])
def exported(
    request: pytest.FixtureRequest, topology: MeshTopology, light_size: TransformerSize
) -> tuple[Any, Path, str]:
    """The network, its export and the precision."""
    precision, network = request.param, stand_in(topology, light_size)

    def make(path: Path) -> None:
        before = copy.deepcopy(network.mesh.state_dict())
        export(network, path, precision, "made of this")
        for name, value in network.mesh.state_dict().items():
            assert value.dtype == torch.float32
            assert torch.equal(value, before[name])

    networks = [network.mesh, *network.detectors.values()]
    return network, kept_export(f"small-{precision}", networks, _MADE_OF, make), precision


def test_it_gives_the_numbers_of_pytorch_at_any_batch(exported: tuple[Any, Path, str]) -> None:
    network, path, precision = exported
    twin = OnnxNetwork.load(path, "cpu", threads=1)
    metres, pixels = (1e-4, 1e-2) if precision == "float32" else (5e-3, 0.5)
    for count in (1, 3, 8):
        expected, answer = in_torch(network, count), twin.regress(*people(count))
        assert answer.vertices.shape == (count, 60, 3) and answer.vertices.dtype == np.float32
        for name in ("vertices", "joints", "weak_perspective"):
            np.testing.assert_allclose(getattr(answer, name), getattr(expected, name), atol=metres, err_msg=name)
        np.testing.assert_allclose(answer.keypoints, expected.keypoints, atol=pixels)
        np.testing.assert_allclose(answer.translation, expected.translation, rtol=10 * metres, atol=10 * metres)


@pytest.mark.parametrize("points", [17, 20, 27])
def test_keypoints_are_lifted_as_by_pytorch_at_any_batch(exported: tuple[Any, Path, str], points: int) -> None:
    """The network knows 17 joints and three landmarks: what is missing was not seen, what is too much is left out."""
    network, path, precision = exported
    twin = OnnxNetwork.load(path, "cpu", threads=1)
    for count in (1, 3):
        _, crops, cameras = people(count)
        random = np.random.default_rng(count)
        places = crops[:, None, :2] + random.uniform(-0.4, 0.4, (count, points, 2)) * crops[:, None, 2:]
        keypoints = np.concatenate([places, random.uniform(0.5, 1, (count, points, 1))], axis=2).astype(np.float32)
        with torch.inference_mode():
            expected = KeypointMPT(network.mesh)(*map(torch.from_numpy, (keypoints, crops, cameras)))
        answer = twin.lift(keypoints, crops, cameras)
        np.testing.assert_array_equal(answer.keypoints, keypoints[:, :17])
        for mine, theirs in zip(answer, expected, strict=True):
            assert mine.shape == tuple(theirs.shape) and mine.dtype == np.float32
            np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-3, rtol=1e-3)
        images = random.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
        with torch.inference_mode():
            seen = network.detectors[LANDMARKS](torch.from_numpy(images))
        for mine, theirs in zip(twin.detect(LANDMARKS, images), seen, strict=True):
            np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-4 if precision == "float32" else 0.02)


def test_the_detector_takes_images_of_any_size_and_number(exported: tuple[Any, Path, str]) -> None:
    network, path, precision = exported
    twin = OnnxNetwork.load(path, "cpu", threads=1)
    for shape in ((1, 32, 32, 3), (3, 96, 64, 3)):
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        with torch.inference_mode():
            expected = network.detectors["movenet-multipose"](torch.from_numpy(images))
        for mine, theirs in zip(twin.detect("movenet-multipose", images), expected, strict=True):
            assert mine.dtype == np.float32
            np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-3 if precision == "float32" else 0.5)


def test_it_describes_itself(exported: tuple[Any, Path, str]) -> None:
    network, path, precision = exported
    assert not OnnxNetwork.load(path, "cpu", threads=1, landmarks=False).info.lifts
    twin = OnnxNetwork.load(path, "cpu", threads=1)
    expected = vars(network.info)
    answer = vars(twin.info)
    np.testing.assert_array_equal(answer.pop("faces"), expected["faces"])
    assert answer == {name: value for name, value in expected.items() if name != "faces"}
    assert twin.runtime == f"ONNX Runtime on CPU, {precision}"
    assert twin.fingerprint == "made of this"
    model = onnx.load(path)
    onnx.checker.check_model(model)
    assert "metres" in model.doc_string
    assert [value.type.tensor_type.shape.dim[0].dim_param for value in model.graph.input] == ["people"] * 3


def test_the_full_mesh_is_the_upsampled_and_turned_coarse_one(
    topology: MeshTopology, light_size: TransformerSize
) -> None:
    mesh = stand_in(topology, light_size).mesh
    pixels, crops, cameras = map(torch.from_numpy, people(2))
    with torch.inference_mode():
        plain = mesh.network(pixels.permute(0, 3, 1, 2).float())
        root = from_crop(plain.camera[:, None, 1:], crops)[:, 0]
        cameras[:, 1:] = root  # on the optical axis: nothing is turned
        placed = mesh(pixels, crops, cameras)
    torch.testing.assert_close(placed.vertices, plain.vertices)
    torch.testing.assert_close(placed.joints, plain.joints)


def test_an_export_is_up_to_date_until_its_checkpoint_changes(
    exported: tuple[Any, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path, precision = exported
    monkeypatch.setattr("model.runtime.export.fingerprint", lambda checkpoint: checkpoint.name)
    assert is_up_to_date(path, Path("made of this"), precision)
    assert not is_up_to_date(path, Path("made of that"), precision)
    assert not is_up_to_date(path, Path("made of this"), "another")
    assert not is_up_to_date(tmp_path / "none.onnx", Path("made of this"), precision)


def test_the_command_exports_all_that_come_with_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "model.runtime.export.is_up_to_date", lambda output, source, _: asked.append((source.name, str(output))) or True
    )
    monkeypatch.setattr("model.runtime.export.is_shipped", lambda subject: True)
    monkeypatch.setattr("model.runtime.export.default_checkpoint", lambda subject: Path(f"{subject}.safetensors"))
    monkeypatch.setenv("MPT_WEIGHTS_DIR", "/weights")

    def command(*arguments: str) -> tuple[int, list[tuple[str, str]]]:
        asked.clear()
        monkeypatch.setattr("sys.argv", ["export", *arguments])
        return main(), list(asked)

    body, hand = "anny-tiny.onnx", "anny-hand-tiny.onnx"
    assert command() == (0, [("body.safetensors", f"/weights/{body}"), ("hand.safetensors", f"/weights/{hand}")])
    assert command("--subject", "hand", "--output", "x") == (0, [("hand.safetensors", f"x/{hand}")])
    assert command("--checkpoint", "runs/a.safetensors") == (0, [("a.safetensors", "runs/a.onnx")])
    assert command("--checkpoint", "runs/a.safetensors", "--output", "b.onnx") == (0, [("a.safetensors", "b.onnx")])
    assert command("--output", "one.onnx") == (1, [])


def test_what_cannot_be_used_gets_a_sentence(exported: tuple[Any, Path, str], tmp_path: Path) -> None:
    network, path, _ = exported
    with pytest.raises(BadInput, match="must end with"):
        export(network, tmp_path / "small.onx")
    with pytest.raises(BadInput, match="float32, float16"):
        export(network, tmp_path / "small.onnx", "int4")
    with pytest.raises(WeightsMissing, match=r"model\.runtime\.export"):
        OnnxNetwork.load(tmp_path / "none.onnx")
    lonely = tmp_path / "lonely.onnx"
    lonely.write_bytes(path.read_bytes())
    with pytest.raises(WeightsMissing, match="movenet-multipose"):
        OnnxNetwork.load(lonely)
    detector = path.with_name("movenet-multipose.onnx")
    (tmp_path / detector.name).write_bytes(detector.read_bytes())
    with pytest.raises(BadCheckpoint, match="no export"):
        OnnxNetwork.load(tmp_path / detector.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.runtime.onnx_runtime.FORMAT", "of another version")
        with pytest.raises(BadCheckpoint, match=f"of format '{FORMAT}'"):
            OnnxNetwork.load(path)
    lonely.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadCheckpoint, match="lonely"):
        OnnxNetwork.load(lonely)
    assert not is_up_to_date(lonely, path, "float32")


@pytest.mark.parametrize("device", ["tpu", "cuda:one"])
def test_a_device_that_there_is_not_gets_a_sentence(exported: tuple[Any, Path, str], device: str) -> None:
    with pytest.raises(BadInput, match="choose cpu, cuda"):
        OnnxNetwork.load(exported[1], device)


def test_a_fallback_to_the_cpu_is_an_error(exported: tuple[Any, Path, str]) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime knows CUDA")
    with pytest.raises(BadInput, match=r"cannot run on cuda here; it offers .*CPUExecutionProvider"):
        OnnxNetwork.load(exported[1], "cuda")
