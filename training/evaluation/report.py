"""A report: tables and notes, written as Markdown for people and as JSON for programs out of the same cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Cell = float | int | str | None
"""Millimetres and percentages are floats, counts are ints; None was not measured."""

_DIGITS = 3


class Table:
    """Named rows of cells under named columns."""

    def __init__(self, name: str, title: str, columns: Sequence[str]):
        if len(set(columns)) != len(columns):
            raise ValueError(f"the columns of {name!r} must differ: {columns}")
        self.name, self.title, self.columns = name, title, tuple(columns)
        self.rows: list[tuple[str, tuple[Cell, ...]]] = []

    def add(self, row: str, cells: Sequence[Cell]) -> None:
        """Appends a row; floats are rounded here, once for both forms."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{self.name!r} has {len(self.columns)} columns, not {len(cells)}")
        self.rows.append((row, tuple(round(cell, _DIGITS) if isinstance(cell, float) else cell for cell in cells)))

    def markdown(self) -> str:
        """The table with its title."""
        lines = [f"## {self.title}", "", f"| | {' | '.join(self.columns)} |", "|---" * (len(self.columns) + 1) + "|"]
        lines += [f"| {row} | {' | '.join(_shown(cell) for cell in cells)} |" for row, cells in self.rows]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """The same for JSON."""
        rows = [{"name": row, **dict(zip(self.columns, cells, strict=True))} for row, cells in self.rows]
        return {"title": self.title, "columns": list(self.columns), "rows": rows}


@dataclass
class Report:
    """What an evaluation found."""

    title: str
    setting: dict[str, Any]
    """What was evaluated, how: for JSON."""
    notes: list[str] = field(default_factory=list)
    """The same in sentences, and warnings."""
    tables: list[Table] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)
    """File beside the report, and what it shows."""
    summary: dict[str, dict[str, Cell]] = field(default_factory=dict)
    """The figures by which checkpoints are compared, by row: a few of the tables' cells."""

    def markdown(self) -> str:
        """The whole report."""
        parts = [f"# {self.title}", *self.notes, *(table.markdown() for table in self.tables)]
        if self.pictures:
            parts.append("## Pictures")
            parts += [f"![{title}]({file})\n\n{title}" for file, title in self.pictures]
        return "\n\n".join(parts) + "\n"

    def data(self) -> dict[str, Any]:
        """The whole report for JSON."""
        return {
            "title": self.title,
            "setting": self.setting,
            "notes": self.notes,
            "tables": {table.name: table.data() for table in self.tables},
            "pictures": [{"file": file, "title": title} for file, title in self.pictures],
        }

    def write(self, folder: Path) -> None:
        """Writes report.md and report.json."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.md").write_text(self.markdown(), encoding="utf-8")
        (folder / "report.json").write_text(json.dumps(self.data(), indent=1, ensure_ascii=False) + "\n", "utf-8")


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{cell:.1f}" if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else cell
