"""SMPL on a synthetic model file in its npz format: a cloud of vertices about each joint, the same left and right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from model.joints import COCO_JOINTS, SMPL_JOINT_NAMES, SMPL_PARENTS, finger_joints
from training.bodies.protocol import BodyModel
from training.rotations import axis_angle_to_matrix, mirror_pose
from training.synthesis.pose_variety import PoseVariety, vary

pytest.importorskip("smplx", reason="needs the extra smpl")
from smplx.lbs import lbs

from model.body.fitting import fit
from model.body.rig_file import load_rig
from training.bodies.rig import main as make_rig
from training.bodies.smpl import SmplBody

V = 6890
PARENTS = (*SMPL_PARENTS, 20, 21)  # and the hands
# x, y of SMPL's joints at rest, in metres; z is 0 but for the toes. Left is +x, y is up.
JOINTS = np.array(
    [
        (0, 0.9, 0), (0.1, 0.85, 0), (-0.1, 0.85, 0), (0, 1.0, 0), (0.1, 0.5, 0), (-0.1, 0.5, 0), (0, 1.15, 0),
        (0.1, 0.1, 0), (-0.1, 0.1, 0), (0, 1.25, 0), (0.1, 0.03, 0.12), (-0.1, 0.03, 0.12), (0, 1.45, 0),
        (0.08, 1.38, 0), (-0.08, 1.38, 0), (0, 1.6, 0), (0.18, 1.4, 0), (-0.18, 1.4, 0), (0.45, 1.4, 0),
        (-0.45, 1.4, 0), (0.7, 1.4, 0), (-0.7, 1.4, 0), (0.8, 1.4, 0), (-0.8, 1.4, 0),
    ]
)  # fmt: skip
OTHER_SIDE = np.array([np.abs(JOINTS - joint * [-1, 1, 1]).sum(axis=1).argmin() for joint in JOINTS])


def smpl_arrays(pose_blends: bool = True) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The file's arrays, and the joint that each vertex hangs on. Vertex i + V / 2 is the mirror image of vertex i."""
    rng = np.random.default_rng(0)
    half = V // 2
    joint = rng.integers(0, 24, half)
    joint = np.concatenate([joint, OTHER_SIDE[joint]])
    cloud = rng.normal(0, 0.02, (half, 3))
    cloud = np.concatenate([cloud, cloud * [-1, 1, 1]])
    bound = np.eye(24)[joint]
    arrays = {
        "v_template": JOINTS[joint] + cloud,
        "shapedirs": rng.normal(0, 0.01, (V, 3, 12)),
        "posedirs": rng.normal(0, 0.002, (V, 3, 207)) if pose_blends else np.zeros((V, 3, 207)),
        "J_regressor": (bound / bound.sum(axis=0)).T,
        "weights": bound,
        "kintree_table": np.array([[2**32 - 1, *PARENTS[1:]], range(24)]),
        "f": rng.integers(0, V, (100, 3)).astype(np.uint32),
        "bs_style": np.array([None], dtype=object),  # never decoded
    }
    return arrays, joint


def body_of(folder: Path, **changes: np.ndarray | bool | None) -> SmplBody:
    arrays, _ = smpl_arrays(bool(changes.pop("pose_blends", True)))
    arrays.update(changes)  # type: ignore[arg-type]
    np.savez(folder / "SMPL_NEUTRAL.npz", **{key: value for key, value in arrays.items() if value is not None})
    return SmplBody(folder / "SMPL_NEUTRAL.npz")


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> SmplBody:
    return body_of(tmp_path_factory.mktemp("smpl"))


@pytest.fixture(scope="module")
def stiff(tmp_path_factory: pytest.TempPathFactory) -> SmplBody:
    """Without pose blend shapes: vertices move with their joint alone."""
    return body_of(tmp_path_factory.mktemp("smpl"), pose_blends=False)


def at_rest(batch: int = 1) -> Tensor:
    return torch.eye(3).expand(batch, 22, 3, 3).clone()


def random_pose(batch: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(0, 0.5, (batch, 22, 3))).float()


def test_it_is_a_body_model(body: SmplBody) -> None:
    def count(model: BodyModel) -> int:  # mypy compares it with the protocol
        return model.vertex_count

    assert count(body) == V
    assert body.name == "smpl"
    assert body.faces.shape == (100, 3)
    assert body.faces.dtype == np.int32


def test_the_zero_pose_is_the_template(body: SmplBody) -> None:
    posed = body.pose(at_rest(), body.mean_shape()[None])
    np.testing.assert_allclose(posed[0], smpl_arrays()[0]["v_template"], atol=1e-6)


def test_agrees_with_smplxs_own_skinning(body: SmplBody) -> None:
    arrays = {key: torch.from_numpy(a).double() for key, a in smpl_arrays()[0].items() if a.dtype != object}
    rotations = axis_angle_to_matrix(random_pose(3))
    shapes = body.sample_shapes(3, torch.Generator().manual_seed(0))
    expected, _ = lbs(
        shapes.double(),
        torch.cat([rotations, at_rest(3)[:, :2]], dim=1).double(),
        arrays["v_template"][None],
        arrays["shapedirs"][..., :10],
        arrays["posedirs"].flatten(0, 1).T,
        arrays["J_regressor"],
        torch.tensor([-1, *PARENTS[1:]]),
        arrays["weights"],
        pose2rot=False,
    )
    torch.testing.assert_close(body.pose(rotations, shapes).double(), expected, atol=1e-5, rtol=0)


@pytest.fixture(scope="module", params=["smplh", "smplx"])
def fingered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SmplBody:
    """A body with fingers, a vertex at the joint that moves it; SMPL-X has jaw and eyes before them."""
    count, face = (6890, 0) if request.param == "smplh" else (10475, 3)
    fingers = [parent for hand, wrist in ((0, 20), (1, 21)) for finger in range(5)
               for parent in (wrist, *(22 + face + 15 * hand + 3 * finger + bone for bone in (0, 1)))]  # fmt: skip
    parents = [*SMPL_PARENTS, *[15] * face, *fingers]
    joints = np.concatenate([JOINTS[:22], np.full((face, 3), (0, 1.7, 0))])
    for joint in range(22 + face, len(parents)):  # 3 cm onwards each, in five rows
        side = 1 if joint < 37 + face else -1
        joints = np.vstack([joints, joints[parents[joint]] + [0.03 * side, 0, 0.01 * ((joint - 22 - face) // 3 % 5)]])
    bound = np.eye(len(parents), dtype=np.float32)[np.arange(count) % len(parents)]
    path = tmp_path_factory.mktemp("fingers") / "MODEL.npz"
    np.savez(
        path,
        v_template=joints[np.arange(count) % len(parents)],
        shapedirs=np.zeros((count, 3, 10), np.float16),
        posedirs=np.zeros((count, 3, 9 * (len(parents) - 1)), np.float16),
        J_regressor=(bound / bound.sum(axis=0)).T,
        weights=bound,
        kintree_table=np.array([parents, range(len(parents))]),
        f=np.zeros((1, 3), np.uint32),
    )
    body = SmplBody(path)
    assert body.name in ("smpl", "smplx") and body.joint_count == len(parents) == {6890: 52, 10475: 55}[count]
    return body


def test_a_pose_with_fingers_bends_them_and_one_without_leaves_them_at_rest(fingered: SmplBody) -> None:
    count = fingered.joint_count
    middle = count - 30 + 4  # the left middle finger's second joint
    pose = torch.zeros(1, count, 3)
    pose[0, middle, 2] = 1.0
    shape = fingered.mean_shape()[None]
    posed = fingered.pose(axis_angle_to_matrix(pose), shape)[0]
    moved = {int(vertex) % count for vertex in torch.nonzero((posed - fingered.template).norm(dim=1) > 1e-5)}
    assert moved == {middle + 1}  # what hangs on it; its own vertices lie on its axis
    torch.testing.assert_close(fingered.pose(at_rest(), shape)[0], fingered.template)


def test_a_mirrored_pose_mirrors_fingers_too(fingered: SmplBody) -> None:
    count = fingered.joint_count
    left, right = finger_joints(count)
    pose = torch.from_numpy(np.random.default_rng(4).normal(0, 0.4, (2, count, 3))).float()
    shape = torch.zeros(2, 10)
    one = fingered.pose(axis_angle_to_matrix(pose), shape)
    other = fingered.pose(axis_angle_to_matrix(mirror_pose(pose)), shape)
    torch.testing.assert_close(mirror_pose(mirror_pose(pose)), pose)
    flipped = one * torch.tensor([-1.0, 1.0, 1.0])
    root = flipped[:, :1]  # the template's hips are even, its root is at x = 0
    at = [*range(22, count - 30), *left, *right]
    across = [*([22, 24, 23] if count == 55 else []), *right, *left]
    torch.testing.assert_close(other[:, across] - other[:, :1], flipped[:, at] - root, atol=1e-5, rtol=0)


def test_another_frames_arm_comes_with_its_hand() -> None:
    pose, other = torch.zeros(64, 55, 3), torch.ones(64, 55, 3)
    mixed = vary(
        pose, other, PoseVariety(legs=0, arm=1, straight=0, turn=0, tilt=180), torch.Generator().manual_seed(0)
    )
    taken = {joint for joint in range(55) if mixed[0, joint].any()}
    assert taken == {13, 14, 16, 17, 18, 19, 20, 21, *range(25, 55)}


def test_a_bent_elbow_moves_the_forearm_and_nothing_else(stiff: SmplBody) -> None:
    """The left elbow turns by 90 degrees about y: what was a forearm's length to its left is now behind it."""
    elbow, wrist, hand = SMPL_JOINT_NAMES.index("left_elbow"), SMPL_JOINT_NAMES.index("left_wrist"), 22
    rotations = at_rest()
    rotations[0, elbow] = torch.from_numpy(Rotation.from_euler("y", 90, degrees=True).as_matrix())
    moved = (stiff.pose(rotations, stiff.mean_shape()[None])[0] - stiff.template).norm(dim=1).numpy()

    _, joint = smpl_arrays()
    assert moved[~np.isin(joint, [elbow, wrist, hand])].max() < 1e-6
    # A point at distance r from the elbow's axis moves by r sqrt(2): wrist 25 cm, hand 35 cm.
    assert moved[joint == wrist].mean() == pytest.approx(0.25 * 2**0.5, abs=0.01)
    assert moved[joint == hand].mean() == pytest.approx(0.35 * 2**0.5, abs=0.01)
    centre = stiff.pose(rotations, stiff.mean_shape()[None])[0].numpy()[joint == wrist].mean(axis=0)
    np.testing.assert_allclose(centre, JOINTS[elbow] + [0, 0, -0.25], atol=0.01)


def test_a_root_orientation_stands_the_body_up_in_a_z_up_world(stiff: SmplBody) -> None:
    rotations = at_rest()
    rotations[0, 0] = torch.from_numpy(Rotation.from_euler("x", 90, degrees=True).as_matrix())
    joints = stiff.joint_regressor @ stiff.pose(rotations, stiff.mean_shape()[None])[0].numpy()
    ankle, shoulder = (joints[COCO_JOINTS.index(f"left_{name}")] for name in ("ankle", "shoulder"))
    np.testing.assert_allclose(shoulder - ankle, [0.08, 0, 1.3], atol=0.01)


def test_a_mirrored_pose_gives_the_mirrored_body(stiff: SmplBody) -> None:
    pose, shapes = random_pose(2), torch.zeros(2, 10)
    one = stiff.pose(axis_angle_to_matrix(pose), shapes)
    other = stiff.pose(axis_angle_to_matrix(mirror_pose(pose)), shapes)
    swapped = one.roll(V // 2, dims=1) * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(other, swapped, atol=1e-5, rtol=0)


def test_coco_joints_are_smpls_limb_joints_and_the_fields_face_vertices(body: SmplBody) -> None:
    assert body.joint_regressor.shape == (17, V)
    assert body.joint_regressor.dtype == np.float32
    np.testing.assert_allclose(body.joint_regressor.sum(axis=1), 1, atol=1e-5)
    assert body.joint_regressor[:5].argmax(axis=1).tolist() == [332, 2800, 6260, 583, 4071]
    joints = body.joint_regressor @ body.template.numpy()
    for index, name in enumerate(COCO_JOINTS[5:], start=5):
        np.testing.assert_allclose(joints[index], JOINTS[SMPL_JOINT_NAMES.index(name)], atol=0.01)


def test_a_part_of_the_vertices_is_a_part_of_the_body(body: SmplBody) -> None:
    rotations = axis_angle_to_matrix(random_pose(2))
    shapes = body.sample_shapes(2, torch.Generator().manual_seed(1))
    picked = torch.tensor([5, 0, 6889])
    part = body.subset(picked)
    assert part.vertex_count == 3
    torch.testing.assert_close(part.pose(rotations, shapes), body.pose(rotations, shapes)[:, picked])
    assert body.vertex_count == V


def test_shapes_are_standard_normal_and_reproducible(body: SmplBody) -> None:
    shapes = body.sample_shapes(5000, torch.Generator().manual_seed(2))
    torch.testing.assert_close(shapes, body.sample_shapes(5000, torch.Generator().manual_seed(2)))
    assert shapes.mean(dim=0).abs().max() < 0.06
    assert (shapes.std(dim=0) - 1).abs().max() < 0.05


def test_gradients_reach_pose_and_shape(body: SmplBody) -> None:
    rotations, shapes = at_rest().requires_grad_(), torch.zeros(1, 10, requires_grad=True)
    body.subset(torch.tensor([7])).pose(rotations, shapes).sum().backward()
    assert rotations.grad is not None and rotations.grad.abs().sum() > 0
    assert shapes.grad is not None and shapes.grad.abs().sum() > 0


def test_its_rig_poses_as_smplx_does_and_is_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command's file, with hands that hang on the wrists; the fit gives SMPL's own parameters back."""
    body = body_of(tmp_path)
    command = ["rig", str(tmp_path / "rig.safetensors"), "--smpl", str(tmp_path / "SMPL_NEUTRAL.npz")]
    monkeypatch.setattr("sys.argv", command)
    make_rig()
    rig = load_rig(tmp_path / "rig.safetensors")
    assert rig.name == "smpl"
    rng = np.random.default_rng(3)
    pose = rng.normal(0, 0.3, (22, 3))
    rotations = Rotation.from_rotvec(pose).as_matrix()
    betas = rng.normal(0, 1, 10)
    truth = body.pose(torch.from_numpy(rotations)[None].float(), torch.from_numpy(betas)[None].float())[0].numpy()
    assert np.allclose(rig.pose(rotations, betas, np.zeros(3)), truth, atol=1e-4)  # directions in half precision
    (found,) = fit(rig, truth[None])
    assert found.residual < 1e-3
    assert np.abs(found.pose - pose).max() < np.radians(1)
    assert np.abs(found.shape - betas).max() < 0.05
    assert np.allclose(found.translation, 0, atol=1e-3)
