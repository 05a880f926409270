"""Pickles as data: arrays come out of those that Python 2 and 3 write, and nothing is ever run."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData
from tests.support.pickle_calls import Calls
from training.safe_pickle import plain, read_plain_pickle

ARRAYS = {
    "doubles": np.random.default_rng(0).normal(size=(4, 3)),
    "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "big": np.arange(5, dtype=">i4"),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 72), np.float32),
    "single": np.array(7.5),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_come_back(tmp_path: Path, protocol: int) -> None:
    both = [ARRAYS["big"], 3]
    content = {"arrays": list(ARRAYS.values()), "number": np.float64(2.5), "name": "downtown", "both": both}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol))
    read = read_plain_pickle(tmp_path / "a.pkl")
    for found, expected in zip(plain(read["arrays"]), ARRAYS.values(), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype.kind == expected.dtype.kind
    assert plain(read["number"]) == 2.5 and plain(read["name"]) == "downtown"
    assert plain(read["both"])[0].tolist() == [0, 1, 2, 3, 4] and plain(read["both"])[1] == 3


def test_python_2s_bytes(tmp_path: Path) -> None:
    """What Python 2 writes for np.arange(3, dtype='f4'): the data is a string that latin1 decodes."""
    data = np.arange(3, dtype="<f4").tobytes()
    stream = (
        b"\x80\x02}q\x00U\x01aq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85q\x04"
        b"U\x01bq\x05\x87q\x06Rq\x07(K\x01K\x03\x85q\x08cnumpy\ndtype\nq\tU\x02f4q\nK\x00K\x01\x87q\x0bRq\x0c"
        b"(K\x03U\x01<q\rNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0eb\x89U\x0c" + data + b"q\x0ftq\x10bs."
    )
    assert pickle.loads(stream, encoding="latin1")["a"].tolist() == [0, 1, 2]  # the stream itself is sound
    (tmp_path / "py2.pkl").write_bytes(stream)
    assert plain(read_plain_pickle(tmp_path / "py2.pkl")["a"]).tolist() == [0, 1, 2]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("function", [os.system, eval, exec, np.load, np.fromfile, getattr, Path])
def test_nothing_is_called(tmp_path: Path, protocol: int, function: object) -> None:
    mark = tmp_path / "mark"
    argument = {os.system: f"touch {mark}", eval: f"open({str(mark)!r}, 'w')", exec: f"open({str(mark)!r}, 'w')"}
    content = {"poses": Calls(function, argument.get(function, str(mark)))}
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(BadData, match=r"bad\.pkl asks for"):
        read_plain_pickle(tmp_path / "bad.pkl")
    assert not mark.exists()


def test_the_check_has_teeth(tmp_path: Path) -> None:
    """The same file does run code where pickle itself reads it."""
    mark = tmp_path / "mark"
    pickle.loads(pickle.dumps(Calls(os.system, f"touch {mark}")))
    assert mark.exists()


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"no pickle at all",
        b"\x80\x02}q\x00U\x01a",  # cut short
        b"cnumpy\nndarray\n}b.",  # a changed class
        b"cnumpy\ndtype\n(I1\nI2\nI3\nI4\ntR.",  # no dict
        b"(lp0\ng0\na.",  # a list that holds itself
        b"\x80\x02P1\n.",  # an object from outside
    ],
)
def test_broken_files_get_a_sentence(tmp_path: Path, stream: bytes) -> None:
    (tmp_path / "broken.pkl").write_bytes(stream)
    with pytest.raises(BadData, match=r"broken\.pkl"):
        read_plain_pickle(tmp_path / "broken.pkl")


def test_an_npz_or_a_zip_is_told_from_a_pickle(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", weights=np.zeros(3))
    with pytest.raises(BadData, match=r"model\.npz is no pickle but a zip archive"):
        read_plain_pickle(tmp_path / "model.npz")


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="not there"):
        read_plain_pickle(tmp_path / "none.pkl")


@pytest.mark.parametrize("array", [np.array([None, "a"], dtype=object), np.array(["text"])])
def test_only_numbers_become_arrays(tmp_path: Path, array: np.ndarray) -> None:
    (tmp_path / "objects.pkl").write_bytes(pickle.dumps({"poses": array}, 2))
    with pytest.raises(ValueError, match="numbers"):
        plain(read_plain_pickle(tmp_path / "objects.pkl")["poses"])


def test_an_array_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    pickle.dump({"poses": np.arange(4.0)}, stream, 2)
    grown = stream.getvalue().replace(b"K\x04\x85", b"K\x7f\x85")
    assert grown != stream.getvalue()
    (tmp_path / "grown.pkl").write_bytes(grown)
    with pytest.raises(ValueError, match="bytes"):
        plain(read_plain_pickle(tmp_path / "grown.pkl")["poses"])
