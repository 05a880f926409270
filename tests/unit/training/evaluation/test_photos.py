"""Annotated photos with known people: matching, PCK, misses, 3D errors, and sentences for broken annotations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from model.errors import BadData
from model.results import Camera, Person, Reconstruction
from training.evaluation.matching import keypoint_similarity, match_people
from training.evaluation.photos import evaluate_photos, score_photo
from training.images.datasets.joint_sets import LIMBS_IN_COCO
from training.images.datasets.photo_annotations import AnnotatedPerson, AnnotatedPhoto, Measured3D, read_photos

NO_FACES = np.zeros((0, 3), np.int32)

FOCAL, MIDDLE = 400.0, (200.0, 150.0)


def person_at(x: float, seed: int = 0) -> Person:
    """Someone two metres away, with joints of her own."""
    joints = np.random.default_rng(seed).normal(0, 0.3, (17, 3)).astype(np.float32)
    joints -= joints[[11, 12]].mean(axis=0)
    camera = Camera(FOCAL, MIDDLE, (x, 0.0, 2.0), (1.0, 0.0, 0.0))
    return Person(0.9, (0.0, 0.0, 1.0, 1.0), np.zeros((17, 3)), joints, joints, NO_FACES, (), camera)


def annotation_of(person: Person, annotated: np.ndarray | None = None) -> AnnotatedPerson:
    points = person.camera.project(person.joints)
    low, high = points.min(axis=0), points.max(axis=0)
    box = (float(low[0]), float(low[1]), *(high - low).tolist())
    return AnnotatedPerson(box, points, np.ones(17, bool) if annotated is None else annotated)  # type: ignore[arg-type]


def photo_of(*people: AnnotatedPerson, measured: Measured3D | None = None) -> AnnotatedPhoto:
    return AnnotatedPhoto(Path("a.png"), people, measured, None)


def test_a_perfect_answer_and_one_with_a_wrong_joint() -> None:
    person = person_at(0.0)
    perfect = annotation_of(person)
    assert score_photo(photo_of(perfect), [person]).correct[0.05].all()
    moved = perfect.keypoints.copy()
    moved[9, 0] += 0.07 * perfect.size  # right at 0.1, wrong at 0.05
    scores = score_photo(photo_of(AnnotatedPerson(perfect.box, moved, perfect.annotated)), [person])
    assert np.flatnonzero(~scores.correct[0.05][0]).tolist() == [9] and scores.correct[0.1].all()


def test_a_missed_person_has_no_right_joint() -> None:
    one, two = person_at(-0.6, 0), person_at(0.9, 1)
    scores = score_photo(photo_of(annotation_of(one), annotation_of(two)), [one])
    assert (scores.people, scores.found) == (2, 1)
    assert scores.correct[0.1][0].all() and not scores.correct[0.1][1].any()
    assert score_photo(photo_of(annotation_of(one)), []).found == 0


def test_joints_without_annotation_do_not_count() -> None:
    person = person_at(0.0)
    known = np.arange(17) > 4
    scores = score_photo(photo_of(annotation_of(person, known)), [person])
    assert scores.correct[0.05][0].tolist() == known.tolist() == scores.annotated[0].tolist()


def test_people_are_matched_whatever_their_order() -> None:
    people = [person_at(x, seed) for seed, x in enumerate((-0.5, 0.0, 0.1, 0.7))]
    annotations = [annotation_of(person) for person in people]
    found = [people[index].camera.project(people[index].joints) for index in (2, 0, 3)]
    assert match_people(found, annotations) == [1, None, 0, 2]
    assert match_people(found, []) == []


def test_similarity_is_one_for_the_same_and_nothing_for_someone_else() -> None:
    person = annotation_of(person_at(0.0))
    assert keypoint_similarity(person.keypoints, person) == pytest.approx(1)
    assert keypoint_similarity(person.keypoints + 3 * person.size, person) < 1e-6
    # By hand: all joints a distance d off gives the mean of exp(-d^2 / (2 area (2 sigma)^2)).
    alone = AnnotatedPerson((0.0, 0.0, 20.0, 10.0), np.zeros((17, 2)), np.arange(17) == 0)
    assert keypoint_similarity(np.full((17, 2), [0.3, 0.4]), alone) == pytest.approx(np.exp(-0.25 / (200 * 0.052**2)))


def test_3d_errors_by_hand() -> None:
    person = person_at(0.2)
    limbs = list(LIMBS_IN_COCO)
    truth = person.joints[limbs] + np.array([0.0, 1.0, 5.0], np.float32)
    truth[11, 2] += 0.12  # a wrist 12 cm off: 10 mm in the mean of twelve
    measured = Measured3D(truth, person.camera.project(person.joints)[limbs], FOCAL)
    scores = score_photo(photo_of(measured=measured), [person_at(-0.8, 3), person])
    assert scores.errors_3d is not None and scores.errors_3d[1] == pytest.approx(10, abs=1e-3)
    assert 0 < scores.errors_3d[0] < 30  # least squares: more joints wrong by less
    missed = score_photo(photo_of(measured=measured), [person_at(-0.8, 3)])
    assert missed.errors_3d is None and missed.missed_3d


class StandIn:
    """Finds the same people in every photo."""

    def __init__(self, people: list[Person]):
        self.people, self.faces, self.focal = people, np.array([[0, 1, 2], [3, 4, 5]]), []

    def reconstruct(self, _: np.ndarray, *, focal_length: float | None) -> Reconstruction:
        self.focal.append(focal_length)
        return Reconstruction(self.people, {})


def folder_of(tmp_path: Path, people: list[AnnotatedPerson], **changes: Any) -> Path:
    """A folder with two photos, COCO's annotations of the first and 3D joints of the second."""
    for name in ("one.png", "two.png"):
        cv2.imwrite(str(tmp_path / name), np.full((300, 400, 3), 128, np.uint8))
    annotations = []
    for number, person in enumerate(people):
        points = np.concatenate([person.keypoints, 2.0 * person.annotated[:, None]], axis=1)
        keypoints = points.ravel().tolist()
        annotations.append(
            {"id": number, "image_id": 7, "bbox": list(person.box), "keypoints": keypoints, "iscrowd": 0}
        )
    image = {"id": 7, "file_name": "one.png", "width": 400, "height": 300}
    content = {"images": [image], "annotations": annotations, **changes}
    (tmp_path / "keypoints.json").write_text(json.dumps(content))
    return tmp_path


def joints_3d(person: Person, **changes: Any) -> list[dict[str, Any]]:
    names = ["root", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist", "r_wrist"]
    names += ["l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle"]
    order = [0, *range(5, 17)]
    entry = {
        "image": "two.png",
        "joint_names": names,
        "joints_cam_m": (person.joints + np.array(person.camera.translation))[order].tolist(),
        "joints_2d_px": person.camera.project(person.joints)[order].tolist(),
        "K": [[FOCAL, 0, MIDDLE[0]], [0, FOCAL, MIDDLE[1]], [0, 0, 1]],
    }
    return [{**entry, **changes}]


def test_a_folder_becomes_a_report(tmp_path: Path) -> None:
    one, two = person_at(-0.5, 0), person_at(0.7, 1)
    folder = folder_of(tmp_path, [annotation_of(one), annotation_of(two)])
    (folder / "joints3d.json").write_text(json.dumps(joints_3d(one)))
    both, single = StandIn([two, one]), StandIn([one])
    networks: Any = {"both": both, "single": single}
    report = evaluate_photos(networks, read_photos(folder), tmp_path / "out")
    tables = {n: {row["name"]: row for row in t["rows"]} for n, t in report.data()["tables"].items()}
    assert tables["pck"]["all"]["joints"] == 34 and tables["pck"]["wrists"]["joints"] == 4
    assert tables["pck"]["all"]["both, PCK@0.05"] == 100 and tables["pck"]["knees"]["single, PCK@0.1"] == 50
    assert tables["photos"]["one.png"]["single, found"] == 1 and tables["photos"]["all"]["both, found"] == 2
    assert tables["limbs_3d"]["two.png"]["both, MPJPE"] == pytest.approx(0, abs=1e-2)
    assert both.focal == [None, FOCAL]  # the second photo's is known
    for file, _ in report.pictures:
        assert cv2.imread(str(tmp_path / "out" / file)).shape == (300, 800, 3)
    assert len(report.pictures) == 4
    report.write(tmp_path / "out")


def test_photos_without_annotations_are_drawn(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((30, 40, 3), np.uint8))
    network: Any = StandIn([])
    report = evaluate_photos({"net": network}, read_photos(tmp_path), tmp_path / "out")
    assert report.tables == [] and (tmp_path / "out" / report.pictures[0][0]).is_file()


def test_another_size_than_annotated_gets_a_sentence(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [annotation_of(person_at(0.0))])
    cv2.imwrite(str(folder / "one.png"), np.zeros((150, 200, 3), np.uint8))
    network: Any = StandIn([])
    with pytest.raises(BadData, match=r"one\.png has 200 x 150 pixels, but was annotated with 400 x 300"):
        evaluate_photos({"net": network}, read_photos(folder), tmp_path / "out")


@pytest.mark.parametrize(
    "changes",
    [
        {"images": [{"id": 7, "width": 400, "height": 300}]},
        {"annotations": [{"image_id": 7, "bbox": [0, 0, 5, 5], "keypoints": [1.0] * 50}]},
        {"annotations": [{"image_id": 7, "bbox": [0, 0, 5], "keypoints": [1.0] * 51}]},
        {"annotations": [{"image_id": 8, "bbox": [0, 0, 5, 5], "keypoints": [1.0] * 51}]},
        {"annotations": [{"image_id": 7, "bbox": [0, 0, 0, 0], "keypoints": [1.0] * 51}]},
        {"annotations": [{"image_id": 7, "bbox": [0, 0, 5, 5], "keypoints": [float("nan")] * 51}]},
        {"annotations": [5]},
        {"annotations": None},
    ],
)
def test_other_keypoints_get_a_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BadData, match=r"keypoints\.json"):
        read_photos(folder_of(tmp_path, [], **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"joint_names": ["root"] * 13},
        {"joints_cam_m": [[0, 0, 1]] * 12},
        {"joints_cam_m": [[0, 0, 1000]] * 13},
        {"joints_2d_px": [[0, float("nan")]] * 13},
        {"K": 5},
    ],
)
def test_other_3d_joints_get_a_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = folder_of(tmp_path, [])
    (folder / "joints3d.json").write_text(json.dumps(joints_3d(person_at(0.0), **changes)))
    with pytest.raises(BadData, match=r"joints3d\.json"):
        read_photos(folder)


def test_folders_without_photos_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no photo"):
        read_photos(tmp_path)
    with pytest.raises(BadData, match="not a folder"):
        read_photos(tmp_path / "none")
    folder = folder_of(tmp_path, [annotation_of(person_at(0.0))])
    (folder / "one.png").unlink()
    with pytest.raises(BadData, match=r"lacks one\.png"):
        read_photos(folder)
    (folder / "keypoints.json").write_text("{")
    with pytest.raises(BadData, match="JSON"):
        read_photos(folder)
