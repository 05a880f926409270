"""Where the command line writes: results to standard output, everything about the work to standard error."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

# Names of files are never markup: a photo may be called "me [1].jpg". Lines are never broken: programs read them too.
results = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say_error(message: str) -> None:
    """Write what went wrong, after the word Error."""
    notes.print(Text.assemble(("Error: ", "bold red"), message))
