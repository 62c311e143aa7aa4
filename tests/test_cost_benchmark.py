"""Tests of `benchmarks.cost`: the table behind the picture of accuracy against cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.cost import count_pflop, read_points

from mien.errors import DataError

TABLE = Path(__file__).parents[1] / "docs" / "results" / "cost.csv"


def test_the_costs_in_the_documents_are_those_of_the_recipes() -> None:
    """Reading the table counts each of them anew."""
    assert {"fast", "half-hour", "small"} <= {point.name for point in read_points(TABLE) if point.ours}


def test_a_table_that_tells_another_cost_is_refused(tmp_path: Path) -> None:
    """Seventeen epochs of `fast` are 0.030 PFLOP, not 0.040."""
    table = tmp_path / "cost.csv"
    table.write_text(TABLE.read_text(encoding="utf-8").replace("fast,mien,0.030", "fast,mien,0.040"), encoding="utf-8")
    with pytest.raises(DataError, match=r"fast: 0\.04 PFLOP, but fast:17:27473 costs 0\.030"):
        read_points(table)


def test_a_training_that_starts_at_the_full_side_costs_more() -> None:
    """`heads` grows its faces from 24 pixels; the second training of what ships does not."""
    assert 1.5 < count_pflop("heads:10:27473:48") / count_pflop("heads:10:27473") < 1.7
