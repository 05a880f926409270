"""Numbers out of a pickle without running it: for 3DPW and UP-3D, whose files are pickles that Python 2 wrote.

A pickle is a program that may name any function to be called. Here each name that an array of numbers needs stands
for an inert record of this file, and any other name is refused, so that nothing of a foreign file is ever called: not
even numpy's own constructors. What comes out are dicts, lists, tuples, strings, numbers, and arrays of numbers.
"""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from model.errors import BadData

_NUMBERS = "fiub"
"""The kinds of dtypes that are read."""


def read_plain_pickle(path: Path) -> dict[str, Any]:
    """Reads a pickled dict of plain values and arrays of numbers; use `plain` on its values.

    Raises:
        BadData: the file is missing or broken, or asks for anything else; the message names it.
    """
    try:
        with open(path, "rb") as file:
            content = _Reader(file, encoding="latin1").load()
    except FileNotFoundError:
        raise BadData(f"{path} is not there.") from None
    except _Refused as error:
        raise BadData(
            f"{path} asks for {error}, which no file of numbers needs: it was not read. Is it the data set's own?"
        ) from None
    except Exception as error:  # broken opcodes raise all sorts
        raise BadData(f"{path} cannot be read ({error}): unpack the data set's archive again.") from None
    if not isinstance(content, dict):
        raise BadData(f"{path} holds a {type(content).__name__}, but the data set's files hold a dict.")
    return content


def plain(value: Any) -> Any:
    """A value as it was meant: an array's record becomes the array; a list is gone through.

    Raises:
        ValueError: an array does not fit together, or does not hold numbers.
    """
    if isinstance(value, _Array):
        return value.numpy()
    return [plain(entry) for entry in value] if isinstance(value, list) else value


class _Refused(Exception):
    """A name that is not on the list."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        record = _NAMES.get((module.replace("numpy._core", "numpy.core"), name))
        if record is None:
            raise _Refused(f"`{module}.{name}`")
        return record

    def persistent_load(self, pid: object) -> Any:
        raise _Refused("an object outside of the file")


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


class _Array:
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
    """Stands for the class ndarray, which is only mentioned."""

    def __setstate__(self, state: object) -> None:
        raise _Refused("a changed class")


# Each record has a `__setstate__`, so that a file cannot set attributes of the class itself.
_NAMES: dict[tuple[str, str], type] = {
    ("numpy", "ndarray"): _Nothing,
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("numpy.core.numeric", "_frombuffer"): _Buffered,
    ("_codecs", "encode"): _Encoded,
    ("__builtin__", "bytes"): _Encoded,
}


def _string(value: str | bytes) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
