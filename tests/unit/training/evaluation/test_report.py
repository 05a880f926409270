"""Reports: Markdown and JSON out of the same cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.evaluation.report import Report, Table


def a_report() -> Report:
    table = Table("scores", "Scores", ["poses", "PA-MPJPE", "MPVE"])
    table.add("mean pose", [4800, 184.24999, None])
    table.add("network", [12, 0.05, 77.0])
    return Report("A title", {"seed": 1}, ["A note."], [table], [("worst.png", "worst cases")])


def cells_of(markdown: str) -> dict[str, list[str]]:
    """The cells of each row of all tables, by the row's name."""
    rows = [line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows}


def test_both_forms_agree(tmp_path: Path) -> None:
    report = a_report()
    report.write(tmp_path / "new")
    data = json.loads((tmp_path / "new/report.json").read_text())
    shown = cells_of((tmp_path / "new/report.md").read_text())
    table = data["tables"]["scores"]
    assert [row["name"] for row in table["rows"]] == ["mean pose", "network"]
    for row in table["rows"]:
        cells = [row[column] for column in table["columns"]]
        expected = ["–" if c is None else f"{c:.1f}" if isinstance(c, float) else f"{c:,}" for c in cells]
        assert shown[row["name"]] == expected
    assert data["setting"] == {"seed": 1} and data["notes"] == ["A note."]
    assert data["pictures"] == [{"file": "worst.png", "title": "worst cases"}]
    assert "![worst cases](worst.png)" in report.markdown()


def test_what_is_shown_is_rounded_from_the_json() -> None:
    """184.24999 is 184.25 in the JSON; shown is what that rounds to, not what the hidden digits round to."""
    table = a_report().tables[0]
    assert table.data()["rows"][0]["PA-MPJPE"] == 184.25
    assert cells_of(table.markdown())["mean pose"] == ["4,800", f"{184.25:.1f}", "–"]


def test_tables_must_be_whole() -> None:
    table = Table("scores", "Scores", ["a", "b"])
    with pytest.raises(ValueError, match="2 columns"):
        table.add("short", [1.0])
    with pytest.raises(ValueError, match="differ"):
        Table("scores", "Scores", ["a", "a"])
