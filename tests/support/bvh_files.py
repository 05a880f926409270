"""Miniature BVH files of a made-up person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

# A BVH skeleton with MotionBuilder's names: name -> (parent, offset at rest, with y up and the left at +x).
_BVH_SIDE = {
    "UpLeg": ("Hips", (0.09, -0.05, 0.0)),
    "Leg": ("UpLeg", (0.02, -0.42, 0.01)),
    "Foot": ("Leg", (0.01, -0.40, -0.02)),
    "ToeBase": ("Foot", (0.03, -0.06, 0.13)),
    "Shoulder": ("Spine2", (0.07, 0.15, 0.01)),
    "Arm": ("Shoulder", (0.12, 0.01, -0.02)),
    "ForeArm": ("Arm", (0.27, 0.0, 0.0)),
    "Hand": ("ForeArm", (0.25, 0.0, 0.0)),
}
_BVH_TRUNK = {
    "Hips": ("", (0.0, 0.0, 0.0)),
    "Spine": ("Hips", (0.0, 0.12, 0.0)),
    "Spine1": ("Spine", (0.0, 0.13, 0.01)),
    "Spine2": ("Spine1", (0.0, 0.13, 0.0)),
    "Neck": ("Spine2", (0.0, 0.2, 0.0)),
    "Head": ("Neck", (0.0, 0.1, 0.02)),
}
_ENDS = {"ToeBase": (0.0, 0.0, 0.07), "Hand": (0.18, 0.0, 0.0), "Head": (0.0, 0.2, 0.0)}
Tree = dict[str, tuple[str, np.ndarray]]


def bvh_person(arms: float = 0.0) -> Tree:
    """Joint -> (parent, offset), with arms that hang `arms` degrees below the T-pose at rest."""
    tree: Tree = {name: (parent, np.array(offset)) for name, (parent, offset) in _BVH_TRUNK.items()}
    for side, sign in (("Left", 1), ("Right", -1)):
        lowered = Rotation.from_euler("z", -sign * arms, degrees=True)
        for name, (parent, offset) in _BVH_SIDE.items():
            step = np.array(offset) * [sign, 1, 1]
            step = lowered.apply(step) if name in ("ForeArm", "Hand") else step
            tree[side + name] = (side + parent if parent in _BVH_SIDE else parent, step)
    return tree


def bvh_end(name: str, arms: float = 0.0) -> np.ndarray | None:
    """The offset of a last bone's end."""
    for suffix, end in _ENDS.items():
        if name.endswith(suffix):
            sign = -1 if name.startswith("Right") else 1
            lowered = Rotation.from_euler("z", -sign * arms * (suffix == "Hand"), degrees=True)
            return lowered.apply(np.array(end) * [sign if suffix == "Hand" else 1, 1, 1])
    return None


def write_bvh(
    path: Path,
    frames: Sequence[Mapping[str, Rotation]],
    arms: float = 0.0,
    axes: Rotation | None = None,
    order: str = "ZXY",
    names: Mapping[str, str] | None = None,
    framerate: float = 120.0,
    drop: str = "",
    twists: Mapping[str, str] | None = None,
    extra: Mapping[str, tuple[str, tuple[float, float, float]]] | None = None,
) -> Path:
    """Writes frames of {joint: rotation from rest}; what is not given is at rest.

    Args:
        path: the file.
        frames: rotations in axes x left, y up, z ahead.
        arms: degrees by which the arms hang at rest.
        axes: from those axes to the file's.
        order: of the rotation channels.
        names: other names for joints, which are MotionBuilder's.
        framerate: frames per second.
        drop: a joint to leave out; what hangs on it then hangs on its parent.
        twists: by joint, the name of another half-way along its bone.
        extra: more joints, such as a heel: by name the parent and the offset.
    """
    axes = axes or Rotation.identity()
    tree = bvh_person(arms)
    for name, twist in (twists or {}).items():
        ((below, (_, step)),) = [(child, entry) for child, entry in tree.items() if entry[0] == name]
        tree[twist], tree[below] = (name, step / 2), (twist, step / 2)
    tree.update({name: (on, np.array(offset)) for name, (on, offset) in (extra or {}).items()})
    if drop:
        above, step = tree.pop(drop)
        tree = {name: (above, offset + step) if on == drop else (on, offset) for name, (on, offset) in tree.items()}
    columns: list[str] = []

    def joint(name: str, depth: int) -> list[str]:
        tab, columns_of = "\t" * depth, " ".join(f"{axis}rotation" for axis in order)
        columns.append(name)
        offset = " ".join(f"{x:.8f}" for x in axes.apply(tree[name][1]))
        channels = f"3 {columns_of}" if depth else f"6 Xposition Yposition Zposition {columns_of}"
        lines = [f"{tab}{'JOINT' if depth else 'ROOT'} {(names or {}).get(name, name)}", tab + "{"]
        lines += [f"{tab}\tOFFSET {offset}", f"{tab}\tCHANNELS {channels}"]
        children = [child for child, (parent, _) in tree.items() if parent == name]
        for child in children:
            lines += joint(child, depth + 1)
        end = bvh_end(name, arms)
        if not children and end is not None:
            end_offset = " ".join(f"{x:.8f}" for x in axes.apply(end))
            lines += [f"{tab}\tEnd Site", tab + "\t{", f"{tab}\t\tOFFSET {end_offset}", tab + "\t}"]
        return [*lines, tab + "}"]

    lines = ["HIERARCHY", *joint("Hips", 0), "MOTION", f"Frames: {len(frames)}", f"Frame Time: {1 / framerate:.7f}"]
    for frame in frames:
        values = [0.0, 0.9, 0.0]
        for name in columns:
            turn = axes * frame.get(name, Rotation.identity()) * axes.inv()
            values += turn.as_euler(order, degrees=True).tolist()
        lines.append(" ".join(f"{value:.6f}" for value in values))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]))
    return path


def write_bvh_along_bones(
    path: Path, frames: Sequence[Mapping[str, Rotation]], mirrored: bool = False, axes: Rotation | None = None
) -> Path:
    """Writes the same person in the same poses, but every joint has axes of its own, and at rest all bones lie along x.

    Args:
        path: the file.
        frames: see `write_bvh`; the arms' rest is the T-pose.
        mirrored: as Bandai-Namco's files are: bones of the right side lie along -x, the trunk's joints do not agree
            on where left is, all hang on another joint on the ground, and each joint has six channels. Else as
            LAFAN1's are.
        axes: from x left, y up, z ahead to the axes of the file's world.
    """
    tree = bvh_person()
    own: dict[str, Rotation] = {}  # from each joint's own axes to the body's
    for name in tree:
        limb = name.startswith(("Left", "Right"))
        below = [offset for parent, offset in tree.values() if parent == name]
        along = below[0] if limb and below else bvh_end(name) if limb else np.array([0.0, 1, 0])
        assert along is not None
        side = -1.0 if mirrored and name.startswith("Right") else 1.0
        # Which way the other two axes point is any exporter's choice, the same left and right.
        second = (
            np.array([0.3, 0.5, 0.8]) if limb else np.array([1.0, 0, 0] if mirrored and name == "Hips" else [0, 0, 1.0])
        )
        x = side * along / np.linalg.norm(along)
        z = np.cross(x, second) / np.linalg.norm(np.cross(x, second))
        own[name] = Rotation.from_matrix(np.stack([x, np.cross(z, x), z], axis=1))
    columns: list[str] = []

    def numbers(values: np.ndarray) -> str:
        return " ".join(f"{value:.8f}" for value in values)

    def offset_of(name: str) -> np.ndarray:
        parent, offset = tree[name]
        return own[parent].inv().apply(offset) if parent else offset

    def joint(name: str) -> list[str]:
        columns.append(name)
        places = "Xposition Yposition Zposition " if mirrored or name == "Hips" else ""
        lines = [
            f"{'JOINT' if mirrored or tree[name][0] else 'ROOT'} {name}",
            "{",
            f"OFFSET {numbers(offset_of(name))}",
        ]
        lines.append(f"CHANNELS {6 if places else 3} {places}Zrotation Yrotation Xrotation")
        children = [child for child, (parent, _) in tree.items() if parent == name]
        for child in children:
            lines += joint(child)
        end = bvh_end(name)
        if not children and end is not None:
            lines += ["End Site", "{", f"OFFSET {numbers(own[name].inv().apply(end))}", "}"]
        return [*lines, "}"]

    hierarchy = joint("Hips")
    if mirrored:
        ground = "Xposition Yposition Zposition Zrotation Yrotation Xrotation"
        hierarchy = ["ROOT joint_Root", "{", "OFFSET 0 0 0", f"CHANNELS 6 {ground}", *hierarchy, "}"]
    lines = ["HIERARCHY", *hierarchy, "MOTION", f"Frames: {len(frames)}", "Frame Time: 0.0333333"]
    for frame in frames:
        values = [0.0] * 6 if mirrored else []
        for name in columns:
            parent = tree[name][0]
            above = own[parent].inv() if parent else axes or Rotation.identity()
            turn = above * frame.get(name, Rotation.identity()) * own[name]
            values += offset_of(name).tolist() if mirrored or not parent else []
            values += turn.as_euler("ZYX", degrees=True).tolist()
        lines.append(" ".join(f"{value:.8f}" for value in values))
    path.write_text("\n".join([*lines, ""]))
    return path


def lifelike_bvh_frames(count: int) -> list[dict[str, Rotation]]:
    """Frames of a person who turns round and moves all limbs; knees and elbows bend as a human's do."""
    rng = np.random.default_rng(2)
    frames = []
    for number in range(count):
        frame = {name: Rotation.from_rotvec(rng.normal(0, 0.1, 3)) for name in ("Spine", "Spine1", "Spine2", "Neck")}
        frame["Head"] = Rotation.from_rotvec(rng.normal(0, 0.2, 3))
        frame["Hips"] = Rotation.from_euler("YX", [0.05 * number, rng.normal(0, 0.1)])
        for side, sign in (("Left", 1), ("Right", -1)):
            frame[f"{side}UpLeg"] = Rotation.from_rotvec(rng.normal(0, [0.5, 0.2, 0.2], 3) - [0.3, 0, 0])
            frame[f"{side}Leg"] = Rotation.from_euler("x", rng.uniform(0, 100), degrees=True)
            frame[f"{side}Foot"] = Rotation.from_rotvec(rng.normal(0, 0.15, 3))
            frame[f"{side}Shoulder"] = Rotation.from_rotvec(rng.normal(0, 0.1, 3))
            lowered = Rotation.from_euler("z", -sign * rng.uniform(10, 90), degrees=True)
            frame[f"{side}Arm"] = lowered * Rotation.from_rotvec(rng.normal(0, 0.3, 3))
            frame[f"{side}ForeArm"] = Rotation.from_euler("y", -sign * rng.uniform(0, 120), degrees=True)
            frame[f"{side}Hand"] = Rotation.from_rotvec(rng.normal(0, 0.2, 3))
        frames.append(frame)
    return frames


def random_bvh_frames(count: int, radians: float = 0.6) -> list[dict[str, Rotation]]:
    """Frames in which every joint is turned at random."""
    rng = np.random.default_rng(1)
    return [{name: Rotation.from_rotvec(rng.normal(0, radians, 3)) for name in bvh_person()} for _ in range(count)]
