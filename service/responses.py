"""What was found in a photo in the words of the API: one description for the service and for the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from model.formats.photo import Photo
from service import schemas

if TYPE_CHECKING:
    from model.body.fitting import BodyFit
    from model.body.rig import Rig
    from model.reconstructor import Reconstructor
    from model.results import Person
    from model.scene.ground import Scene
    from model.video.film import FilmMotion
    from model.video.motion_files import MovingPerson
    from model.video.world import FilmWorld


def encode_parameters(rig: Rig, body: BodyFit) -> schemas.Parameters:
    """The body's parameters for JSON."""
    left, right = np.split(body.hand_pose(rig.hands).round(5), 2) if rig.hands else (None, None)
    named = np.clip(np.append(1.0, body.shape) @ rig.measures, 0, 1).round(3).tolist()
    return schemas.Parameters(
        model=rig.name,
        pose=body.pose.round(5).tolist(),
        left_hand_pose=None if left is None else left.tolist(),
        right_hand_pose=None if right is None else right.tolist(),
        hands_seen=[side for side, is_seen in zip(("left", "right"), body.hands_seen, strict=True) if is_seen],
        shape=body.shape.round(4).tolist(),
        translation=body.translation.round(5).tolist(),
        phenotypes=dict(zip(rig.measure_names, named)) or None,
        residual_mm=round(1000 * body.residual, 2),
    )


def encode_person(
    identifier: str,
    person: Person,
    files: Mapping[str, str],
    parameters: schemas.Parameters | None = None,
    vertices: bool = False,
) -> schemas.Person | schemas.Hand:
    """A person, or a hand.

    Args:
        identifier: Its name.
        person: What was found.
        files: Where the mesh's files are, by format; perhaps not all that the service has.
        parameters: Of the fitted body, if there is one.
        vertices: Whether to list them.
    """
    camera = person.camera
    hand = {"handedness": person.handedness} if person.handedness else {}
    return (schemas.Hand if hand else schemas.Person)(
        **hand,
        id=identifier,
        score=round(float(person.score), 4),
        bbox=_rounded(np.asarray(person.bbox), 2),
        keypoints_2d=_rounded(person.keypoints_2d, 3),
        joints=_rounded(person.joints, 5),
        vertices=_rounded(person.vertices, 5) if vertices else None,
        mesh_kind=person.mesh_kind,
        camera=schemas.Camera(
            focal_length=round(float(camera.focal_length), 3),
            principal_point=_rounded(np.asarray(camera.principal_point), 3),
            translation=_rounded(np.asarray(camera.translation), 5),
            weak_perspective=_rounded(np.asarray(camera.weak_perspective), 6),
        ),
        mesh=schemas.MeshLinks.model_construct(None, **files),
        parameters=parameters,
    )


def encode_film(film: FilmMotion) -> bytes:
    """All motions of a film as JSON: each frame as a photo's has the person, with the time in seconds.

    Who is in another shot than the first person has a world of her own.
    """
    first = film.worlds[0] if film.worlds else None
    people = [
        {
            "id": person.name,
            "mesh": files,
            **({} if world is first else {"world": _world(world)}),
            "frames": list(_frames(person)),
        }
        for person, world, files in zip(film.people, film.worlds, film.files, strict=True)
    ]
    answer = {
        "id": film.name,
        "width": film.size[0],
        "height": film.size[1],
        "frame_rate": round(film.rate, 4),
        "mode": film.model.modes[0],
        "model": film.model.model_name,
        "frame": film.frame,
        **({} if first is None else {"world": _world(first)}),
        "people": people,
    }
    return json.dumps(answer, separators=(",", ":")).encode()


def _world(found: FilmWorld) -> dict[str, Any]:
    """Points p before a frame's camera are at rotation (camera_rotation p + camera_position - origin) in the world."""
    return {
        "rotation": [_rounded(row, 6) for row in found.world.rotation],
        "origin": _rounded(found.world.origin, 4),
        "pitch": round(found.scene.up.pitch, 2),
        "roll": round(found.scene.up.roll, 2),
        "confidence": round(found.scene.up.confidence, 3),
        "camera_moves": found.camera_moves,
    }


def _frames(moving: MovingPerson) -> Iterator[dict[str, Any]]:
    track, rig = moving.track, moving.rig
    fits = [None] * len(track) if rig is None else [encode_parameters(rig, body) for body in moving.bodies()]
    rows = zip(track.times, track.people, track.bridged, fits, strict=True)
    for index, (time, person, bridged, fit) in enumerate(rows):
        told = encode_person("", person, {}, fit).model_dump(exclude={"id", "mesh"}, exclude_none=True)
        view = {} if track.views is None else {"camera_rotation": _rounded(track.views[index], 6)}
        view |= {} if track.path is None else {"camera_position": _rounded(track.path[index], 4)}
        yield {"time": round(time, 4), **({"bridged": True} if bridged else {}), **view, **told}


def encode_scene(scene: Scene, people: Sequence[str], glb: str | None) -> schemas.Scene:
    """What people stand in.

    Args:
        scene: Of a photo.
        people: Their names, in its order.
        glb: Where everyone in one file is.
    """
    ground = None
    if scene.ground is not None:
        ground = schemas.Ground(
            normal=_rounded(scene.ground.normal, 5),
            camera_height=round(scene.ground.camera_height, 4),
            standing=[name for name, stands in zip(people, scene.ground.standing, strict=True) if stands],
        )
    return schemas.Scene(
        up=_rounded(scene.up.direction, 5),
        pitch=round(scene.up.pitch, 2),
        roll=round(scene.up.roll, 2),
        confidence=round(scene.up.confidence, 3),
        source=scene.up.source,
        ground=ground,
        glb=glb,
    )


def encode_answer(
    identifier: str,
    photo: Photo,
    mode: str,
    model: Reconstructor,
    people: list[schemas.Person | schemas.Hand],
    scene: Scene | None,
    timings_ms: Mapping[str, float],
    links: Mapping[str, str | None] | None = None,
) -> schemas.Reconstruction:
    """All that was found in a photo.

    Args:
        identifier: The answer's name.
        photo: The photo.
        mode: The training that was asked for.
        model: What answered.
        people: The people, or the hands, of `encode_person`.
        scene: What they stand in.
        timings_ms: By stage.
        links: Where its files are: scene, overlay, npz, zip; as far as there are any.
    """
    files = dict(links or {})
    everyone = files.pop("scene", None)
    return schemas.Reconstruction(
        id=identifier,
        width=photo.width,
        height=photo.height,
        mode=mode,
        model=model.model_name,
        **({"people": people} if model.subject == "body" else {"people": [], "hands": people}),
        scene=encode_scene(scene, [person.id for person in people], everyone if people else None) if scene else None,
        **files,
        timings_ms={stage: round(value, 2) for stage, value in timings_ms.items()},
    )


def _rounded(values: np.ndarray, decimals: int) -> list:
    """Numbers for JSON, without the digits that float32 makes up: 5 decimals of a metre are 0.01 mm."""
    return np.asarray(values, np.float64).round(decimals).tolist()
