"""What bodies wear on pictures and in files: a plain shirt, trousers and shoes, as colours of vertices."""

from __future__ import annotations

import numpy as np

from model.body.rig import Rig

PALETTE = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178),
)  # fmt: skip
"""RGB colours for several people that colour-blind eyes can tell apart as well (Okabe and Ito, 2008)."""

SKIN = (201, 164, 140)
"""RGB of heads and hands: nobody's in particular."""

_SHIRT, _TROUSERS, _SHOES = (126, 148, 174), (90, 99, 115), (62, 65, 72)
_JOINTS = (
    (12, 15, 20, 21),  # neck, head and wrists: skin
    (3, 6, 9, 13, 14, 16, 17, 18, 19),  # from the waist to the forearms: the shirt
    (0, 1, 2, 4, 5),  # pelvis, hips and knees: trousers
    (7, 8, 10, 11),  # ankles and toes: shoes
)
_SHARP = 6  # the power of the skinning weights: borders are soft, but only as wide as a vertex or two
_DARKER = 0.62  # the trousers of somebody who wears one colour


class Garment:
    """The colours of one mesh's vertices."""

    def __init__(self, vertex_count: int, rig: Rig | None, hand: bool = False):
        """Finds which vertices wear what.

        Args:
            vertex_count: V.
            rig: says which joints move each vertex; without one the whole body is of the shirt's colour.
            hand: a hand is bare.
        """
        self._parts = np.zeros((vertex_count, len(_JOINTS)), np.float32)
        self._parts[:, 0 if hand else 1] = 1
        if rig is not None:
            weights = np.stack([rig.dense_weights[:, joints].sum(axis=1) for joints in _JOINTS], axis=1) ** _SHARP
            self._parts = weights / weights.sum(axis=1, keepdims=True)
        self._made: dict[int | None, np.ndarray] = {}

    def colors(self, person: int | None = None) -> np.ndarray:
        """The colours.

        Args:
            person: None for the calm colours that everybody wears; a number for this person's own, of `PALETTE`.

        Returns:
            (V, 3) uint8 sRGB, the same array each time; it cannot be changed.
        """
        number = None if person is None else person % len(PALETTE)
        if number not in self._made:
            shirt, trousers = np.array(_SHIRT), np.array(_TROUSERS)
            if number is not None:
                shirt = np.array(PALETTE[number])
                trousers = _DARKER * shirt
            made = np.rint(self._parts @ np.stack([SKIN, shirt, trousers, _SHOES])).astype(np.uint8)
            made.flags.writeable = False
            self._made[number] = made
        return self._made[number]
