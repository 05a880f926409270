"""Runs a script in one process, or in several under torchrun; or a function in several, as torchrun would."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path


def run_script(script: Path, *arguments: object, processes: int) -> str:
    """Runs it to its end and gives what it printed; when it failed, that is the failure's message."""
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [*launcher, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_together(function: Callable, *arguments: object, processes: int) -> str:
    """Calls a module's function in several processes with the variables of torchrun; gives what the first printed.

    The processes fork from one that has imported PyTorch, and so start at once.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([function.__module__, "torch._dynamo"])  # for seconds, optimizers import that one
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "said.txt")
        run = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        places = [run | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]
        started = [context.Process(target=_join, args=(place, said, function, arguments)) for place in places]
        for process in started:
            process.start()
        for process in started:
            process.join(300)
            process.kill()
        assert [process.exitcode for process in started] == [0] * processes
        return said.read_text()


def _join(place: dict[str, str], said: Path, function: Callable, arguments: tuple) -> None:
    os.environ.update(place)
    with open(said if place["RANK"] == "0" else os.devnull, "w") as file, redirect_stdout(file):
        function(*arguments)
