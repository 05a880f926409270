"""What a reconstruction answers: people with joints, meshes and cameras."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from model.body.fitting import BodyFit
from model.body.silhouette import Silhouette
from model.errors import BadInput
from model.files import atomic_write
from model.formats.mesh import glb_to_obj, to_glb, to_trimesh
from model.formats.scene_glb import SceneBody, to_scene_glb
from model.interfaces import Box
from model.perception.crops import Crop
from model.rendering.overlay import overlay, side_view
from model.rendering.shading import Figure
from model.scene.ground import Scene, leveling

if TYPE_CHECKING:
    import trimesh

_FILES = (".glb", ".obj", ".png", ".jpg", ".json", ".npz")  # endings that no folder is meant to have


@dataclass(frozen=True)
class Camera:
    """The pinhole camera of the photo, as far as it can be known, and the person's place before it."""

    focal_length: float
    """Pixels."""
    principal_point: tuple[float, float]
    """Pixels; the centre of the photo, without bars beside the picture."""
    translation: tuple[float, float, float]
    """Metres: a point p of the person projects from p + translation."""
    weak_perspective: tuple[float, float, float]
    """s, tx, ty: crop coordinates in -1..1 are s * (x, y) + (tx, ty)."""

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Points of the person (N, 3), the root at the origin, to where they are before the camera (N, 3)."""
        return points + np.array(self.translation, np.float32)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points of the person (N, 3), the root at the origin, to the photo's pixels (N, 2)."""
        placed = self.to_camera(points)
        pixels: np.ndarray = self.focal_length * placed[:, :2] / placed[:, 2:] + np.array(self.principal_point)
        return pixels

    def zoomed(self, factor: float) -> Camera:
        """Likewise with a lens so many times as long, and the person as much farther away: she looks as large."""
        x, y, z = self.translation
        return replace(self, focal_length=factor * self.focal_length, translation=(x, y, factor * z))

    def moved(self, translation: tuple[float, float, float]) -> Camera:
        """The camera of the person at another place, in weak perspective too."""
        (old_x, old_y, old_z), (x, y, z) = self.translation, translation
        scale, shift_x, shift_y = self.weak_perspective
        focal = scale * old_z  # in crops' unit, as far as both cameras agree
        weak = (focal / z, shift_x + focal * (x / z - old_x / old_z), shift_y + focal * (y / z - old_y / old_z))
        return replace(self, translation=translation, weak_perspective=weak)


@dataclass(frozen=True, eq=False)  # arrays have no single answer to ==
class Person:
    """One reconstructed person, or hand.

    Camera frame: x right, y down, z forward, metres, the pelvis, or a hand's wrist, at the origin.
    """

    score: float
    bbox: Box
    keypoints_2d: np.ndarray
    """(K, 3) x, y in photo pixels and confidence in 0..1, as the 2D network saw them."""
    joints: np.ndarray
    """(K, 3) float32."""
    vertices: np.ndarray
    """(V, 3) float32."""
    faces: np.ndarray
    """(F, 3) int32, counter-clockwise seen from outside."""
    joint_names: tuple[str, ...]
    """Of the K joints and keypoints."""
    camera: Camera
    handedness: str | None = None
    """"left" or "right" of a hand."""
    crop: Crop | None = None
    """The mesh network's crop, if that was not the upright square about the box."""
    colors: np.ndarray | None = None
    """(V, 3) uint8 sRGB of the vertices: what the body wears, in pictures and files; None for one colour."""
    landmarks_2d: np.ndarray | None = None
    """(33, 3) BlazePose's landmarks, see `BLAZEPOSE_LANDMARKS`: x, y in photo pixels and confidence in 0..1.

    None where another 2D network saw the person. Where it is given, the mesh network saw `keypoints_2d`, drawn as
    heatmaps, and not the photo itself.
    """
    depths: np.ndarray | None = None
    """(17,) how far COCO's joints are away from the camera, photo pixels from any origin; NaN of BlazePose's guesses.

    None where another 2D network saw the person.
    """
    silhouette: Silhouette | None = None
    """Which pixels are hers, if BlazePose saw her; kept until a body is fitted."""
    hand_joints: np.ndarray | None = None
    """(2, 21, 3) the left and the right hand's joints in the camera's axes, in pixels; NaN of one that was not seen.

    Only of a film's frames, whose hands are posed in all of them together; None where none was seen.
    """
    body: BodyFit | None = None
    """The body whose vertices these are: pose and shape; None of the network's own mesh. `Reconstructor.rig` is its."""

    def __repr__(self) -> str:
        x, y, width, height = self.bbox
        size = f"{len(self.joints)} joints, {len(self.vertices)} vertices"
        kind = f"{self.handedness} hand" if self.handedness else self.mesh_kind
        return f"<Person: score {self.score:.2f}, box {x:.0f},{y:.0f},{width:.0f},{height:.0f}, {size}, {kind}>"

    @property
    def mesh_kind(self) -> str:
        """Either "body", of a fitted body, or "raw", of the network's own mesh."""
        return "raw" if self.body is None else "body"

    @property
    def root(self) -> np.ndarray:
        """(3,) metres: where the root is before the camera."""
        return np.array(self.camera.translation)

    def scaled(self, factor: float) -> Person:
        """The same picture of a larger or smaller person, who is as much farther away or nearer."""
        x, y, z = self.camera.translation
        scale, across, down = self.camera.weak_perspective
        camera = replace(
            self.camera,
            translation=(factor * x, factor * y, factor * z),
            weak_perspective=(scale / factor, across, down),
        )
        factor32 = np.float32(factor)
        return replace(self, joints=self.joints * factor32, vertices=self.vertices * factor32, camera=camera)

    def shifted(self, x: float, y: float) -> Person:
        """The same person in a photo that goes on by so many pixels more to the left of this one, and above it."""
        shift = np.array([x, y, 0], np.float32)
        left, top, width, height = self.bbox
        across, down = self.camera.principal_point
        return replace(
            self,
            bbox=(left + x, top + y, width, height),
            keypoints_2d=self.keypoints_2d + shift,
            landmarks_2d=None if self.landmarks_2d is None else self.landmarks_2d + shift,
            camera=replace(self.camera, principal_point=(across + x, down + y)),
            crop=None if self.crop is None else self.crop.shifted(x, y),
        )

    def to_trimesh(self) -> trimesh.Trimesh:
        """The mesh as files have it: metres, y up, the root at the origin."""
        return to_trimesh(self.vertices, self.faces)

    def save(self, path: str | Path) -> None:
        """Writes the mesh as .glb or .obj, by the path's ending: metres, y up, the root at the origin.

        Raises:
            BadInput: another ending.
            OSError: it cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".glb", ".obj"):
            raise BadInput(f"A mesh is saved as .glb or .obj, not as {path.name}.")
        glb = to_glb(self.vertices, self.faces, path.stem, self.colors)
        with atomic_write(path) as partial:
            partial.write_bytes(glb if path.suffix.lower() == ".glb" else glb_to_obj(glb))


@dataclass(frozen=True, eq=False)  # arrays have no single answer to ==
class Reconstruction:
    """What was found in one photo; a sequence of its people, the most prominent first."""

    people: list[Person]
    timings_ms: dict[str, float]
    photo: np.ndarray | None = None
    """(H, W, 3) uint8 RGB, the photo itself, not a copy."""
    scene: Scene | None = None
    """Which way is up, and the ground; None of hands, and where nobody asked for it."""

    def overlay(self) -> np.ndarray:
        """The photo with the meshes over it, (H, W, 3) uint8 RGB.

        Raises:
            BadInput: the photo was not kept.
        """
        if self.photo is None:
            raise BadInput("This reconstruction came without its photo, over which its meshes could be drawn.")
        if not self.people:
            return self.photo.copy()
        camera = self.people[0].camera
        return overlay(self.photo, self.figures(), camera.focal_length, camera.principal_point)

    def to_glb(self) -> bytes:
        """Everyone in one binary glTF 2.0 file: metres, y up, feet on the floor at 0, the first person at the origin.

        Raises:
            BadInput: nobody was found, or hands.
        """
        if not self.people or self.scene is None:
            raise BadInput("A scene needs people on the ground: nobody was found here, or hands.")
        bodies = [
            SceneBody(
                f"person-{number}",
                person.camera.to_camera(person.vertices),
                person.faces,
                person.root,
                person.colors,
            )
            for number, person in enumerate(self.people, start=1)
        ]
        return to_scene_glb(bodies, self.scene)

    def side_view(self) -> np.ndarray:
        """The meshes seen from the photo's right, upright, (H, W, 3) uint8 RGB of the photo's size.

        Raises:
            BadInput: the photo was not kept.
        """
        if self.photo is None:
            raise BadInput("This reconstruction came without its photo, whose size its pictures have.")
        axes = leveling(self.scene.up) if self.scene else np.eye(3)
        figures = [figure._replace(vertices=figure.vertices @ axes.T) for figure in self.figures()]
        return side_view(figures, (self.photo.shape[1], self.photo.shape[0]))

    def figures(self) -> list[Figure]:
        """The meshes before the photo's camera, to be drawn."""
        return [Figure(person.camera.to_camera(person.vertices), person.faces, person.colors) for person in self.people]

    def save(self, folder: str | Path) -> list[Path]:
        """Writes person-1.glb, person-2.glb and so on (hand-1.glb of hands), scene.glb, and overlay.png of the photo.

        Returns:
            What was written.

        Raises:
            BadInput: a file's name in place of a folder's.
            OSError: something cannot be written.
        """
        folder, written = Path(folder), []
        if folder.suffix.lower() in _FILES:
            raise BadInput(
                f"Several files are saved: name a folder for them, not {folder.name}. to_glb() gives one GLB."
            )
        for number, person in enumerate(self.people, start=1):
            written.append(folder / f"{'hand' if person.handedness else 'person'}-{number}.glb")
            person.save(written[-1])
        if self.people and self.scene is not None:
            written.append(folder / "scene.glb")
            with atomic_write(written[-1]) as partial:
                partial.write_bytes(self.to_glb())
        if self.photo is not None:
            written.append(folder / "overlay.png")
            png = cv2.imencode(".png", cv2.cvtColor(self.overlay(), cv2.COLOR_RGB2BGR))[1]
            with atomic_write(written[-1]) as partial:
                partial.write_bytes(png.tobytes())
        return written

    def __repr__(self) -> str:
        return f"<Reconstruction: {self.people}>"

    def __iter__(self) -> Iterator[Person]:
        return iter(self.people)

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> Person:
        return self.people[index]
