"""Checkpoints whose answers are refined to what was seen, as one more candidate beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.body.fitting import fit
from model.body.refinement import Keypoints, Seen, refine
from model.body.rig import find_rig
from model.interfaces import Box
from model.network.topology import MeshTopology
from model.reconstructor import Colors, Reconstructor
from model.results import Person, Reconstruction
from model.scene.up import Tilt


class RefinedReconstructor(Reconstructor):
    """Answers as another one, with each person's body fitted and refined to the joints that the 2D network saw.

    Args:
        reconstructor: of bodies that a rig is for.
        topology: its mesh's.

    Raises:
        BadInput: there is no rig for this mesh.
    """

    def __init__(self, reconstructor: Reconstructor, topology: MeshTopology):
        super().__init__(reconstructor.network)
        self._rig = find_rig(topology.vertex_count)
        self._keypoints = Keypoints.of(self._rig, topology.joint_regressor.double().numpy())

    def reconstruct(
        self,
        image: np.ndarray,
        *,
        boxes: Sequence[Box] | None = None,
        max_people: int | None = None,
        focal_length: float | None = None,
        pitch: float | Tilt | None = None,
        camera_height: float | None = None,
        resize: bool = True,
        colors: Colors = "plain",
    ) -> Reconstruction:
        """As `Reconstructor.reconstruct` does; the scene is that of the people as they were before."""
        found = super().reconstruct(
            image,
            boxes=boxes,
            max_people=max_people,
            focal_length=focal_length,
            pitch=pitch,
            camera_height=camera_height,
            resize=resize,
            colors=colors,
        )
        return replace(found, people=self._refined(found.people))

    def _refined(self, people: list[Person]) -> list[Person]:
        if not people:
            return people
        fits = [fit(self._rig, person.vertices) for person in people]
        keypoints = np.stack([person.keypoints_2d for person in people])
        seen = Seen(
            keypoints[..., :2],
            keypoints[..., 2].clip(0, 1),
            np.array([person.camera.focal_length for person in people]),
            np.array([person.camera.principal_point for person in people]),
        )
        places = np.array([person.camera.translation for person in people])
        answers = []
        for person, body in zip(people, refine(self._rig, self._keypoints, fits, places, seen), strict=True):
            x, y, z = body.translation.tolist()
            vertices = self._rig.pose(body.fit.rotations, body.fit.shape, body.fit.translation)
            answers.append(
                replace(
                    person,
                    joints=body.joints.astype(np.float32),
                    vertices=vertices.astype(np.float32),
                    camera=replace(person.camera, translation=(x, y, z)),
                )
            )
        return answers
