"""The open hand: its joints, its skinning, its topology, drawn poses, and that a network learns from them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from model.joints import HAND_JOINTS
from model.network import sizes
from model.network.checkpoint import load_checkpoint
from model.network.topology import MeshTopology
from training.bodies.anny_hand import AnnyHand
from training.bodies.coarse import UpsamplingError, build_topology, resting, save_topology
from training.hands.anatomy import to_rotations
from training.hands.gestures import GESTURES
from training.hands.sampling import crossing, drawn_hands
from training.loop.distributed import Processes
from training.loop.trainer import TrainerConfig
from training.mocap.poses import MocapPoses
from training.mocap.split import split_by_subject
from training.pretrain import pretrain
from training.recipes import for_hands, pretrain_tiny
from training.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from training.synthesis.joint_samples import JointSynthesizer
from training.synthesis.samples import Synthesizer

NAMES = list(GESTURES)


@pytest.fixture(scope="module")
def hand() -> AnnyHand:
    return AnnyHand.load()


@pytest.fixture(scope="module")
def poses(tmp_path_factory: pytest.TempPathFactory) -> MocapPoses:
    with pytest.MonkeyPatch.context() as patch:
        body = Path(AnnyHand.path())
        folder = tmp_path_factory.mktemp("cache")
        (folder / "bodies").mkdir()
        (folder / "bodies" / body.name).symlink_to(body)
        patch.setenv("MPT_CACHE_DIR", str(folder))
        patch.setattr("training.hands.sampling._BATCH", 256)  # no more than these few people need
        return drawn_hands(people=3, each=200, test=100)


@pytest.fixture(scope="module")
def built(hand: AnnyHand, poses: MocapPoses) -> tuple[MeshTopology, UpsamplingError]:
    return build_topology(hand, torch.from_numpy(poses.rotations), fit_bodies=300, test_bodies=50)


@pytest.fixture(scope="module")
def topology(built: tuple[MeshTopology, UpsamplingError]) -> MeshTopology:
    return built[0]


def _joints(hand: AnnyHand, *gestures: str) -> torch.Tensor:
    angles = torch.from_numpy(np.stack([GESTURES[name] for name in gestures]))
    vertices = hand.pose(to_rotations(angles), hand.mean_shape().expand(len(angles), -1))
    return torch.from_numpy(hand.joint_regressor) @ vertices


def test_regressed_joints_stay_on_the_bones_of_all_hands(hand: AnnyHand) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = hand.sample_shapes(len(NAMES), generator)
    rotations = to_rotations(torch.from_numpy(np.stack([GESTURES[name] for name in NAMES])))
    regressed = torch.from_numpy(hand.joint_regressor) @ hand.pose(rotations, shapes)
    bones = hand.posed_joints(rotations, shapes)
    pairs = [(0, 0), (1, 1), (2, 2), (3, 3)]
    pairs += [(5 + 4 * finger + bone, 5 + 4 * finger + bone) for finger in range(4) for bone in range(3)]
    distance = torch.stack([(regressed[:, joint] - bones[:, bone]).norm(dim=-1) for joint, bone in pairs])
    assert distance.mean() < 0.003 and distance.max() < 0.012  # metres


def test_it_is_a_right_hand_of_an_adults_size(hand: AnnyHand) -> None:
    flat = _joints(hand, "flat")[0]
    assert 0.16 < flat[12].norm() < 0.22  # wrist to the middle finger's tip
    assert flat[12, 1] > 0.15 and flat[4, 0] > 0.03  # fingers to +y, the thumb at +x:
    bent = _joints(hand, "table top")[0]
    assert bent[12, 2] > 0.05  # a right hand bends to +z then
    lengths = hand.pose(axis_angle_to_matrix(torch.zeros(64, 20, 3)), hand.shapes[:64]).amax(dim=1)[:, 1]
    assert 0.005 < lengths.std() < 0.03


def test_gestures_show_what_they_are_called(hand: AnnyHand) -> None:
    reach = {name: _joints(hand, name)[0].norm(dim=-1) for name in NAMES}  # from the wrist
    assert reach["point"][8] > 0.15 and (reach["point"][[12, 16, 20]] < 0.12).all()
    assert (reach["open"][[8, 12, 16]] > 0.15).all() and (reach["fist"][[8, 12, 16, 20]] < 0.12).all()
    for name in ("pinch", "OK"):
        joints = _joints(hand, name)[0]
        assert (joints[4] - joints[8]).norm() < 0.025, name  # tips of thumb and index finger


def test_no_gesture_crosses_itself_and_the_test_for_it_can_fail(hand: AnnyHand) -> None:
    angles = torch.from_numpy(np.stack(list(GESTURES.values())))
    assert not crossing(hand, angles).any()
    through = angles[NAMES.index("fist")].clone()
    through[:4] = torch.tensor([20.0, 5.0, 20.0, 20.0])  # the thumb in the palm, under curled fingers
    assert crossing(hand, through[None]).all()


def test_posing_passes_gradients_and_few_vertices_are_the_same_ones(hand: AnnyHand) -> None:
    rotations = to_rotations(torch.from_numpy(GESTURES["OK"])[None]).requires_grad_()
    shapes = hand.sample_shapes(1, torch.Generator().manual_seed(1)).requires_grad_()
    whole = hand.pose(rotations, shapes)
    whole.square().sum().backward()
    assert rotations.grad is not None and rotations.grad[:, 1:].abs().sum(dim=(0, 2, 3)).min() > 0
    assert shapes.grad is not None and shapes.grad.abs().min() > 0
    few = torch.tensor([3, 500, 1600])
    torch.testing.assert_close(hand.subset(few).pose(rotations, shapes), whole[:, few])


def test_rotations_survive_the_way_to_axis_angles_and_back() -> None:
    rotations = to_rotations(torch.from_numpy(np.stack(list(GESTURES.values()))))
    torch.testing.assert_close(axis_angle_to_matrix(matrix_to_axis_angle(rotations)), rotations, atol=2e-5, rtol=0)


def test_its_topology_is_fine_enough(hand: AnnyHand, built: tuple[MeshTopology, UpsamplingError]) -> None:
    topology, error = built
    assert topology.joint_names == HAND_JOINTS and topology.coarse_count == 195 and topology.unit == 0.1
    assert error.mean < 0.5 and error.p99 < 3
    joints = topology.joint_regressor @ topology.template
    assert joints[0].abs().max() < 1e-6  # the wrist is the origin,
    assert joints[12, 1] < -0.15  # fingers up in the camera's frame, where y is down
    assert joints[4, 0] > 0.02  # and a right hand whose palm faces the camera has its thumb on the right
    upright = resting(hand)
    assert upright[:, 2].amax() > 0.15  # world's z is up


def test_drawn_hands_are_the_same_at_every_call_and_the_test_is_apart(poses: MocapPoses) -> None:
    training, validation, test = split_by_subject(poses, AnnyHand.subject.held_out)
    assert len(test) == 100 and len(training) + len(validation) == 600
    seen = set(training.clips.tolist())
    held_out = set(test.clips.tolist()) - seen
    assert held_out >= {"OK", "phone", "three", "hook"}


def test_crops_are_upright_and_seen_from_everywhere(hand: AnnyHand, topology: MeshTopology, poses: MocapPoses) -> None:
    recipe = for_hands(pretrain_tiny())
    samples = Synthesizer(hand, topology, torch.from_numpy(poses.rotations), recipe.synthesis, "cpu")
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(len(poses), (256,), generator=generator)
    drawn, truth = samples.training_batch(index, generator)
    assert drawn.maps.shape == (256, 21, 56, 56)
    up = truth.joints_2d[:, 9] - truth.joints_2d[:, 0]
    assert (up[:, 1] < 0).float().mean() > 0.97
    palm = torch.linalg.cross(truth.joints[:, 5] - truth.joints[:, 0], truth.joints[:, 17] - truth.joints[:, 0])
    assert 0.35 < (palm[:, 2] > 0).float().mean() < 0.65  # the palm and the back
    readouts, again = JointSynthesizer(samples).batch(index, torch.Generator().manual_seed(5), meshes=64)
    drawn, same = samples.training_batch(index, torch.Generator().manual_seed(5))
    torch.testing.assert_close(again.joints, same.joints, atol=2e-4, rtol=0)
    torch.testing.assert_close(again.vertices, same.vertices[:64], atol=2e-4, rtol=0)
    difference = (readouts - drawn.readout).abs().flatten(1).amax(dim=1)
    assert difference.median() < 0.01  # crops differ a little where an outermost vertex is left out


def test_a_short_run_learns_and_says_that_it_is_of_hands(
    hand: AnnyHand, topology: MeshTopology, poses: MocapPoses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.pretrain._VALIDATION_POSES", 128)
    monkeypatch.setattr("training.pretrain._BASIS_POSES", 512)
    size = dataclasses.replace(sizes.tiny(), encoder=((64, 1),), lift=128, memory=32, heads=1)
    recipe = for_hands(dataclasses.replace(pretrain_tiny(), size=size))
    quick = TrainerConfig(steps=100, batch_size=64, learning_rate=3e-3, warm_up=10, average=0.9, validate_every=100)
    whole = dataclasses.replace(quick, steps=8, learning_rate=3e-4)  # a higher one first loses what the lift learned
    recipe = dataclasses.replace(recipe, lift=quick, trainer=whole)
    save_topology(tmp_path / "topology.safetensors", topology)  # or another would be built
    checkpoint = load_checkpoint(pretrain(recipe, poses, tmp_path, Processes(torch.device("cpu"))))
    card = checkpoint.card
    assert card["subject"] == "hand" and card["backbone"] == "handlandmark-full" and card["name"] == "anny-hand-tiny"
    assert checkpoint.topology.joint_names == HAND_JOINTS
    assert card["validation"]["PA-MPJPE"] < 22  # the mean hand has about 30 mm
