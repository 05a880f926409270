"""Numbers out of a pickle without running it: 3DPW, UP-3D, SMPL and MANO are pickles that Python 2 wrote.

A pickle is a program that may name any function to be called. Here each name that an array of numbers needs, be it
numpy's, a sparse matrix of scipy's or an array of chumpy's, stands for an inert record of this file, and any other
name is refused, so that nothing of a foreign file is ever called: not even numpy's own constructors. What comes out are
dicts, lists, tuples, strings, numbers, and arrays of numbers.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from model.errors import BadData

_NUMBERS = "fiub"
"""The kinds of dtypes that are read."""
_ZIP = b"PK\x03\x04"
_LARGEST = 1 << 24
"""Numbers of a sparse matrix written out, at most: a small file may claim any shape."""


def read_plain_pickle(path: Path) -> dict[str, Any]:
    """Reads a pickled dict of plain values and arrays of numbers; use `plain` on its values.

    Raises:
        BadData: the file is missing or broken, or asks for anything else; the message names it.
    """
    try:
        with open(path, "rb") as file:
            if file.peek(len(_ZIP)).startswith(_ZIP):
                raise BadData(
                    f"{path} is no pickle but a zip archive, as npz and PyTorch's files are: npz is read without being "
                    "converted, others are to be unpacked."
                )
            content = _Reader(file, encoding="latin1").load()
    except BadData:
        raise
    except FileNotFoundError:
        raise BadData(f"{path} is not there.") from None
    except _Refused as error:
        raise BadData(
            f"{path} asks for {error}, which no file of numbers needs: it was not read. Is it the original?"
        ) from None
    except Exception as error:  # broken opcodes raise all sorts
        raise BadData(f"{path} cannot be read ({error}): unpack or download it again.") from None
    if not isinstance(content, dict):
        raise BadData(f"{path} holds a {type(content).__name__}, but a dict is needed.")
    return content


def plain(value: Any) -> Any:
    """A value as it was meant: records become arrays, sparse matrices are written out, lists are gone through.

    Raises:
        ValueError: an array does not fit together, does not hold numbers, or would have to be computed by chumpy.
    """
    if isinstance(value, _Record):
        try:
            return value.numpy()
        except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"an array that does not fit together ({error!r})") from None
    return [plain(entry) for entry in value] if isinstance(value, list) else value


class _Refused(Exception):
    """A name that is not on the list."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        record = _NAMES.get((module.replace("numpy._core", "numpy.core"), name))
        if record is None and module.startswith("chumpy."):
            record = _Formula
        if record is None:
            raise _Refused(f"`{module}.{name}`")
        return record

    def persistent_load(self, pid: object) -> Any:
        raise _Refused("an object outside of the file")


class _Record:
    """Stands for something that `plain` makes an array of."""

    def numpy(self) -> np.ndarray:
        raise NotImplementedError


class _Type:
    """Stands for numpy.dtype: its code and its byte order."""

    def __init__(self, code: str | bytes, *_: object):
        self.code, self.order = _string(code), "="

    def __setstate__(self, state: tuple) -> None:
        self.order = _string(state[1])

    def numpy(self) -> np.dtype:
        dtype = np.dtype(self.code)
        if dtype.kind not in _NUMBERS:
            raise ValueError(f"an array of {self.code!r} does not hold numbers")
        return dtype.newbyteorder(">") if self.order == ">" else dtype


class _Array(_Record):
    """Stands for an array that is put together by numpy's `_reconstruct` and its state."""

    def __init__(self, *_: object):
        self.shape: tuple[int, ...] = (0,)
        self.dtype = _Type("f8")
        self.fortran = False
        self.data: bytes | bytearray = b""

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.dtype, self.fortran, data = state
        self.data = data.encode("latin1") if isinstance(data, str) else data

    def numpy(self) -> np.ndarray:
        if not isinstance(self.dtype, _Type) or not isinstance(self.data, (bytes, bytearray)):
            raise ValueError("an array that does not hold numbers")
        dtype = self.dtype.numpy()
        if len(self.data) != math.prod(self.shape) * dtype.itemsize:
            raise ValueError(f"an array of shape {self.shape} with {len(self.data)} bytes")
        array = np.frombuffer(self.data, dtype).reshape(self.shape, order="F" if self.fortran else "C")
        return array.astype(dtype.newbyteorder("="))


class _Buffered(_Array):
    """Stands for numpy's `_frombuffer`, as newer pickles write arrays."""

    def __init__(self, data: bytes | bytearray, dtype: _Type, shape: tuple[int, ...], order: str):
        self.data, self.dtype, self.shape, self.fortran = data, dtype, shape, order == "F"


class _Scalar(_Array):
    """Stands for a single number of numpy's."""

    def __init__(self, dtype: _Type, data: bytes | str):
        self.__setstate__((1, (), dtype, False, data))


class _Encoded(bytes):
    """Stands for `_codecs.encode`, and for `bytes` with nothing in it: how Python 3 writes bytes for Python 2."""

    def __new__(cls, content: str = "", encoding: str = "latin1") -> _Encoded:
        if encoding != "latin1":
            raise _Refused(f"the encoding {encoding!r}")
        return super().__new__(cls, content.encode("latin1"))

    def __setstate__(self, state: object) -> None:
        raise _Refused("a changed string")


class _Nothing:
    """Stands for what is only mentioned: the classes ndarray and object, and sets of chumpy's, whatever is in them."""

    def __init__(self, *_: object):
        pass

    def __setstate__(self, state: object) -> None:
        raise _Refused("a changed class")


class _Stated(_Record):
    """An object that is nothing but its attributes."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise _Refused("an object without attributes")
        self.state = state


class _Reconstructed:
    """Stands for Python 2's `_reconstructor`, which makes an object of a class without calling it."""

    def __new__(cls, kind: object, *_: object) -> _Stated:  # type: ignore[misc]
        if not (isinstance(kind, type) and issubclass(kind, _Stated)):
            raise _Refused("an object of another class")
        return kind()


class _Sparse(_Stated):
    """Stands for a sparse matrix of scipy's, by columns."""

    kind: Callable[..., Any] = scipy.sparse.csc_matrix

    def numpy(self) -> np.ndarray:
        shape = tuple(int(size) for size in self.state["_shape" if "_shape" in self.state else "shape"])
        if len(shape) != 2 or min(shape) < 0 or math.prod(shape) > _LARGEST:
            raise ValueError(f"a sparse matrix of shape {shape}")
        parts = tuple(plain(self.state[name]) for name in ("data", "indices", "indptr"))
        matrix = type(self).kind(parts, shape=shape)
        matrix.check_format(full_check=True)
        return matrix.toarray()


class _SparseRows(_Sparse):
    """The same by rows."""

    kind = scipy.sparse.csr_matrix


class _Chumpy(_Stated):
    """Stands for chumpy's `Ch`, an array whose derivatives could be asked for."""

    def numpy(self) -> np.ndarray:
        return _numbers(self.state["x"])


class _Selection(_Stated):
    """Stands for chumpy's `Select`, a part of another array."""

    def numpy(self) -> np.ndarray:
        part = _numbers(self.state["a"]).ravel()[_numbers(self.state["idxs"])]
        shape = self.state.get("preferred_shape", part.shape)
        return part.reshape(plain(shape) if isinstance(shape, _Record) else tuple(plain(list(shape))))


class _Formula(_Stated):
    """Stands for what chumpy computes of other arrays."""

    def numpy(self) -> np.ndarray:
        raise ValueError("an array that chumpy would have to compute")


def _numbers(value: Any) -> np.ndarray:
    array = np.asarray(plain(value))
    if array.dtype.kind not in _NUMBERS:
        raise ValueError("an array that does not hold numbers")
    return array


# Each record has a `__setstate__`, so that a file cannot set attributes of the class itself.
_NAMES: dict[tuple[str, str], type] = {
    ("numpy", "ndarray"): _Nothing,
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("numpy.core.numeric", "_frombuffer"): _Buffered,
    ("_codecs", "encode"): _Encoded,
    ("__builtin__", "bytes"): _Encoded,
    ("__builtin__", "object"): _Nothing,
    ("__builtin__", "set"): _Nothing,
    ("builtins", "set"): _Nothing,
    ("copy_reg", "_reconstructor"): _Reconstructed,
    ("scipy.sparse.csc", "csc_matrix"): _Sparse,
    ("scipy.sparse._csc", "csc_matrix"): _Sparse,
    ("scipy.sparse.csr", "csr_matrix"): _SparseRows,
    ("scipy.sparse._csr", "csr_matrix"): _SparseRows,
    ("scipy.sparse._csc", "csc_array"): _Sparse,
    ("scipy.sparse._csr", "csr_array"): _SparseRows,
    ("chumpy.ch", "Ch"): _Chumpy,
    ("chumpy.reordering", "Select"): _Selection,
}


def _string(value: str | bytes) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
