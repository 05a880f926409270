"""Bodies fitted to the meshes of a photo or a video: their GLBs with a skeleton, their BVH, and their arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cli import outputs
from cli.inputs import RIGGED
from model.body.fitting import BodyFit, fit, fit_motion
from model.body.rig import Rig
from model.errors import BadInput
from model.formats.bvh import to_bvh
from model.formats.rigged_glb import to_rigged_glb
from service.responses import encode_parameters
from service.schemas import Parameters

_RATE = 30.0  # frames a second of a BVH that has one


@dataclass(frozen=True)
class Bodies:
    """The bodies of a photo's people, or of one person's frames."""

    rig: Rig
    found: list[BodyFit]

    def parameters(self) -> list[Parameters]:
        """For JSON."""
        return [encode_parameters(self.rig, body) for body in self.found]

    def arrays(self) -> dict[str, np.ndarray]:
        """For npz, N bodies: poses (N, 22, 3), shapes (N, S), body_translations (N, 3), residuals (N,) in metres."""
        bodies = self.found
        return {
            "poses": np.array([body.pose for body in bodies], np.float32).reshape(-1, 22, 3),
            "shapes": np.array([body.shape for body in bodies], np.float32).reshape(-1, self.rig.shape_count),
            "body_translations": np.array([body.translation for body in bodies], np.float32).reshape(-1, 3),
            "residuals": np.array([body.residual for body in bodies], np.float32),
        }

    def to_rigged_glb(
        self, name: str, faces: np.ndarray, times: Sequence[float] | None = None, positions: np.ndarray | None = None
    ) -> bytes:
        """A GLB with a skeleton of one body, or of its motion.

        Args:
            name: The node's.
            faces: (F, 3).
            times: (N,) seconds of the frames; None for the one body of a photo.
            positions: (N, 3) metres, camera frame: where the pelvis is; None leaves it about the origin.
        """
        return to_rigged_glb(self.rig, self.found, faces, name, None if times is None else np.asarray(times), positions)

    def to_bvh(
        self, times: Sequence[float] = (0.0,), positions: np.ndarray | None = None, rate: float = _RATE
    ) -> bytes:
        """A BVH of one body, or of its motion; times and positions as of `to_rigged_glb`, rate in frames a second."""
        return to_bvh(self.rig, self.found, times, positions, rate)

    def write_each(self, stem: Path, faces: np.ndarray, kinds: frozenset[str]) -> list[dict[str, str]]:
        """Write a photo's people, as far as the kinds say, as `<stem>-<number>.rigged.glb` and `.bvh`.

        Returns:
            For each person the files' names by format.
        """
        links = []
        for number, one in enumerate(self.found, start=1):
            name, body = f"{stem.name}-{number}", Bodies(self.rig, [one])
            files: dict[str, str] = {}
            if "rigged" in kinds:
                files["rigged"] = name + RIGGED
                outputs.write(stem.with_name(files["rigged"]), body.to_rigged_glb(name, faces))
            if "bvh" in kinds:
                files["bvh"] = f"{name}.bvh"
                outputs.write(stem.with_name(files["bvh"]), body.to_bvh())
            links.append(files)
        return links


def fit_still(rig: Rig, meshes: Sequence[np.ndarray]) -> Bodies:
    """Fit a body to each person's mesh (V, 3).

    Raises:
        BadInput: A mesh is broken.
    """
    try:
        return Bodies(rig, [fit(rig, mesh) for mesh in meshes])
    except ValueError as error:
        raise BadInput(f"A person came out as no mesh: {error}. Another checkpoint may help.") from None


def fit_moving(rig: Rig, meshes: Sequence[np.ndarray]) -> Bodies:
    """Fit one person's body to its N meshes (V, 3), which are finite."""
    return Bodies(rig, fit_motion(rig, meshes))
