"""What an evaluation wrote, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def report_of(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """The tables of a report in a folder: rows by the name of their table and their own."""
    tables = json.loads((folder / "report.json").read_text())["tables"]
    return {name: {row["name"]: row for row in table["rows"]} for name, table in tables.items()}
