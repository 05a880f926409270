"""Stands in for the network: a figure of boxes, one a limb, put where each person's box is."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from model.body.fitting import BodyFit
from model.body.garment import Garment
from model.body.rig import Rig
from model.errors import BadInput
from model.inputs import check_box
from model.joints import COCO_JOINTS
from model.results import Camera, Person, Reconstruction
from model.scene.up import Tilt
from model.standing import stand_on_ground

# COCO-17 of a standing person seen from the front, metres, camera frame (x right, y down), pelvis at the origin.
# The person faces us, so that her left side is on our right.
JOINTS = np.array(
    [
        (0.00, -0.62, -0.10), (0.03, -0.65, -0.08), (-0.03, -0.65, -0.08), (0.08, -0.63, 0.0), (-0.08, -0.63, 0.0),
        (0.18, -0.45, 0.0), (-0.18, -0.45, 0.0), (0.32, -0.22, 0.0), (-0.32, -0.22, 0.0),
        (0.40, 0.02, -0.08), (-0.40, 0.02, -0.08), (0.10, 0.00, 0.0), (-0.10, 0.00, 0.0),
        (0.13, 0.42, -0.03), (-0.13, 0.42, -0.03), (0.15, 0.84, 0.02), (-0.15, 0.84, 0.02),
    ]
)  # fmt: skip
LIMBS = [(5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 12), (6, 11), (5, 6), (11, 12)]
CUBE_FACES = np.array(
    [
        (0, 2, 1), (1, 2, 3), (4, 5, 6), (5, 7, 6), (0, 1, 4), (1, 5, 4),
        (2, 6, 3), (3, 6, 7), (0, 4, 2), (2, 4, 6), (1, 3, 5), (3, 7, 5),
    ]
)  # fmt: skip
HEIGHT = 1.55  # metres, eyes to ankles with a margin


class FakeReconstructor:
    """Behaves as `model.reconstructor.Reconstructor`. Finds one person in a photo that is not black."""

    model_name, subject = "fake", "body"
    network = None
    rig: Rig | None = None

    def __init__(self, modes: tuple[str, ...] = ("zero-shot",)) -> None:
        self.modes = modes
        self.go = threading.Event()  # clear it to keep `reconstruct` from returning
        self.go.set()
        self.calls: list[dict] = []
        self.vertices, self.faces = figure()
        self.garment = Garment(len(self.vertices), None)

    def info(self) -> dict:
        scores = {"validation": {"MPJPE": 58.3}}
        return {
            "name": "fake",
            "subject": "body",
            "size": "tiny",
            "engine": "none",
            "joints": 17,
            "vertices": len(self.vertices),
            "scores": scores,
        }

    def reconstruct(
        self,
        image: np.ndarray,
        *,
        boxes: Sequence[tuple[float, float, float, float]] | None = None,
        max_people: int | None = None,
        focal_length: float | None = None,
        pitch: float | Tilt | None = None,
        camera_height: float | None = None,
        person_height: float | None = None,
        ground: bool = True,
        colors: str = "plain",
        mesh: str = "body",
        hands: str = "auto",
        twice: bool = True,
        bodies: str = "refined",
    ) -> Reconstruction:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise BadInput("not RGB")
        self.calls.append(
            {
                "image": image,
                "boxes": boxes,
                "max_people": max_people,
                "focal_length": focal_length,
                "pitch": pitch,
                "camera_height": camera_height,
                "person_height": person_height,
                "mesh": mesh,
            }
        )
        assert self.go.wait(60)
        height, width = image.shape[:2]
        boxes = None if boxes is None else [check_box(box, width, height) for box in boxes]
        if boxes is None:
            boxes = [(0.3 * width, 0.1 * height, 0.4 * width, 0.8 * height)] if image.any() else []
        focal = focal_length or float(np.hypot(width, height))
        people = [self._person(box, width, height, focal) for box in boxes[:max_people]]
        tilt = Tilt(pitch) if isinstance(pitch, float) else pitch
        _, scene = stand_on_ground(people, tilt, camera_height)  # tests know the sizes that they asked for
        return Reconstruction(people, {"network": 1.0}, image, scene)

    def follow(self, image: np.ndarray, people: Sequence[Person], mesh: str = "body") -> list[Person] | None:
        """Follows nobody: each frame is searched."""
        return None

    def see_hands(self, image: np.ndarray, people: Sequence[Person]) -> list[Person]:
        """Sees nobody's."""
        return list(people)

    def _person(self, box: tuple[float, float, float, float], width: int, height: int, focal: float) -> Person:
        x, y, w, h = box
        depth = focal * HEIGHT / h
        centre = np.array([x + w / 2 - width / 2, y + 0.46 * h - height / 2])
        translation = (*(centre * depth / focal).tolist(), depth)
        placed = JOINTS + translation
        keypoints = focal * placed[:, :2] / placed[:, 2:] + (width / 2, height / 2)
        return Person(
            score=0.9,
            bbox=box,
            keypoints_2d=np.column_stack([keypoints, np.full(17, 0.8)]).astype(np.float32),
            joints=JOINTS.astype(np.float32),
            vertices=self.vertices,
            faces=self.faces,
            joint_names=COCO_JOINTS,
            camera=Camera(focal, (width / 2, height / 2), translation, (1.0, 0.0, 0.0)),
            body=self.rig and resting(self.rig),
        )


def resting(rig: Rig) -> BodyFit:
    """The rig's mean body in the T-pose, before a camera."""
    rotations = np.tile(np.eye(3), (len(rig.joints), 1, 1))
    rotations[0] = np.diag([1.0, -1.0, -1.0])
    return BodyFit(rotations, np.zeros(rig.shape_count), np.zeros(3), 0.01)


def figure() -> tuple[np.ndarray, np.ndarray]:
    """The figure's vertices (V, 3) and faces (F, 3), counter-clockwise seen from outside."""
    corners = np.array([(i & 1, i >> 1 & 1, i >> 2) for i in range(8)]) - 0.5
    vertices, faces = [], []

    def add(points: np.ndarray) -> None:
        faces.append(CUBE_FACES + 8 * len(vertices))
        vertices.append(points)

    for a, b in LIMBS:
        start, end = JOINTS[a], JOINTS[b]
        along = (end - start) / np.linalg.norm(end - start)
        across = np.cross(along, (0.0, 0.0, 1.0))
        across /= np.linalg.norm(across)
        axes = np.stack([0.09 * across, end - start, 0.09 * np.cross(across, along)])
        add((start + end) / 2 + corners @ axes)
    add(np.array([0.0, -0.62, 0.0]) + corners * (0.16, 0.24, 0.2))
    return np.concatenate(vertices).astype(np.float32), np.concatenate(faces).astype(np.int32)
