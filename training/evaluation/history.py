"""What evaluations found, kept for later ones: a JSON line each, with commit and machine."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

from model.errors import BadData
from training.evaluation.report import Cell, Report

_ROOT = Path(__file__).parents[2]
HISTORY = _ROOT / "benchmarks" / "history" / "evaluation.jsonl"


def keep(report: Report, path: Path = HISTORY) -> None:
    """Appends a report's summary to the history.

    Raises:
        BadData: there is no commit, or the file cannot be written.
    """
    line = json.dumps(
        {
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": _commit(),
            "machine": _machine(),
            "setting": report.setting,
            "figures": {
                row: {name: _rounded(cell) for name, cell in cells.items()} for row, cells in report.summary.items()
            },
        },
        ensure_ascii=False,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise BadData(f"{path} cannot be written ({error}): run without --keep.") from None


def _rounded(cell: Cell) -> Cell:
    return round(cell, 2) if isinstance(cell, float) else cell


def _commit() -> str:
    """The checked-out commit, with + if files differ from it."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        raise BadData(f"{_ROOT} is no git checkout, so that figures have no commit: run without --keep.") from None


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def _machine() -> dict[str, Any]:
    about: dict[str, Any] = {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if torch.cuda.is_available():
        about["gpu"] = torch.cuda.get_device_name()
    return about


def _processor() -> str:
    """The processor's name as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
