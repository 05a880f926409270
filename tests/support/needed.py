"""What some tests cannot do without."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def skip_without(*packages: str) -> None:
    """Skips a module's tests where one is missing; unlike `pytest.importorskip` imports none, which takes seconds."""
    for name in packages:
        if find_spec(name) is None:
            pytest.skip(f"needs {name}", allow_module_level=True)
