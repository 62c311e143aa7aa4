"""The benchmark of reading a table of pixels: it runs, and compares readers that agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.bad_files import ROWS, draw_face, write_table
from benchmarks.csv_read import READERS, check_pixels, compare, read_with_pandas, render_seconds

pytestmark = pytest.mark.pandas


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a small table in FER2013's form."""
    path = tmp_path / "fer2013.csv"
    path.write_text(write_table())
    return path


def test_all_contestants_read_the_faces_of_the_table(table: Path) -> None:
    """The table stands in the order of its splits, so that all orders are the same."""
    expected = np.stack([draw_face(number) for number in range(ROWS)])
    for name, read in READERS.items():
        np.testing.assert_array_equal(expected, read(table), err_msg=name)


def test_a_reader_that_reads_something_else_does_not_compete(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single other pixel ends the benchmark."""
    monkeypatch.setattr("benchmarks.csv_read.read_with_mien", lambda path: read_with_pandas(path) ^ 1)
    with pytest.raises(AssertionError, match="the readers disagree"):
        check_pixels(table)


def test_the_table_has_a_row_for_each_reader_and_the_ratio(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three contestants with two rounds each, the cached loads, and two sentences."""
    monkeypatch.setattr("benchmarks.csv_read.SETTLING_SECONDS", 0.0)
    lines = compare(table, rounds=2)
    rows = [line.split(" | ")[:2] for line in lines if line.startswith("| ")]
    expected = [["reader", "n"], *([name, "2"] for name in READERS), ["mien, further reads", "20"]]
    assert [[f"| {name}", count] for name, count in expected] == rows
    assert 2 == sum("times as fast" in line for line in lines[-2:])


def test_durations_are_rendered_in_the_unit_that_suits_them() -> None:
    """Seconds, or milliseconds below half a second."""
    assert ["1.50 s", "499.0 ms", "0.1 ms"] == [render_seconds(seconds) for seconds in (1.5, 0.499, 0.0001)]
