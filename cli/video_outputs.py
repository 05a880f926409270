"""One person of a video as files: a writer for each format."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cli import outputs
from cli.body_fits import Bodies
from cli.skeleton_files import MovingSkeleton
from model.formats.motion_glb import find_motion, to_glb
from model.video.tracks import Track
from service.responses import encode_person


@dataclass(frozen=True)
class MovingPerson:
    """One person of a video, and what the files need to know of the video."""

    name: str
    track: Track
    faces: np.ndarray
    """(F, 3)."""
    bodies: Bodies | None
    """Fitted to each frame, if that was asked for."""
    size: tuple[int, int]
    """Width and height of the video, pixels."""
    rate: float
    """Frames a second, for formats that know even steps only."""
    end: float
    """Seconds: the film's last frame."""
    skeleton: str
    """Whose names and resting pose BVH has."""

    @property
    def positions(self) -> np.ndarray:
        """(N, 3) metres, camera frame: where the pelvis is."""
        return np.array([person.camera.translation for person in self.track.people])

    def write(self, folder: Path, formats: frozenset[str]) -> dict[str, str]:
        """Write the files that the formats ask for; returns their names by format.

        Raises:
            OSError: A file cannot be written.
        """
        names = self._write_skeleton(folder, formats) if self.bodies is not None else {}
        for kind, (ending, encode) in _WRITERS.items():
            # One GLB that moves is enough.
            if kind in formats and not (kind == "glb" and "rigged" in formats):
                names[kind] = self.name + ending
                outputs.write(folder / names[kind], encode(self))
        return names

    def _write_skeleton(self, folder: Path, formats: frozenset[str]) -> dict[str, str]:
        assert self.bodies is not None
        joints = np.stack([person.joints for person in self.track.people])
        motion = self.bodies.motion(self.track.times, self.positions, joints)
        skeleton = MovingSkeleton(self.name, motion, self.faces, self.skeleton, self.rate, self.end, moves=True)
        return skeleton.write(folder, formats)

    def frames(self) -> Iterable[dict[str, Any]]:
        """For JSON: each frame as a photo's has the person, with the time in seconds."""
        track = self.track
        parameters = self.bodies.parameters() if self.bodies else [None] * len(track)
        for time, person, bridged, body in zip(track.times, track.people, track.bridged, parameters, strict=True):
            person_json = encode_person("", person, {}, body).model_dump(exclude={"id", "mesh"}, exclude_none=True)
            yield {"time": round(time, 4), **({"bridged": True} if bridged else {}), **person_json}


def _glb(person: MovingPerson) -> bytes:
    track = person.track
    return to_glb(find_motion(track.times, track.meshes, person.positions, person.faces), person.faces, person.name)


def _npz(person: MovingPerson) -> bytes:
    """The arrays of `outputs.arrays` and `Bodies.arrays`, a frame a row, and these.

    times (N,) seconds, bridged (N,) bool, vertices (N, V, 3), faces (F, 3).
    """
    track, file = person.track, io.BytesIO()
    arrays: dict[str, Any] = {
        "times": np.array(track.times, np.float32),
        "bridged": np.array(track.bridged),
        "vertices": track.meshes.stacked(),
        "faces": person.faces,
    }
    arrays |= outputs.arrays(track.people, *person.size) | (person.bodies.arrays() if person.bodies else {})
    np.savez_compressed(file, **arrays)
    return file.getvalue()


_WRITERS: dict[str, tuple[str, Callable[[MovingPerson], bytes]]] = {
    "glb": (".glb", _glb),
    "npz": (".npz", _npz),
}
