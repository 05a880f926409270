"""From those who were found in a photo to people, as the networks answer, before bodies are fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.given_boxes import doubles, is_same, presence
from model.people import better, distinct_people, person_of
from model.perception.covered import paint_over
from model.perception.crop_regressor import CropRegressor, CropResult
from model.perception.detection import Detection, is_there, mean_confidence
from model.perception.pose_choice import Belief, regress_people
from model.perception.refinement import Neighbours, neighbours_of
from model.results import Person

_BATCH = 8  # people that go through the network at once: bounds the memory that a crowd takes


class Sight:
    """What the networks answer of one photo.

    Args:
        regress: answers for the photo.
        faces: the mesh's (F, 3), counter-clockwise seen from outside, and those of a left hand.
        belief: how far BlazePose is believed.
    """

    def __init__(self, regress: CropRegressor, faces: Sequence[np.ndarray], belief: Belief):
        self._regress, self._faces, self._belief = regress, faces, belief

    def people(self, found: Sequence[Detection], wanted: int) -> list[Person]:
        """Who is there of those whom a detector found, surest first, once each; as many as are wanted, at most."""
        neighbours, people = neighbours_of(found), list[Person]()
        step = max(1, min(_BATCH, wanted))
        for start in range(0, len(found), step):
            part = slice(start, start + step)
            people = distinct_people(people + self._there(found[part], neighbours[part]))
            if len(people) >= wanted:
                break
        return people[:wanted]

    def in_boxes(self, boxes: Sequence[Detection]) -> list[Person]:
        """One person, or hand, for each box that was given, in their order; her score says how far she is in it.

        Those in whose boxes others were seen are seen again, with these painted over.
        """
        answered = self._in_parts(boxes)
        people = list(answered)
        behind = doubles(answered) if self._regress.network.info.subject == "body" else {}
        for first, others in behind.items():
            before = answered[first]
            covered = paint_over(self._regress.image, before.camera.project(before.vertices), before.faces)
            without = Sight(self._regress.showing(covered), self._faces, self._belief)
            seen = without._in_parts([boxes[index] for index in others])
            for index, again in zip(others, seen, strict=True):
                people[index] = people[index] if is_same(again, before) else again
        return [replace(each, score=each.score * presence(each.bbox, each.keypoints_2d)) for each in people]

    def person(self, detection: Detection, result: CropResult) -> Person:
        """The person of one answer."""
        return person_of(detection, result, self._regress, self._faces[detection.handedness == "left"])

    def _in_parts(self, boxes: Sequence[Detection]) -> list[Person]:
        parts = [boxes[start : start + _BATCH] for start in range(0, len(boxes), _BATCH)]
        return [person for part in parts for person in self._there(part, neighbours_of(part))]

    def _there(self, found: Sequence[Detection], neighbours: Sequence[Neighbours]) -> list[Person]:
        """Each one who is there, or its twin where that fits what was seen much better."""
        twins = {index: detection.twin for index, detection in enumerate(found) if detection.twin is not None}
        everyone = self._each([*found, *twins.values()], [*neighbours, *[()] * len(twins)])
        people, answers = everyone[: len(found)], everyone[len(found) :]
        for index, twin in zip(twins, answers, strict=True):
            people[index] = better(people[index], twin)
        pairs = zip(people, found, strict=True)
        return [person for person, one in pairs if is_there(one, mean_confidence(person.keypoints_2d))]

    def _each(self, found: Sequence[Detection], neighbours: Sequence[Neighbours]) -> list[Person]:
        results = regress_people(found, neighbours, self._regress, self._belief)
        return [self.person(*pair) for pair in zip(found, results, strict=True)]
