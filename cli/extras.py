"""What can be installed besides, and which modules of it a command needs."""

from __future__ import annotations

import importlib.util

from model.errors import MPTError
from model.extras import how_to_install

EXTRAS = {
    "train": ("anny", "fast_simplification", "tensorboard"),
    "smpl": ("smplx",),
    "onnx-cpu": ("onnx", "onnxruntime", "onnxscript"),
    "heic": ("pillow_heif",),
    "footage": ("ezc3d",),
}
"""Extra of the package -> the modules that come with it."""


class ExtraMissing(MPTError):
    """A command needs packages that are not installed."""


def absent(extra: str) -> list[str]:
    """The modules of an extra that are not installed."""
    return [module for module in EXTRAS[extra] if importlib.util.find_spec(module) is None]


def require(extra: str, what: str) -> None:
    """Check that an extra is installed.

    Args:
        extra: Its name.
        what: What needs it, the beginning of a sentence.

    Raises:
        ExtraMissing: It is not, or not whole.
    """
    if missing := absent(extra):
        raise ExtraMissing(f"{what} needs {', '.join(missing)}, not installed here: {how_to_install(extra)}")
