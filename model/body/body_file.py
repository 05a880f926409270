"""Reading what belongs to a body out of the project's own safetensors files, which may come from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from model.errors import BadData


def read_body_file(path: Path, format: str, names: Sequence[str]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What the file says of itself, and its tensors of these names.

    Raises:
        ValueError: it is of another format.
        SafetensorError: it is broken, or a tensor is missing.
        OSError: it cannot be read.
    """
    with safe_open(path, framework="numpy") as file:
        about = json.loads((file.metadata() or {}).get("mpt", "{}"))
        if about.get("format") != format:
            raise ValueError(f"it is none of {format}")
        return about, [file.get_tensor(name) for name in names]


@contextmanager
def refusing_broken(path: Path, what: str, maker: str) -> Iterator[None]:
    """Turns all that a broken file can raise while it is read and checked into one error.

    Args:
        path: the file.
        what: it is to hold.
        maker: the module that makes such files.

    Raises:
        BadData: it is not there, is none of ours, or contradicts itself; the message names it.
    """
    try:
        yield
    except (SafetensorError, OSError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise BadData(f"{path} holds no sound {what} ({error}); make it anew by `python -m {maker}`.") from None
