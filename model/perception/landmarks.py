"""People as BlazePose sees them: where it is sure, its landmarks are lifted in place of MoveNet's heatmaps.

It is surer and finer than MoveNet where it sees a whole person, upright and half as large as its crop, and worse where
people are cut off or hidden; the height of its heatmaps tells which. What choosing is worth is printed by
`python -m training.evaluate --seen-by landmarks backbone`, and stands in docs/how-it-works.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.interfaces import CROP_SCALE, Box
from model.joints import BLAZEPOSE_COCO, BLAZEPOSE_MIRROR, BODY_LANDMARKS
from model.perception.close_ups import stand_behind_face
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import Crop, nearest_inside
from model.perception.looks import Sight, look_at, read_depths
from model.perception.silhouettes import place_silhouette
from model.perception.votes import vote

SURE = 0.65
"""Mean height of the joints' heatmaps from which its landmarks are believed."""
DOUBTED = 0.75
"""Below this mean height some joints are often those of another limb: people are seen again, in the mirror. That is a
fifth of rendered people, who come out some 10 mm nearer; the surer ones gain 1 to 2 mm."""
CROWDED = 0.5
"""Mean height from which they are believed in a crowd, where nobody is seen twice: bodies come out as near, in 0.83 to
0.92 of the time."""
BOXED = 0.55
"""Mean height from which they are believed about the box of somebody who is seen by MoveNet otherwise."""
MARGIN = 0.04
"""How far a body reaches beyond its landmarks on each side, by their extent."""
_SEEN = 0.2  # confidence from which a joint tells where to crop
_REACH = 1.1  # radius of the circle about a person's hips that holds her all, by that of the joints'
_BOX_SIDE, _BOX_ANGLES = 1.6, (0.0, math.pi / 4, -math.pi / 4)  # of its crops about boxes, by the longer side
_SIDE = 2.5  # of its crops by that radius, as it was trained
_FACE, _EYES, _EARS, _SHOULDERS, _HIPS, _KNEES = list(range(5)), [1, 2], [3, 4], [5, 6], [11, 12], [13, 14]
_OPPOSITE = -0.87  # cosine of directions that are
_NECK = 1.35  # from the face to the shoulders, by its width
_TRUNK = 2.0  # from the shoulders to the hips, by what is between face and shoulders
_FEWEST = 5  # joints: a face
_MOST_OF_A_FACE = 3  # joints, both eyes or both ears among them
_FACE_BY_EYES = 1.85  # from ear to ear, by the distance of the eyes
_LOW = 0.6  # such heights of hands and feet are doubted
_APART = 0.2  # of the extent of joints: how far two networks' may be apart in the mean
_BEYOND = {13: (15, 17, 19, 21), 14: (16, 18, 20, 22), 25: (27, 29, 31), 26: (28, 30, 32)}
"""The landmarks of a hand or a foot, wrist or ankle first, by those of its elbow or knee."""
_COCO, _MIRROR = list(BLAZEPOSE_COCO), list(BLAZEPOSE_MIRROR)
_TWO_SHOULDERS, _WHOLE_FACE = ([_COCO[joint] for joint in joints] for joints in (_SHOULDERS, _FACE))
LIFTED = [*BLAZEPOSE_COCO, *BODY_LANDMARKS]
"""Which of BlazePose's landmarks are lifted, in the heatmaps' order: COCO's joints, then those of hands and feet."""


def landmark_crop(keypoints: np.ndarray) -> Crop | None:
    """The crop in which BlazePose sees a person best: about her hips, her trunk upright.

    In portraits the hips lie below the photo, where face and shoulders say; of a face that fills it the shoulders, too.

    Args:
        keypoints: (17, 3) COCO's joints as some other network saw them: x, y in photo pixels and confidence.

    Returns:
        None if neither a shoulder was seen nor most of a face, or neither hips nor face.
    """
    seen = keypoints[:, 2] >= _SEEN
    if seen[_SHOULDERS].any():
        shoulders = keypoints[_SHOULDERS][seen[_SHOULDERS], :2].mean(axis=0)
    elif seen[_FACE].sum() >= _MOST_OF_A_FACE and (seen[_EYES].all() or seen[_EARS].all()):
        shoulders = _below_the_face(keypoints, seen)
    else:
        return None
    if seen[_HIPS].any():
        centre = keypoints[_HIPS][seen[_HIPS], :2].mean(axis=0)
    elif seen[_FACE].any():
        if seen[_SHOULDERS].any():
            shoulders = keypoints[_SHOULDERS, :2].mean(axis=0)
        centre = shoulders + _TRUNK * (shoulders - keypoints[_FACE][seen[_FACE], :2].mean(axis=0))
    else:
        return None
    side = _SIDE * _REACH * float(np.linalg.norm(keypoints[seen, :2] - centre, axis=1).max())
    x, y = (shoulders - centre).tolist()
    return Crop((float(centre[0]), float(centre[1])), side, math.atan2(x, -y)) if side >= 2 else None


def _joint_crops(joints: np.ndarray) -> list[Crop]:
    """The crop by somebody's joints, if they tell one."""
    crop = landmark_crop(joints)
    return [] if crop is None else [crop]


def _box_crops(box: Box) -> list[Crop]:
    """Crops about somebody's box, upright and turned both ways."""
    x, y, width, height = box
    side = _BOX_SIDE * max(width, height)
    return [Crop((x + width / 2, y + height / 2), side, angle) for angle in _BOX_ANGLES] if side >= 2 else []


def _below_the_face(keypoints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(2,) the middle of the shoulders of somebody (17, 3) of whom most of a face was seen, and no shoulder."""
    left, right = _EYES if seen[_EYES].all() else _EARS
    across = keypoints[left, :2] - keypoints[right, :2]
    down = np.array([-across[1], across[0]]) / max(float(np.linalg.norm(across)), 1e-6)
    face = keypoints[_FACE][seen[_FACE], :2]
    width = np.linalg.norm(face[:, None] - face, axis=2).max()
    if seen[_EYES].all():
        width = max(width, _FACE_BY_EYES * np.linalg.norm(across))
    shoulders: np.ndarray = face.mean(axis=0) + _NECK * width * down
    return shoulders


def lift_crop(landmarks: np.ndarray, shown: Box) -> Crop | None:
    """The crop in which the mesh network gets a person: about all of her that the photo shows, knees below shoulders.

    Of who shows no hip, knees are made up: her face is above her shoulders, turned by quarters at most.

    Args:
        landmarks: (33, 3) BlazePose's: x, y in photo pixels and confidence, 0 of what is made up.
        shown: the box of the picture in the photo.

    Returns:
        None if nothing of her lies in the photo.
    """
    coco = landmarks[_COCO, :2]
    shoulders = coco[_SHOULDERS].mean(axis=0)
    if landmarks[_COCO][_HIPS, 2].any():
        x, y = shoulders - coco[_KNEES].mean(axis=0)
        angle = math.atan2(x, -y)
    else:
        x, y = coco[_FACE].mean(axis=0) - shoulders
        angle = math.pi / 2 * round(math.atan2(x, -y) / (math.pi / 2))
    if _fills(landmarks, shown):
        return _crop_holding(landmarks[landmarks[:, 2] > 0, :2], angle)
    return crop_about(landmarks, angle, shown)


def crop_about(points: np.ndarray, angle: float, shown: Box) -> Crop | None:
    """The crop about what the photo shows of somebody's points, with the margin that the mesh network is used to.

    Args:
        points: (N, 2 or more) x, y in photo pixels.
        angle: of the crop, see `Crop`.
        shown: the box of the picture in the photo.

    Returns:
        None if nothing of them lies in the photo, or all in one spot.
    """
    return _crop_holding(nearest_inside(points, shown), angle)


def _crop_holding(places: np.ndarray, angle: float) -> Crop | None:
    """The crop about places (N, 2) with that margin; None if they are one."""
    crop = Crop((0.0, 0.0), 1.0, angle)
    outline = places @ crop.axes.T
    low, high = outline.min(axis=0), outline.max(axis=0)
    x, y = ((low + high) / 2 @ crop.axes).tolist()
    side = CROP_SCALE * (1 + 2 * MARGIN) * float((high - low).max())
    return replace(crop, centre=(x, y), side=side) if side >= 2 else None


def lift_landmarks(
    people: Sequence[np.ndarray],
    regress: CropRegressor,
    sure: float = SURE,
    doubted: float = DOUBTED,
    within: Sequence[Box | None] | None = None,
    about: Sequence[Box] | None = None,
) -> list[CropResult | None]:
    """Regresses people from BlazePose's landmarks.

    Args:
        people: (17, 3) joints of each, roughly; see `landmark_crop`.
        regress: answers for the photo.
        sure: least mean height of the heatmaps of joints within the photo, and of shoulders below a face that fills it.
        doubted: mean height below which people are seen again in the mirror, if they may be believed at all.
        within: of each the box outside of which all is hidden; None hides nothing.
        about: of each the box that is looked at in several ways, of which the surest counts, and not by her joints.

    Returns:
        For each of them the result in the crop that fits her; None where BlazePose is not sure.
    """
    shown = regress.shown
    boxes = [None] * len(people) if within is None else within
    looks = [_joint_crops(joints) for joints in people] if about is None else [_box_crops(box) for box in about]
    tried = [(index, replace(look, within=boxes[index])) for index, hers in enumerate(looks) for look in hers]
    sights: dict[int, Sight] = {}
    heights: dict[int, float] = {}
    for (index, _), sight in zip(tried, look_at([look for _, look in tried], regress), strict=True):
        height = _height(sight.landmarks, shown)
        if index not in heights or height > heights[index]:
            heights[index], sights[index] = height, sight
    seen = {index: sight.landmarks for index, sight in sights.items()}
    twice = [index for index, mean in heights.items() if sure <= mean < doubted]
    mirrored = dict(zip(twice, look_at([sights[index].crop.mirror() for index in twice], regress), strict=True))
    for index, sight in mirrored.items():
        seen[index] = vote(seen[index], sight.landmarks[_MIRROR], people[index])
        heights[index] = _height(seen[index], shown)
    believed = {
        index: points
        for index, points in seen.items()
        if heights[index] >= sure
        and not _contradicts(points, people[index])
        and not (about is not None and _is_upside_down(points, people[index]))
    }
    for points in believed.values():
        points[_guessed(points, shown), 2] = 0  # the mesh network knows what is usual where no peaks are
    crops = {index: crop for index, points in believed.items() if (crop := lift_crop(points, shown))}
    results = regress.lift([believed[index][LIFTED] for index in crops], list(crops.values()))
    lifted = dict(zip(crops, results, strict=True))
    deep = read_depths(believed, sights, mirrored, lifted, regress)
    for index, result in lifted.items():
        points, sight = believed[index], sights[index]
        silhouette = place_silhouette(sight.crop, sight.mask, regress)
        if _fills(points, shown):
            result = stand_behind_face(result, points[_COCO], regress)
        lifted[index] = replace(result, landmarks=points, depths=deep.get(index), silhouette=silhouette)
    return [lifted.get(index) for index in range(len(people))]


def _height(landmarks: np.ndarray, shown: Box) -> float:
    """Mean height of the heatmaps of joints that count; 0 if they are too few."""
    told = _told(landmarks, shown)[_COCO]
    return float(landmarks[_COCO][told, 2].mean()) if told.sum() >= _FEWEST else 0.0


def _contradicts(landmarks: np.ndarray, joints: np.ndarray) -> bool:
    """Whether somebody whose hips were not seen is told to be elsewhere, or to face the other way.

    BlazePose takes the back of a head for a face where it sees little else.
    """
    seen = joints[:, 2] >= _SEEN
    if seen[_HIPS].any() or not seen.any():
        return False
    apart = np.linalg.norm(landmarks[_COCO][seen, :2] - joints[seen, :2], axis=1).mean()
    return bool(apart > _APART * np.ptp(joints[seen, :2], axis=0).max())


def _is_upside_down(landmarks: np.ndarray, joints: np.ndarray) -> bool:
    """Whether the trunk is told to be the other way up than it was seen: who stands on the hands is made up upright."""
    if (joints[_SHOULDERS + _HIPS, 2] < _SEEN).any():
        return False
    told, seen = (
        each[_SHOULDERS, :2].mean(axis=0) - each[_HIPS, :2].mean(axis=0) for each in (landmarks[_COCO], joints)
    )
    return bool(told @ seen < _OPPOSITE * np.linalg.norm(told) * np.linalg.norm(seen))


def _within(points: np.ndarray, shown: Box) -> np.ndarray:
    """(N,) bool: which of somebody's points (N, 3) lie in the photo, or so near that they may."""
    nearest = nearest_inside(points, shown)
    inside: np.ndarray = np.abs(points[:, :2] - nearest).max(axis=1) <= MARGIN * np.ptp(nearest, axis=0).max()
    return inside


def _fills(landmarks: np.ndarray, shown: Box) -> bool:
    """Whether somebody's face fills the photo: it lies in it, and no shoulder, which BlazePose knows by the face."""
    inside = _within(landmarks, shown)
    return bool(inside[_WHOLE_FACE].any() and not inside[_TWO_SHOULDERS].any())


def _told(landmarks: np.ndarray, shown: Box) -> np.ndarray:
    """(33,) bool: which of somebody's landmarks (33, 3) the photo tells: those in it, and shoulders below a face."""
    told = _within(landmarks, shown)
    told[_TWO_SHOULDERS] |= _fills(landmarks, shown)
    return told


def _guessed(landmarks: np.ndarray, shown: Box) -> np.ndarray:
    """(33,) bool: which of somebody's landmarks (33, 3) the photo does not tell.

    Nor does it those beyond an elbow or a knee outside of it, if they are low: hands that BlazePose makes up at the
    lower edge of portraits.
    """
    guessed: np.ndarray = ~_told(landmarks, shown)
    for joint, (end, *more) in _BEYOND.items():
        if guessed[joint] and landmarks[end, 2] < _LOW:
            guessed[[end, *more]] = True
    return guessed
