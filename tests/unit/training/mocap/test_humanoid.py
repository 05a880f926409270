"""Who is who in other programs' skeletons: by their names of joints, and by structure where names say nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.errors import BadData
from tests.support.bvh_files import bvh_person, lifelike_bvh_frames, write_bvh, write_bvh_along_bones
from training.mocap.bvh import read_bvh
from training.mocap.humanoid import find_humanoid
from training.mocap.retarget import to_smpl

TRUNK = ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")
SIDE = ("UpLeg", "Leg", "Foot", "ToeBase", "Shoulder", "Arm", "ForeArm", "Hand")
# By program or data set: its names in the order of TRUNK, and of SIDE, where {s}, {S} and {side} stand for the side.
RIGS = {
    "Mixamo": (
        "mixamorig:Hips mixamorig:Spine mixamorig:Spine1 mixamorig:Spine2 mixamorig:Neck mixamorig:Head",
        "mixamorig:{side}UpLeg mixamorig:{side}Leg mixamorig:{side}Foot mixamorig:{side}ToeBase "
        "mixamorig:{side}Shoulder mixamorig:{side}Arm mixamorig:{side}ForeArm mixamorig:{side}Hand",
    ),
    "LAFAN1": (
        "Hips Spine Spine1 Spine2 Neck Head",
        "{side}UpLeg {side}Leg {side}Foot {side}Toe {side}Shoulder {side}Arm {side}ForeArm {side}Hand",
    ),
    "Unreal": (
        "pelvis spine_01 spine_02 spine_03 neck_01 head",
        "thigh_{s} calf_{s} foot_{s} ball_{s} clavicle_{s} upperarm_{s} lowerarm_{s} hand_{s}",
    ),
    "Rigify": (
        "spine spine.001 spine.002 spine.003 spine.004 spine.006",
        "thigh.{S} shin.{S} foot.{S} toe.{S} shoulder.{S} upper_arm.{S} forearm.{S} hand.{S}",
    ),
    "Rigify, deform bones": (
        "DEF-spine DEF-spine.001 DEF-spine.002 DEF-spine.003 DEF-spine.004 DEF-spine.006",
        "DEF-thigh.{S} DEF-shin.{S} DEF-foot.{S} DEF-toe.{S} DEF-shoulder.{S} DEF-upper_arm.{S} DEF-forearm.{S} "
        "DEF-hand.{S}",
    ),
    "3ds Max's Biped": (
        "Bip01_Pelvis Bip01_Spine Bip01_Spine1 Bip01_Spine2 Bip01_Neck Bip01_Head",
        "Bip01_{S}_Thigh Bip01_{S}_Calf Bip01_{S}_Foot Bip01_{S}_Toe0 Bip01_{S}_Clavicle Bip01_{S}_UpperArm "
        "Bip01_{S}_Forearm Bip01_{S}_Hand",
    ),
    "3ds Max's BVH": (
        "Hips Chest Chest2 Chest3 Neck Head",
        "{side}Hip {side}Knee {side}Ankle {side}Toe {side}Collar {side}Shoulder {side}Elbow {side}Wrist",
    ),
    "VRM": (
        "hips spine chest upperChest neck head",
        "{side}UpperLeg {side}LowerLeg {side}Foot {side}Toes {side}Shoulder {side}UpperArm {side}LowerArm {side}Hand",
    ),
    "VRoid": (
        "J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest J_Bip_C_Neck J_Bip_C_Head",
        "J_Bip_{S}_UpperLeg J_Bip_{S}_LowerLeg J_Bip_{S}_Foot J_Bip_{S}_ToeBase J_Bip_{S}_Shoulder J_Bip_{S}_UpperArm "
        "J_Bip_{S}_LowerArm J_Bip_{S}_Hand",
    ),
    "Character Creator": (
        "CC_Base_Hip CC_Base_Waist CC_Base_Spine01 CC_Base_Spine02 CC_Base_NeckTwist01 CC_Base_Head",
        "CC_Base_{S}_Thigh CC_Base_{S}_Calf CC_Base_{S}_Foot CC_Base_{S}_ToeBase CC_Base_{S}_Clavicle "
        "CC_Base_{S}_Upperarm CC_Base_{S}_Forearm CC_Base_{S}_Hand",
    ),
    "Daz, Genesis 1 and 2": (
        "hip abdomen waist chest neck head",
        "{s}Thigh {s}Shin {s}Foot {s}Toe {s}Collar {s}Shldr {s}ForeArm {s}Hand",
    ),
    "Daz, Genesis 3 and 8": (
        "hip abdomenLower abdomenUpper chestLower neckLower head",
        "{s}ThighBend {s}Shin {s}Foot {s}Toe {s}Collar {s}ShldrBend {s}ForearmBend {s}Hand",
    ),
    "Daz, Genesis 9": (
        "hip spine1 spine2 spine3 neck1 head",
        "{s}_thigh {s}_shin {s}_foot {s}_toes {s}_shoulder {s}_upperarm {s}_forearm {s}_hand",
    ),
    "OptiTrack": (
        "Skeleton001_Hip Skeleton001_Ab Skeleton001_Spine2 Skeleton001_Chest Skeleton001_Neck Skeleton001_Head",
        "Skeleton001_{S}Thigh Skeleton001_{S}Shin Skeleton001_{S}Foot Skeleton001_{S}Toe Skeleton001_{S}Shoulder "
        "Skeleton001_{S}UArm Skeleton001_{S}FArm Skeleton001_{S}Hand",
    ),
    "MakeHuman": (
        "root spine05 spine03 spine01 neck01 head",
        "upperleg01.{S} lowerleg01.{S} foot.{S} toe1-1.{S} clavicle.{S} upperarm01.{S} lowerarm01.{S} wrist.{S}",
    ),
    "SMPL's add-on": (
        "m_avg_Pelvis m_avg_Spine1 m_avg_Spine2 m_avg_Spine3 m_avg_Neck m_avg_Head",
        "m_avg_{S}_Hip m_avg_{S}_Knee m_avg_{S}_Ankle m_avg_{S}_Foot m_avg_{S}_Collar m_avg_{S}_Shoulder "
        "m_avg_{S}_Elbow m_avg_{S}_Wrist",
    ),
    "SMPL-X's add-on": (
        "pelvis spine1 spine2 spine3 neck head",
        "{side}_hip {side}_knee {side}_ankle {side}_foot {side}_collar {side}_shoulder {side}_elbow {side}_wrist",
    ),
    "SOMA": (
        "Hips Spine1 Spine2 Chest Neck1 Head",
        "{side}Leg {side}Shin {side}Foot {side}ToeBase {side}Shoulder {side}Arm {side}ForeArm {side}Hand",
    ),
    "Bandai-Namco": (
        "Hips Spine Spine1 Chest Neck Head",
        "UpperLeg_{S} LowerLeg_{S} Foot_{S} Toes_{S} Shoulder_{S} UpperArm_{S} LowerArm_{S} Hand_{S}",
    ),
    "Kinect": (
        "SpineBase SpineMid Spine2 SpineShoulder Neck Head",
        "Hip{side} Knee{side} Ankle{side} Foot{side} Collar{side} Shoulder{side} Elbow{side} Wrist{side}",
    ),
}


def names_of(rig: str) -> dict[str, str]:
    """MotionBuilder's names, which the test's person has, to the rig's."""
    trunk, sides = RIGS[rig]
    names = dict(zip(TRUNK, trunk.split()))
    for side in ("Left", "Right"):
        other = side.lower() if rig in ("VRM", "SMPL-X's add-on") else side
        theirs = sides.format(s=side[0].lower(), S=side[0], side=other).split()
        names |= {f"{side}{ours}": name for ours, name in zip(SIDE, theirs, strict=True)}
    assert len(names) == len(bvh_person())
    return names


FRAMES = lifelike_bvh_frames(3)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return to_smpl(read_bvh(write_bvh(tmp_path_factory.mktemp("bvh") / "1.bvh", FRAMES)))


@pytest.mark.parametrize("rig", RIGS)
def test_a_rigs_names_are_the_same_person(tmp_path: Path, rig: str, expected: np.ndarray) -> None:
    motion = read_bvh(write_bvh(tmp_path / "2.bvh", FRAMES, names=names_of(rig)))
    np.testing.assert_allclose(to_smpl(motion), expected, atol=1e-9)


def test_names_may_hold_spaces(tmp_path: Path, expected: np.ndarray) -> None:
    names = {ours: theirs.replace("_", " ") for ours, theirs in names_of("3ds Max's Biped").items()}
    np.testing.assert_allclose(to_smpl(read_bvh(write_bvh(tmp_path / "2.bvh", FRAMES, names=names))), expected)


def test_what_helps_an_animator_is_no_limb(tmp_path: Path, expected: np.ndarray) -> None:
    """Unreal's bones for inverse kinematics and twist, Rigify's heels and breasts, SMPL's joint in the hand."""
    extra = {f"{name}_{s}": (f"ik_{on}", (0.0, 0.0, 0.0)) for s in "lr" for name, on in
             (("ik_foot", "foot_root"), ("ik_hand", "hand_gun"))}  # fmt: skip
    extra = {
        "ik_foot_root": ("Hips", (0.0, -0.9, 0.0)),
        "ik_hand_gun": ("Hips", (0.0, 0.2, 0.3)),
        **extra,
        "thigh_twist_01_l": ("LeftUpLeg", (0.0, -0.2, 0.0)),
        "heel.02.L": ("LeftFoot", (0.02, -0.07, -0.03)),
        "heel.02.R": ("RightFoot", (-0.02, -0.07, -0.03)),
        "breast.L": ("Spine2", (0.1, 0.05, 0.1)),
        "breast.R": ("Spine2", (-0.1, 0.05, 0.1)),
    }
    motion = read_bvh(write_bvh(tmp_path / "2.bvh", FRAMES, names=names_of("Unreal"), extra=extra))
    np.testing.assert_allclose(to_smpl(motion), expected, atol=1e-9)
    hands = {f"m_avg_{s}_Hand": (f"{side}Hand", (sign * 0.09, 0.0, 0.0)) for s, side, sign in
             (("L", "Left", 1), ("R", "Right", -1))}  # fmt: skip
    motion = read_bvh(write_bvh(tmp_path / "3.bvh", FRAMES, names=names_of("SMPL's add-on"), extra=hands))
    np.testing.assert_allclose(to_smpl(motion), expected, atol=1e-9)


TWISTS = {
    "Daz, Genesis 3 and 8": {"LeftUpLeg": "lThighTwist", "RightArm": "rShldrTwist", "LeftForeArm": "lForearmTwist"},
    "MakeHuman": {"LeftUpLeg": "upperleg02.L", "RightArm": "upperarm02.R", "LeftForeArm": "lowerarm02.L"},
    "Rigify, deform bones": {"LeftUpLeg": "DEF-thigh.L.001", "RightArm": "DEF-upper_arm.R.001"},
}


@pytest.mark.parametrize("rig", TWISTS)
def test_twist_joints_may_halve_a_bone_and_what_they_turn_is_the_limbs(
    tmp_path: Path, rig: str, expected: np.ndarray
) -> None:
    """By hand: a thigh turned about its axis by half at the hip and half at the twist joint has turned as a whole."""
    motion = read_bvh(write_bvh(tmp_path / "2.bvh", FRAMES, names=names_of(rig), twists=TWISTS[rig]))
    np.testing.assert_allclose(to_smpl(motion), expected, atol=1e-9)
    along = np.array([0.02, -0.42, 0.01]) / np.linalg.norm([0.02, -0.42, 0.01])
    twist = TWISTS[rig]["LeftUpLeg"]
    half, whole = Rotation.from_rotvec(0.3 * along), Rotation.from_rotvec(0.6 * along)
    halves = write_bvh(tmp_path / "3.bvh", [{"LeftUpLeg": half, twist: half}], names=names_of(rig), twists=TWISTS[rig])
    at_once = write_bvh(tmp_path / "4.bvh", [{"LeftUpLeg": whole}], names=names_of(rig))
    np.testing.assert_allclose(to_smpl(read_bvh(halves)), to_smpl(read_bvh(at_once)), atol=1e-5)


def test_cmus_bvh_calls_the_hand_a_finger_base(tmp_path: Path, expected: np.ndarray) -> None:
    """Its "hand" is half-way along the forearm, and only twists."""
    names = {**names_of("LAFAN1"), "LeftHand": "LeftFingerBase", "RightHand": "RightFingerBase", "Neck": "Neck1"}
    names |= {"left half": "LeftHand", "right half": "RightHand"}
    twists = {"LeftForeArm": "left half", "RightForeArm": "right half"}
    motion = read_bvh(write_bvh(tmp_path / "2.bvh", FRAMES, names=names, twists=twists))
    assert motion.skeleton.names[find_humanoid(motion).limbs["left_wrist"]] == "LeftFingerBase"
    np.testing.assert_allclose(to_smpl(motion), expected, atol=1e-9)


NAMELESS = {name: f"Bone.{number:03d}" for number, name in enumerate(bvh_person())}
SIDED = {
    name: f"Bone_{name[0]}.{number}" if name.startswith(("Left", "Right")) else f"Bone.{number}"
    for number, name in enumerate(bvh_person())
}


@pytest.mark.parametrize("names", [NAMELESS, SIDED], ids=["nameless", "sides only"])
@pytest.mark.parametrize("arms", [0.0, 40.0, 90.0])
def test_structure_tells_where_names_say_nothing(tmp_path: Path, names: dict[str, str], arms: float) -> None:
    expected = to_smpl(read_bvh(write_bvh(tmp_path / "1.bvh", FRAMES, arms=arms)))
    ours = to_smpl(read_bvh(write_bvh(tmp_path / "2.bvh", FRAMES, arms=arms, names=names)))
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_a_trunk_as_long_as_a_leg_is_no_limb(tmp_path: Path) -> None:
    """From the pelvis by the chest to the finger tips it is as far as to the toes."""
    person = bvh_person()
    reach = [sum(np.linalg.norm(person[name][1]) for name in names) for names in
             (("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase"),
              ("Spine", "Spine1", "Spine2", "LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"))]  # fmt: skip
    toes = {f"bone {side}": (f"{side}ToeBase", (0.0, 0.0, reach[1] + 0.18 - reach[0])) for side in ("Left", "Right")}
    names = {**NAMELESS, **{name: name for name in toes}}
    motion = read_bvh(write_bvh(tmp_path / "2.bvh", FRAMES, names=names, extra=toes))
    human = find_humanoid(motion)
    assert motion.skeleton.names[human.limbs["left_knee"]] == NAMELESS["LeftLeg"]
    assert motion.skeleton.names[human.limbs["right_elbow"]] == NAMELESS["RightForeArm"]


def test_structure_tells_where_names_and_rest_say_nothing(tmp_path: Path) -> None:
    frames = lifelike_bvh_frames(30)
    known = write_bvh_along_bones(tmp_path / "1.bvh", frames, mirrored=True)
    nameless = tmp_path / "2.bvh"
    text = known.read_text()
    for name in sorted(NAMELESS, key=len, reverse=True):  # "LeftForeArm" before "LeftArm"
        text = text.replace(f"JOINT {name}\n", f"JOINT {NAMELESS[name]}\n")
    nameless.write_text(text)
    np.testing.assert_allclose(to_smpl(read_bvh(nameless)), to_smpl(read_bvh(known)), atol=1e-9)


@pytest.mark.parametrize("part", ["UpLeg", "Arm"])
def test_known_names_of_legs_or_arms_alone_tell_the_sides_of_the_others(
    tmp_path: Path, part: str, expected: np.ndarray
) -> None:
    names = {f"{side}{part}": f"{word}.{part}" for side, word in (("Left", "one"), ("Right", "two"))}
    ours = to_smpl(read_bvh(write_bvh(tmp_path / "2.bvh", FRAMES, names=names)))
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_fingers_eyes_and_clavicles_are_no_limbs(tmp_path: Path) -> None:
    extra = {
        f"bone {side}{finger}{joint}": (
            f"{side}Hand" if joint == 0 else f"bone {side}{finger}{joint - 1}",
            (sign * 0.03, 0.0, 0.02 * finger - 0.04),
        )
        for side, sign in (("Left", 1), ("Right", -1))
        for finger in range(5)
        for joint in range(3)
    }
    extra |= {f"bone eye {x}": ("Head", (x, 0.06, 0.09)) for x in (0.03, -0.03)}
    names = {**NAMELESS, **{name: name for name in extra}}
    path = write_bvh(tmp_path / "2.bvh", FRAMES, names=names, extra=extra)
    human = find_humanoid(motion := read_bvh(path))
    told = {name: motion.skeleton.names[joint] for name, joint in human.limbs.items()}
    assert told["left_shoulder"] == NAMELESS["LeftArm"] and told["right_wrist"] == NAMELESS["RightHand"]
    assert told["left_collar"] == NAMELESS["LeftShoulder"] and told["right_hip"] == NAMELESS["RightUpLeg"]
    assert motion.skeleton.names[human.neck[-1]] == NAMELESS["Head"]


def test_refuses_names_in_the_wrong_place(tmp_path: Path) -> None:
    motion = read_bvh(write_bvh(tmp_path / "odd.bvh", [{}], names={"LeftLeg": "RightLeg", "RightLeg": "LeftLeg"}))
    with pytest.raises(BadData, match=r"odd\.bvh: the left knee does not follow the left hip"):
        to_smpl(motion)


def test_says_what_neither_names_nor_structure_tell(tmp_path: Path) -> None:
    chair = """HIERARCHY
ROOT seat
{
OFFSET 0 0 0
CHANNELS 3 Zrotation Xrotation Yrotation
JOINT back
{
OFFSET 0 1 0
CHANNELS 3 Zrotation Xrotation Yrotation
End Site
{
OFFSET 0 1 0
}
}
}
MOTION
Frames: 1
Frame Time: 0.1
0 0 0 0 0 0
"""
    (tmp_path / "chair.bvh").write_text(chair)
    with pytest.raises(BadData, match=r"chair\.bvh: neither the names .* tell its legs.*LeftUpLeg, LeftLeg, LeftFoot"):
        to_smpl(read_bvh(tmp_path / "chair.bvh"))
