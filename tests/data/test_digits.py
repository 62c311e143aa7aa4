"""`parse_fields` is quick and refuses what is not plain; `parse_field` is exact and says what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.data.digits import PADDING, parse_field, parse_fields
from mien.errors import DataError


def parse_lines(*fields: bytes, pixels: int = 3) -> np.ndarray | None:
    """Return what `parse_fields` makes of these fields, one on each line."""
    text, starts, ends = PADDING, [], []
    for field in fields:
        starts.append(len(text))
        text += field
        ends.append(len(text))
        text += b"\n"
    found = np.empty((len(fields), pixels), np.uint8)
    return found if parse_fields(text, starts, ends, found) else None


NOT_PLAIN = """0 7 256|0 7 299|0 7 300|0 7 999|1234 1 2|0  7|0 7 8 |0 7x8 1|0 a 8|0 7|1 2 3 4|-1 2 3|1.5 2 3|12a 2 3|
a12 2 3|1a2 2 3|1\t2 3 4|1 2 3\xff||007 1 0002""".replace("\n", "").split("|")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 255), min_size=5, max_size=5), min_size=1, max_size=8))
def test_every_number_from_0_to_255_is_read(rows: list[list[int]]) -> None:
    """Whatever stands before and after it, at the start and the end of a row."""
    found = parse_lines(*(" ".join(map(str, row)).encode() for row in rows), pixels=5)
    assert found is not None
    assert rows == found.tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("0123456789 x-.,\t", max_size=9), min_size=1, max_size=3))
def test_the_quick_parser_never_reads_what_the_exact_one_refuses(fields: list[str]) -> None:
    """It gives the same numbers, or None; never other numbers."""
    found = parse_lines(*(field.encode() for field in fields), pixels=2)
    if found is not None:
        assert [parse_field(field.encode(), 2, "here").tolist() for field in fields] == found.tolist()


@pytest.mark.parametrize("field", NOT_PLAIN)
def test_what_is_not_plain_is_left_to_the_exact_parser(field: str) -> None:
    """Alone, and between two sound rows."""
    spoiled = field.encode("latin-1")
    assert None is parse_lines(spoiled)
    assert None is parse_lines(b"1 2 3", spoiled, b"4 5 6")


def test_the_exact_parser_takes_any_blanks() -> None:
    """Two blanks and a tab are no reason to refuse a face."""
    assert [1, 2, 255] == parse_field(b" 1  2\t255 ", 3, "here").tolist()


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (b"1 2", "here: expected 3 pixels, found 2"),
        (b"1 2 3 4", "here: expected 3 pixels, found 4"),
        (b"1 x7 3", "here: pixel 2: expected a whole number from 0 to 255, found 'x7'"),
        (b"1 2 256", "here: pixel 3: expected a whole number from 0 to 255, found '256'"),
        (b"-1 2 3", "here: pixel 1: expected a whole number from 0 to 255, found '-1'"),
        (b"1 " + b"9" * 5000 + b" 3", f"here: pixel 2: expected a whole number from 0 to 255, found '{'9' * 20}'"),
    ],
)
def test_the_exact_parser_names_the_pixel(field: bytes, message: str) -> None:
    """One line: the place, the expected, the found."""
    with pytest.raises(DataError) as caught:
        parse_field(field, 3, "here")
    assert message == str(caught.value)
