"""What a command does when it cannot do its work: a sentence on standard error, and an exit code."""

from __future__ import annotations

import errno
import os
import tempfile
import traceback
from enum import IntEnum
from functools import cache
from typing import Any

import typer
from typer.core import TyperGroup

from cli.console import say_error
from model.errors import MPTError, of_system


class ExitCode(IntEnum):
    """What `mpt` returns to who called it, besides 0 where all went well."""

    FAILED = 1
    """The command could not do its work; a sentence says why."""
    USAGE = 2
    """The command line itself is wrong."""
    PARTLY = 3
    """Some inputs could not be used, or not be read to their end; the others are done."""
    INTERRUPTED = 130


class Sentences(TyperGroup):
    """Runs commands so that every error is a sentence, never a stack trace."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except MPTError as error:
            say_error(str(error))
        except KeyboardInterrupt:
            say_error("interrupted.")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:
            # Typer's own are usage errors and ends; a reader such as `head` that closes the pipe is no error at all.
            if isinstance(error, typer.Abort) or hasattr(error, "exit_code") or _is_closed_pipe(error):
                raise
            say_error(describe(error))
        raise typer.Exit(ExitCode.FAILED) from None


def describe(error: Exception) -> str:
    """A sentence on any error. Ours are sentences already; of one that should not be, the details go to a file."""
    if isinstance(error, MPTError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return of_system(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory for this."
    with open(_details_file(), "a", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return f"This failed as it should not ({type(error).__name__}: {error}). Details are in {_details_file()}."


@cache
def _details_file() -> str:
    """A file for the stack traces of this process, which only its user may read."""
    handle, path = tempfile.mkstemp(prefix="mpt-error-", suffix=".txt")
    os.close(handle)
    return path


def _is_closed_pipe(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE
