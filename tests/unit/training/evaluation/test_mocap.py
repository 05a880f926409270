"""Evaluation on MoCap with a toy body and stand-in networks, whose answers are known."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from model.errors import BadCheckpoint, BadData
from model.network.heatmaps import CROP_SIZE, read_heatmaps
from model.network.topology import MeshTopology
from tests.support.toy_body import SIZE, ToyBody, network_of, poses
from training.bodies.subject import BODY
from training.evaluation.baselines import mean_pose, nearest_pose
from training.evaluation.candidates import check_is_body, file_name, unique_names
from training.evaluation.heldout_views import (
    BATCH,
    Views,
    clean,
    conditions,
    fixed_views,
    legs_hidden,
    noisy,
    three_hidden,
)
from training.evaluation.mocap import check_topology, evaluate_mocap, mesh_predictor
from training.evaluation.pose_figures import Gallery
from training.evaluation.scores import MESH_COLUMNS, Scores, mesh_scores


@pytest.fixture
def tube(topology: MeshTopology) -> MeshTopology:
    """Centred at the hips, as a topology is."""
    root = topology.root((topology.joint_regressor @ topology.template)[None])[0]
    return dataclasses.replace(topology, template=topology.template - root)


@pytest.fixture
def body(tube: MeshTopology) -> Any:
    return ToyBody(tube)


def all_views(body: Any, count: int = 70) -> list[Views]:
    return list(fixed_views(body, torch.from_numpy(poses(count, 0).rotations)))


def test_views_are_the_same_at_every_call(body: Any) -> None:
    for one, two in zip(all_views(body), all_views(body), strict=True):
        assert torch.equal(one.vertices, two.vertices) and torch.equal(one.joints_2d, two.joints_2d)
        assert torch.equal(noisy(one, SIZE), noisy(two, SIZE))
    assert torch.cat([views.number for views in all_views(body)]).tolist() == list(range(70))


def test_views_are_centred_and_fill_the_crop(body: Any) -> None:
    views = all_views(body)[0]
    assert len(views.number) == BATCH
    assert views.joints[:, [11, 12]].mean(dim=1).abs().max() < 1e-5
    torch.testing.assert_close(torch.from_numpy(body.joint_regressor) @ views.vertices, views.joints)
    outline = views.cameras.project(views.vertices)
    extent = (outline.amax(dim=1) - outline.amin(dim=1)).amax(dim=1)
    torch.testing.assert_close(views.crop[:, 2], 1.25 * extent)
    assert (views.joints_2d > 0).all() and (views.joints_2d < CROP_SIZE).all()


def test_conditions_hide_what_they_say(body: Any) -> None:
    views = all_views(body)
    shown = read_heatmaps(clean(views[0], SIZE))
    distance = ((shown.position + 1) * CROP_SIZE / 2 - views[0].joints_2d).norm(dim=-1)
    assert distance.max() < 2.5  # crop pixels; a cell is 4
    hidden = torch.cat([three_hidden(part, SIZE).amax((-2, -1)) == 0 for part in views])
    assert (hidden.sum(dim=1) == 3).all() and (hidden.sum(dim=0) > 0).all()  # each joint is hidden at times
    assert (legs_hidden(views[0], SIZE).amax((-2, -1)) == 0).nonzero()[:, 1].unique().tolist() == [13, 14, 15, 16]
    # The same joints are hidden and moved whatever the size of the heatmaps.
    coarse, fine = noisy(views[1], SIZE), noisy(views[1], 2 * SIZE)
    quiet = slice(BATCH // 4, None)  # the first quarter has additive noise
    there = coarse[quiet].amax((-2, -1)) > 0.3
    assert (
        torch.equal(there, fine[quiet].amax((-2, -1)) > 0.3)
        or (there != (fine[quiet].amax((-2, -1)) > 0.3)).float().mean() < 0.05
    )
    assert not torch.equal(coarse, clean(views[1], SIZE))


def test_the_truth_has_no_error_and_a_moved_truth_neither(body: Any) -> None:
    views, regressor = all_views(body)[0], torch.from_numpy(body.joint_regressor)
    scores = mesh_scores(views.vertices + 0.3, views.vertices, regressor, views.joints, views.joints + 0.1)
    assert set(scores.columns) == set(MESH_COLUMNS)
    assert all(column.max() < 1e-2 for column in scores.columns.values())  # millimetres
    # A vertex 60 mm off that no joint hangs on: 60 / V.
    wrong = views.vertices.clone()
    wrong[:, 5, 0] += 0.06
    regressor[:, 5] = 0
    regressor = regressor / regressor.sum(dim=1, keepdim=True)
    scores = mesh_scores(wrong, views.vertices, regressor, regressor @ views.vertices)
    assert scores.columns["MPJPE"].max() < 1e-2 and scores.mean("direct MPJPE") is None
    assert scores.columns["MPVE"].numpy() == pytest.approx(60 / body.vertex_count, rel=1e-3)


def test_scores_of_parts() -> None:
    one = Scores({"MPJPE": torch.tensor([1.0, 2.0])}, {"MPJPE": torch.ones(2, 3)})
    two = Scores({"MPJPE": torch.tensor([6.0])}, {"MPJPE": torch.tensor([[1.0, 1.0, 4.0]])})
    both = Scores.concat([one, two])
    assert both.mean("MPJPE") == 3 and both.mean("MPJPE", torch.tensor([False, True, True])) == 4
    assert both.joint_mean("MPJPE", 2) == 2
    assert both.mean("MPJPE", torch.zeros(3, dtype=torch.bool)) is None and both.mean("MPVE") is None


def test_baselines(body: Any) -> None:
    training = torch.from_numpy(poses(200, 5).rotations)
    regressor = torch.from_numpy(body.joint_regressor)
    views = all_views(body)[0]
    scores = {}
    for name, predict in (("mean", mean_pose(body, training, 256)), ("nearest", nearest_pose(body, training, 4096))):
        vertices, joints = predict(views)
        assert joints is None
        scores[name] = mesh_scores(vertices, views.vertices, regressor, views.joints)
    constant = mean_pose(body, training, 256)(views).vertices
    assert torch.equal(constant[0], constant[-1])
    assert scores["nearest"].columns["PA-MPVE"].mean() < 0.8 * scores["mean"].columns["PA-MPVE"].mean()


def test_the_nearest_view_of_a_known_pose_is_that_pose(body: Any) -> None:
    """Without noise in shape, and with one pose, what differs is the view: the answer is seen from about there."""
    one = torch.from_numpy(poses(1, 7).rotations)
    predict = nearest_pose(body, one, 8192)
    views = next(fixed_views(body, one.expand(16, -1, -1)))
    vertices, _ = predict(views)
    error = (vertices - views.vertices).norm(dim=-1).mean(dim=1)
    assert error.median() < 0.15  # metres, of a body of 1.7; anyhow turned bodies differ by 0.5


def test_the_predictor_upsamples_as_the_topology_does(tube: MeshTopology, body: Any) -> None:
    network = network_of(tube)
    vertices, joints = mesh_predictor(network, clean)(all_views(body)[0])
    coarse = tube.template[tube.coarse].expand(BATCH, -1, -1)
    torch.testing.assert_close(vertices, tube.upsample(coarse))
    assert joints is not None and joints.shape == (BATCH, 17, 3)


def test_the_report(tube: MeshTopology, body: Any, tmp_path: Path) -> None:
    networks = [network_of(tube, "a"), network_of(tube, "b", size=28)]
    held_out = poses(70, 0)
    report = evaluate_mocap(networks, body, poses(100, 5), held_out, tmp_path, nearest_views=1024)
    tables = {n: {row["name"]: row for row in t["rows"]} for n, t in report.data()["tables"].items()}
    names = [f"{name}, {condition}" for name in "ab" for condition in conditions(BODY)]
    assert list(tables["scores"]) == ["constant mean pose", "nearest training pose of 1,024 views", *names]
    assert tables["scores"]["constant mean pose"]["direct MPJPE"] is None
    # Two networks that ignore what they see have the same scores: the bodies and cameras are the same.
    for condition in conditions(BODY):
        one, two = (dict(tables["scores"][f"{name}, {condition}"], name="") for name in "ab")
        assert one == two
    # A mean over subjects, weighted by their poses, is the whole; so is the mean over joints.
    whole = tables["scores"]["a, clean heatmaps"]
    for metric in ("PA-MPJPE", "MPJPE", "MPVE"):
        parts = [(row["poses"], row[f"a, {metric}"]) for row in tables["subjects"].values()]
        assert sum(n * value for n, value in parts) / 70 == pytest.approx(whole[metric], abs=2e-3)
        assert sum(n for n, _ in parts) == 70
    for metric in ("PA-MPJPE", "MPJPE"):
        joints = [row[f"b, {metric}"] for row in tables["joints"].values()]
        assert len(joints) == 17 and np.mean(joints) == pytest.approx(whole[metric], abs=2e-3)
    # Each network saw heatmaps of its own size, and every pose in every condition.
    for network, size in zip(networks, (56, 28), strict=True):
        shown: Any = network.checkpoint.model
        assert {heatmaps.shape[-1] for heatmaps in shown.shown} == {size}
        assert sum(len(heatmaps) for heatmaps in shown.shown) == 70 * len(conditions(BODY))
    # Pictures: a row for each of six cases.
    assert [file for file, _ in report.pictures] == ["worst-a.png", "random-a.png", "worst-b.png", "random-b.png"]
    for file, _ in report.pictures:
        assert cv2.imread(str(tmp_path / file)).shape == (22 + 6 * (22 + 224), 5 * 224, 3)
    again = evaluate_mocap(networks, body, poses(100, 5), held_out, tmp_path, nearest_views=1024)
    assert json.dumps(again.data()) == json.dumps(report.data())


def test_seen_subjects_are_called_out(tube: MeshTopology, body: Any, tmp_path: Path) -> None:
    card = {"training_subjects": ["CMU/02", "CMU/99"], "validation_subjects": ["CMU/08"]}
    networks = [network_of(tube, "cheat", card), network_of(tube, "fair", {"training_subjects": ["CMU/99"]})]
    notes = evaluate_mocap(networks, body, poses(8, 5), poses(8, 0), tmp_path, nearest_views=512).notes
    assert any("cheat was trained on CMU/02:" in note for note in notes)
    assert any("cheat was chosen by its scores on CMU/08" in note for note in notes)
    assert not any("fair was" in note for note in notes)


def test_networks_of_another_mesh_get_a_sentence(tube: MeshTopology, body: Any) -> None:
    check_topology(network_of(tube), body)
    # The diagonals of squares do not matter.
    check_topology(network_of(dataclasses.replace(tube, faces=tube.faces.flip(0))), body)
    smpl = dataclasses.replace(tube, name="smpl", template=tube.template[:-1])
    with pytest.raises(BadCheckpoint, match=r"net\.safetensors has the mesh topology 'smpl' \(59 vertices\).*--smpl"):
        check_topology(network_of(smpl), body)
    mixed = dataclasses.replace(tube, template=tube.template.flip(0))
    with pytest.raises(BadCheckpoint, match="another version of this body"):
        check_topology(network_of(mixed), body)
    mano = dataclasses.replace(tube, name="mano", template=tube.template[:-1])
    with pytest.raises(BadCheckpoint, match="MANO's hands on --freihand"):
        check_topology(network_of(mano), body)
    hand = dataclasses.replace(tube, name="hand", template=tube.template[:-1])
    with pytest.raises(BadCheckpoint, match="apart from checkpoints of the topology 'tube'"):
        check_topology(network_of(hand), body)


def test_nan_and_nothing_get_a_sentence(tube: MeshTopology, body: Any, tmp_path: Path) -> None:
    broken = network_of(tube, answer=float("nan"))
    with pytest.raises(BadCheckpoint, match=r"net\.safetensors answers with NaN"):
        evaluate_mocap([broken], body, poses(8, 5), poses(8, 0), tmp_path, nearest_views=512)
    nothing = poses(8, 0).select(np.zeros(8, bool))
    with pytest.raises(BadData, match="no test subject"):
        evaluate_mocap([network_of(tube)], body, poses(8, 5), nothing, tmp_path)


def test_the_gallery_keeps_the_worst_of_each_clip(body: Any) -> None:
    views = all_views(body)
    labels = [f"clip {i // 10}" for i in range(70)]
    errors = torch.from_numpy(np.random.default_rng(1).permutation(70).astype(np.float32))
    gallery = Gallery(labels, worst=3, random=4)
    for part in views:
        gallery.add(part, part.vertices, errors[part.number])
    best_of_clip = {label: max(errors[i].item() for i in range(70) if labels[i] == label) for label in set(labels)}
    assert [case.error for case in gallery.worst] == sorted(best_of_clip.values(), reverse=True)[:3]
    assert [case.label for case in gallery.worst] == sorted(best_of_clip, key=lambda label: -best_of_clip[label])[:3]
    assert len(gallery.random) == 4
    same = Gallery(labels, worst=3, random=4)
    for part in views:
        same.add(part, part.vertices, -errors[part.number])
    assert [case.error for case in same.random] == [-case.error for case in gallery.random]  # chosen beforehand


def test_hands_are_no_bodies(tube: MeshTopology) -> None:
    check_is_body(network_of(tube))
    hand = dataclasses.replace(tube, name="hand", joint_names=("wrist",) * 17)
    with pytest.raises(BadCheckpoint, match=r"net\.safetensors has the mesh topology 'hand'"):
        check_is_body(network_of(hand))


def test_names() -> None:
    paths = [Path("runs/a/best.safetensors"), Path("runs/b/best.safetensors"), Path("c.safetensors")]
    assert unique_names(["net", "net", "other"], paths) == ["net (a/best)", "net (b/best)", "other"]
    assert unique_names(["net", "net"], [paths[0], paths[0]]) == ["net (a/best) 1", "net (a/best) 2"]
    assert file_name("net (a/best) 1") == "net-a-best-1"
