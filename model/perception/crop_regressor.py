"""The mesh network on crops of one photo: regresses each crop's person before the photo's camera."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from model.body.silhouette import Silhouette
from model.interfaces import Box, CameraSpaceMeshes, Network
from model.perception.bone_depths import BoneReader
from model.perception.crops import Crop
from model.perception.detection import mean_confidence


@dataclass(frozen=True)
class CropResult:
    """What the mesh network answers to one crop of a person."""

    crop: Crop
    mesh: CameraSpaceMeshes
    """One person's, without the batch: before the camera of the photo as it is upright."""
    landmarks: np.ndarray | None = None
    """(33, 3) BlazePose's, x, y in photo pixels and confidence, if from them and not from pixels."""
    depths: np.ndarray | None = None
    """(17,) how far COCO's joints are away from the camera, photo pixels from any origin, as `bones` has read it; NaN
    of guesses."""
    silhouette: Silhouette | None = None
    """BlazePose's, likewise."""

    @property
    def confidence(self) -> float:
        """Mean height of the heatmaps' peaks."""
        return mean_confidence(self.mesh.keypoints)


class CropRegressor:
    """Regresses people in crops of a photo.

    Args:
        network: what runs the mesh network.
        image: (H, W, 3) uint8 RGB, the photo.
        focal_length: pixels; the principal point is the centre of what is shown.
        shown: the box of the picture itself, if there are bars beside it; None for all of the photo.
        panels: the boxes of the pictures in a collage.
        bones: tells how deep bones point that BlazePose sees; None leaves it to the mesh network.
    """

    def __init__(
        self,
        network: Network,
        image: np.ndarray,
        focal_length: float,
        shown: Box | None = None,
        panels: Sequence[Box] = (),
        bones: BoneReader | None = None,
    ):
        self.network, self.image, self.focal_length = network, image, focal_length
        self.shown: Box = (0.0, 0.0, float(image.shape[1]), float(image.shape[0])) if shown is None else shown
        self.panels, self.bones = panels, bones
        x, y, width, height = self.shown
        self.principal_point = (x + width / 2, y + height / 2)
        """Pixels."""

    def within(self, panel: Box | None) -> CropRegressor:
        """Likewise of who is in one panel of the collage, beyond which nothing is seen, or in no single one."""
        alone = copy(self)
        alone.panels = ()
        if panel is not None:
            x, y, width, height = (round(edge) for edge in panel)
            alone.shown, alone.image = panel, np.zeros_like(self.image)
            alone.image[y : y + height, x : x + width] = self.image[y : y + height, x : x + width]
        return alone

    def showing(self, image: np.ndarray) -> CropRegressor:
        """Likewise of the same photo with something painted over."""
        other = copy(self)
        other.image = image
        return other

    def __call__(self, crops: Sequence[Crop]) -> list[CropResult]:
        """One result for each crop, in order."""
        if not crops:
            return []
        pixels = np.stack([crop.cut(self.image, self.network.info.crop_size) for crop in crops])  # (B, S, S, 3)
        return self._uncrop(crops, self.network.regress(pixels, *self._squares(crops)))

    def lift(self, keypoints: Sequence[np.ndarray], crops: Sequence[Crop]) -> list[CropResult]:
        """The same from people's keypoints, each (N, 3) as `Network.lift` takes them, in crops not mirrored."""
        if not crops:
            return []
        turned = [
            np.column_stack([crop.turn(points[:, :2], self.principal_point), points[:, 2]])
            for points, crop in zip(keypoints, crops, strict=True)
        ]
        meshes = self.network.lift(np.stack(turned).astype(np.float32), *self._squares(crops))
        return self._uncrop(crops, meshes)

    def _squares(self, crops: Sequence[Crop]) -> tuple[np.ndarray, np.ndarray]:
        """(B, 3) where the crops are and (B, 3) the camera, as `Network` takes them."""
        squares = np.array([crop.to_upright(self.principal_point) for crop in crops], np.float32)
        camera = np.array([self.focal_length, *self.principal_point], np.float32)
        return squares, np.tile(camera, (len(crops), 1))

    def _uncrop(self, crops: Sequence[Crop], meshes: CameraSpaceMeshes) -> list[CropResult]:
        return [
            CropResult(crop, crop.uncrop(CameraSpaceMeshes(*each), self.principal_point))
            for crop, each in zip(crops, zip(*meshes, strict=True), strict=True)
        ]

    def project(self, result: CropResult, points: np.ndarray) -> np.ndarray:
        """Points of a result's person (N, 3), root at the origin, to the photo's pixels (N, 2)."""
        before = points + result.mesh.translation
        pixels: np.ndarray = self.focal_length * before[:, :2] / before[:, 2:].clip(0.01) + self.principal_point
        return pixels
