"""How a drone's camera was held, out of the XMP of its photos."""

from __future__ import annotations

import re

from model.scene.up import Tilt

_LONGEST = 1 << 18  # bytes: drones write some thousand
_ANGLE = rb"drone-dji:Gimbal%bDegree\s*(?:=\s*[\"']|>)\s*([+-]?[0-9]{1,3}(?:\.[0-9]{1,9})?)\s*[\"'<]"
_PITCH, _ROLL = re.compile(_ANGLE % b"Pitch"), re.compile(_ANGLE % b"Roll")


def read_gimbal(xmp: bytes) -> Tilt | None:
    """Read the gimbal's pitch and roll as DJI's drones note them, as attributes or as elements.

    What makes no sense counts as absent: a photo is never refused for its XMP.
    """
    xmp = xmp[:_LONGEST]
    pitch, roll = _PITCH.search(xmp), _ROLL.search(xmp)
    if pitch is None or abs(float(pitch[1])) > 90:
        return None
    # The gimbal's roll lowers the camera's right side; some write half a turn of it straight down.
    turned = -float(roll[1]) if roll is not None and abs(float(roll[1])) <= 45 else None
    return Tilt(float(pitch[1]), turned, "xmp")
