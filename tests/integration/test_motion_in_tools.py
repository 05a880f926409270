"""Motion files in the programs that they are for: Blender, bvhio, OpenSim, MuJoCo, gltfpack show the same walk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from model.body.motion import SkeletonMotion, even_times
from model.body.skeleton import TURN_UP
from model.formats.bvh import to_bvh
from model.formats.markers import markers_of
from model.formats.motion_glb import find_motion, to_glb
from model.formats.rigged_glb import to_rigged_glb
from model.formats.skeletons import SKELETONS
from model.formats.smpl_npz import TO_Z_UP, to_smpl_npz
from model.formats.trc import to_trc
from model.joints import SMPL_JOINT_NAMES, SMPL_PARENTS
from tests.support.npm import npm_package
from tests.support.tools import run_in
from tests.support.walker import walker

pytestmark = pytest.mark.slow

RATE = 30.0
FRAMES = (0, 7, 20)
IN_BLENDER = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # its importers turn y up to z up

_JOINTS = """
import bpy, json, sys
kind, path, names, frames = sys.argv[1], sys.argv[2], sys.argv[3].split(","), [int(f) for f in sys.argv[4].split(",")]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.context.scene.render.fps = 30
if kind == "bvh":
    bpy.ops.import_anim.bvh(filepath=path, global_scale=0.01)
else:
    bpy.ops.import_scene.gltf(filepath=path)
(skeleton,) = [thing for thing in bpy.data.objects if thing.type == "ARMATURE"]
found = []
for frame in frames:
    bpy.context.scene.frame_set(frame)
    found.append([list(skeleton.matrix_world @ skeleton.pose.bones[name].head) for name in names])
print()
print(json.dumps(found))
"""

_VERTICES = """
import bpy, json, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.context.scene.render.fps = 30
bpy.ops.import_scene.gltf(filepath=sys.argv[1])
# Its importer adds a small mesh that bones are drawn as.
body = max((t for t in bpy.data.objects if t.type == "MESH"), key=lambda t: len(t.data.vertices))
found = []
for frame in map(int, sys.argv[2].split(",")):
    bpy.context.scene.frame_set(frame)
    seen = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = seen.to_mesh()
    found.append([list(seen.matrix_world @ vertex.co) for vertex in mesh.vertices])
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def walk() -> SkeletonMotion:
    """A second, on the floor, from the origin towards +z."""
    return walker(1.0, RATE)[0]


def closed(count: int) -> np.ndarray:
    """Faces that use every vertex; any will do."""
    return np.arange(count - count % 3).reshape(-1, 3)


def meshes(walk: SkeletonMotion) -> np.ndarray:
    """(N, V, 3) y up."""
    shapes = np.broadcast_to(walk.shape, (len(walk), len(walk.shape)))
    return walk.rig.pose(walk.rotations, shapes, walk.roots - walk.rest.joints[0])


@pytest.mark.parametrize("skeleton", ["smpl", "mixamo", "unreal", "lafan1"])
def test_bvh_in_blender(walk, tmp_path: Path, skeleton: str):
    """At scale 0.01, and from frame 1."""
    path, names = tmp_path / "walk.bvh", SKELETONS[skeleton].names
    path.write_bytes(to_bvh(walk, RATE, SKELETONS[skeleton]))
    found = run_in("bpy", _JOINTS, "bvh", path, ",".join(names), ",".join(str(frame + 1) for frame in FRAMES))
    np.testing.assert_allclose(found, walk.joints[list(FRAMES)] @ IN_BLENDER.T, atol=1e-3)


def test_rigged_glb_in_blender(walk, tmp_path: Path):
    """Joints by name, from frame 0 at the scene's rate; and the skin."""
    path = tmp_path / "walk.rigged.glb"
    path.write_bytes(to_rigged_glb(walk, closed(walk.rig.vertex_count), "walk", moves=True))
    frames = ",".join(map(str, FRAMES))
    found = run_in("bpy", _JOINTS, "glb", path, ",".join(SMPL_JOINT_NAMES), frames)
    np.testing.assert_allclose(found, walk.joints[list(FRAMES)] @ IN_BLENDER.T, atol=1e-3)
    skin = np.array(run_in("bpy", _VERTICES, path, frames))
    expected = meshes(walk)[list(FRAMES)] @ IN_BLENDER.T
    for one, other in zip(skin, expected):
        assert cKDTree(one).query(other[: len(other) // 3 * 3])[0].max() < 1e-4


@pytest.fixture(scope="module")
def morphs(walk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The walk as morph targets: bodies as a film has them, turned into the camera's frame."""
    bodies, path = meshes(walk) - walk.roots[:, None], tmp_path_factory.mktemp("morphs") / "walk.glb"
    faces = closed(walk.rig.vertex_count)
    path.write_bytes(to_glb(find_motion(walk.times, bodies * TURN_UP, walk.roots * TURN_UP, faces), faces, "walk"))
    return path


def test_morph_targets_in_blender(walk, morphs):
    """Blender cuts weights off at 0 and 1: within 3 mm in the mean, they are within that."""
    found = np.array(run_in("bpy", _VERTICES, morphs, ",".join(map(str, FRAMES))))
    for one, other in zip(found, meshes(walk)[list(FRAMES)] @ IN_BLENDER.T):
        assert cKDTree(one).query(other)[0].mean() < 3e-3


def test_morph_targets_after_gltfpack(walk, morphs, tmp_path: Path):
    """Which cuts off negative weights, and puts vertices into another order."""
    packed, cli = tmp_path / "packed.glb", npm_package("gltfpack", "1.3.0") / "cli.js"
    subprocess.run(["node", cli, "-i", morphs, "-o", packed, "-noq", "-af", "30"], check=True, capture_output=True)
    found = np.array(run_in("bpy", _VERTICES, packed, ",".join(map(str, FRAMES))))
    for one, other in zip(found, meshes(walk)[list(FRAMES)] @ IN_BLENDER.T):
        assert cKDTree(one).query(other)[0].mean() < 3e-3


def test_bvh_in_bvhio(walk, tmp_path: Path):
    path = tmp_path / "walk.bvh"
    path.write_bytes(to_bvh(walk, RATE))
    script = """
import bvhio, json, sys
root = bvhio.readAsHierarchy(sys.argv[1])
found = []
for frame in map(int, sys.argv[2].split(",")):
    root.loadPose(frame)
    found.append({joint.Name: list(joint.PositionWorld) for joint, *_ in root.layout()})
print(json.dumps(found))
"""
    found = run_in("bvhio", script, path, ",".join(map(str, FRAMES)))
    joints = np.array([[frame[name] for name in SMPL_JOINT_NAMES] for frame in found]) / 100
    np.testing.assert_allclose(joints, walk.joints[list(FRAMES)], atol=1e-3)


def test_trc_in_opensim(walk, tmp_path: Path):
    """Metres, by name, on the film's clock; who enters late is not there before."""
    late = SkeletonMotion(walk.rig, walk.shape, walk.times + 0.5, walk.rotations, walk.roots)
    path = tmp_path / "walk.trc"
    path.write_bytes(to_trc(markers_of(late, RATE, 2.0), path.name))
    script = """
import json, sys
import opensim
opensim.Logger.setLevelString("off")
table = opensim.TimeSeriesTableVec3(sys.argv[1])
name = sys.argv[2]
column = table.getDependentColumn(name)
rows = [[column[row][axis] for axis in range(3)] for row in range(table.getNumRows())]
print(json.dumps({
    "units": table.getTableMetaDataString("Units"), "rate": table.getTableMetaDataString("DataRate"),
    "labels": list(table.getColumnLabels()), "times": list(table.getIndependentColumn()),
    "rows": [None if row[0] != row[0] else row for row in rows],
}))
"""
    found = run_in("opensim", script, path, "left_ankle")
    assert (found["units"], float(found["rate"])) == ("m", RATE)
    assert found["labels"] == list(SMPL_JOINT_NAMES)
    at = even_times(RATE, 2.0)
    np.testing.assert_allclose(found["times"], at, atol=1e-5)
    there = late.is_there(at)
    assert [row is not None for row in found["rows"]] == there.tolist()
    expected = late.at(at).joints[there, SMPL_JOINT_NAMES.index("left_ankle")]
    np.testing.assert_allclose([row for row in found["rows"] if row], expected, atol=1e-4)


def test_a_humanoid_in_mujoco_stands_on_the_floor(walk, tmp_path: Path):
    """AMASS' keys as joints' rotations of a humanoid of the same bones: upright, its feet on the floor, z up."""
    path, model = tmp_path / "walk.npz", tmp_path / "humanoid.xml"
    path.write_bytes(to_smpl_npz(walk, RATE, 1.0))

    def body(joint: int) -> str:
        free = "<freejoint/>" if joint == 0 else '<joint type="ball"/>'
        sole = '<geom type="sphere" size="0.02" pos="0 -0.06 0"/>' if "ankle" in SMPL_JOINT_NAMES[joint] else ""
        below = "".join(body(child) for child, parent in enumerate(SMPL_PARENTS) if parent == joint)
        offset = " ".join(f"{value:.6f}" for value in walk.offsets[joint])
        mass = '<inertial pos="0 0 0" mass="1" diaginertia="1 1 1"/>'
        return f'<body name="{SMPL_JOINT_NAMES[joint]}" pos="{offset}">{free}{mass}{sole}{below}</body>'

    floor = '<geom type="plane" size="9 9 1"/>'
    model.write_text(f"<mujoco><worldbody>{floor}{body(0)}</worldbody></mujoco>")
    script = """
import json, sys
import mujoco, numpy as np
model = mujoco.MjModel.from_xml_path(sys.argv[1])
data, clip = mujoco.MjData(model), np.load(sys.argv[2])
found = []
for frame in map(int, sys.argv[3].split(",")):
    data.qpos[:3] = clip["trans"][frame] + clip["rest_pelvis"]
    for number in range(22):
        quaternion = np.zeros(4)
        turn = clip["poses"][frame, 3 * number : 3 * number + 3].astype(float)
        angle = np.linalg.norm(turn)
        mujoco.mju_axisAngle2Quat(quaternion, turn / max(angle, 1e-9), angle)
        name = sys.argv[4].split(",")[number]
        joint = model.body(name).jntadr[0]
        at = model.jnt_qposadr[joint] + (3 if number == 0 else 0)
        data.qpos[at : at + 4] = quaternion
    mujoco.mj_forward(model, data)
    found.append({"places": data.xpos[1:].tolist(), "names": [model.body(b).name for b in range(1, model.nbody)],
                  "contacts": [float(contact.dist) for contact in data.contact]})
print(json.dumps(found))
"""
    arguments = (",".join(map(str, FRAMES)), ",".join(SMPL_JOINT_NAMES))
    for frame, found in zip(FRAMES, run_in("mujoco", script, model, path, *arguments)):
        places = np.array(found["places"])[[found["names"].index(name) for name in SMPL_JOINT_NAMES]]
        np.testing.assert_allclose(places, walk.joints[frame] @ TO_Z_UP.T, atol=1e-3)
        head, pelvis = (places[SMPL_JOINT_NAMES.index(name)] for name in ("head", "pelvis"))
        assert (head - pelvis)[2] > 0.95 * np.linalg.norm(head - pelvis)
        # The sole is two centimetres of a sphere under each ankle: on the floor, not in it.
        assert found["contacts"] and min(found["contacts"]) > -0.02
