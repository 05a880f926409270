"""What a command does when it cannot do its work: a sentence on standard error, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from model.errors import MPTError, in_short, of_system


@contextmanager
def telling_errors() -> Iterator[None]:
    """Ends the program with exit code 1 and a sentence on an error meant for its user, with 130 on Ctrl-C.

    Among these is what the system says of full disks, and of files and folders that cannot be read or written.
    """
    try:
        yield
    except MPTError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        sys.exit(f"Error: {of_system(error)}")
    except SafetensorError as error:
        sys.exit(f"Error: {in_short(error)}")
    except KeyboardInterrupt:
        sys.exit(130)
