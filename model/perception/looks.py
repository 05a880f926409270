"""BlazePose's looks at people: what it says of crops, and how deep their joints are by all that it saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from model.interfaces import LANDMARKS, PoseLandmarks
from model.joints import BLAZEPOSE_COCO, BLAZEPOSE_LANDMARKS, BLAZEPOSE_MIRROR, COCO_MIRROR
from model.perception.bone_depths import BONES_MIRROR, MIRROR_SIGNS, BonesSeen, gather, joint_depths
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop

SIZE = 256
"""Pixels on a side of its crops."""
DEPTH = 0.24
"""Pixels of its crops by its depths' unit: on 324 rendered people in 36 poses."""
_COCO, _MIRROR = list(BLAZEPOSE_COCO), list(BLAZEPOSE_MIRROR)


class Sight(NamedTuple):
    """What BlazePose says of a crop."""

    crop: Crop
    landmarks: np.ndarray
    """(33, 3) x, y in photo pixels and the heatmap's height."""
    depths: np.ndarray
    """(33,) photo pixels."""
    mask: np.ndarray
    local: np.ndarray
    """See `PoseLandmarks`; so for the others."""
    overall: np.ndarray


def look_at(crops: Sequence[Crop], regress: CropRegressor) -> list[Sight]:
    """What BlazePose says of each crop."""
    if not crops:
        return []
    pixels = np.stack([crop.cut(regress.image, SIZE) for crop in crops])
    out = PoseLandmarks(*regress.network.detect(LANDMARKS, pixels))
    count = len(BLAZEPOSE_LANDMARKS)
    return [
        Sight(
            crop,
            np.column_stack([crop.to_photo(points[:count], SIZE), peaks[:count]]),
            depths[:count] * (DEPTH * crop.side / SIZE),
            *rest,
        )
        for crop, points, peaks, depths, *rest in zip(crops, *out, strict=True)
    ]


def read_depths(
    believed: Mapping[int, np.ndarray],
    sights: Mapping[int, Sight],
    mirrored: Mapping[int, Sight],
    lifted: Mapping[int, CropResult],
    regress: CropRegressor,
) -> dict[int, np.ndarray]:
    """(17,) of each who was lifted, see `CropResult.depths`; of nobody if nothing reads them.

    Args:
        believed: (33, 3) people's landmarks by their number.
        sights: where BlazePose saw them.
        mirrored: where it saw some of them in the mirror: both sights count alike.
        lifted: the mesh network's answers.
        regress: answers for the photo.
    """
    reader, one = regress.bones, next(iter(sights.values()), None)
    if reader is None or one is None or not lifted or not reader.reads(one.local, one.overall):
        return {}
    told = dict(zip(lifted, reader(_known(list(lifted), believed, sights, lifted, regress.focal_length)), strict=True))
    twice = [index for index in lifted if index in mirrored]
    if twice:
        again = reader(_known(twice, believed, mirrored, lifted, regress.focal_length))[:, BONES_MIRROR] * MIRROR_SIGNS
        told |= {index: (told[index] + bones) / 2 for index, bones in zip(twice, again, strict=True)}
    metres = joint_depths(np.stack([told[index] for index in lifted]))
    pixels = [regress.focal_length / result.mesh.translation[2] for result in lifted.values()]
    deep = metres * np.array(pixels)[:, None]
    return {
        index: np.where(believed[index][_COCO, 2] > 0, own, np.nan) for index, own in zip(lifted, deep, strict=True)
    }


def _known(
    numbers: Sequence[int],
    believed: Mapping[int, np.ndarray],
    sights: Mapping[int, Sight],
    lifted: Mapping[int, CropResult],
    focal_length: float,
) -> BonesSeen:
    """What is known of the bones of some people, all mirrored if that is how they were seen; see `read_depths`."""
    looks, meshes = [sights[index] for index in numbers], [lifted[index].mesh for index in numbers]
    points = np.stack([believed[index] for index in numbers])
    joints, places = (np.stack([getattr(mesh, name) for mesh in meshes]) for name in ("joints", "translation"))
    angles = np.array([look.crop.angle for look in looks])
    if looks[0].crop.mirrored:
        points, joints, places = (
            each * (-1, 1, 1) for each in (points[:, _MIRROR], joints[:, list(COCO_MIRROR)], places)
        )
        angles = -angles
    depths, local, overall = (
        np.stack([getattr(look, name) for look in looks]) for name in ("depths", "local", "overall")
    )
    return gather(points, depths, (local, overall), joints, places, focal_length, angles)
