"""What the heads of MoveNet's multipose network say of people whom the tests put there."""

from __future__ import annotations

import numpy as np

from model.interfaces import DetectorOutputs

NO, YES = -8.0, 2.0  # logits


def empty(height: int = 48, width: int = 64) -> DetectorOutputs:
    """The heads on an image without people; `height` and `width` in cells."""
    channels = {"heatmap": 17, "center": 1, "displacement": 34, "offset": 34, "box_offset": 2, "box_size": 2}
    outputs = {name: np.zeros((1, count, height, width), np.float32) for name, count in channels.items()}
    outputs["heatmap"][:], outputs["center"][:] = NO, NO
    return DetectorOutputs(**outputs)


def put(outputs: DetectorOutputs, row: int, column: int, tall: float, logit: float = YES, spacing: float = 1.0) -> None:
    """A person: her joints stand one below the other, `spacing` cells apart, the middle one on her centre."""
    outputs.center[0, 0, row, column] = logit
    outputs.box_size[0, :, row, column] = tall, 10
    for joint in range(17):
        below = round((joint - 8) * spacing)
        outputs.displacement[0, 2 * joint, row, column] = below
        outputs.heatmap[0, joint, row + below, column] = YES
