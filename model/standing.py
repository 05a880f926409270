"""People on the ground of their photo, in the sizes that it gives them, or that the caller knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from model import inputs
from model.errors import BadInput
from model.people import joints_of
from model.results import Person
from model.scene.balance import balance
from model.scene.ground import Scene, check_camera_height
from model.scene.lean import righting
from model.scene.lines import Lines
from model.scene.sight import see_scene
from model.scene.stature import ROUNDS, check_person_height, stature_by_joints
from model.scene.up import Tilt, check_tilt, estimate_up
from model.whole_body import WholeBodies


@dataclass(frozen=True)
class Known:
    """What the caller knows of a photo's scene; None of what is not known."""

    tilt: Tilt | None = None
    """How the camera was held."""
    camera_height: float | None = None
    """Metres above the ground."""
    person_height: float | None = None
    """Metres that the first person is tall."""

    @classmethod
    def checked(
        cls,
        pitch: float | Tilt | None,
        camera_height: float | None = None,
        person_height: float | None = None,
        ground: bool = True,
    ) -> Known:
        """What is handed in, pitches in degrees, if it can be.

        Args:
            pitch, camera_height, person_height: See `Known`.
            ground: Whether people are to stand on any; nothing else heeds what is known of it.

        Raises:
            BadInput: something is no number, cannot be, or would be passed over.
        """
        angle = None if isinstance(pitch, Tilt) else inputs.check_number(pitch, "The pitch")
        tilt = pitch if isinstance(pitch, Tilt) else None if angle is None else Tilt(angle)
        check_tilt(tilt)
        camera_height = inputs.check_number(camera_height, "The camera's height")
        check_camera_height(camera_height)
        person_height = inputs.check_number(person_height, "The person's height")
        check_person_height(person_height, camera_height)
        if not ground and (tilt, camera_height, person_height) != (None, None, None):
            raise BadInput("pitch, camera_height and person_height count where people stand on a ground: ground=True.")
        return cls(tilt, camera_height, person_height)

    @property
    def upright(self) -> bool:
        """Whether all of the camera's attitude is known, so that the photo's lines need not tell."""
        return self.tilt is not None and self.tilt.roll is not None


def stand(
    people: list[Person],
    known: Known,
    lines: Lines | None,
    bodies: WholeBodies | None,
    answered: Sequence[Person] = (),
    looked_at: np.ndarray | None = None,
) -> tuple[list[Person], Scene]:
    """The people of one photo where they stand, children among them, and the scene.

    Args:
        people: of the photo.
        known: of its scene.
        lines: of the photo, if they are to tell which way is up.
        bodies: gave people theirs; None if they have the network's meshes.
        answered: the same people with what the network answered, if children are to be told.
        looked_at: the photo (H, W, 3) uint8 RGB, to see children's hands in; None where they hang relaxed.
    """
    tilt, camera_height, height = known.tilt, known.camera_height, known.person_height
    if bodies is None:
        people, scene = stand_on_ground(people, tilt, camera_height, lines)
        return (people, scene) if height is None else known_height(people, scene, height)
    if answered:
        people = bodies.with_children(people, answered, looked_at, tilt, camera_height, lines, height)
    people, scene = stand_on_ground(people, tilt, camera_height, lines, bodies.resized, bodies.turned)
    return (people, scene) if height is None else known_height(people, scene, height, bodies.stature, bodies.resized)


def stand_on_ground(
    people: list[Person],
    tilt: Tilt | None = None,
    camera_height: float | None = None,
    lines: Lines | None = None,
    resized: Callable[[Person, float], Person] = Person.scaled,
    turned: Callable[[Person, np.ndarray], Person] | None = None,
) -> tuple[list[Person], Scene]:
    """The people of one photo in the sizes that they have on one ground, and the scene; see `see_scene`.

    Where a tilt is given and bodies can be turned, people lean in depth as `righting` has it.
    """
    if tilt is not None and turned is not None:
        joints, seen = joints_of(people)
        told = balance(joints, seen)
        turns = righting(told, estimate_up(told, tilt=tilt).direction, joints.mean(axis=1))
        people = [
            person if turn is None or person.body is None else turned(person, turn)
            for person, turn in zip(people, turns, strict=True)
        ]
    joints, seen = joints_of(people)
    bodies = [person.camera.to_camera(person.vertices) for person in people]
    scene, factors = see_scene(joints, seen, bodies, tilt=tilt, camera_height=camera_height, lines=lines)
    return [
        person if factor == 1 else resized(person, factor)
        for person, factor in zip(people, factors.tolist(), strict=True)
    ], scene


def known_height(
    people: list[Person],
    scene: Scene,
    height: float,
    stature: Callable[[Person], float] | None = None,
    resized: Callable[[Person, float], Person] = Person.scaled,
) -> tuple[list[Person], Scene]:
    """The people of one photo and their scene in the sizes that they have if the first of them is so tall.

    Args:
        people, scene: of `stand_on_ground`.
        height: metres.
        stature: tells how tall somebody is, in metres; by her joints if none is given.
        resized: scales somebody about the camera, nearly.
    """
    for _ in range(ROUNDS if people else 0):
        factor = height / (stature(people[0]) if stature else stature_by_joints([people[0].joints]))
        if np.isfinite(factor):
            people, scene = [resized(person, factor) for person in people], scene.scaled(factor)
    return people, scene
