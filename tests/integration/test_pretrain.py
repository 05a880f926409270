"""Pre-training end to end on the built-in MoCap sample: samples, a short run, its checkpoint, the scores."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from model.errors import BadInput
from model.joints import COCO_MIRROR
from model.network.checkpoint import load_checkpoint
from model.network.heatmaps import CROP_SIZE, read_heatmaps
from model.network.projection import project_weak_perspective
from model.network.sizes import fast
from model.network.topology import MeshTopology
from tests.support.command import run_main
from tests.support.short_training import shorten
from training.bodies.anny import AnnyBody
from training.bodies.coarse import save_topology
from training.loop.distributed import Processes
from training.loop.trainer import Trainer, TrainerConfig
from training.mocap.sample import read_sample
from training.pretrain import main, pretrain, shards
from training.recipes import PretrainRecipe
from training.rotations import axis_angle_to_matrix
from training.synthesis.corruption import HeatmapCorruption
from training.synthesis.joint_samples import JointSynthesizer
from training.synthesis.pose_variety import PoseVariety, vary
from training.synthesis.samples import SynthesisConfig, Synthesizer

EXACT = HeatmapCorruption(clean=1.0, noise=0.0, masked=0.0)


def _synthesizer(body: AnnyBody, topology: MeshTopology, poses: torch.Tensor, **changes: object) -> Synthesizer:
    config = dataclasses.replace(SynthesisConfig(56, corruption=EXACT, cut_off=0.0), **changes)
    return Synthesizer(body, topology, poses, config, "cpu")


def _batch(samples: Synthesizer, seed: int = 0, count: int = 64):
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(len(samples.poses), (count,), generator=generator)
    return samples.training_batch(index, generator)


def test_a_projected_joint_lands_on_its_peak(body: AnnyBody, topology: MeshTopology, poses: torch.Tensor) -> None:
    drawn, truth = _batch(_synthesizer(body, topology, poses))
    readout = read_heatmaps(drawn.maps)
    drawn = readout.peak > 0.4  # jittered crops may lose a joint at their border
    assert drawn.float().mean() > 0.97
    distance = (readout.position[:, :17] - truth.joints_2d).norm(dim=-1)[drawn[:, :17]] * CROP_SIZE / 2
    assert distance.max() < 2.5 and distance.mean() < 1.2  # crop pixels; a cell is 4


def test_truth_is_centred_metric_and_seen_from_the_front(
    body: AnnyBody, topology: MeshTopology, poses: torch.Tensor
) -> None:
    _, truth = _batch(_synthesizer(body, topology, poses))
    assert topology.root(truth.joints).abs().max() < 1e-5
    assert topology.root(topology.coarse_regressor @ truth.vertices).abs().max() < 1e-5
    extent = truth.vertices.amax(1) - truth.vertices.amin(1)
    assert extent.max() < 2.6 and extent.norm(dim=-1).min() > 1.0  # metres
    # A weak-perspective camera fitted to the truth reproduces the 2D joints up to perspective.
    a = torch.cat([truth.joints[..., :2], torch.ones_like(truth.joints[..., :1])], dim=-1)
    fit = torch.linalg.lstsq(a, truth.joints_2d).solution  # (B, 3, 2)
    assert ((a @ fit - truth.joints_2d).norm(dim=-1).mean(dim=1) < 0.15).all()
    scale = (fit[:, 0, 0] + fit[:, 1, 1]) / 2
    camera = torch.stack([scale, fit[:, 2, 0], fit[:, 2, 1]], dim=1)
    assert (scale > 0).all()
    assert (project_weak_perspective(truth.joints, camera) - truth.joints_2d).abs().mean() < 0.1


def test_the_same_seed_gives_the_same_batch(body: AnnyBody, topology: MeshTopology, poses: torch.Tensor) -> None:
    samples = Synthesizer(body, topology, poses, SynthesisConfig(56), "cpu")
    (one, truth), (other, again) = _batch(samples, 3), _batch(samples, 3)
    assert torch.equal(one.maps, other.maps) and torch.equal(one.readout, other.readout)
    assert torch.equal(truth.vertices, again.vertices)
    assert not torch.equal(one.maps, _batch(samples, 4)[0].maps)


def test_what_is_read_is_known_without_reading(body: AnnyBody, topology: MeshTopology, poses: torch.Tensor) -> None:
    """Peaks' numbers are those of the maps, noisy ones' too, wherever a false peak keeps off the true one."""
    corruption = HeatmapCorruption(landmarks=0.5, false_peaks=0.0)
    drawn, _ = _batch(_synthesizer(body, topology, poses, corruption=corruption), count=64)
    off = (drawn.readout[:, :17] - read_heatmaps(drawn.maps).features()).abs()
    assert torch.equal(off[:8], torch.zeros_like(off[:8]))  # an eighth has noise and is read
    assert off.flatten(1).amax(dim=1).quantile(0.9) < 0.02


def test_people_cut_off_lose_joints_but_not_their_truth(
    body: AnnyBody, topology: MeshTopology, poses: torch.Tensor
) -> None:
    upright = PoseVariety(anywhere=0.0)
    drawn, truth = _batch(_synthesizer(body, topology, poses, cut_off=1.0, variety=upright))
    missing = drawn.maps.amax(dim=(-2, -1)) < 0.05
    assert 0.1 < missing.float().mean() < 0.6
    ankles, head = missing[:, 15:].float().mean(), missing[:, :5].float().mean()
    assert ankles > 2 * head  # photos cut from below
    assert torch.isfinite(truth.vertices).all()


def test_people_are_seen_up_to_the_edge_even_with_nothing_near_it(
    body: AnnyBody, topology: MeshTopology, poses: torch.Tensor
) -> None:
    """An outline of the outermost vertices alone may have one on this side of the edge, about which no crop fits."""
    below = (0.0, 0.0, 0.0, 1.0)
    framing = {"cut_off": 1.0, "cut_from": below, "crop_scale": (1.25, 1.25), "crop_shift": 0.0}
    samples = _synthesizer(body, topology, poses, **framing)
    outline = torch.tensor([[0.0, -1.0], [0.2, 1.0]]).expand(200, -1, -1)  # from her head to her feet
    seen, in_crop = samples.seen(outline, outline, torch.Generator().manual_seed(0))
    assert torch.isfinite(in_crop).all() and torch.isfinite(seen.position).all()
    upper_only = seen.visible[:, 0] & ~seen.visible[:, 1]
    assert upper_only.float().mean() > 0.6
    head, feet = in_crop[upper_only, :, 1].T
    torch.testing.assert_close(head, torch.full_like(head, -1 / 1.25))  # an eighth of the crop's side above her
    # And another one below the edge: as she is 2 tall, and 0.6 at least are shown, her feet are no farther down.
    assert (feet < 4 / (1.25 * 0.6) - 1 / 1.25 + 1e-3).all()


def test_views_from_behind_are_mirror_free(body: AnnyBody, topology: MeshTopology, poses: torch.Tensor) -> None:
    """Seen from the front a person's left is on the right of the picture; from behind it is on the left."""
    samples = _synthesizer(body, topology, poses)
    _, truth = _batch(samples, count=128)
    towards_camera = truth.joints[:, 0, 2] < truth.joints[:, [3, 4], 2].mean(dim=1)  # the nose before the ears
    left_is_right = truth.joints_2d[:, 5, 0] > truth.joints_2d[:, 6, 0]
    upright = truth.joints[:, 5:7, 1].mean(dim=1) < -0.35
    assert (towards_camera == left_is_right)[upright].float().mean() > 0.85  # heads turn
    assert COCO_MIRROR[5] == 6


def test_variety_keeps_the_root_and_the_trunk_and_mixes_limbs(poses: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    pose, other = poses[:256], poses[torch.randperm(len(poses), generator=generator)[:256]]
    still = PoseVariety(legs=1.0, arm=0.0, straight=0.0, turn=0.0)
    mixed = vary(pose, other, still, generator)
    legs = [1, 2, 4, 5, 7, 8, 10, 11]
    rest = [joint for joint in range(22) if joint not in legs]
    assert torch.equal(mixed[:, rest], pose[:, rest])
    taken = (mixed[:, legs] == other[:, legs]).all(dim=(1, 2))
    assert torch.equal(mixed[~taken], pose[~taken])
    up = [axis_angle_to_matrix(p[:, 0])[:, :, 1] for p in (pose, other)]
    lean = torch.rad2deg((up[0] * up[1]).sum(-1).clamp(-1, 1).arccos())
    assert lean[taken].max() < 30.1 and 0.2 < taken.float().mean() < 1
    turned = vary(pose, other, PoseVariety(legs=0.0, arm=0.0, straight=0.0), generator)
    assert torch.equal(turned[:, 0], pose[:, 0])
    assert 0.02 < (turned - pose)[:, 1:].std() < 0.15
    upright = vary(pose, other, PoseVariety(legs=0.0, arm=0.0, straight=1.0, turn=0.0), generator)
    assert torch.equal(upright[:, rest], pose[:, rest])
    knees = upright[:, [4, 5]].norm(dim=2) / pose[:, [4, 5]].norm(dim=2)
    assert knees.max() < 1 and 0.4 < knees.mean() < 0.6
    torch.testing.assert_close(knees[:, 0], knees[:, 1])  # both legs stay in step
    nothing = PoseVariety(legs=0.0, arm=0.0, straight=0.0, turn=0.0)
    assert torch.equal(vary(pose, other, nothing, generator), pose)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


def test_the_command_trains_resumes_and_leaves_a_checkpoint(short: None, tmp_path: Path) -> None:
    command = ["--batch-size", 8, "--output", tmp_path]
    first = run_main(main, *command, "--steps", 2)
    assert first.returncode == 0, first.stderr
    assert "built-in sample" in first.stdout
    assert "at step" not in first.stdout
    second = run_main(main, *command, "--steps", 4)
    assert second.returncode == 0, second.stderr
    assert "at step 2 of 4" in second.stdout
    loaded = load_checkpoint(tmp_path / "best.safetensors")
    assert loaded.topology.vertex_count == 13718
    assert loaded.card["mode"] == "zero-shot"
    assert set(loaded.card["validation"]) == {"PA-MPJPE", "MPJPE", "MPVE"}
    json.dumps(loaded.card)
    third = [*command[:-1], tmp_path / "on", "--steps", 1, "--from", tmp_path / "best.safetensors"]
    begun = run_main(main, *third)
    assert begun.returncode == 0, begun.stderr
    went_on = load_checkpoint(tmp_path / "on" / "best.safetensors")
    assert went_on.topology.fingerprint == loaded.topology.fingerprint
    assert went_on.card["samples_seen"] == loaded.card["samples_seen"] + 8
    moved = (went_on.model.lift.joints.weight - loaded.model.lift.joints.weight).abs().max()
    assert 0 < moved < 0.01  # one step away, no first stage
    refused = run_main(main, *third, "--size", "small", "--output", tmp_path / "none")
    assert refused.returncode == 1 and "--size tiny" in refused.stderr


def test_a_run_that_is_told_to_stop_saves_its_state(
    short: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.train_step

    def interrupted(trainer: Trainer, *arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return step(trainer, *arguments)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    run = run_main(main, "--batch-size", 8, "--steps", 100000, "--output", tmp_path)
    assert run.returncode == 130
    assert (tmp_path / "lift" / "state.safetensors").exists()  # it was in the first stage


def test_what_cannot_be_used_is_told_before_mocap_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.pretrain.read_mocap", lambda *_: pytest.fail("it was read"))
    (tmp_path / "file").touch()
    run = run_main(main, "--mocap", tmp_path, "--output", tmp_path / "file" / "run")
    assert run.returncode == 1 and "Nothing can be written to" in run.stderr
    run = run_main(main, "--mocap", tmp_path, "--output", tmp_path / "run", "--from", tmp_path / "file")
    assert run.returncode == 1 and "is not a readable checkpoint" in run.stderr


def test_an_empty_folder_gets_a_sentence(tmp_path: Path) -> None:
    run = run_main(main, "--mocap", tmp_path, "--output", tmp_path / "run", "--steps", 1)
    assert run.returncode == 1
    assert run.stderr.startswith("Error: ") and str(tmp_path) in run.stderr


def test_steps_on_cpus_are_made_in_parts_of_at_most_256() -> None:
    def parts(batch: int, count: int = 1, device: str = "cpu") -> int:
        return shards(batch, Processes(torch.device(device), count=count))

    assert [parts(batch) for batch in (1, 255, 256, 257, 512, 2048)] == [1, 1, 1, 1, 2, 8]
    assert parts(512, count=2) == 2 and parts(1024, count=2) == 4 and parts(2048, device="cuda") == 1


def test_joints_alone_are_what_heatmaps_would_have_said(
    body: AnnyBody, topology: MeshTopology, poses: torch.Tensor
) -> None:
    samples = _synthesizer(body, topology, poses, cut_off=0.4)
    joints = JointSynthesizer(samples)
    assert joints.points.vertex_count < 200  # of the topology's 431
    index = torch.randint(len(poses), (64,), generator=torch.Generator().manual_seed(0))
    drawn, truth = samples.training_batch(index, torch.Generator().manual_seed(1))
    readouts, same = joints.batch(index, torch.Generator().manual_seed(1), meshes=16)
    torch.testing.assert_close(same.joints, truth.joints, atol=5e-4, rtol=0)
    torch.testing.assert_close(same.vertices, truth.vertices[:16], atol=5e-4, rtol=0)
    # Crops differ a little where an outermost vertex is left out, mostly of people who are cut off.
    off = (same.joints_2d - truth.joints_2d).norm(dim=-1).mean(dim=1)
    assert off.median() < 1e-3 and off.quantile(0.9) < 0.1
    alike = off < 1e-3
    difference = (readouts - drawn.readout)[alike]
    assert difference[..., :2].abs().mean() < 2e-3 and difference[..., 2:4].abs().mean() < 1e-2


def test_a_first_stage_is_a_checkpoint_to_begin_with(
    body: AnnyBody, topology: MeshTopology, short: None, tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    save_topology(tmp_path / "whole" / "topology.safetensors", topology)  # or another would be built
    size = dataclasses.replace(fast(), lift=32, encoder=((32, 1),), memory=16, rank=8)
    config = TrainerConfig(steps=2, batch_size=32, learning_rate=1e-3, warm_up=0, validate_every=2, muon_rows=16)
    recipe = PretrainRecipe(size, SynthesisConfig(56), lift=config, trainer=config)
    pretrain(recipe, read_sample(), tmp_path / "whole", Processes(torch.device("cpu")), body=body)
    first = load_checkpoint(tmp_path / "whole" / "lift.safetensors")
    assert first.card["samples_seen"] == 64 and first.model(torch.rand(1, 17, 56, 56)).vertices.shape[2] == 3
    assert load_checkpoint(tmp_path / "whole" / "best.safetensors").card["samples_seen"] == 128

    still = dataclasses.replace(recipe, trainer=dataclasses.replace(config, learning_rate=0.0))
    start = tmp_path / "whole" / "lift.safetensors"
    best = pretrain(still, read_sample(), tmp_path / "on", Processes(torch.device("cpu")), start=start, body=body)
    went_on = load_checkpoint(best)
    assert went_on.card["samples_seen"] == 64 + 64
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(tensor, went_on.model.state_dict()[name])
    other = dataclasses.replace(recipe, size=dataclasses.replace(size, lift=48))
    with pytest.raises(BadInput, match="choose --size"):
        pretrain(other, read_sample(), tmp_path / "no", Processes(torch.device("cpu")), start=start, body=body)
