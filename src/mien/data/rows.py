"""The lines of a table of pixels: a block of text goes in; out come where each row's pixels stand and what it says.

Python looks at each row here, but never at its pixels: they are found from both ends, by the commas of the few other
columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from mien.data.digits import PADDING
from mien.data.names import (
    LABEL_COLUMNS,
    PIXEL_COLUMNS,
    SPLIT_COLUMNS,
    SPLITS,
    canonical_split,
    find_column,
    parse_emotion,
    parse_usage,
)
from mien.errors import DataError
from mien.faces import UNLABELLED

_AROUND = b'" \r\t'
_NOT_FOUND = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the header tells; columns are positions, None where there is no such column.

    Attributes:
        name: of the file or archive entry, for messages.
        columns: how many there are.
        pixels, emotion, usage: the columns.
        split: index into `SPLITS` of the rows, where no column tells it.
    """

    name: str
    columns: int
    pixels: int
    emotion: int | None
    usage: int | None
    split: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Whole lines of text, each with its end.

    Attributes:
        line: number of the first line.
        text: `PADDING`, then the lines.
    """

    line: int
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The sound rows of a block, as lists of equal length, and the errors of the others.

    Attributes:
        lines: line numbers.
        starts, ends: where the pixels stand in the text of the block.
        labels: 0-6 or `UNLABELLED`.
        splits: indices into `SPLITS`.
        errors: one for each row that is not sound.
    """

    lines: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    errors: list[DataError] = field(default_factory=list)

    def keep(self, indices: Sequence[int], errors: Sequence[DataError]) -> Rows:
        """Return the rows at `indices`, with `errors` for the others."""
        lists = (self.lines, self.starts, self.ends, self.labels, self.splits)
        lines, starts, ends, labels, splits = ([values[index] for index in indices] for values in lists)
        return Rows(lines=lines, starts=starts, ends=ends, labels=labels, splits=splits, errors=[*self.errors, *errors])


def understand_header(header: Sequence[str], name: str) -> Table:
    """Return the table that has these columns; without a column Usage the stem of its `name` tells the split.

    Raises:
        DataError: pixels are missing, or emotion is where there is a Usage.
    """
    pixels, usage = find_column(header, PIXEL_COLUMNS), find_column(header, SPLIT_COLUMNS)
    emotion = find_column(header, LABEL_COLUMNS)
    missing = "pixels" if pixels is None else "emotion" if emotion is None and usage is not None else None
    if pixels is None or missing:
        raise DataError(f"{name} line 1", f"expected a column {missing}, found {', '.join(header)[:80]}")
    stem = canonical_split(name.rsplit("/")[-1].split(".")[0])
    split = SPLITS.index("unlabelled" if emotion is None else stem or "train")
    return Table(name=name, columns=len(header), pixels=pixels, emotion=emotion, usage=usage, split=split)


def find_rows(table: Table, block: Block) -> Rows:
    """Return the rows of a block; empty lines are no rows."""
    rows = Rows()
    line, start, text = block.line, len(PADDING), block.text
    while start < len(text):
        stop = text.find(b"\n", start)
        if stop - start > len(_AROUND) or text[start:stop].strip(_AROUND):
            try:
                _find_row(table, text, (start, stop), rows)
                rows.lines.append(line)
            except ValueError as problem:
                rows.errors.append(DataError(f"{table.name} line {line}", str(problem)))
        start, line = stop + 1, line + 1
    return rows


def _find_row(table: Table, text: bytes, bounds: tuple[int, int], rows: Rows) -> None:
    """Append to `rows` what the line of `text` between `bounds` says, or raise ValueError and append nothing."""
    start, end = _find_pixels(table, text, bounds)
    label, split = _understand_others(table, text[bounds[0] : start], text[end : bounds[1]])
    while start < end and text[start] in _AROUND:
        start += 1
    while start < end and text[end - 1] in _AROUND:
        end -= 1
    rows.starts.append(start)
    rows.ends.append(end)
    rows.labels.append(label)
    rows.splits.append(split)


def _find_pixels(table: Table, text: bytes, bounds: tuple[int, int]) -> tuple[int, int]:
    """Return where the pixels start and end: between the commas of the columns before and after them."""
    start, end = bounds
    is_sound = True
    for _ in range(table.pixels):
        comma = text.find(b",", start, end)
        is_sound &= comma != _NOT_FOUND
        start = comma + 1
    for _ in range(table.columns - 1 - table.pixels):
        end = text.rfind(b",", start, end)
        is_sound &= end != _NOT_FOUND
    if not is_sound or text.find(b",", start, end) != _NOT_FOUND:
        raise ValueError(f"expected {table.columns} columns, found {text.count(b',', *bounds) + 1}")
    return start, end


@lru_cache(maxsize=1024)  # most rows say one of 21 things
def _understand_others(table: Table, before: bytes, after: bytes) -> tuple[int, int]:
    """Return the label and the split that the columns before and after the pixels tell."""
    others = (*before.split(b",")[:-1], b"", *after.split(b",")[1:])
    label, split = UNLABELLED, table.split
    if table.emotion is not None:
        label = parse_emotion(_clean(others[table.emotion]))
    if table.usage is not None:
        split = SPLITS.index(parse_usage(_clean(others[table.usage])))
    return label, split


def _clean(text: bytes) -> str:
    return text.strip(_AROUND).decode("utf-8", errors="replace")
