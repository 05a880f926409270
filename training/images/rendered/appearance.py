"""What rendered people wear: skin, hair, face and clothes, painted onto the body by the place in its resting pose.

Everything is told from the resting body and its COCO joints, so it fits any body model in a T-pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model.network.topology import MeshTopology

SKIN, HAIR, TOP, BOTTOM, SHOES, SOCKS = range(6)

_SKINS = np.array(
    [[247, 221, 200], [240, 202, 174], [226, 183, 150], [205, 158, 122], [172, 124, 88], [132, 90, 62], [95, 62, 44],
     [62, 42, 33]], np.float32,
)  # fmt: skip
_HAIRS = np.array(
    [[18, 15, 14], [35, 26, 20], [62, 42, 28], [96, 64, 38], [150, 108, 62], [205, 170, 110], [140, 60, 30],
     [130, 128, 126], [205, 203, 200]], np.float32,
)  # fmt: skip
_NEUTRALS = (26, 38, 60, 90, 140, 190, 225, 243)


class Surface:
    """The resting body with its landmarks: x to its left, y down, z to its back, root at the origin, metres."""

    def __init__(self, topology: MeshTopology):
        self.rest = topology.template.numpy()
        joints = (topology.joint_regressor @ topology.template).numpy()
        self.joints = joints
        self.nose, self.eye, self.ear = joints[0], joints[1], joints[3]
        self.shoulder, self.wrist = joints[5], joints[9]
        self.knee, self.ankle = joints[13], joints[15]
        self.head_scale = float(np.linalg.norm(self.eye[1:] - self.ear[1:]) / 0.084)  # 1 for the mean adult
        away = np.abs(self.rest[None] - joints[:, None])  # (K, V, 3)
        near = np.linalg.norm(away, axis=2).min(axis=1)
        through = np.where(np.hypot(away[..., 0], away[..., 1]) < 0.03, away[..., 2], 0).max(axis=1)
        # The face is on one side of the head; limbs and trunk show their joints from all sides.
        self.reach = np.where(np.arange(len(joints)) < 5, 2 * near, np.maximum(1.5 * near, through)) + 0.03
        """(K,) the surface within this distance of a joint is that joint's."""


@dataclass(frozen=True)
class Fabric:
    """A material, plain or with a pattern of two colours."""

    colour: np.ndarray
    second: np.ndarray
    pattern: str
    """The word for it: plain, stripes, bars, checks, spots or blotches."""
    period: float
    """Metres from stripe to stripe."""
    share: float
    """How much of it has the second colour, 0..1."""
    waves: np.ndarray
    """(3, 4) radians a metre: directions of the creases and blotches."""
    creases: float
    """How much lighter and darker creases make the colour."""

    def paint(self, place: np.ndarray, along: np.ndarray) -> np.ndarray:
        """Colours (P, 3) at places (P, 3) of the resting surface; `along` (P,) runs down trunk and limbs, metres."""
        waves = np.sin(place @ self.waves)  # (P, 4)
        second = np.zeros(len(place), np.float32)
        around = place[:, 0] + 0.6 * place[:, 2]
        if self.pattern in ("stripes", "checks"):
            second += np.mod(along / self.period, 1) < self.share
        if self.pattern in ("bars", "checks"):
            second += np.mod(around / self.period, 1) < self.share
        if self.pattern == "spots":
            square = (np.mod(along / self.period, 1) - 0.5) ** 2 + (np.mod(around / self.period, 1) - 0.5) ** 2
            second += square < 0.1 * self.share
        if self.pattern == "blotches":
            second += waves[:, 0] + waves[:, 1] * waves[:, 2] > 1.2 - 2 * self.share
        colour = self.colour + (second * np.float32(0.5 if self.pattern == "checks" else 1))[:, None] * (
            self.second - self.colour
        )
        return colour * (1 + self.creases * (waves[:, 1] * waves[:, 3]))[:, None]


@dataclass(frozen=True)
class Appearance:
    """What one person looks like."""

    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    hairline: float
    """Metres above the usual one."""
    hair_length: float
    """Metres below the ears at the back; negative for short hair."""
    bald: bool
    beard: float
    """0 for none, else how dark."""
    top: Fabric | None
    bottom: Fabric
    shoes: Fabric | None
    socks: Fabric | None
    sleeve: float
    """0 at the shoulder, 1 at the wrist."""
    hem: float
    """Where the top ends: 0 at the hips, 1 at the ankles, negative above the hips."""
    waist: float
    """Where the bottom begins, on the same scale as `hem`."""
    leg: float
    """Where the bottom ends, on the same scale as `hem`."""
    neckline: tuple[float, float]
    """Half its width and its depth, metres."""
    thickness: tuple[float, ...]
    """Metres that each region stands off the skin, in the order of the regions."""


def draw_appearance(rng: np.random.Generator) -> Appearance:
    """Draws at random what somebody looks like."""
    at = rng.uniform(0, len(_SKINS) - 1)
    skin = _between(_SKINS, at) * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    dark_hair = rng.random() < 0.25 + 0.1 * at  # dark skin mostly goes with dark hair
    hair = _HAIRS[rng.integers(3)] if dark_hair else _HAIRS[rng.integers(len(_HAIRS))]
    top, bottom = _draw_fabric(rng), _draw_fabric(rng)
    kind = rng.random()
    sleeve = rng.choice([0.0, rng.uniform(0.25, 0.5), rng.uniform(0.9, 1.02)], p=[0.12, 0.43, 0.45])
    hem, leg = rng.uniform(-0.12, 0.16), rng.choice([rng.uniform(0.15, 0.5), rng.uniform(0.85, 1.0)], p=[0.3, 0.7])
    if kind < 0.1:  # a dress or an overall: one material
        bottom, hem = top, 0.0
    elif kind < 0.14:  # a coat
        hem = rng.uniform(0.25, 0.5)
    bare = rng.random() < 0.04
    boots = rng.random() < 0.5
    loose = rng.random(4)
    return Appearance(
        skin=skin,
        lips=skin * np.array([0.92, 0.68, 0.68], np.float32) * rng.uniform(0.85, 1.0),
        hair=hair * rng.uniform(0.8, 1.2),
        hairline=rng.normal(0, 0.006),
        hair_length=rng.choice([rng.uniform(-0.03, 0.02), rng.uniform(0.04, 0.3)], p=[0.6, 0.4]),
        bald=rng.random() < 0.06,
        beard=rng.uniform(0.3, 0.9) if rng.random() < 0.2 else 0.0,
        top=None if bare else top,
        bottom=bottom,
        shoes=_draw_fabric(rng, plain=True) if rng.random() < 0.92 else None,
        socks=_draw_fabric(rng, plain=True) if boots else None,
        sleeve=float(sleeve),
        hem=hem,
        waist=rng.uniform(-0.2, -0.08),
        leg=float(leg),
        neckline=(rng.uniform(0.06, 0.11), rng.uniform(0.02, 0.12)),
        thickness=(
            0.0, 0.006 + 0.02 * loose[0], 0.003 + 0.014 * loose[1] ** 2, 0.003 + 0.018 * loose[2] ** 2,
            0.006 + 0.006 * loose[3], 0.002,
        ),
    )  # fmt: skip


def regions(appearance: Appearance, body: Surface, place: np.ndarray) -> np.ndarray:
    """Which region each place (P, 3) of the resting surface belongs to: (P,) int8."""
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    shoulder, wrist, ankle = body.shoulder, body.wrist, body.ankle
    down = y / ankle[1]  # 0 at the hips, 1 at the ankles
    out = (x - shoulder[0]) / (wrist[0] - shoulder[0])  # 0 at the shoulders, 1 at the wrists
    neck = shoulder[1] - 0.055
    arm = (out > 0) & (y < shoulder[1] + 0.2)
    region = np.full(len(place), SKIN, np.int8)

    region[(down > appearance.waist) & (down < appearance.leg) & ~arm] = BOTTOM
    if appearance.top is not None:
        width, depth = appearance.neckline
        collar = neck + np.where(z < 0.0, depth, 0.01) * np.clip(1 - (x / width) ** 2, 0, 1) - 0.03 * (x > width)
        region[(y > collar) & (down < appearance.hem) & (~arm | (out < appearance.sleeve))] = TOP
    if appearance.socks is not None:
        region[(down > 0.85) & (region == SKIN)] = SOCKS
    if appearance.shoes is not None:
        region[down > 1.02] = SHOES

    if not appearance.bald:
        s, ear = body.head_scale, body.ear
        forehead = body.eye[1] - 0.063 * s - appearance.hairline
        line = forehead + 0.81 * (z - body.eye[2]) + min(appearance.hair_length, 0.0)
        line = np.minimum(line, ear[1] + 0.06 * s + min(appearance.hair_length, 0.0))
        head = y < neck + 0.02
        ears = (x > ear[0] - 0.006 * s) & (np.abs(y - ear[1]) < 0.034 * s) & (np.abs(z - ear[2] - 0.008 * s) < 0.03 * s)
        hair = head & (y < line)
        if appearance.hair_length > 0.03:
            behind = (z > ear[2] - 0.012 * s) & (x < 0.11 * s)
            hair |= behind & (y < ear[1] + appearance.hair_length) & ((y < neck) | (z > 0.03))
        else:
            hair &= ~ears
        region[hair] = HAIR
    return region


def colours(appearance: Appearance, body: Surface, place: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Colours (P, 3) float32 in 0..255, before any light, of places (P, 3) of the resting surface."""
    result = np.empty((len(place), 3), np.float32)
    result[:] = appearance.skin
    on_arm = (np.abs(place[:, 0]) > body.shoulder[0]) & (place[:, 1] < body.shoulder[1] + 0.2)
    along = np.where(on_arm, np.abs(place[:, 0]) - body.shoulder[0] + body.shoulder[1], place[:, 1])
    for which, fabric in (
        (TOP, appearance.top),
        (BOTTOM, appearance.bottom),
        (SHOES, appearance.shoes),
        (SOCKS, appearance.socks),
    ):
        here = np.flatnonzero(region == which)
        if fabric is not None and len(here):
            result[here] = fabric.paint(place[here], along[here])
    here = np.flatnonzero(region == HAIR)
    if len(here):
        strands = np.sin(place[here] @ np.array([[170.0], [31.0], [140.0]], np.float32))
        result[here] = appearance.hair * (1 + 0.16 * strands)
    face = np.flatnonzero((region == SKIN) & (place[:, 1] < body.nose[1] + 0.09) & (place[:, 2] < body.ear[2]))
    if len(face):
        result[face] = _face(appearance, body, place[face])
    return result


def _face(appearance: Appearance, body: Surface, place: np.ndarray) -> np.ndarray:
    """Colours (P, 3) of places in the face: eyes, brows, lips, cheeks, a beard."""
    s = body.head_scale
    across, down = np.abs(place[:, 0]) / s, (place[:, 1] - body.eye[1]) / s  # metres from the middle, from the eyes
    eye = body.eye[0] / s
    result = np.tile(appearance.skin, (len(place), 1))

    def spot(x: float, y: float, width: float, height: float) -> np.ndarray:
        return ((across - x) / width) ** 2 + ((down - y) / height) ** 2

    def mix(distance: np.ndarray, colour: np.ndarray | float, strength: float) -> None:
        """Paints within distance 1, with a soft border."""
        amount = strength * np.clip(1.6 - 0.8 * distance, 0, 1)[:, None]
        result[:] = result * (1 - amount) + colour * amount

    mix(spot(eye, 0.028, 0.016, 0.012), appearance.skin * np.array([1.02, 0.9, 0.88], np.float32), 0.6)  # cheeks
    if appearance.beard:
        low = np.clip((down - 0.047) / 0.012, 0, 1) * (np.clip((down - 0.052) / 0.01, 0, 1) + (across < 0.028)).clip(
            0, 1
        )
        amount = (appearance.beard * low)[:, None]
        result[:] = result * (1 - amount) + appearance.hair * amount
    mix(spot(eye, 0.0, 0.017, 0.010), appearance.skin * 0.72, 0.5)  # shade about the eyes
    mix(spot(eye, 0.0, 0.012, 0.0052), np.array([228.0, 224, 220], np.float32), 1.0)
    mix(spot(eye, 0.0, 0.0055, 0.0055), 0.5 * appearance.hair + 12, 1.0)
    mix(spot(eye, -0.006, 0.014, 0.0022), appearance.skin * 0.3, 0.9)  # upper lashes
    mix(spot(eye + 0.002, -0.0185, 0.017, 0.0038), 0.7 * appearance.hair + 0.1 * appearance.skin, 0.85)  # brows
    mix(spot(0.0075, 0.0455, 0.005, 0.003), appearance.skin * 0.35, 0.8)  # nostrils
    mix(spot(0.0, 0.0715, 0.024, 0.0095), appearance.lips, 0.9)
    mix(spot(0.0, 0.0705, 0.023, 0.0016), appearance.lips * 0.45, 0.9)
    return result


def _draw_fabric(rng: np.random.Generator, plain: bool = False) -> Fabric:
    pattern = (
        "plain"
        if plain
        else str(
            rng.choice(
                ["plain", "stripes", "bars", "checks", "spots", "blotches"], p=[0.5, 0.15, 0.06, 0.1, 0.07, 0.12]
            )
        )
    )
    directions = rng.normal(size=(3, 4))
    return Fabric(
        colour=_draw_colour(rng),
        second=_draw_colour(rng),
        pattern=pattern,
        period=float(rng.uniform(0.025, 0.14)),
        share=float(rng.uniform(0.15, 0.5)),
        waves=(directions / np.linalg.norm(directions, axis=0) * rng.uniform(15, 60, 4)).astype(np.float32),
        creases=float(rng.uniform(0.02, 0.13)),
    )


def _draw_colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) RGB of cloth: often black, grey or white, often blue, else anything."""
    kind = rng.random()
    if kind < 0.4:
        return np.clip(_NEUTRALS[rng.integers(len(_NEUTRALS))] + rng.normal(0, 6, 3), 5, 250).astype(np.float32)
    hue = rng.uniform(100, 118) if kind < 0.58 else rng.uniform(0, 180)
    pixel = np.array([[[hue, rng.uniform(50, 220), rng.uniform(45, 235)]]], np.uint8)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def _between(table: np.ndarray, at: float) -> np.ndarray:
    low = min(int(at), len(table) - 2)
    return table[low] + (at - low) * (table[low + 1] - table[low])
