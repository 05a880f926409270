"""Miniature MoCap files in the real formats, of a made-up person, and SMPL's forward kinematics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from training.mocap import SMPL_JOINT_NAMES, SMPL_PARENTS

# Bones as CMU names and connects them, legs 15 degrees apart at rest, elbows that bend about a slanted axis:
# name: (parent, direction at rest, length, axis, degrees of freedom).
SIN, COS = np.sin(np.radians(15)), np.cos(np.radians(15))
_SIDE = {
    "hipjoint": ("root", (0.6, -0.7, 0.2), 2.0, (0, 0, 0), ""),
    "femur": ("hipjoint", (SIN, -COS, 0), 7.0, (0, 0, 15), "rx ry rz"),
    "tibia": ("femur", (SIN, -COS, 0), 7.2, (0, 0, 15), "rx"),
    "foot": ("tibia", (0.2 * SIN, -0.2 * COS, 0.98), 2.4, (-90, 0, 15), "rx rz"),
    "toes": ("foot", (0, 0, 1), 1.2, (-90, 0, 15), "rx"),
    "clavicle": ("thorax", (0.93, 0.35, -0.1), 3.4, (0, 0, 0), "ry rz"),
    "humerus": ("clavicle", (1, 0, 0), 5.0, (180, -25, -90), "rx ry rz"),
    "radius": ("humerus", (1, 0, 0), 3.4, (180, -25, -90), "rx"),
    "wrist": ("radius", (1, 0, 0), 1.7, (0, 90, 90), "ry"),
    "hand": ("wrist", (1, 0, 0), 0.7, (0, 90, 90), "rx rz"),
    "fingers": ("hand", (1, 0, 0), 0.6, (0, 90, 90), "rx"),
    "thumb": ("wrist", (0.7, 0, 0.7), 0.8, (-90, 45, 0), "rx rz"),
}
_TRUNK = {
    "lowerback": ("root", (0.01, 0.99, -0.1), 2.0, (0, 0, 0), "rx ry rz"),
    "upperback": ("lowerback", (0, 1, 0), 2.0, (0, 0, 0), "rx ry rz"),
    "thorax": ("upperback", (0, 1, 0.02), 2.0, (0, 0, 0), "rx ry rz"),
    "lowerneck": ("thorax", (0, 0.99, 0.1), 1.7, (0, 0, 0), "rx ry rz"),
    "upperneck": ("lowerneck", (0, 1, -0.07), 1.7, (0, 0, 0), "rx ry rz"),
    "head": ("upperneck", (0, 1, 0), 1.7, (0, 0, 0), "rx ry rz"),
}


def _mirrored(bone: tuple, side: str) -> tuple:
    parent, (x, y, z), length, (a, b, c), dof = bone
    parent = side + parent if parent in _SIDE else parent
    return (
        (parent, (x, y, z), length, (a, b, c), dof) if side == "l" else (parent, (-x, y, z), length, (a, -b, -c), dof)
    )


BONES = {**{f"{side}{name}": _mirrored(bone, side) for side in "lr" for name, bone in _SIDE.items()}, **_TRUNK}


def write_asf(path: Path, axis_order: str = " XYZ", units: str = "deg", scale: float = 1.0) -> Path:
    """Writes the person's skeleton; angles are multiplied by `scale`."""
    lines = ["# a comment", ":version 1.10", ":name VICON", ":units", "  mass 1.0", "  length 0.45", f"  angle {units}"]
    lines += [":documentation", "   made for a test", ":root", "   order TX TY TZ RX RY RZ", "   axis XYZ"]
    lines += ["   position 0 0 0", "   orientation 0 0 0", ":bonedata"]
    for number, (name, (_, direction, length, axis, dof)) in enumerate(BONES.items()):
        lines += ["  begin", f"     id {number + 1}", f"     name {name}"]
        lines += [f"     direction {' '.join(f'{x:.6g}' for x in direction)}", f"     length {length}"]
        lines += [f"     axis {' '.join(f'{x * scale:.12g}' for x in axis)}{axis_order}"]
        if dof:
            lines += [
                f"    dof {dof}",
                *(["    limits (-160.0 20.0)"] + ["           (-70.0 70.0)"] * 2)[: len(dof.split())],
            ]
        lines.append("  end")
    lines += [":hierarchy", "  begin"]
    for parent in ["root", *BONES]:
        children = [name for name, bone in BONES.items() if bone[0] == parent]
        if children:
            lines.append(f"    {parent} {' '.join(children)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, "  end", ""]))
    return path


def write_amc(path: Path, frames: Sequence[Mapping[str, Sequence[float]]], header: str = ":DEGREES") -> Path:
    """Writes frames of {bone: values}; what is not given is zero. Bones come in another order than in the ASF."""
    channels = {"root": 6, **{name: len(bone[4].split()) for name, bone in reversed(BONES.items()) if bone[4]}}
    lines = ["#!OML:ASF F:\\MADE\\UP.ASF", ":FULLY-SPECIFIED", header]
    for number, frame in enumerate(frames):
        lines.append(str(number + 1))
        for name, count in channels.items():
            lines.append(f"{name} {' '.join(f'{value:.9g}' for value in frame.get(name, [0.0] * count))}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]))
    return path


def random_amc_frames(count: int, degrees: float = 40.0) -> list[dict[str, list[float]]]:
    """Frames in which every bone is turned at random."""
    rng = np.random.default_rng(0)
    channels = {"root": 6, **{name: len(bone[4].split()) for name, bone in BONES.items() if bone[4]}}
    return [{name: rng.normal(0, degrees, size).tolist() for name, size in channels.items()} for _ in range(count)]


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


def smpl_world(rotations: np.ndarray) -> dict[str, Rotation]:
    """World rotations of SMPL's joints for poses (T, 22, 3)."""
    world: list[Rotation] = []
    for joint, parent in enumerate(SMPL_PARENTS):
        local = Rotation.from_rotvec(rotations[:, joint])
        world.append(local if parent < 0 else world[parent] * local)
    return dict(zip(SMPL_JOINT_NAMES, world))
