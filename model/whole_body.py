"""Bodies with hands: fitted to a network's people; hands that are large enough in the photo pose wrists and fingers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from model.body.alignment import translation_to_rays
from model.body.fitter import BodyFitter
from model.body.fitting import BodyFit
from model.body.hand_posing import SIDES, HandPoser
from model.body.rig import ADULT, Rig
from model.joints import BLAZEPOSE_LANDMARKS, HAND_JOINTS
from model.people import ages_on_ground, triple, with_bodies, with_fits
from model.perception.hands import Landmarker, SeenHand, crop_of_joints, detect_landmarks
from model.perception.limbs import Arm
from model.results import Person
from model.scene.children import Children
from model.scene.lines import Lines
from model.scene.sizes import ADULTS
from model.scene.stature import stature_by_joints
from model.scene.up import Tilt

LEAST_SIZE = 32.0
"""Pixels from the wrist to the fingertips of a hand laid flat: no network sees smaller ones.

On renders wrists come out nearer to the truth than straight ones (26 degrees, not 36) from hands of 30 pixels, and no
nearer from those of 20.
"""
_HAND = 0.19  # metres: that length
_JOINTS = {"left": (7, 9), "right": (8, 10)}  # COCO's elbows and wrists
_BASES = tuple(HAND_JOINTS.index(f"{finger}_1") for finger in ("index", "middle", "ring", "little"))
_SEEN = 0.5  # confidence of the wrist and the elbow from which there is a hand to look for
_HINT = 0.1  # presence in the first crop below which there is none
_SURE = 0.8  # and in the second, from which it counts
_SAME_SIDE = 0.5  # probability that it is of the arm's side
_AT_WRIST = 0.35  # of the hand's size: how far from the arm's wrist it may begin
_SAME_SPOT = 0.3  # of a hand's size: two hands are no nearer
_PALM = 0.9 * np.array([0.109, 0.105, 0.100, 0.096]) / _HAND
"""From the wrist to the bases of the index, middle, ring and little finger, by the hand's size: the mean body's, less a
tenth, since all palms of who is taken for too near would be turned away. On renders 0.8 to 1 bring hands nearer."""
_DEEPER = 3.0
"""Times the network's depths, at most. Of rendered hands that point to the camera it sees 0.3 to 0.5 of the depth."""


class _Candidate(NamedTuple):
    person: int
    arm: Arm
    size: float
    """Pixels."""


class WholeBodies:
    """Gives a network's people bodies.

    Args:
        rig: the body as networks know it, bare.
        worn: the same body as people get it.
        names: of the joints that networks answer with.
        landmarker: sees hands; None lets all hang relaxed.

    Raises:
        ValueError: the rig knows none of some name.
    """

    def __init__(self, rig: Rig, worn: Rig, names: Sequence[str], landmarker: Landmarker | None = None):
        self._fitter = BodyFitter(rig, worn, names, BLAZEPOSE_LANDMARKS)
        self._children = children_of(rig)
        self._landmarker = landmarker
        self._poser = None if worn.hands is None else HandPoser(worn)

    def fit(self, people: Sequence[Person], ages: np.ndarray | None = None) -> list[Person]:
        """See `with_bodies`."""
        return with_bodies(people, self._fitter, ages)

    def with_children(
        self,
        people: Sequence[Person],
        answered: Sequence[Person],
        image: np.ndarray | None = None,
        tilt: Tilt | None = None,
        camera_height: float | None = None,
        lines: Lines | None = None,
        person_height: float | None = None,
    ) -> list[Person]:
        """The same people, with children's bodies those who surely are children, see `ages_on_ground`.

        Nobody who is known to be smaller than adults are is taken for one, and nobody who is as tall for a child.

        Args:
            people: with bodies of grown-ups.
            answered: the same with what the network answered.
            image: (H, W, 3) uint8 RGB, to see hands in; None where they hang relaxed.
            tilt: the camera's, if it is known.
            camera_height: metres above the ground, if it is known.
            lines: of the photo.
            person_height: metres that the first person is tall, if it is known.
        """
        everyone = list(people)
        ages = ages_on_ground(people, answered, self._children, tilt, camera_height, lines)
        if person_height is not None:
            ages[0] = self._fitter.rig.age_of(person_height) if person_height < ADULTS[0] else np.nan
        young = np.flatnonzero(np.isfinite(ages)).tolist()
        if not young:
            return everyone
        fitted = self.fit([answered[index] for index in young], ages[young])
        for index, child in zip(young, fitted if image is None else self.with_hands(fitted, image), strict=True):
            everyone[index] = child
        return everyone

    def fit_frame(self, people: Sequence[Person], before: Sequence[Person] = ()) -> list[Person]:
        """See `with_fits`."""
        return with_fits(people, self._fitter, before)

    def with_hands(self, people: Sequence[Person], image: np.ndarray) -> list[Person]:
        """People who have bodies, with the hands that are seen in the photo (H, W, 3) uint8 RGB."""
        people = list(people)
        if self._landmarker is None or self._poser is None:
            return people
        for index, fit in pose_hands(people, image, self._landmarker, self._poser).items():
            body, camera = self._fitter.posed(fit), people[index].camera
            camera = camera.moved(triple(np.array(camera.translation) + body.translation))
            people[index] = replace(
                people[index], joints=body.joints, vertices=body.vertices, camera=camera, body=body.fit
            )
        return people

    def see_hands(self, people: Sequence[Person], image: np.ndarray) -> list[Person]:
        """The same people, who know their hands' joints as they are seen in a film's frame (H, W, 3) uint8 RGB."""
        people = list(people)
        if self._landmarker is None or self._poser is None:
            return people
        for number, side, points in find_hands(people, image, self._landmarker):
            known = people[number].hand_joints
            joints = np.full((2, *points.shape), np.nan) if known is None else known.copy()
            joints[SIDES.index(side)] = points
            people[number] = replace(people[number], hand_joints=joints)
        return people

    def stature(self, person: Person) -> float:
        """Metres that a person is tall when she stands upright; by her joints if she has no body."""
        if person.body is None:
            return stature_by_joints([person.joints])
        return self._fitter.rig.stature(person.body.shape)

    def resized(self, person: Person, factor: float) -> Person:
        """`Person.scaled`, and the body that is nearest to that: its shape, and so the mesh, is of that size."""
        larger = person.scaled(factor)
        if person.body is None:
            return larger
        body = self._fitter.resized(person.body, factor)
        return replace(larger, joints=body.joints, vertices=body.vertices, body=body.fit)

    def turned(self, person: Person, rotation: np.ndarray) -> Person:
        """A person with a body, who is turned by a rotation (3, 3) in the camera's axes and covers what she did."""
        assert person.body is not None
        rotations = person.body.rotations.copy()
        rotations[0] = rotation @ rotations[0]
        body = self._fitter.posed(replace(person.body, rotations=rotations))
        before = person.camera.to_camera(person.joints)
        place = translation_to_rays(body.joints, before[:, :2] / before[:, 2:])
        camera = person.camera.moved(triple(place))
        return replace(person, joints=body.joints, vertices=body.vertices, camera=camera, body=body.fit)


def children_of(rig: Rig) -> Children:
    """The children that a rig knows who are smaller than grown-ups are: of whole years."""
    statures = [rig.stature(rig.grown(age)) for age in (*rig.childhood.tolist(), ADULT)]
    return Children(rig.childhood, np.log(np.array(statures[:-1]) / statures[-1]))


def pose_hands(
    people: Sequence[Person], image: np.ndarray, landmarker: Landmarker, poser: HandPoser
) -> dict[int, BodyFit]:
    """The bodies of those whose hands are surely seen, by their number; see `find_hands`.

    Args:
        people: of the photo.
        image: (H, W, 3) uint8 RGB.
        landmarker: sees hands.
        poser: of the bodies' rig.
    """
    bodies: dict[int, BodyFit] = {}
    for number, side, points in find_hands(people, image, landmarker):
        body = bodies.get(number, people[number].body)
        assert body is not None
        posed = poser.pose(body, side, points)
        if posed is not None:
            bodies[number] = posed
    return bodies


def find_hands(
    people: Sequence[Person], image: np.ndarray, landmarker: Landmarker
) -> list[tuple[int, str, np.ndarray]]:
    """The hands of bodies that are surely seen: whose, "left" or "right", and joints (21, 3) as `HandPoser` takes them.

    Args:
        people: of the photo.
        image: (H, W, 3) uint8 RGB.
        landmarker: sees hands.
    """
    wanted = [each for number, person in enumerate(people) for each in _candidates(number, person)]
    first = detect_landmarks(landmarker, image, [each.arm.crop for each in wanted]) if wanted else []
    hinted = [pair for pair in zip(wanted, first, strict=True) if pair[1].presence >= _HINT]
    again = detect_landmarks(landmarker, image, [crop_of_joints(seen.points) for _, seen in hinted]) if hinted else []
    sure: list[tuple[_Candidate, SeenHand]] = []
    for (each, _), seen in sorted(zip(hinted, again, strict=True), key=lambda pair: -pair[1].presence):
        near = (np.linalg.norm(seen.points.mean(axis=0) - other.points.mean(axis=0)) for _, other in sure)
        if _is_of(each, seen) and all(distance > _SAME_SPOT * each.size for distance in near):
            sure.append((each, seen))
    return [(each.person, each.arm.side, _before_camera(seen, each.size, people[each.person])) for each, seen in sure]


def _candidates(number: int, person: Person) -> list[_Candidate]:
    """The hands of a person that are large enough to be seen, and whose arms are."""
    found = []
    for side in SIDES if person.body is not None else ():
        elbow, wrist = _JOINTS[side]
        if person.keypoints_2d[[elbow, wrist], 2].min() < _SEEN:
            continue
        scale = person.camera.focal_length / float(person.camera.to_camera(person.joints)[wrist, 2])  # pixels a metre
        if scale * _HAND >= LEAST_SIZE:
            forearm = float(np.linalg.norm(person.joints[wrist] - person.joints[elbow])) * scale
            ends = person.keypoints_2d[[elbow, wrist], :2].astype(np.float64)
            found.append(_Candidate(number, Arm(side, ends[0], ends[1], forearm), scale * _HAND))
    return found


def _is_of(candidate: _Candidate, seen: SeenHand) -> bool:
    """Whether what was seen is surely the hand of this arm."""
    own = seen.right if candidate.arm.side == "right" else 1 - seen.right
    off = float(np.linalg.norm(seen.points[0] - candidate.arm.wrist))
    return seen.presence >= _SURE and own >= _SAME_SIDE and off <= _AT_WRIST * candidate.size


def _before_camera(seen: SeenHand, size: float, person: Person) -> np.ndarray:
    """(21, 3) a hand's joints in the camera's axes: depths go along the ray that leads to it."""
    middle = np.append((seen.points.mean(axis=0) - person.camera.principal_point) / person.camera.focal_length, 1.0)
    ray = middle / np.linalg.norm(middle)
    right = np.cross((0.0, 1.0, 0.0), ray)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(ray, right), ray])
    return np.column_stack([seen.points, _deepened(seen, size)]) @ axes


def _deepened(seen: SeenHand, size: float) -> np.ndarray:
    """(21,) the joints' depths, as much larger as makes the palm of a hand of this size as long as palms are."""
    palm = np.column_stack([seen.points, seen.depths])[list(_BASES)] - (*seen.points[0], seen.depths[0])
    lacking = np.square(_PALM * size).sum() - np.square(palm[:, :2]).sum()
    factor = np.sqrt(max(lacking, 0.0) / max(np.square(palm[:, 2]).sum(), 1e-9))
    return seen.depths * np.clip(factor, 1.0, _DEEPER)
