"""The weights of the networks: our own checkpoints, and published ones fetched once by `python -m weights.fetch`."""

from __future__ import annotations

from weights.registry import path

__all__ = ["path"]
