"""Miniature ASF and AMC files of a made-up person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

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
