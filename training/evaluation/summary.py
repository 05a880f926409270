"""Several evaluations in one table."""

from __future__ import annotations

from collections.abc import Mapping

from training.evaluation.report import Report, Table


def join(reports: Mapping[str, Report]) -> Report:
    """One report whose table has all reports' summaries: a row for each data and checkpoint.

    Args:
        reports: by what they were measured on, which is also the folder with their details.
    """
    rows = {f"{data}: {row}": cells for data, report in reports.items() for row, cells in report.summary.items()}
    columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    table = Table("summary", "All data", columns)
    for row, cells in rows.items():
        table.add(row, [cells.get(column) for column in columns])
    return Report(
        title="Evaluation",
        setting={data: report.setting for data, report in reports.items()},
        notes=[
            "Errors in millimetres. What each row is, and more of it: "
            + ", ".join(f"[{data}]({data}/report.md)" for data in reports)
            + "."
        ],
        tables=[table],
        summary=rows,
    )
