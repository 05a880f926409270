"""SMPL model files that cannot be used: each is refused with a sentence that names it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData

pytest.importorskip("smplx", reason="needs the extra smpl")

from tests.unit.training.bodies.test_smpl import PARENTS, SmplBody, V, body_of, smpl_arrays

REST = smpl_arrays(pose_blends=False)[0]["v_template"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"posedirs": None}, "posedirs"),
        ({"posedirs": np.zeros((V, 3, 93))}, "model of STAR's"),
        ({"v_template": np.zeros((778, 3))}, "778 vertices"),  # a hand
        ({"weights": np.zeros((V, 23))}, r"`weights` has shape \(6890, 23\)"),
        ({"shapedirs": np.zeros((V, 3, 4))}, "fewer than 10"),
        ({"v_template": np.full((V, 3), np.nan)}, "NaN"),
        ({"kintree_table": np.zeros((2, 24), dtype=int)}, "first 22 joints"),
        ({"J_regressor": np.array(None)}, r"`J_regressor` cannot be read.*toarray"),  # as a sparse matrix is saved
        ({"f": np.full((10, 3), V)}, r"`f` must name vertices from 0 to 6889"),  # counted from 1
        ({"f": np.full((10, 3), -1)}, "`f` must name vertices"),
        ({"weights": np.zeros((V, 24))}, "`weights` must have rows that sum to 1"),
        ({"kintree_table": np.array([[-1, *PARENTS[1:22], 2**32 - 1, 21], range(24)])}, "comes before"),
        ({"v_template": 100 * REST}, r"`v_template` is 1\d\d large, but metres"),
        ({"v_template": REST * [1, -1, -1]}, "must stand as SMPL's does"),  # y down
        ({"v_template": REST[:, [0, 2, 1]]}, "must stand as SMPL's does"),  # z up
        ({"v_template": REST * [-1, 1, 1]}, "must stand as SMPL's does"),  # mirrored
    ],
)
def test_names_the_broken_file(tmp_path: Path, changes: dict[str, np.ndarray | None], sentence: str) -> None:
    with pytest.raises(BadData, match=sentence) as raised:
        body_of(tmp_path, pose_blends=False, **changes)
    assert "SMPL_NEUTRAL.npz" in str(raised.value)


def test_a_pickle_is_refused_with_the_way_to_convert_it(tmp_path: Path) -> None:
    for name in ("SMPL_NEUTRAL.pkl", "renamed.npz"):
        (tmp_path / name).write_bytes(b"\x80\x04N.")
        with pytest.raises(BadData, match="mpt convert-body") as raised:
            SmplBody(tmp_path / name)
        assert name in str(raised.value)
    with pytest.raises(BadData, match="is not there"):
        SmplBody(tmp_path / "SMPL_FEMALE.npz")
    with pytest.raises(BadData, match="is a folder: name the model's file"):
        SmplBody(tmp_path)
