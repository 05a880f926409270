"""Files that are written from a skeleton's motion, or from its one pose: a writer for each format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from model.body.motion import SkeletonMotion, even_times
from model.formats.bvh import to_bvh
from model.formats.c3d import to_c3d
from model.formats.endings import RIGGED, SMPL_NPZ
from model.formats.markers import markers_of
from model.formats.rigged_glb import to_rigged_glb
from model.formats.skeletons import SKELETONS
from model.formats.smpl_npz import to_smpl_npz
from model.formats.trc import to_trc

_RATE = 30.0  # frames a second of a file that has one frame


@dataclass(frozen=True)
class MovingSkeleton:
    """One person's skeleton, and what the files need to know besides."""

    name: str
    motion: SkeletonMotion
    faces: np.ndarray
    """(F, 3)."""
    skeleton: str
    """Whose names and resting pose BVH has, of `SKELETONS`."""
    rate: float = _RATE
    """Frames a second, for formats that know even steps only."""
    end: float = 0.0
    """Seconds: where the film ends, up to which such formats go, whoever leaves before."""
    moves: bool = False
    """Whether it is of a video."""
    colors: np.ndarray | None = None
    """(V, 3) uint8 sRGB of the vertices; None for one colour."""

    def files(self, kinds: frozenset[str]) -> Iterator[tuple[str, str, bytes]]:
        """The files that the kinds ask for, one after the other: kind, name, bytes."""
        for kind, (ending, encode) in WRITERS.items():
            if kind in kinds:
                yield kind, self.name + ending, encode(self)


def _rigged_glb(person: MovingSkeleton) -> bytes:
    return to_rigged_glb(person.motion, person.faces, person.name, person.moves, person.colors)


def _bvh(person: MovingSkeleton) -> bytes:
    even = person.motion.at(even_times(person.rate, person.end))
    return to_bvh(even, person.rate, SKELETONS[person.skeleton])


def _trc(person: MovingSkeleton) -> bytes:
    return to_trc(markers_of(person.motion, person.rate, person.end), f"{person.name}.trc")


def _c3d(person: MovingSkeleton) -> bytes:
    return to_c3d(markers_of(person.motion, person.rate, person.end))


def _smpl_npz(person: MovingSkeleton) -> bytes:
    return to_smpl_npz(person.motion, person.rate, person.end)


WRITERS: dict[str, tuple[str, Callable[[MovingSkeleton], bytes]]] = {
    "rigged": (RIGGED, _rigged_glb),
    "bvh": (".bvh", _bvh),
    "trc": (".trc", _trc),
    "c3d": (".c3d", _c3d),
    "smpl-npz": (SMPL_NPZ, _smpl_npz),
}
SKELETON_KINDS = frozenset(WRITERS)
"""The formats that a body is fitted for."""
