"""From a network's meshes to the bodies that people get: fitted, refined to what was seen, and posed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.body.alignment import translation_to_rays
from model.body.build import BuildEstimator
from model.body.depth import heed_depths
from model.body.evidence import Seen
from model.body.fitting import BodyFit, fit
from model.body.keypoints import Keypoints
from model.body.refinement import refine
from model.body.relaxed import relax
from model.body.rig import ADULT, Rig
from model.body.silhouette import Silhouette
from model.body.wrists import turn_wrists
from model.joints import COCO_ROOT

_NO_BODY = 0.1  # metres: a mesh that is farther from every body, in the mean, is of something else
_STIFFNESS = 1e-6  # square metres: shapes of other sizes are of people, too
_BATCH = 16  # bodies that are posed at once: bounds the memory


def known_details(rig: Rig, names: Sequence[str], details: Sequence[str]) -> tuple[str, ...]:
    """Those of the details that the rig has, and that are not among the names."""
    return tuple(name for name in details if name in rig.keypoint_names and name not in names)


@dataclass(frozen=True)
class Body:
    """A posed body in the camera's axes, metres, the middle of its hips at the origin."""

    fit: BodyFit
    vertices: np.ndarray
    """(V, 3) float32."""
    joints: np.ndarray
    """(K, 3) float32: the keypoints that are detected, as the rig regresses them from the vertices."""
    translation: np.ndarray
    """(3,) metres: a point p of the body projects from p + translation."""


class BodyFitter:
    """Fits bodies to meshes and refines them to keypoints.

    Args:
        rig: the body as networks know it, bare.
        worn: the same body as people get it.
        names: of the joints that are answered, some of the rig's keypoints, COCO's joints first.
        details: other keypoints; to those of them that the rig has bodies are refined, too.

    Attributes:
        details: these.

    Raises:
        ValueError: the rig knows none of some name.
    """

    def __init__(self, rig: Rig, worn: Rig, names: Sequence[str], details: Sequence[str] = ()):
        self.rig, self.worn = rig, worn
        self.details = known_details(rig, names, details)
        self._keypoints = Keypoints.of(rig, [*names, *self.details])
        self._builds = BuildEstimator(rig)
        regressor = rig.regressor_of(names)
        used = np.flatnonzero(regressor.any(axis=0))
        self._regressor, self._regressed = regressor[:, used], rig.subset(used)

    def bodies(
        self,
        meshes: np.ndarray,
        translations: np.ndarray,
        seen: Seen,
        knuckles: Seen | None = None,
        silhouettes: Sequence[Silhouette | None] | None = None,
        depths: np.ndarray | None = None,
        ages: np.ndarray | None = None,
    ) -> list[Body | None]:
        """The body of each person, as if she were alone; None of who came out as no body.

        Args:
            meshes: (B, V, 3) metres, camera axes, the root at the origin.
            translations: (B, 3) metres: where each one was placed before the camera.
            seen: what the photo says of them: of the joints, then of the details.
            knuckles: what the photo says of their hands, see `turn_wrists`.
            silhouettes: which pixels are theirs, by which they are of some build, see `BuildEstimator`; None of those
                who keep the network's.
            depths: (B, 17) metres that COCO's joints are away from the camera if she is grown up, see `heed_depths`.
            ages: (B,) years of each; None of grown-ups alone.
        """
        found: list[Body | None] = [None] * len(meshes)
        whole = self._whole(meshes, translations)
        if ages is not None:
            translations, before = translations.copy(), translations
            for index in [index for index in whole if ages[index] < ADULT]:
                whole[index], translations[index] = self.child(whole[index], translations[index], ages[index])
            depths = None if depths is None else depths * (translations[:, 2:] / before[:, 2:])
        people = list(whole)
        known = seen.subset(people)
        built = [self._built(each, translations[index], silhouettes, index) for index, each in whole.items()]
        relaxed = relax(self.rig, built, known)
        if depths is not None:
            relaxed = heed_depths(self.rig, relaxed, translations[people], depths[people])
        refined = refine(self.rig, self._keypoints, relaxed, translations[people], known)
        bodies, places = [body.fit for body in refined], [body.translation for body in refined]
        if knuckles is not None:
            bodies = turn_wrists(self.rig, bodies, np.reshape(places, (-1, 3)), knuckles.subset(people))
        for begin in range(0, len(people), _BATCH):
            part = slice(begin, begin + _BATCH)
            posed = self._posed(bodies[part], places[part])
            for index, body in zip(people[part], posed, strict=True):
                found[index] = body
        return found

    def fits(
        self,
        meshes: np.ndarray,
        translations: np.ndarray,
        start: Sequence[BodyFit] | None = None,
        silhouettes: Sequence[Silhouette | None] | None = None,
    ) -> list[BodyFit | None]:
        """The bodies that are fitted to meshes alone, neither refined nor posed; None of who came out as no body.

        Args:
            meshes: (B, V, 3) as for `bodies`.
            translations: (B, 3) likewise.
            start: a fit of each that is near, such as that of a frame before.
            silhouettes: as for `bodies`.
        """
        found: list[BodyFit | None] = [None] * len(meshes)
        for index, each in self._whole(meshes, translations, start).items():
            found[index] = self._built(each, translations[index], silhouettes, index)
        return found

    def _whole(
        self, meshes: np.ndarray, translations: np.ndarray, start: Sequence[BodyFit] | None = None
    ) -> dict[int, BodyFit]:
        """The bodies of those who came out as one, by their number."""
        sound = np.isfinite(meshes).all(axis=(1, 2)) & np.isfinite(translations).all(axis=1)
        people = np.flatnonzero(sound).tolist()
        starts = None if start is None else [start[index] for index in people]
        fits = fit(self.rig, meshes[people], start=starts)
        return {index: each for index, each in zip(people, fits, strict=True) if each.residual < _NO_BODY}

    def child(self, body: BodyFit, place: np.ndarray, years: float) -> tuple[BodyFit, np.ndarray]:
        """The mean child of an age in the pose of a body, and where she stands (3,) to cover what it does at a place.

        Args:
            body: in the camera's axes.
            place: (3,) metres: a point p of the body projects from p + place.
            years: of the child.
        """
        small = replace(body, shape=self.rig.grown(years))
        before, after = (
            self._regressor @ self._regressed.pose(each.rotations, each.shape, each.translation)
            for each in (body, small)
        )
        hips = after[list(COCO_ROOT)].mean(axis=0)
        seen = before + place
        place = translation_to_rays(after - hips, seen[:, :2] / seen[:, 2:])
        return replace(small, translation=small.translation - hips), place

    def _built(
        self, body: BodyFit, place: np.ndarray, silhouettes: Sequence[Silhouette | None] | None, index: int
    ) -> BodyFit:
        """The body that stands at a place (3,), of the build that its silhouette, one of these, shows."""
        silhouette = None if silhouettes is None else silhouettes[index]
        return body if silhouette is None else replace(body, shape=self._builds.estimate(body, place, silhouette))

    def resized(self, body: BodyFit, factor: float) -> Body:
        """The body in the same pose whose shape is nearest to the same one `factor` times as large."""
        return self.posed(replace(body, shape=scaled_shape(self.rig, body.shape, factor)))

    def posed(self, fit: BodyFit) -> Body:
        """The body of a fit, the middle of its hips at the origin, as if it stood there."""
        return self._posed([fit], [np.zeros(3)])[0]

    def _fingers(self, fits: Sequence[BodyFit]) -> np.ndarray | None:
        """(B, 30, 3, 3) the fingers of fits; None if all are relaxed."""
        if self.worn.hands is None or all(each.fingers is None for each in fits):
            return None
        relaxed = self.worn.hands.relaxed_rotations
        return np.stack([relaxed if each.fingers is None else each.fingers for each in fits])

    def _posed(self, fits: Sequence[BodyFit], translations: Sequence[np.ndarray]) -> list[Body]:
        """Bodies of fits that stand at these places (3,)."""
        rotations, shapes, places = (
            np.stack([getattr(each, name) for each in fits]) for name in ("rotations", "shape", "translation")
        )
        vertices = self.worn.pose(rotations, shapes, places, self._fingers(fits))
        joints = self._regressor @ self._regressed.pose(rotations, shapes, places)
        hips = joints[:, list(COCO_ROOT)].mean(axis=1)
        return [
            Body(replace(each, translation=each.translation - hip), mesh - hip, points - hip, place + hip)
            for each, mesh, points, hip, place in zip(fits, vertices, joints, hips, translations, strict=True)
        ]


def scaled_shape(rig: Rig, shape: np.ndarray, factor: float) -> np.ndarray:
    """The shape (S,) of the same age that is nearest to a body of the shape (S,), `factor` times as large."""
    # Least squares over the sampled vertices, wherever the body then is:
    # factor (template + directions shape) = template + directions new + shift.
    few, count = rig.sampled, rig.build_count
    directions = few.shape_directions.reshape(rig.shape_count, -1).astype(np.float64)
    age = shape[count:] @ directions[count:]
    directions = directions[:count]
    larger = (factor - 1) * (few.template.ravel() + age) + factor * (shape[:count] @ directions)
    unknown = np.concatenate([directions, np.tile(np.eye(3), len(few.template))])
    normal = unknown @ unknown.T
    normal[:count, :count] += _STIFFNESS * len(few.template) * np.eye(count)
    found = np.linalg.solve(normal, unknown @ larger)[:count]
    return np.concatenate([found, shape[count:]])
