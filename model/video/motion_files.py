"""One person of a video as files: a writer for each format."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

import numpy as np

from model.arrays import body_arrays, people_arrays
from model.body.fitting import BodyFit
from model.body.motion import SkeletonMotion
from model.body.rig import Rig
from model.body.skeleton import TURN_UP
from model.formats.motion_glb import find_motion, to_glb
from model.video.skeleton_files import MovingSkeleton
from model.video.tracks import Track, views_up
from model.video.world import FilmWorld


@dataclass(frozen=True)
class MovingPerson:
    """One person of a video, and what the files need to know of the video."""

    name: str
    track: Track
    faces: np.ndarray
    """(F, 3)."""
    motion: SkeletonMotion | None
    """In the axes of a camera that stands still, y up; None if she has no body."""
    size: tuple[int, int]
    """Width and height of the video, pixels."""
    rate: float
    """Frames a second, for formats that know even steps only."""
    end: float
    """Seconds: the film's last frame."""
    skeleton: str
    """Whose names and resting pose BVH has."""
    world: FilmWorld | None
    """Where files that move stand; None before the camera."""
    rig: Rig | None
    """Whether her body's parameters are told, and whose."""

    @property
    def positions(self) -> np.ndarray:
        """(N, 3) metres, camera frame: where the pelvis is."""
        return np.array([person.camera.translation for person in self.track.people])

    def bodies(self) -> list[BodyFit]:
        """Her body in each frame, in the camera's frame, the pelvis at the origin."""
        return [person.body for person in self.track.people if person.body is not None]

    def files(self, kinds: frozenset[str]) -> Iterator[tuple[str, str, Callable[[IO[bytes]], object]]]:
        """The files that the kinds ask for, one after the other: kind, name, and what writes it into an open file."""
        if self.motion is not None:
            motion = self.track.filmed(self.motion) if self.world is None else self.world.place(self.motion)
            skeleton = MovingSkeleton(
                self.name,
                motion,
                self.faces,
                self.skeleton,
                self.rate,
                self.end,
                moves=True,
                colors=self.track.people[0].colors,
            )
            for kind, name, data in skeleton.files(kinds):
                yield kind, name, partial(_put, data)
        for kind, (ending, encode) in _WRITERS.items():
            # One GLB that moves is enough.
            if kind in kinds and not (kind == "glb" and "rigged" in kinds):
                yield kind, self.name + ending, partial(encode, self)


def _put(data: bytes, file: IO[bytes]) -> None:
    file.write(data)


def _glb(person: MovingPerson, file: IO[bytes]) -> None:
    track = person.track
    motion = find_motion(track.times, track.meshes, person.positions, person.faces)
    if person.world is not None:
        if track.views is not None:
            motion = motion.moved(views_up(track.views), np.zeros(3))
        if track.path is not None:
            motion = motion.moved(np.eye(3), -track.path * TURN_UP)
        motion = motion.moved(person.world.rotation, person.world.world.origin * TURN_UP)
    file.write(to_glb(motion, person.faces, person.name, track.people[0].colors))


def _npz(person: MovingPerson, file: IO[bytes]) -> None:
    """The arrays of `people_arrays` and `body_arrays`, a frame a row, and these.

    times (N,) seconds, bridged (N,) bool, focal_lengths (N,) pixels, of which `focal_length` is the first: lenses zoom;
    vertices (N, V, 3), faces (F, 3); points p of a frame's camera's axes are at
    world_rotation (3, 3) times (camera_rotation (N, 3, 3) p + camera_position (N, 3) - world_origin (3,)) in the world.
    """
    track = person.track
    arrays: dict[str, Any] = {
        "times": np.array(track.times, np.float32),
        "bridged": np.array(track.bridged),
        "faces": person.faces,
    }
    arrays |= people_arrays(track.people, person.size)
    arrays["focal_lengths"] = np.array([each.camera.focal_length for each in track.people], np.float32)
    if person.world is not None:
        arrays |= {"world_rotation": person.world.world.rotation, "world_origin": person.world.world.origin}
        arrays["camera_rotation"] = np.tile(np.eye(3), (len(track), 1, 1)) if track.views is None else track.views
        arrays["camera_position"] = np.zeros((len(track), 3)) if track.path is None else track.path
    if person.rig is not None:
        arrays |= body_arrays(person.rig, person.bodies())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as npz:
        for name, array in arrays.items():
            with npz.open(f"{name}.npy", "w") as part:
                np.lib.format.write_array(part, np.asarray(array), allow_pickle=False)
        # Mesh by mesh, since ten minutes of them are gigabytes; deflating them would take off a fourteenth.
        with npz.open(zipfile.ZipInfo("vertices.npy"), "w", force_zip64=True) as part:
            shape = (len(track), *track.meshes[0].shape)
            np.lib.format.write_array_header_1_0(part, {"descr": "<f4", "fortran_order": False, "shape": shape})
            for mesh in track.meshes:
                part.write(np.ascontiguousarray(mesh, "<f4").tobytes())


_WRITERS: dict[str, tuple[str, Callable[[MovingPerson, IO[bytes]], None]]] = {
    "glb": (".glb", _glb),
    "npz": (".npz", _npz),
}
