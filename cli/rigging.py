"""Bodies fitted to the meshes of a photo or a video: their GLBs with a skeleton, their BVH, and their arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cli import answers
from cli.bvh import to_bvh
from cli.inputs import RIGGED
from model.errors import BadInput
from model.fit import BodyFit, fit, fit_motion
from model.rig import Rig
from service.rigged import parameters_of, to_rigged_glb
from service.schemas import Parameters


@dataclass(frozen=True)
class Bodies:
    """The bodies of a photo's people, or of one person's frames."""

    rig: Rig
    found: list[BodyFit]

    def parameters(self) -> list[Parameters]:
        """For JSON."""
        return [parameters_of(self.rig, body) for body in self.found]

    def arrays(self) -> dict[str, np.ndarray]:
        """For npz, N bodies: poses (N, 22, 3), shapes (N, S), body_translations (N, 3), residuals (N,) in metres."""
        bodies = self.found
        return {
            "poses": np.array([body.pose for body in bodies], np.float32).reshape(-1, 22, 3),
            "shapes": np.array([body.shape for body in bodies], np.float32).reshape(-1, self.rig.shape_count),
            "body_translations": np.array([body.translation for body in bodies], np.float32).reshape(-1, 3),
            "residuals": np.array([body.residual for body in bodies], np.float32),
        }

    def write_stills(self, stem: Path, faces: np.ndarray) -> list[dict[str, str]]:
        """Write each as `<stem>-<number>.rigged.glb`; returns its name as a link for JSON."""
        names = [f"{stem.name}-{number}" for number in range(1, len(self.found) + 1)]
        for name, body in zip(names, self.found):
            answers.write(stem.with_name(name + RIGGED), to_rigged_glb(self.rig, [body], faces, name))
        return [{"rigged": name + RIGGED} for name in names]

    def write_motion(
        self,
        stem: Path,
        faces: np.ndarray,
        times: Sequence[float],
        places: np.ndarray,
        rate: float,
        kinds: frozenset[str],
    ) -> dict[str, str]:
        """Write frames as `<stem>.rigged.glb` and `<stem>.bvh`, as far as the kinds say; returns the names as links.

        Args:
            stem: Folder and beginning of the names.
            faces: (F, 3).
            times: (N,) seconds.
            places: (N, 3) metres, camera frame: where the pelvis is.
            rate: Frames a second.
            kinds: Of "rigged" and "bvh".
        """
        links = {}
        if "rigged" in kinds:
            links["rigged"] = stem.name + RIGGED
            data = to_rigged_glb(self.rig, self.found, faces, stem.name, np.asarray(times), places)
            answers.write(stem.with_name(links["rigged"]), data)
        if "bvh" in kinds:
            links["bvh"] = f"{stem.name}.bvh"
            answers.write(stem.with_name(links["bvh"]), to_bvh(self.rig, self.found, times, places, rate))
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


def fit_moving(rig: Rig, meshes: np.ndarray) -> Bodies:
    """Fit one person's body to its meshes (N, V, 3), which are finite."""
    return Bodies(rig, fit_motion(rig, meshes))
