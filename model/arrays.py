"""What was found as numpy arrays, for `numpy.load`: the people of a photo, or one person's frames."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from model.body.fitting import BodyFit
    from model.body.rig import Rig
    from model.results import Person


def to_npz(
    people: Sequence[Person],
    size: tuple[int, int],
    faces: np.ndarray,
    rig: Rig | None = None,
    bodies: Sequence[BodyFit | None] = (),
) -> bytes:
    """A photo's people, unrounded: the arrays of `people_arrays`, those of `body_arrays`, and the meshes.

    These are vertices (P, V, 3) in metres, camera frame, pelvis at the origin, and faces (F, 3).

    Args:
        people: P of them.
        size: Width and height of the photo, pixels.
        faces: (F, 3).
        rig: Of the fitted bodies; None if there are none.
        bodies: One for each person; None of who came out as none.
    """
    file = io.BytesIO()
    found = people_arrays(people, size) | (body_arrays(rig, bodies) if rig is not None else {})
    np.savez_compressed(file, **found, vertices=_stacked([person.vertices for person in people]), faces=faces)
    return file.getvalue()


def people_arrays(people: Sequence[Person], size: tuple[int, int]) -> dict[str, Any]:
    """People, or one person's frames, as arrays; P is how many.

    Args:
        people: All of one photo or one film.
        size: Its width and height, pixels.

    Returns:
        scores (P,), bboxes (P, 4), keypoints_2d (P, K, 3), joints (P, K, 3), translations (P, 3), weak_perspectives
        (P, 3), focal_length (), principal_point (2,), size (2,) as width, height; of hands also left (P,) bool, whose
        faces are inside out.
    """
    camera = people[0].camera if people else None
    centre = (size[0] / 2, size[1] / 2)
    return {
        "scores": np.array([person.score for person in people], np.float32),
        "bboxes": np.array([person.bbox for person in people], np.float32).reshape(-1, 4),
        "keypoints_2d": _stacked([person.keypoints_2d for person in people]),
        "joints": _stacked([person.joints for person in people]),
        "translations": np.array([person.camera.translation for person in people], np.float32).reshape(-1, 3),
        "weak_perspectives": np.array([p.camera.weak_perspective for p in people], np.float32).reshape(-1, 3),
        "focal_length": np.float32(camera.focal_length if camera else np.nan),
        "principal_point": np.array(camera.principal_point if camera else centre, np.float32),
        "size": np.array(size, np.int32),
        **({"left": np.array([p.handedness == "left" for p in people])} if camera and people[0].handedness else {}),
    }


def body_arrays(rig: Rig, bodies: Sequence[BodyFit | None]) -> dict[str, np.ndarray]:
    """N fitted bodies: poses (N, 22, 3), shapes (N, S), body_translations (N, 3), residuals (N,) in metres.

    Where the rig has fingers also hand_poses (N, 30, 3), of SMPL-H's finger joints. NaN of who came out as no body.
    """

    def rows(shape: tuple[int, ...], of: Callable[[BodyFit], ArrayLike]) -> np.ndarray:
        found = np.full((len(bodies), *shape), np.nan, np.float32)
        for row, body in enumerate(bodies):
            if body is not None:
                found[row] = of(body)
        return found

    arrays = {
        "poses": rows((22, 3), lambda body: body.pose),
        "shapes": rows((rig.shape_count,), lambda body: body.shape),
        "body_translations": rows((3,), lambda body: body.translation),
        "residuals": rows((), lambda body: body.residual),
    }
    hands = rig.hands
    return arrays if hands is None else arrays | {"hand_poses": rows((30, 3), lambda body: body.hand_pose(hands))}


def _stacked(arrays: list[np.ndarray]) -> np.ndarray:
    return np.stack(arrays).astype(np.float32) if arrays else np.zeros((0, 0, 3), np.float32)
