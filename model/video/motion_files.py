"""One person of a video as files: a writer for each format."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.arrays import body_arrays, people_arrays
from model.body.fitting import BodyFit
from model.body.motion import SkeletonMotion
from model.body.rig import Rig
from model.body.skeleton import TURN_UP
from model.formats.motion_glb import find_motion, to_glb
from model.video.skeleton_files import MovingSkeleton
from model.video.tracks import Track
from model.video.world import FilmWorld


@dataclass(frozen=True)
class MovingPerson:
    """One person of a video, and what the files need to know of the video."""

    name: str
    track: Track
    faces: np.ndarray
    """(F, 3)."""
    motion: SkeletonMotion | None
    """In the camera's axes, y up; None if she has no body."""
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

    def files(self, kinds: frozenset[str]) -> Iterator[tuple[str, str, bytes]]:
        """The files that the kinds ask for, one after the other: kind, name, bytes."""
        if self.motion is not None:
            motion = self.motion if self.world is None else self.world.place(self.motion)
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
            yield from skeleton.files(kinds)
        for kind, (ending, encode) in _WRITERS.items():
            # One GLB that moves is enough.
            if kind in kinds and not (kind == "glb" and "rigged" in kinds):
                yield kind, self.name + ending, encode(self)


def _glb(person: MovingPerson) -> bytes:
    track = person.track
    motion = find_motion(track.times, track.meshes, person.positions, person.faces)
    if person.world is not None:
        motion = motion.moved(person.world.rotation, person.world.world.origin * TURN_UP)
    return to_glb(motion, person.faces, person.name, track.people[0].colors)


def _npz(person: MovingPerson) -> bytes:
    """The arrays of `people_arrays` and `body_arrays`, a frame a row, and these.

    times (N,) seconds, bridged (N,) bool, vertices (N, V, 3), faces (F, 3); points p of the camera's frame are at
    world_rotation (3, 3) times p - world_origin (3,) in the film's world.
    """
    track, file = person.track, io.BytesIO()
    arrays: dict[str, Any] = {
        "times": np.array(track.times, np.float32),
        "bridged": np.array(track.bridged),
        "vertices": track.meshes.stacked(),
        "faces": person.faces,
    }
    arrays |= people_arrays(track.people, person.size)
    if person.world is not None:
        arrays |= {"world_rotation": person.world.world.rotation, "world_origin": person.world.world.origin}
    if person.rig is not None:
        arrays |= body_arrays(person.rig, person.bodies())
    np.savez_compressed(file, **arrays)
    return file.getvalue()


_WRITERS: dict[str, tuple[str, Callable[[MovingPerson], bytes]]] = {
    "glb": (".glb", _glb),
    "npz": (".npz", _npz),
}
