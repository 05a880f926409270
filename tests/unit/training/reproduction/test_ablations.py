"""The tables of ablations: what each row changes, and that runs are shared."""

from __future__ import annotations

import pytest

from training.reproduction.ablations import TABLES, _cell


def test_rows_of_a_table_differ_and_tables_share_the_full_network() -> None:
    keys = {name: [row.key for row in rows] for name, (_, rows) in TABLES.items()}
    for name, row_keys in keys.items():
        assert len(set(row_keys)) == len(row_keys), name
    full = keys["3a"][1]
    assert keys["3c"][1] == keys["5"][-1] == keys["7"][-1] == full
    assert keys["3c-joints"][1] == keys["5-joints"][-1] == keys["7-joints"][-1] != full
    assert all(sum(row.paper == 58.4 for row in rows) == 1 for name, (_, rows) in TABLES.items() if name != "tokens")
    assert len({key for row_keys in keys.values() for key in row_keys}) == 17 + 11


@pytest.mark.parametrize(("table", "row", "field", "value"), [("3c", 0, "masked", 0.0), ("5", 0, "mocap", 0.01)])
def test_a_row_changes_one_thing(table: str, row: int, field: str, value: float) -> None:
    assert getattr(TABLES[table][1][row], field) == value
    assert getattr(TABLES[table][1][-1], field) != value


def test_a_cell_is_the_mean_and_half_the_difference() -> None:
    assert _cell([[90.0, 60.0], [100.0, 61.0]]) == "95.0 ± 5.0 / 60.5 ± 0.5"
