"""What is done with people once the network has answered: which answers count, their bodies, who is a child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.body.evidence import Seen, confidence_of_heatmaps
from model.body.fitter import BodyFitter
from model.body.head import head_size
from model.body.wrists import HAND_LANDMARKS
from model.interfaces import Box, Network
from model.joints import BLAZEPOSE_LANDMARKS, COCO_JOINTS
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.crops import upright_crop
from model.perception.detection import Detection, distinct
from model.perception.following import lift_again
from model.results import Camera, Person
from model.scene.balance import balance
from model.scene.children import Children, find_children
from model.scene.ground import camera_heights
from model.scene.lines import Lines
from model.scene.up import Tilt, estimate_up

_NO_PIXELS = np.zeros((0, 0, 3), np.uint8)
_MUCH_BETTER = 0.7  # of the other's distance from the keypoints, or less
UNHEDGED = 1.02
"""By how much bodies are larger than the network's meshes. Unsure of depths, it draws limbs short, those of rendered
people by 2.2 to 2.9 %. Bodies of 28 people in photos were 1.655 m tall in the mean, of those whom it learnt from 1.695.
"""


def person_of(detection: Detection, result: CropResult, regress: CropRegressor, faces: np.ndarray) -> Person:
    """The person of a detection, with the network's mesh.

    Args:
        detection: of the person.
        result: what the network answered.
        regress: gave it.
        faces: (F, 3) of the mesh, counter-clockwise seen from outside.
    """
    vertices, joints, keypoints, translation, weak = result.mesh
    if detection.crop is not None:  # the detector has seen as well, and not through heatmaps
        keypoints = detection.keypoints
    weak_perspective = result.crop.weak_perspective(weak, detection.box)
    return Person(
        score=detection.score if len(detection.keypoints) else result.confidence,
        bbox=detection.box,
        keypoints_2d=keypoints,
        joints=joints,
        vertices=vertices,
        faces=faces,
        joint_names=regress.network.info.joint_names,
        camera=Camera(regress.focal_length, regress.principal_point, triple(translation), weak_perspective),
        handedness=detection.handedness,
        crop=None if result.crop == upright_crop(detection.box) else result.crop,
        landmarks_2d=result.landmarks,
        depths=result.depths,
        silhouette=result.silhouette,
    )


def lifted_again(people: Sequence[Person], network: Network) -> list[Person]:
    """People of a film's frames, of one focal length, with the meshes that their keypoints and landmarks have now.

    Args:
        people: one at least, in whom these were changed; vertices are not needed.
        network: lifts them.
    """
    camera = people[0].camera
    width, height = (2 * middle for middle in camera.principal_point)
    regress = CropRegressor(network, _NO_PIXELS, camera.focal_length, (0.0, 0.0, width, height))
    crops = [person.crop or upright_crop(person.bbox) for person in people]
    keypoints, landmarks = zip(*((person.keypoints_2d, person.landmarks_2d) for person in people))
    meshes = [result.mesh for result in lift_again(keypoints, landmarks, crops, regress)]
    return [
        replace(person, joints=now.joints, vertices=now.vertices, camera=person.camera.moved(triple(now.translation)))
        for person, now in zip(people, meshes, strict=True)
    ]


def with_fits(people: Sequence[Person], fitter: BodyFitter, before: Sequence[Person] = ()) -> list[Person]:
    """People with the network's meshes still, and what is fitted to them as `body`, as one frame of a film needs it.

    Args:
        people: with the network's meshes.
        fitter: fits.
        before: the same people in a frame before, whose bodies are near.
    """
    people = _unhedged(people)
    starts = [person.body for person in before if person.body is not None]
    start = starts if len(starts) == len(people) else None
    fits = fitter.fits(*_placed(people), start, [person.silhouette for person in people])
    return [replace(person, body=fit, silhouette=None) for person, fit in zip(people, fits, strict=True)]


def _placed(people: Sequence[Person]) -> tuple[np.ndarray, np.ndarray]:
    """Meshes (B, V, 3), and where they are before the camera (B, 3)."""
    places = np.array([person.camera.translation for person in people])
    return np.stack([person.vertices for person in people]), places


def with_bodies(people: Sequence[Person], fitter: BodyFitter, ages: np.ndarray | None = None) -> list[Person]:
    """People with the bodies that are fitted to them; who came out as no body stays as she is.

    Args:
        people: with the network's meshes.
        fitter: fits.
        ages: (P,) years; None of grown-ups alone.
    """
    answered, people = people, _unhedged(people)
    seen = seen_of(people, fitter.details)
    silhouettes = [person.silhouette for person in people]
    bodies = fitter.bodies(*_placed(people), seen, knuckles_of(people), silhouettes, depths_of(people), ages)
    return [
        replace(own, silhouette=None)
        if body is None
        else replace(
            person,
            silhouette=None,
            joints=body.joints,
            vertices=body.vertices,
            camera=person.camera.moved(triple(body.translation)),
            body=body.fit,
        )
        for own, person, body in zip(answered, people, bodies, strict=True)
    ]


def _unhedged(people: Sequence[Person]) -> list[Person]:
    """The people as large as they are likely to be; their pictures stay."""
    return [person.scaled(UNHEDGED) for person in people]


def depths_of(people: Sequence[Person]) -> np.ndarray:
    """(B, 17) metres that people's joints are away from the camera, from any origin; NaN of what nobody knows."""
    unknown = np.full(len(COCO_JOINTS), np.nan)
    pixels = np.stack([unknown if person.depths is None else person.depths for person in people])
    metres = np.array([person.camera.translation[2] / person.camera.focal_length for person in people])
    return pixels * metres[:, None]


def without_silhouettes(people: Sequence[Person]) -> list[Person]:
    """The same people, light enough to be kept."""
    return [replace(person, silhouette=None) for person in people]


def seen_of(people: Sequence[Person], details: Sequence[str]) -> Seen:
    """What photos say of people: of their joints, then of the named ones of their landmarks, if they have any."""
    return _seen(people, np.stack([_evidence(person, details) for person in people]))


def knuckles_of(people: Sequence[Person]) -> Seen:
    """What photos say of people's hands, as `turn_wrists` has it."""
    named = [BLAZEPOSE_LANDMARKS.index(name) for name in HAND_LANDMARKS]
    none = np.zeros((len(named), 3))
    return _seen(people, np.stack([none if each.landmarks_2d is None else each.landmarks_2d[named] for each in people]))


def _seen(people: Sequence[Person], keypoints: np.ndarray) -> Seen:
    """Keypoints (B, K, 3) of people, pixels and how sure they are, in their cameras."""
    cameras = [person.camera for person in people]
    return Seen(
        keypoints[..., :2],
        keypoints[..., 2],
        np.array([camera.focal_length for camera in cameras]),
        np.array([camera.principal_point for camera in cameras]),
    )


def _evidence(person: Person, details: Sequence[str]) -> np.ndarray:
    """(K + N, 3) her joints and those of her landmarks, pixels and how sure they are, as `Seen` has it."""
    if person.landmarks_2d is None:
        joints = np.array(person.keypoints_2d, dtype=np.float64)
        joints[:, 2] = confidence_of_heatmaps(joints[:, 2])
        return np.concatenate([joints, np.zeros((len(details), 3))])
    named = [BLAZEPOSE_LANDMARKS.index(name) for name in details]
    return np.concatenate([person.keypoints_2d, person.landmarks_2d[named]])


def extent(person: Person) -> Box:
    """The box of the person's projected joints."""
    return outline(person.camera.project(person.joints))


def outline(pixels: np.ndarray) -> Box:
    """The box of pixels (N, 2)."""
    (x, y), (right, bottom) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
    return x, y, right - x, bottom - y


def joints_of(people: Sequence[Person]) -> tuple[np.ndarray, np.ndarray]:
    """COCO's joints of P people where they are before the camera (P, 17, 3), and how surely they were seen (P, 17)."""
    joints = np.array([person.camera.to_camera(person.joints) for person in people], np.float64).reshape(-1, 17, 3)
    return joints, np.array([person.keypoints_2d[:, 2] for person in people]).reshape(-1, 17)


def ages_on_ground(
    people: Sequence[Person],
    answered: Sequence[Person],
    children: Children,
    tilt: Tilt | None = None,
    camera_height: float | None = None,
    lines: Lines | None = None,
) -> np.ndarray:
    """(P,) how old each of a photo's people is who surely is a child, see `find_children`; NaN of the others.

    Args:
        people: with bodies of grown-ups.
        answered: the same with what the network answered, and their silhouettes.
        children: that there may be.
        tilt: the camera's, if it is known.
        camera_height: metres above the ground, if it is known.
        lines: of the photo.
    """
    joints, seen = joints_of(people)
    told = balance(joints, seen)
    if told.on_feet.sum() < (2 if camera_height is None else 1):
        return np.full(len(people), np.nan)
    # By what their bodies say: that all were grown up on one ground would turn the world.
    up = estimate_up(told, tilt=tilt, lines=lines)
    heights = camera_heights([person.camera.to_camera(person.vertices) for person in people], up.direction)
    fitted = np.array([person.body is not None for person in people])
    heights = np.where(told.on_feet & fitted, heights, np.nan)
    distances = np.linalg.norm(joints.mean(axis=1), axis=1)
    return find_children(children, up, heights, distances, np.array([_head(each) for each in answered]), camera_height)


def _head(person: Person) -> float:
    """`head_size` of a person with a silhouette; NaN of who has none, or whose head tells nothing."""
    if person.landmarks_2d is None or person.depths is None or person.silhouette is None:
        return float("nan")
    camera, places = person.camera, person.landmarks_2d[:, :2]
    rays = (places - np.array(camera.principal_point)) / camera.focal_length
    size = head_size(person.landmarks_2d, person.depths, rays, person.silhouette)
    return float("nan") if size is None else size


def better(person: Person, twin: Person) -> Person:
    """The one of two answers whose joints project much nearer to where they were seen, or else the first.

    The mesh network knows right hands only: it can often not put the joints of a left one into their places.
    """
    return twin if _misfit(twin) < _MUCH_BETTER * _misfit(person) else person


def _misfit(person: Person) -> float:
    """Mean distance of the projected joints from the keypoints, in pixels."""
    seen = person.keypoints_2d[:, :2]
    return float(np.linalg.norm(person.camera.project(person.joints) - seen, axis=1).mean())


def detections_of(people: Sequence[Person]) -> list[Detection]:
    """People as a detector would give them, to be compared."""
    return [Detection(person.bbox, person.score, person.keypoints_2d) for person in people]


def distinct_people(people: list[Person]) -> list[Person]:
    """Drops a person whose joints are an earlier one's: the 2D network may see one of two people twice."""
    return [people[index] for index in distinct(detections_of(people))]


def triple(values: np.ndarray) -> tuple[float, float, float]:
    """Three numbers of an array (3,)."""
    a, b, c = values.tolist()
    return a, b, c
