"""What Blender, bvhio, OpenSim, MuJoCo and three.js read in motion files, each by its own importer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.joints import SMPL_JOINT_NAMES, SMPL_PARENTS
from tests.support.npm import npm_package
from tests.support.tools import run_in

IN_BLENDER = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Its importers turn y up to z up."""

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

_MESHES = """
import bpy, json, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=sys.argv[1])
meshes = [thing for thing in bpy.data.objects if thing.type == "MESH"]
print()
print(json.dumps({m.name: [list(m.matrix_world @ vertex.co) for vertex in m.data.vertices] for m in meshes}))
"""

_BVHIO = """
import bvhio, json, sys
root = bvhio.readAsHierarchy(sys.argv[1])
found = []
for frame in map(int, sys.argv[2].split(",")):
    root.loadPose(frame)
    found.append({joint.Name: list(joint.PositionWorld) for joint, *_ in root.layout()})
print(json.dumps(found))
"""

_OPENSIM = """
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

_MUJOCO = """
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

_THREE = """
globalThis.self = globalThis;
const { readFileSync } = await import("node:fs");
const three = await import(`${process.argv[1]}/build/three.module.js`);
const { GLTFLoader } = await import(`${process.argv[1]}/examples/jsm/loaders/GLTFLoader.js`);
const bytes = Uint8Array.from(readFileSync(process.argv[2])).buffer;
const gltf = await new GLTFLoader().parseAsync(bytes, "");
const mixer = new three.AnimationMixer(gltf.scene);
const action = mixer.clipAction(gltf.animations[0]);
action.setLoop(three.LoopOnce);
action.clampWhenFinished = true;
action.play();
let body;
gltf.scene.traverse((thing) => { if (thing.isMesh) body = thing; });
const found = [];
for (const time of process.argv[3].split(",").map(Number)) {
  mixer.setTime(time);
  gltf.scene.updateMatrixWorld(true);
  const point = new three.Vector3(), vertices = [];
  for (let index = 0; index < body.geometry.attributes.position.count; index += 1) {
    body.getVertexPosition(index, point).applyMatrix4(body.matrixWorld);
    vertices.push(point.toArray());
  }
  found.push(vertices);
}
console.log(JSON.stringify(found));
"""


def _list(values: Sequence[object]) -> str:
    return ",".join(map(str, values))


def blender_joints(kind: str, path: Path, names: Sequence[str], frames: Sequence[int]) -> np.ndarray:
    """(N, J, 3) heads of the named bones at frames of a scene at 30 frames a second; kind is "bvh" or "glb"."""
    return np.array(run_in("bpy", _JOINTS, kind, path, _list(names), _list(frames)))


def blender_vertices(path: Path, frames: Sequence[int]) -> np.ndarray:
    """(N, V, 3) of a GLB's mesh, likewise, in Blender's order."""
    return np.array(run_in("bpy", _VERTICES, path, _list(frames)))


def blender_meshes(path: Path) -> dict[str, np.ndarray]:
    """(V, 3) of each mesh of a GLB that stands still, by its name."""
    return {name: np.array(vertices) for name, vertices in run_in("bpy", _MESHES, path).items()}


def bvhio_joints(path: Path, frames: Sequence[int]) -> np.ndarray:
    """(N, 22, 3) SMPL's joints in the file's unit."""
    found = run_in("bvhio", _BVHIO, path, _list(frames))
    return np.array([[frame[name] for name in SMPL_JOINT_NAMES] for frame in found])


def opensim_marker(path: Path, name: str) -> dict[str, Any]:
    """A TRC as OpenSim reads it: units, rate, labels, times, and the marker's rows, None where it was not seen."""
    found: dict[str, Any] = run_in("opensim", _OPENSIM, path, name)
    return found


def three_vertices(path: Path, times: Sequence[float]) -> np.ndarray:
    """(N, V, 3) of a GLB's mesh at times in seconds, by three.js' loader and mixer."""
    package = npm_package("three", "0.187.0")
    words = ["node", "--input-type=module", "-e", _THREE, str(package), str(path), _list(times)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return np.array(json.loads(done.stdout.strip().splitlines()[-1]))


def in_mujoco(
    clip: Path, offsets: np.ndarray, frames: Sequence[int], folder: Path
) -> list[tuple[np.ndarray, list[float]]]:
    """A humanoid of these bones (22, 3) in the poses of an AMASS-like npz: its joints (22, 3), and contacts' depths.

    Its soles are spheres under the ankles, its floor is at 0.
    """

    def body(joint: int) -> str:
        free = "<freejoint/>" if joint == 0 else '<joint type="ball"/>'
        sole = '<geom type="sphere" size="0.02" pos="0 -0.06 0"/>' if "ankle" in SMPL_JOINT_NAMES[joint] else ""
        below = "".join(body(child) for child, parent in enumerate(SMPL_PARENTS) if parent == joint)
        offset = " ".join(f"{value:.6f}" for value in offsets[joint])
        mass = '<inertial pos="0 0 0" mass="1" diaginertia="1 1 1"/>'
        return f'<body name="{SMPL_JOINT_NAMES[joint]}" pos="{offset}">{free}{mass}{sole}{below}</body>'

    model = folder / "humanoid.xml"
    floor = '<geom type="plane" size="9 9 1"/>'
    model.write_text(f"<mujoco><worldbody>{floor}{body(0)}</worldbody></mujoco>")
    found = run_in("mujoco", _MUJOCO, model, clip, _list(frames), _list(SMPL_JOINT_NAMES))
    return [
        (np.array(one["places"])[[one["names"].index(name) for name in SMPL_JOINT_NAMES]], one["contacts"])
        for one in found
    ]
