"""The evidence's rows: one thing changes at a time, and what is the same is trained once."""

from __future__ import annotations

from training.reproduction.finetuning_tables import TABLES


def test_rows_of_a_table_are_different_networks() -> None:
    for _, rows in TABLES.values():
        assert len({row.key for row in rows}) == len({row.name for row in rows}) == len(rows)


def test_tables_share_what_is_the_same() -> None:
    keys = {name: {row.key for row in rows} for name, (_, rows) in TABLES.items()}
    assert keys["2"] & keys["3b"] == {"mpt-heatmaps-frozen-1", "scratch-heatmaps-frozen-1"}
    assert keys["4"] == {"mpt-heatmaps-frozen-1", "mpt-heatmaps-end-to-end-1"}


def test_pre_training_helps_at_every_share_by_the_same_rows() -> None:
    rows = TABLES["2"][1]
    shares = [row.share for row in rows if row.pretrained]
    assert shares == [row.share for row in rows if not row.pretrained] == [1.0, 0.1, 0.01]
