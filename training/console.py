"""What a command does when it cannot do its work: a sentence on standard error, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from model.errors import MPTError


@contextmanager
def telling_errors() -> Iterator[None]:
    """Ends the program with exit code 1 and a sentence on an error meant for its user, with 130 on Ctrl-C."""
    try:
        yield
    except MPTError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
