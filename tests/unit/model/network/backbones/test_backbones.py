"""Every registered backbone, and those whose weights users bring, by the names of the authors' parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import weights
from model.errors import BadCheckpoint, WeightsMissing
from model.network.backbones import backbone_names, build_backbone
from model.network.heatmaps import draw_heatmaps, read_heatmaps, resample_heatmaps
from weights.convert import bring
from weights.convert import main as bring_command

BROUGHT = ["higherhrnet-w32", "higherhrnet-w32-256", "simple-baseline-50", "simple-baseline-50-square"]


@pytest.mark.parametrize("name", backbone_names())
def test_heatmaps_have_their_shape_and_gradients_reach_all_that_is_used(name: str) -> None:
    torch.manual_seed(0)
    backbone = build_backbone(name)
    crops = 255 * torch.rand(1, 3, backbone.input_size, backbone.input_size)
    with torch.inference_mode():
        heatmaps = backbone(crops)
        if backbone.feature_channels is not None:
            size, strip = backbone.heatmap_size, crops[:, :, :64]  # of a crop: there are convolutions alone
            height = 64 * size // backbone.input_size
            assert backbone.features(strip).shape == (1, backbone.feature_channels, height, size)
    assert heatmaps.shape == (1, backbone.joints, backbone.heatmap_size, backbone.heatmap_size)
    assert heatmaps.dtype == torch.float32 and heatmaps.min() >= 0 and heatmaps.max() <= 1
    if name in BROUGHT:
        # Random networks answer below 0 as well, where the clamp stops the gradient: ask what lies before it. A part
        # of a crop will do for networks of convolutions.
        backbone.features(crops[..., :64, 64:192]).square().mean().backward()
        unused = {n for n, p in backbone.named_parameters() if p.grad is None}
        assert all(n.startswith(("final_layer",)) for n in unused), unused


# Sizes that the papers give: 28.6 M (HigherHRNet, Table 1) and 34.0 M (Simple Baselines, Table 2).
@pytest.mark.parametrize(("name", "millions"), [("higherhrnet-w32", 28.6), ("simple-baseline-50", 34.0)])
def test_networks_are_as_large_as_the_papers_say(name: str, millions: float) -> None:
    with torch.device("meta"):  # sizes and names without the numbers
        count = sum(p.numel() for p in build_backbone(name).parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.06)


# Names and shapes from the authors' checkpoints, one of each kind of place.
NAMES = {
    "higherhrnet-w32": {
        "conv1.weight": (64, 3, 3, 3),
        "bn2.running_var": (64,),
        "layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "layer1.3.conv3.weight": (256, 64, 1, 1),
        "transition1.0.0.weight": (32, 256, 3, 3),
        "transition1.1.0.0.weight": (64, 256, 3, 3),
        "stage2.0.branches.1.3.conv2.weight": (64, 64, 3, 3),
        "stage2.0.fuse_layers.0.1.0.weight": (32, 64, 1, 1),
        "stage2.0.fuse_layers.1.0.0.0.weight": (64, 32, 3, 3),
        "transition2.2.0.0.weight": (128, 64, 3, 3),
        "stage3.3.fuse_layers.2.0.0.0.weight": (32, 32, 3, 3),
        "stage3.3.fuse_layers.2.0.1.0.weight": (128, 32, 3, 3),
        "transition3.3.0.1.bias": (256,),
        "stage4.0.fuse_layers.3.0.2.0.weight": (256, 32, 3, 3),
        "stage4.2.fuse_layers.0.3.0.weight": (32, 256, 1, 1),
        "final_layers.0.weight": (34, 32, 1, 1),
        "final_layers.1.bias": (17,),
        "deconv_layers.0.0.0.weight": (66, 32, 4, 4),
        "deconv_layers.0.0.1.running_mean": (32,),
        "deconv_layers.0.4.0.bn2.weight": (32,),
    },
    "simple-baseline-50": {
        "conv1.weight": (64, 3, 7, 7),
        "layer1.0.downsample.1.weight": (256,),
        "layer2.0.conv2.weight": (128, 128, 3, 3),
        "layer3.5.conv1.weight": (256, 1024, 1, 1),
        "layer4.2.bn3.running_mean": (2048,),
        "deconv_layers.0.weight": (2048, 256, 4, 4),
        "deconv_layers.4.weight": (256,),
        "deconv_layers.6.weight": (256, 256, 4, 4),
        "final_layer.weight": (17, 256, 1, 1),
        "final_layer.bias": (17,),
    },
}
ABSENT = ["stage4.2.fuse_layers.1.0.0.0.weight", "transition2.0.0.weight", "layer1.1.downsample.0.weight"]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_have_the_authors_names(name: str) -> None:
    with torch.device("meta"):
        state = build_backbone(name).state_dict()
    assert {key: tuple(state[key].shape) for key in NAMES[name]} == NAMES[name]
    assert not set(ABSENT) & set(state)


def test_both_sizes_of_a_network_take_the_same_weights() -> None:
    for one, other in (BROUGHT[:2], BROUGHT[2:]):
        with torch.device("meta"):
            a, b = build_backbone(one).state_dict(), build_backbone(other).state_dict()
        assert {k: v.shape for k, v in a.items()} == {k: v.shape for k, v in b.items()}


def test_a_checkpoint_is_brought_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPT_WEIGHTS_DIR", str(tmp_path / "cache"))
    with pytest.raises(WeightsMissing, match=r"pose_resnet_50_256x192.pth.tar .*weights\.convert simple-baseline-50"):
        weights.path("simple-baseline-50-square")
    torch.manual_seed(1)
    theirs = build_backbone("simple-baseline-50")
    file = tmp_path / "pose_resnet_50_256x192.pth.tar"
    old = {f"module.{k}": v for k, v in theirs.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save(old, file)
    assert bring_command(["simple-baseline-50", str(file)]) == 0
    ours = build_backbone("simple-baseline-50-square", weights.path("simple-baseline-50-square"))
    assert all(torch.equal(ours.state_dict()[k], v) for k, v in theirs.state_dict().items())


class _Harm:
    """What a pickle of an attacker would bring."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize("what", [{"a": _Harm()}, [1, 2], {"conv1.weight": torch.zeros(64, 3, 7, 7)}])
def test_what_is_no_checkpoint_of_it_is_refused(what: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPT_WEIGHTS_DIR", str(tmp_path / "cache"))
    torch.save(what, tmp_path / "file.pth")
    with pytest.raises(BadCheckpoint, match=r"file\.pth"):
        bring("simple-baseline-50", tmp_path / "file.pth")
    assert not list((tmp_path / "cache").glob("*"))


def test_the_middle_of_a_crop_is_what_the_upright_network_sees() -> None:
    torch.manual_seed(0)
    backbone = build_backbone("simple-baseline-50")
    crops = 255 * torch.rand(1, 3, 256, 256)
    beside = crops.clone()
    beside[..., :32], beside[..., 224:] = 0, 255
    heatmaps = backbone(crops)
    assert torch.equal(heatmaps, backbone(beside))
    assert heatmaps[..., :8].abs().max() == 0 and heatmaps[..., 56:].abs().max() == 0


@pytest.mark.parametrize(("old", "new"), [(64, 56), (64, 224), (256, 56), (128, 56)])
def test_peaks_stay_in_place_on_another_grid(old: int, new: int) -> None:
    joints = 30 + 160 * torch.rand(1, 17, 2, generator=torch.Generator().manual_seed(0))
    drawn = draw_heatmaps(joints, old, sigma=7.0)
    moved = resample_heatmaps(drawn, (new, new))
    assert ((read_heatmaps(moved).position + 1) * 112 - joints).norm(dim=-1).max() < 0.6  # crop pixels
    assert moved.amax() > 0.75  # averaged, but nothing falls between two cells


def test_a_grid_that_begins_at_the_edge_is_moved_by_its_offset() -> None:
    """A cell that stands for the pixel with the index 4 i is 0.375 cells before the middle of its four pixels."""
    heatmaps = torch.zeros(1, 1, 8, 8)
    heatmaps[0, 0, 2, 5] = 1.0
    moved = resample_heatmaps(heatmaps, (8, 8), (0.375, 0.375))
    # Linear interpolation: 0.375 of it goes one cell up and left each.
    assert moved[0, 0, 2, 5].item() == pytest.approx(0.625**2)
    assert moved[0, 0, 1, 4].item() == pytest.approx(0.375**2)
    assert moved.sum().item() == pytest.approx(1.0)
