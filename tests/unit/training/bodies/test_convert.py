"""Models in pickles, with chumpy's arrays and sparse matrices in them, become npz; nothing of the file is run."""

from __future__ import annotations

import os
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from model.errors import BadData, BadInput
from tests.support.pickle_calls import Calls
from training.bodies.convert import convert_body, main

V, J = 30, 4


@pytest.fixture(scope="module", autouse=True)
def chumpy() -> Iterator[None]:
    """Classes by chumpy's names, as long as the files are written; reading them needs no such module."""
    names = {"chumpy": (), "chumpy.ch": ("Ch",), "chumpy.reordering": ("Select",), "chumpy.ch_ops": ("dot",)}
    for module, classes in names.items():
        sys.modules[module] = types.ModuleType(module)
        for name in classes:
            setattr(sys.modules[module], name, type(name, (), {"__module__": module}))
    yield
    for module in names:
        del sys.modules[module]


def chumpys(name: str, **state: Any) -> Any:
    """An object of chumpy's, which also holds what it keeps for its derivatives."""
    module, _, kind = name.rpartition(".")
    made = getattr(sys.modules[module], kind)()
    vars(made).update(_dirty_vars={"x"}, _itr=None, _depends_on_deps={}, _make_dense=False, **state)
    return made


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "v_template": rng.normal(size=(V, 3)),
        "shapedirs": rng.normal(size=(V, 3, 10)),
        "posedirs": rng.normal(size=(V, 3, 9 * (J - 1))),
        "J_regressor": rng.random((J, V)) * (rng.random((J, V)) > 0.8),
        "weights": rng.random((V, J)),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 2], range(J)], dtype=np.uint32),
        "f": rng.integers(0, V, (20, 3)).astype(np.uint32),
        "hands_mean": rng.normal(size=45),
    }


def write(path: Path, protocol: int = 2, **changes: Any) -> Path:
    """A model's pickle: `shapedirs` is a part of a larger array, as in MANO's."""
    content: dict[str, Any] = arrays()
    larger = np.concatenate([content["shapedirs"], np.ones((V, 3, 5))], axis=2)
    kept = np.arange(larger.size).reshape(larger.shape)[..., :10].ravel()
    content["shapedirs"] = chumpys(
        "chumpy.reordering.Select", a=chumpys("chumpy.ch.Ch", x=larger), idxs=kept, preferred_shape=(V, 3, 10)
    )
    content["v_template"] = chumpys("chumpy.ch.Ch", x=content["v_template"])
    content["J_regressor"] = scipy.sparse.csc_matrix(content["J_regressor"])
    content["J"] = chumpys("chumpy.ch_ops.dot", a=1, b=2)
    content["bs_style"] = "lbs"
    path.write_bytes(pickle.dumps({**content, **changes}, protocol))
    return path


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_every_array_comes_out_as_it_was(tmp_path: Path, protocol: int) -> None:
    left_out = convert_body(write(tmp_path / "model.pkl", protocol), tmp_path / "model.npz")
    assert left_out == ["J", "bs_style"]  # one would have to be computed, the other is a word
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        assert set(file) == set(arrays())
        for key, expected in arrays().items():
            np.testing.assert_array_equal(file[key], expected)
            assert file[key].dtype == expected.dtype


@pytest.mark.parametrize("kind", [scipy.sparse.csc_array, scipy.sparse.csr_array])
def test_scipys_sparse_arrays_are_matrices_too(tmp_path: Path, kind: type) -> None:
    path = write(tmp_path / "model.pkl", 4, J_regressor=kind(arrays()["J_regressor"]))
    convert_body(path, tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        np.testing.assert_array_equal(file["J_regressor"], arrays()["J_regressor"])


def test_rows_may_be_sparse_too_and_scipys_old_name_is_known(tmp_path: Path) -> None:
    rows = scipy.sparse.csr_matrix(arrays()["J_regressor"])
    path = write(tmp_path / "model.pkl", 2, J_regressor=rows)
    path.write_bytes(path.read_bytes().replace(b"scipy.sparse._csr", b"scipy.sparse.csr"))
    convert_body(path, tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        np.testing.assert_array_equal(file["J_regressor"], arrays()["J_regressor"])


def test_the_command_converts_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "SMPL_NEUTRAL.pkl")
    monkeypatch.setattr("sys.argv", ["mpt convert-body", str(path)])
    assert main() == 0
    assert (tmp_path / "SMPL_NEUTRAL.npz").is_file() and len(list(tmp_path.iterdir())) == 2
    assert "SMPL_NEUTRAL.npz (without J, bs_style" in capsys.readouterr().out
    assert main() == 1 and "is there already" in capsys.readouterr().err


def test_nothing_is_overwritten_or_half_written(tmp_path: Path) -> None:
    path = write(tmp_path / "model.pkl")
    (tmp_path / "official.npz").write_bytes(b"mine")
    with pytest.raises(BadInput, match=r"official\.npz is there already"):
        convert_body(path, tmp_path / "official.npz")
    assert (tmp_path / "official.npz").read_bytes() == b"mine"
    with pytest.raises(BadInput, match="cannot be written"):
        convert_body(path, path / "model.npz")  # a file is no folder
    with pytest.raises(BadInput, match=r"official\.npz is npz already"):  # and not: there already
        convert_body(tmp_path / "official.npz", tmp_path / "official.npz")
    with pytest.raises(BadData, match=r"other\.npz is not there"):
        convert_body(tmp_path / "other.npz", tmp_path / "new.npz")


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_of_the_file_is_run(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "mark"
    inside = chumpys("chumpy.ch.Ch", x=Calls(os.system, f"touch {mark}"))
    with pytest.raises(BadData, match=r"bad\.pkl asks for"):
        convert_body(write(tmp_path / "bad.pkl", protocol, weights=inside), tmp_path / "bad.npz")
    assert not mark.exists() and not (tmp_path / "bad.npz").exists()


def huge() -> Any:
    matrix = scipy.sparse.csc_matrix((4, 4))
    matrix._shape = (10**6, 10**6)
    return matrix


def outside() -> Any:
    matrix = scipy.sparse.csc_matrix(np.eye(4))
    matrix.indices = np.array([0, 1, 2, 10**6], dtype=np.int32)
    return matrix


def endless() -> Any:
    part = chumpys("chumpy.reordering.Select", idxs=np.arange(3))
    part.a = part
    return part


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (lambda: chumpys("chumpy.ch_ops.dot", a=1, b=2), "have to compute"),
        (lambda: chumpys("chumpy.ch.Ch"), "fit together"),
        (lambda: chumpys("chumpy.ch.Ch", x="words"), "numbers"),
        (lambda: chumpys("chumpy.reordering.Select", a=np.arange(3.0), idxs=np.array([5])), "fit together"),
        (huge, r"\(1000000, 1000000\)"),
        (outside, "indices"),
        (endless, "fit together"),
        (lambda: "words", "it is a str"),
        (lambda: None, "it is a NoneType"),
    ],
)
def test_says_what_is_wrong_with_an_array_that_is_needed(tmp_path: Path, weights: Any, sentence: str) -> None:
    with pytest.raises(BadData, match=rf"odd\.pkl has no usable `weights` .*{sentence}"):
        convert_body(write(tmp_path / "odd.pkl", weights=weights()), tmp_path / "odd.npz")


def test_other_pickles_are_no_models(tmp_path: Path) -> None:
    (tmp_path / "poses.pkl").write_bytes(pickle.dumps({"poses": np.zeros(3)}))
    with pytest.raises(BadData, match=r"no usable `v_template` \(not there"):
        convert_body(tmp_path / "poses.pkl", tmp_path / "poses.npz")


def test_one_that_fails_does_not_keep_others_from_being_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = [str(tmp_path / f"{name}.pkl") for name in ("GONE", "LOST")]
    monkeypatch.setattr("sys.argv", ["mpt convert-body", gone[0], str(write(tmp_path / "SMPL.pkl")), gone[1]])
    assert main() == 3 and (tmp_path / "SMPL.npz").is_file()
    told = capsys.readouterr().err
    assert all(name in told for name in gone) and told.count("Error: ") == 2
    monkeypatch.setattr("sys.argv", ["mpt convert-body", *gone])
    assert main() == 1
