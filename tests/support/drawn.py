"""A drawn body with known truth, before a known camera."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from model.network.topology import MeshTopology
from tests.support.render import draw_person
from training.bodies.anny import AnnyBody
from training.rotations import axis_angle_to_matrix

SIZE, FOCAL = (480, 640), 700.0


@dataclasses.dataclass(frozen=True)
class Picture:
    """A drawn person and what is true of it."""

    image: np.ndarray
    joints: np.ndarray
    """(17, 3) camera frame, metres, pelvis at the origin."""
    pixels: np.ndarray
    """(17, 2)."""


def draw_picture(
    topology: MeshTopology, at: tuple[float, float, float], turn: float = 0.0, canvas: np.ndarray | None = None
) -> Picture:
    """A person who stands with the arms half down and steps forward with the left leg.

    She is turned about the vertical, and drawn over a canvas if there is one.
    """
    body = AnnyBody.load()
    pose = torch.zeros(1, 22, 3)
    pose[0, 0] = torch.tensor([torch.pi / 2, 0, 0])
    pose[0, 16, 2], pose[0, 17, 2] = -0.9, 0.7  # shoulders
    pose[0, 18, 1] = -0.6  # left elbow
    pose[0, 1, 0], pose[0, 4, 0] = -0.5, 0.5  # left hip and knee
    vertices = body.pose(axis_angle_to_matrix(pose), body.mean_shape()[None])[0]
    vertices = vertices @ torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # z up, faces -y: to the camera's axes
    c, s = np.cos(turn), np.sin(turn)
    vertices = vertices @ torch.tensor([[c, 0, -s], [0, 1, 0], [s, 0, c]], dtype=torch.float32)
    joints = topology.joint_regressor @ vertices
    root = topology.root(joints[None])[0]
    joints, vertices = joints - root, vertices - root
    place = np.array(at, np.float32)
    image = draw_person(
        vertices.numpy() + place, topology.faces.numpy(), topology.template.numpy(), FOCAL, SIZE, canvas
    )
    placed = joints.numpy() + place
    return Picture(image, joints.numpy(), FOCAL * placed[:, :2] / placed[:, 2:] + np.array(SIZE) / 2)
