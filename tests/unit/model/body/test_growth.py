"""Children's bodies: as tall as they are at their age, and nothing to those who are grown up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.body.build import BuildEstimator
from model.body.fitter import scaled_shape
from model.body.fitting import fit
from model.body.rig import ADULT, Rig
from model.joints import JOINTS
from tests.support.poses import some_adult

REST = np.tile(np.eye(3), (JOINTS, 1, 1))


def without_children(rig: Rig) -> Rig:
    """The rig as it was before it knew any."""
    count = rig.build_count
    return replace(
        rig,
        shape_directions=rig.shape_directions[:count],
        joint_directions=rig.joint_directions[:count],
        limb_end_directions=rig.limb_end_directions[:count],
        measures=rig.measures[: count + 1],
        growth=np.zeros((0, 1), np.float32),
    )


def stature(rig: Rig, years: float) -> float:
    return float(np.ptp(rig.rest(rig.grown(years)).vertices[:, 1]))


@pytest.mark.parametrize(("years", "metres"), [(2, 0.87), (4, 1.02), (7, 1.21), (10, 1.38), (14, 1.61)])
def test_children_are_as_tall_as_the_who_found_them(rig: Rig, years: float, metres: float) -> None:
    assert stature(rig, years) == pytest.approx(metres, abs=0.02)


def test_children_grow_and_are_grown_up_at_eighteen(rig: Rig) -> None:
    assert (np.diff([stature(rig, years) for years in np.arange(2, 16, 0.5)]) > 0).all()
    assert not rig.grown(ADULT).any() and not rig.grown(80).any() and rig.grown(17.5).any()
    np.testing.assert_array_equal(rig.grown(0), rig.grown(2))


def test_a_childs_phenotypes_are_a_childs(rig: Rig) -> None:
    age = rig.measures[:, rig.measure_names.index("age")]
    told = [float(np.append(1, rig.grown(years)) @ age) for years in (2, 6, 10, 14, 30)]
    assert (np.diff(told) > 0.05).all() and told[0] < 0.2 and told[3] < 0.6 < told[4]


def test_grown_ups_are_what_they_were(rig: Rig) -> None:
    before, rng = without_children(rig), np.random.default_rng(0)
    shape = some_adult(rig, rng)
    was = shape[: rig.build_count]
    mesh = rig.pose(REST, shape, np.zeros(3))
    np.testing.assert_allclose(mesh, before.pose(REST, was, np.zeros(3)), atol=1e-6)
    (now,), (then,) = fit(rig, mesh[None]), fit(before, mesh[None])
    np.testing.assert_allclose(now.rotations, then.rotations, atol=1e-5)
    np.testing.assert_allclose(now.shape, np.append(then.shape, np.zeros(3)), atol=1e-4)
    usual = BuildEstimator(rig).usual(shape)
    np.testing.assert_allclose(usual[: rig.build_count], BuildEstimator(before).usual(was), atol=1e-9)
    larger = scaled_shape(rig, shape, 1.05)
    np.testing.assert_allclose(larger[: rig.build_count], scaled_shape(before, was, 1.05), atol=1e-6)
    assert not larger[rig.build_count :].any()


def test_nobody_becomes_a_child_by_her_mesh(rig: Rig) -> None:
    """Or adults whose meshes are a little off would."""
    (found,) = fit(rig, rig.pose(REST, rig.grown(5), np.zeros(3))[None])
    assert not found.shape[rig.build_count :].any()


def test_a_childs_age_is_kept_while_the_build_is_found(rig: Rig) -> None:
    shape = rig.grown(5)
    mesh = rig.pose(REST, shape + some_adult(rig, np.random.default_rng(1), 0.5), np.zeros(3))
    start = replace(fit(rig, mesh[None])[0], rotations=REST, shape=shape, translation=np.zeros(3))
    (found,) = fit(rig, mesh[None], start=[start])
    np.testing.assert_array_equal(found.shape[rig.build_count :], shape[rig.build_count :])
    assert found.residual < 0.001
    larger = scaled_shape(rig, shape, 1.1)
    np.testing.assert_array_equal(larger[rig.build_count :], shape[rig.build_count :])
    assert np.ptp(rig.rest(larger).vertices[:, 1]) == pytest.approx(1.1 * stature(rig, 5), rel=0.02)
