"""Where the command line writes: results to standard output, everything about the work to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

# Names of files are never markup: a photo may be called "me [1].jpg". Lines are never broken: programs read them too.
results = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def progress_bar(*columns: ProgressColumn) -> Progress:
    """A bar on standard error, with a description and further columns; nothing where that is no terminal."""
    from rich.progress import Progress

    return Progress(
        *Progress.get_default_columns()[:2],
        *columns,
        console=notes,
        disable=not notes.is_terminal,
        redirect_stdout=results.is_terminal,  # else what goes into a pipe would be printed over the bar
    )


def say_error(message: str) -> None:
    """Write what went wrong, after the word Error."""
    notes.print(Text.assemble(("Error: ", "bold red"), message))
