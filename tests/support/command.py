"""Runs a command's `main` in this process: what it prints and how it ends, without a start of PyTorch's seconds."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess


def run_main(main: Callable[[Sequence[str]], object], *arguments: object) -> CompletedProcess[str]:
    """As if it were `python -m` of its module: `sys.exit` with a sentence is code 1 and a line on standard error."""
    out, err = io.StringIO(), io.StringIO()
    words = [str(argument) for argument in arguments]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code
    if isinstance(code, str):
        err.write(f"{code}\n")
        code = 1
    return CompletedProcess(words, int(code or 0), out.getvalue(), err.getvalue())  # type: ignore[call-overload]
