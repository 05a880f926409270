"""An object that pickles as a call, as hostile files have them."""

from __future__ import annotations


class Calls:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object):
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call
