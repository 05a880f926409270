"""One person of an answer as the store keeps her: what every file of her is made of when somebody asks for it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from model.body.fitting import BodyFit
from model.results import Camera, Person

_BODY = ("rotations", "shape", "translation")


@dataclass(frozen=True)
class Record:
    """A person, or a hand."""

    person: Person

    @property
    def body(self) -> BodyFit | None:
        """The body whose mesh it is, if it is that of a body."""
        return self.person.body


def pack(record: Record) -> bytes:
    """Write a record.

    Raises:
        ValueError: Not a mesh: a coordinate is not finite.
    """
    person, body, camera = record.person, record.body, record.person.camera
    if not np.isfinite(person.vertices).all():
        raise ValueError("a vertex has a coordinate that is not finite")
    arrays = {
        "keypoints_2d": np.asarray(person.keypoints_2d, np.float32),
        "joints": np.asarray(person.joints, np.float32),
        "vertices": np.asarray(person.vertices, np.float32),
        "faces": np.asarray(person.faces, np.int32),
        # As float64: what JSON says of it is what the files say.
        "camera": np.array(
            [camera.focal_length, *camera.principal_point, *camera.translation, *camera.weak_perspective], np.float64
        ),
        "box": np.array([person.score, *person.bbox], np.float64),
    }
    if person.colors is not None:
        arrays["colors"] = person.colors
    if body is not None:
        arrays |= {f"body.{name}": np.asarray(getattr(body, name), np.float64) for name in _BODY}
        arrays["body.residual"] = np.array([body.residual], np.float64)
        if body.fingers is not None:
            arrays["body.fingers"] = np.asarray(body.fingers, np.float64)
            arrays["body.hands_seen"] = np.array(body.hands_seen)
    arrays["names"] = np.frombuffer(
        json.dumps({"joints": person.joint_names, "handedness": person.handedness}).encode(), np.uint8
    )
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def unpack(data: bytes) -> Record | None:
    """Read what `pack` wrote; None if it is broken, as in a store without atomic writes, or of another version."""
    try:
        return _read(load(data))
    except (SafetensorError, KeyError):
        return None


def _read(arrays: dict[str, np.ndarray]) -> Record:
    names = json.loads(arrays["names"].tobytes())
    focal, x, y, *rest = arrays["camera"].tolist()
    score, *box = arrays["box"].tolist()
    body = None
    if "body.shape" in arrays:
        fitted = {name: arrays[f"body.{name}"] for name in _BODY}
        left, right = arrays.get("body.hands_seen", np.zeros(2, bool)).tolist()
        body = BodyFit(
            **fitted,
            residual=arrays["body.residual"].item(),
            fingers=arrays.get("body.fingers"),
            hands_seen=(left, right),
        )
    person = Person(
        score=score,
        bbox=tuple(box),
        keypoints_2d=arrays["keypoints_2d"],
        joints=arrays["joints"],
        vertices=arrays["vertices"],
        faces=arrays["faces"],
        joint_names=tuple(names["joints"]),
        camera=Camera(focal, (x, y), tuple(rest[:3]), tuple(rest[3:])),
        handedness=names["handedness"],
        colors=arrays.get("colors"),
        body=body,
    )
    return Record(person)
