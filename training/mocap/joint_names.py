"""What animation programs and data sets call the joints of legs and arms: one table."""

from __future__ import annotations

from collections.abc import Sequence

# Where thigh, shin and foot begin, without case, punctuation, side and prefix. The first row that is there counts:
# "LeftLeg" is a shin beside "LeftUpLeg" and SOMA's thigh, "LeftShoulder" a clavicle beside "LeftArm" and else an upper
# arm. Twist joints ("thigh_twist_01_l", "DEF-thigh.L.001") have other names and lie between these.
LEGS = (
    ("femur", "tibia", "foot"),  # CMU's ASF
    ("upleg", "leg", "foot"),  # MotionBuilder, Mixamo, OptiTrack's FBX, LAFAN1, CMU's BVH
    ("upleg", "lowleg", "foot"),  # Biovision's own
    ("upperleg", "lowerleg", "foot"),  # VRM and VRoid, Unity, Bandai-Namco, Xsens
    ("upperleg01", "lowerleg01", "foot"),  # MakeHuman
    ("thigh", "shin", "foot"),  # Rigify, Poser, Daz's Genesis 1, 2 and 9, OptiTrack's BVH, Rokoko
    ("thighbend", "shin", "foot"),  # Daz's Genesis 3 and 8
    ("thigh", "calf", "foot"),  # Unreal, 3ds Max's Biped, Character Creator
    ("hip", "knee", "ankle"),  # SMPL and its add-on for Blender, 3ds Max's BVH, Kinect
    ("hip", "knee", "foot"),
    ("leg", "shin", "foot"),  # SOMA
)
# Where upper arm, forearm and hand begin.
ARMS = (
    ("humerus", "radius", "hand"),  # CMU's ASF, whose "wrist" is half of the forearm
    ("arm", "forearm", "fingerbase"),  # CMU's BVH, whose "hand" is that half
    ("arm", "forearm", "hand"),  # MotionBuilder, Mixamo, OptiTrack's FBX, LAFAN1, SOMA, Rokoko
    ("uparm", "lowarm", "hand"),  # Biovision's own
    ("upperarm", "lowerarm", "hand"),  # Unreal, VRM and VRoid, Unity, Bandai-Namco
    ("upperarm01", "lowerarm01", "wrist"),  # MakeHuman
    ("upperarm", "forearm", "hand"),  # Rigify, 3ds Max's Biped, Character Creator, Daz's Genesis 9, Xsens
    ("shldr", "forearm", "hand"),  # Poser, Daz's Genesis 1 and 2
    ("shldrbend", "forearmbend", "hand"),  # Daz's Genesis 3 and 8
    ("uarm", "farm", "hand"),  # OptiTrack's BVH
    ("shoulder", "elbow", "wrist"),  # SMPL and its add-on for Blender, 3ds Max's BVH, Kinect
    ("shoulder", "elbow", "hand"),
)
_HEAD = "head"
_SIDES = ("left{0}", "l{0}", "{0}l", "{0}left"), ("right{0}", "r{0}", "{0}r", "{0}right")


def named_limbs(names: Sequence[str], rows: Sequence[tuple[str, str, str]]) -> list[tuple[list[int], list[int]]]:
    """The limbs whose joints are called as one of the rows says.

    Args:
        names: of all joints, as in the file: with any prefix, such as "mixamorig:", "Bip01 " or "J_Bip_L_".
        rows: `LEGS` or `ARMS`.

    Returns:
        In the rows' order, all that the names allow: the three joints of the left limb, and of the right one.
    """
    at = _by_name(names)
    found = []
    for row in rows:
        for left, right in zip(*_SIDES):
            first = left.format(row[0])
            prefixes = sorted((name[: -len(first)] for name in at if name.endswith(first)), key=len)
            for prefix in prefixes:
                limbs = [[prefix + side.format(part) for part in row] for side in (left, right)]
                if all(name in at for limb in limbs for name in limb):
                    found.append(([at[name] for name in limbs[0]], [at[name] for name in limbs[1]]))
    return found


def named_head(names: Sequence[str]) -> int | None:
    """The joint that is called a head, with the shortest prefix; None where there is none."""
    at = _by_name(names)
    heads = sorted((name for name in at if name.endswith(_HEAD)), key=len)
    return at[heads[0]] if heads else None


def named_side(name: str) -> str | None:
    """The side, "left" or "right", that any name tells, such as "Bone_L.003"; None where it tells none."""
    words = "".join(sign if sign.isalpha() else " " for sign in name).lower().split()
    sides = {side for side in ("left", "right") for word in words if word == side[0] or word.startswith(side)}
    return sides.pop() if len(sides) == 1 else None


def _by_name(names: Sequence[str]) -> dict[str, int]:
    """By their plain names, the joints; of equal names the first. "mixamorig:LeftUpLeg" is plainly "leftupleg"."""
    plain: dict[str, int] = {}
    for joint, name in enumerate(names):
        last = name.replace("|", ":").rsplit(":", 1)[-1]
        plain.setdefault("".join(sign for sign in last.lower() if sign.isalnum()), joint)
    return plain
