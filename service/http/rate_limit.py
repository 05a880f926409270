"""How many requests a client may make: a bucket of tokens for each, that fills by itself."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_CLIENTS = 10_000
"""Buckets that are kept; the ones that were used longest ago go first, and begin full again."""


class RateLimit:
    """One bucket a client.

    Args:
        per_minute: Tokens that come in a minute; None for no limit at all.
        burst: Tokens in a full bucket.
        clock: Seconds.
    """

    def __init__(self, per_minute: float | None, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = None if per_minute is None else per_minute / 60
        self._burst, self._clock = burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when there were so many

    def take(self, client: str) -> int:
        """Take a token of a client's; returns 0, or, if there is none, in how many seconds there will be one."""
        if self._rate is None:
            return 0
        tokens = self._tokens(client)
        if tokens >= 1:
            self._put(client, tokens - 1)
            return 0
        return max(1, math.ceil((1 - tokens) / self._rate))

    def charge(self, client: str, tokens: int) -> None:
        """Take more tokens for what turned out to be more work; a bucket may come to be owed some."""
        if self._rate is not None:
            self._put(client, self._tokens(client) - tokens)

    def _tokens(self, client: str) -> float:
        assert self._rate is not None
        tokens, then = self._buckets.get(client, (float(self._burst), 0.0))
        return min(float(self._burst), tokens + (self._clock() - then) * self._rate)

    def _put(self, client: str, tokens: float) -> None:
        self._buckets[client] = (tokens, self._clock())
        self._buckets.move_to_end(client)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
