"""Makes the fingers of anny's body for serving: `python -m training.bodies.fingers weights/anny-hands.safetensors`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from model.body.hands import FINGERS, WRISTS, Hands, save_hands
from model.body.rig import Rig
from model.body.rig_file import find_rig
from model.joints import FINGER_NAMES
from training.bodies.anny_build import load_model

_NEAR = 96  # vertices between which a finger joint is looked for
_RIDGE = 1e-5  # of the mean square: keeps weights small
_LEAST = 1e-3  # of a vertex's motion: less is none

# Degrees by which each finger's three joints are bent towards the palm in a hand that hangs. The fingers beside the
# little one are bent more than the index, as tendons leave them; anny's own hand is bent a little already.
_RELAXED = {
    "index": (8, 16, 8), "middle": (11, 19, 10), "ring": (14, 21, 11), "pinky": (16, 21, 12), "thumb": (6, 8, 8),
}  # fmt: skip
_GATHERED = {"index": 6.0, "middle": 0.0, "ring": 4.0, "pinky": 9.0, "thumb": 0.0}
"""Degrees by which they close up to the middle finger: anny's are spread."""
_BONES = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}


def bone_of(name: str) -> str:
    """Anny's bone of a finger joint."""
    side, rest = name.split("_")
    return f"finger{_BONES[rest[:-1]]}-{rest[-1]}.{side[0].upper()}"


def make_hands(model: Any, rig: Rig) -> Hands:
    """The fingers of a body whose rig is given, from the package's model."""
    bones = [model.bone_labels.index(bone_of(name)) for name in FINGER_NAMES]
    skin = model.dense_vertex_bone_weights.numpy()
    shares = np.where(skin[:, bones] > _LEAST, skin[:, bones], 0)
    wrists = rig.dense_weights[:, list(WRISTS)].max(axis=1, keepdims=True)
    shares = shares / np.maximum(wrists, shares.sum(axis=1, keepdims=True)).clip(_LEAST)
    vertices = np.flatnonzero(shares.any(axis=1))
    columns, weights = _between_vertices(model, bones)
    flat = Hands(len(skin), vertices, shares[vertices].astype(np.float32), columns, weights, np.zeros((FINGERS, 3)))
    return Hands(**{**vars(flat), "relaxed": _relaxed(rig, flat)})


def _between_vertices(model: Any, bones: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """For each bone the vertices (30, N) and weights (30, N) that give its head on bodies of all shapes."""
    mesh = np.concatenate([model.template_vertices.numpy()[None], model.blendshapes.numpy()]).astype(np.float64)
    heads = np.concatenate([model.template_bone_heads.numpy()[None], model.bone_heads_blendshapes.numpy()])
    columns, weights = np.zeros((len(bones), _NEAR), np.int64), np.zeros((len(bones), _NEAR), np.float32)
    for row, bone in enumerate(bones):
        head = heads[:, bone].astype(np.float64)  # (1 + B, 3)
        near = np.argsort(np.linalg.norm(mesh[0] - head[0], axis=1))[:_NEAR]
        # Relative to the nearest one, so that weights sum to 1. The template counts as much as all directions together.
        weight = np.sqrt(np.repeat(np.append(len(mesh), np.ones(len(mesh) - 1)), 3))[:, None]
        around = weight * np.moveaxis(mesh[:, near[1:]] - mesh[:, near[:1]], 1, 2).reshape(-1, _NEAR - 1)
        wanted = weight[:, 0] * (head - mesh[:, near[0]]).ravel()
        normal = around.T @ around
        normal += _RIDGE * np.trace(normal) / len(normal) * np.eye(len(normal))
        others = np.linalg.solve(normal, around.T @ wanted)
        columns[row], weights[row] = near, np.append(1 - others.sum(), others)
    return columns, weights


def _relaxed(rig: Rig, flat: Hands) -> np.ndarray:
    """(30, 3) axis-angle of relaxed hands: each finger bends about the axis that takes it towards the palm."""
    rest = rig.rest(np.zeros(rig.shape_count))
    heads = flat.heads(rest.vertices)
    found = np.zeros((FINGERS, 3))
    for side, wrist in enumerate(WRISTS):
        own, first = rest.straighten[wrist], 15 * side
        at = {
            name.split("_")[1]: own @ (heads[first + i] - rest.joints[wrist])
            for i, name in enumerate(FINGER_NAMES[:15])
        }
        palm = np.cross(at["index1"], at["pinky1"]) * (-1 if side == 0 else 1)
        palm /= np.linalg.norm(palm)
        if palm[1] > 0:  # in the T-pose palms look down
            palm = -palm
        for index in range(15):
            finger, joint = FINGER_NAMES[index].split("_")[1][:-1], int(FINGER_NAMES[index][-1])
            along = at[f"{finger}{min(joint + 1, 3)}"] - at[f"{finger}{min(joint, 2)}"]
            towards = (
                palm if finger != "thumb" else at["ring1"] + 0.3 * np.linalg.norm(at["ring1"]) * palm - at["thumb2"]
            )
            axis = np.cross(along, towards)
            turn = Rotation.from_rotvec(np.radians(_RELAXED[finger][joint - 1]) * axis / np.linalg.norm(axis))
            if joint == 1:
                inwards = np.cross(along, at["middle2"] - at["middle1"])
                aside = np.radians(_GATHERED[finger]) * np.sign(inwards @ palm) * palm
                turn = turn * Rotation.from_rotvec(aside)
            found[first + index] = turn.as_rotvec()
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="the file to write (.safetensors)")
    arguments = parser.parse_args()
    model = load_model("hands", rig="anny", topology="anny", skinning_method="lbs")
    rig = find_rig(len(model.template_vertices))
    assert rig is not None
    hands = make_hands(model, rig)
    heads = model.template_bone_heads.numpy()[[model.bone_labels.index(bone_of(n)) for n in FINGER_NAMES]]
    off = np.linalg.norm(hands.heads(model.template_vertices.numpy()) - heads, axis=1)
    save_hands(arguments.output, hands)
    print(f"{arguments.output}: {len(hands.vertices)} vertices; its joints are off by {1000 * off.max():.2f} mm.")


if __name__ == "__main__":
    main()
