"""Where the command line writes: results to standard output, everything about the work to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from model.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


class _Plain(Console):
    """Writes words as they stand, lines unbroken, since programs read them too; terminals get none of a name's tricks.

    Names of files are never markup: a photo may be called "me [1].jpg".
    """

    def __init__(self, stderr: bool) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def print(self, *objects: Any, **options: Any) -> None:
        # A program that reads results from a pipe needs names as they are.
        if self.stderr or self.is_terminal:
            objects = tuple(printable(each) if isinstance(each, str) else each for each in objects)
        super().print(*objects, **options)


results = _Plain(stderr=False)
notes = _Plain(stderr=True)


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
    notes.print(Text.assemble(("Error: ", "bold red"), printable(message)))
