"""Rigged output over HTTP: skeleton, weights and pose as GLB, the body's parameters as JSON."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy.spatial.transform import Rotation

from model.body.fitting import BodyFit
from model.body.rig import Rig
from model.body.rig_file import save_rig
from model.body.suit import find_worn
from model.errors import BadData
from model.joints import FINGER_NAMES, JOINTS, SMPL_JOINT_NAMES
from model.results import Person
from service.inference.engine import load_reconstructors
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.glb import Glb
from tests.support.service_client import form, photo, refused, serving, wait_until_ready

POSE = np.random.default_rng(0).normal(0, 0.2, (JOINTS, 3)) + np.eye(1, 3) * np.pi * (np.arange(JOINTS) == 0)[:, None]
TURN_UP = np.array([1, -1, -1])


class BodyReconstructor(FakeReconstructor):
    """Finds the open body in a pose."""

    def __init__(self, rig: Rig) -> None:
        super().__init__()
        self.rig = rig
        self.body: BodyFit | None = BodyFit(
            Rotation.from_rotvec(POSE).as_matrix(), np.zeros(rig.shape_count), np.array([0, 0.1, 0]), 0.007
        )
        self.vertices = rig.pose(self.body.rotations, self.body.shape, self.body.translation)
        self.faces = np.arange(rig.vertex_count - rig.vertex_count % 3).reshape(-1, 3)

    def _person(self, *arguments: float) -> Person:
        return dataclasses.replace(super()._person(*arguments), body=self.body)


@pytest.fixture(scope="module")
def rig() -> Rig:
    return find_worn(13_718)


@pytest.fixture
def body(rig: Rig, settings: Settings) -> Iterator[TestClient]:
    with serving(settings, BodyReconstructor(rig)) as client:
        wait_until_ready(client)
        yield client


def test_rigged_gives_a_skinned_glb_of_the_same_mesh(body):
    (person,) = body.post("/reconstruct?rigged=true&vertices=true", files=form(photo())).json()["people"]
    assert person["mesh"] == {
        "glb": f"/mesh/{person['id']}.glb",
        "obj": f"/mesh/{person['id']}.obj",
        "vertices": f"/mesh/{person['id']}.f32",
        "topology": person["mesh"]["topology"],
        "rigged": f"/mesh/{person['id']}.rigged.glb",
        "bvh": f"/mesh/{person['id']}.bvh",
    }
    response = body.get(person["mesh"]["rigged"])
    assert response.headers["content-type"] == "model/gltf-binary"
    assert f"{person['id']}.rigged.glb" in response.headers["content-disposition"]
    rigged = Glb(response.content)
    distance = np.linalg.norm(rigged.skinned() - np.array(person["vertices"]) * TURN_UP, axis=1)
    assert distance.max() < 1e-3
    assert person["mesh_kind"] == "body" and person["parameters"]["residual_mm"] == 7
    assert set(rigged.joints()) == {*SMPL_JOINT_NAMES, *FINGER_NAMES}
    plain = Glb(body.get(person["mesh"]["glb"]).content)
    np.testing.assert_allclose(plain.attribute("POSITION"), np.array(person["vertices"]) * TURN_UP, atol=1e-5)


def test_parameters_come_alone_too(body):
    (person,) = body.post("/reconstruct?parameters=true", files=form(photo())).json()["people"]
    assert person["mesh"]["bvh"] == f"/mesh/{person['id']}.bvh"
    found = person["parameters"]
    off = Rotation.from_rotvec(POSE).inv() * Rotation.from_rotvec(found["pose"])
    assert np.degrees(off.magnitude()).max() < 0.01
    assert not np.any(found["shape"]) and found["model"] == "anny"


def test_the_answer_keeps_to_the_published_schema(body):
    document = body.get("/openapi.json").json()
    schema = {"$ref": "#/components/schemas/Reconstruction", "components": document["components"]}
    answer = body.post("/reconstruct?rigged=true", files=form(photo())).json()
    jsonschema.validate(answer, schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("query", ["rigged=true", "parameters=true"])
def test_a_mesh_without_a_rig_is_refused_with_the_way_out(client, model, query):
    """The stand-in's mesh of boxes, like a hand's: nobody fits a body to it, and nothing is computed first."""
    refused(client.post(f"/reconstruct?{query}", files=form(photo())), 422, "no rig for this network's mesh of 104")
    assert model.calls == []


def test_who_came_out_as_no_body_leaves_others_their_parameters(rig, settings, monkeypatch):
    """The arrays had those of nobody then."""
    seen = BodyReconstructor._person

    def person(self: BodyReconstructor, *arguments: float) -> Person:
        return dataclasses.replace(found, body=None) if (found := seen(self, *arguments)).bbox[0] < 40 else found

    monkeypatch.setattr(BodyReconstructor, "_person", person)
    with serving(settings, BodyReconstructor(rig)) as client:
        wait_until_ready(client)
        answer = client.post("/reconstruct?bbox=5,5,30,60&bbox=50,5,30,60", files=form(photo())).json()
        with np.load(io.BytesIO(client.get(answer["npz"]).content)) as arrays:
            for name in ("poses", "shapes", "body_translations", "residuals", "hand_poses"):
                assert np.isnan(arrays[name][0]).all() and np.isfinite(arrays[name][1]).all(), name


def test_who_came_out_as_no_body_has_the_raw_mesh_alone(rig, settings):
    model = BodyReconstructor(rig)
    model.body = None
    with serving(settings, model) as client:
        wait_until_ready(client)
        (person,) = client.post("/reconstruct?rigged=true", files=form(photo())).json()["people"]
    assert person["mesh_kind"] == "raw" and "rigged" not in person["mesh"] and "parameters" not in person


def test_the_raw_mesh_has_no_skeleton(body):
    refused(body.post("/reconstruct?mesh=raw&rigged=true", files=form(photo())), 422, "no skeleton")
    refused(body.post("/reconstruct?mesh=cooked", files=form(photo())), 422, "mesh")


def test_an_operators_own_rig_serves_another_mesh(rig, settings, tmp_path):
    """As one made of a SMPL file would."""
    own = dataclasses.replace(
        rig.subset(np.arange(0, rig.vertex_count, 4)),
        name="own",
        measures=np.zeros((rig.shape_count + 1, 0), np.float32),
        measure_names=(),
    )
    save_rig(tmp_path / "own.safetensors", own)
    mine = settings.model_copy(update={"rig": tmp_path / "own.safetensors"})
    with serving(mine, BodyReconstructor(own)) as client:
        wait_until_ready(client)
        (person,) = client.post("/reconstruct?rigged=true", files=form(photo())).json()["people"]
        assert person["parameters"]["model"] == "own" and "phenotypes" not in person["parameters"]
        assert len(Glb(client.get(person["mesh"]["rigged"]).content).skinned()) == own.vertex_count


def test_a_broken_rig_is_told_at_the_start(tmp_path: Path):
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(BadData, match=r"broken\.safetensors"):
        load_reconstructors(Settings(store_dir=tmp_path, rig=tmp_path / "broken.safetensors"))
