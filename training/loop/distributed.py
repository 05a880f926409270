"""Many processes on one run, started by `torchrun`; without it everything here is one process's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """This process's place among those of the run."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that validates, logs and writes files."""
        return self.rank == 0

    def wait(self) -> None:
        """Waits until all processes have come here."""
        if self.count > 1:
            dist.barrier()

    def one_by_one(self, make: Callable[[], T]) -> T:
        """What `make` returns, which the leading process calls first: it may leave a file that the others find."""
        if self.leads:
            made = make()
        self.wait()
        return made if self.leads else make()

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all have to call it."""
        if self.count == 1:
            return flag
        flags = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags.item())


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Joins the processes that `torchrun` started, one GPU each, or gloo on CPUs, and leaves them at the end.

    Args:
        device: "cpu", "cuda" or "cuda:1"; under `torchrun` the process's own GPU is taken.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(torch.device(device))
        return
    place = torch.device(device)
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Processes(place, dist.get_rank(), count)
    finally:
        dist.destroy_process_group()
