"""The lines of a table of pixels: a block of text goes in; out come where each row's pixels stand and what it says.

Python looks at each row here, but never at its pixels: they are found from both ends, by the commas of the few other
columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from mien.data.columns import LABEL_COLUMNS, OTHER_SPLIT_COLUMNS, PIXEL_COLUMNS, SPLIT_COLUMNS, find_column
from mien.data.digits import PADDING
from mien.data.names import SPLITS, canonical_split, parse_emotion, parse_usage
from mien.errors import DataError

_AROUND = b'" \r\t[]()'
_QUOTED = re.compile(rb'"(?:[^"\n]|"")*"')
_BETWEEN = re.compile(rb"[\s,;|\[\]()]+")
_PIXEL_NAME = re.compile(r"^(?:\D*[_ ]?)?\d+(?:x\d+)?$")
_LEAST_PIXEL_COLUMNS = 64
_NOT_FOUND = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the header tells; columns are positions, None where there is no such column.

    Attributes:
        name: of the file or archive entry, for messages.
        columns: how many there are.
        pixels, emotion, usage: the columns.
        split: index into `SPLITS` of the rows, where no column tells it.
        delimiter: between two columns.
        width: columns of pixels, from `pixels` on: 1, or one for each pixel; the rows of the latter are rewritten.
        is_numbered: labels are FER2013's numbers; otherwise they stay what they are.
    """

    name: str
    columns: int
    pixels: int
    emotion: int | None
    usage: int | None
    split: int
    delimiter: bytes = b","
    width: int = 1
    is_numbered: bool = True


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
        labels: the number of FER2013, or what the table says; "" without one.
        splits: indices into `SPLITS`.
        errors: one for each row that is not sound.
    """

    lines: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    errors: list[DataError] = field(default_factory=list)

    def keep(self, indices: Sequence[int], errors: Sequence[DataError]) -> Rows:
        """Return the rows at `indices`, with `errors` for the others."""
        return Rows(
            lines=[self.lines[index] for index in indices],
            starts=[self.starts[index] for index in indices],
            ends=[self.ends[index] for index in indices],
            labels=[self.labels[index] for index in indices],
            splits=[self.splits[index] for index in indices],
            errors=[*self.errors, *errors],
        )


def understand_header(header: Sequence[str], name: str, wanted: Mapping[str, str] | None = None) -> Table:
    """Return the table that has these columns; without a column Usage the stem of its `name` tells the split.

    Args:
        header: names of the columns, in lower case.
        name: of the table, for messages.
        wanted: what `--columns` says: role -> name.

    Raises:
        DataError: pixels are missing, or emotion is where there is a Usage.
    """
    chosen = {role: header.index(column) for role, column in (wanted or {}).items() if column in header}
    pixels, width = _find_pixel_columns(header)
    pixels = chosen.get("pixels", pixels)
    usage = chosen.get("split", find_column(header, (*SPLIT_COLUMNS, *OTHER_SPLIT_COLUMNS)))
    emotion = chosen.get("label", find_column(header, LABEL_COLUMNS))
    missing = "pixels" if pixels is None else "emotion" if emotion is None and usage is not None else None
    if pixels is None or missing:
        raise DataError(f"{name} line 1", f"expected a column {missing}, found {', '.join(header)[:80]}")
    stem = canonical_split(name.rsplit("/")[-1].split(".")[0])
    split = SPLITS.index("unlabelled" if emotion is None else stem or "train")
    return Table(name=name, columns=len(header), pixels=pixels, emotion=emotion, usage=usage, split=split, width=width)


def _find_pixel_columns(header: Sequence[str]) -> tuple[int | None, int]:
    """Return the first column of pixels and their number: one that is called so, or one for each pixel.

    >>> _find_pixel_columns(["emotion", "pixels"]), _find_pixel_columns(["label", *(f"pixel{n}" for n in range(64))])
    ((1, 1), (1, 64))
    """
    one = find_column(header, PIXEL_COLUMNS)
    if one is not None:
        return one, 1
    numbered = [position for position, name in enumerate(header) if _PIXEL_NAME.match(name)]
    is_block = len(numbered) >= _LEAST_PIXEL_COLUMNS and numbered[-1] - numbered[0] + 1 == len(numbered)
    return (numbered[0], len(numbered)) if is_block else (None, 1)


def has_pixels(header: Sequence[str], wanted: Mapping[str, str] | None = None) -> bool:
    """Tell whether a table with these columns holds pixels."""
    return _find_pixel_columns(header)[0] is not None or (wanted or {}).get("pixels") in header


def rewrite(table: Table, block: Block) -> tuple[Table, Block]:
    """Return a block whose pixels stand in one column with blanks between them, and the table of such blocks.

    What other programs write is brought to the form of FER2013: a column for each pixel, brackets, commas in quotes.
    """
    text = block.text
    if b'"' in text:
        text = _QUOTED.sub(_blank_quoted, text)
    if table.width > 1:
        lines = text[len(PADDING) :].split(b"\n")
        text = PADDING + b"\n".join(_join_pixels(table, line) for line in lines)
        table = _narrow(table)
    return table, block if text is block.text else Block(line=block.line, text=text)


def _narrow(table: Table) -> Table:
    """Return the table whose columns of pixels have become one."""
    lost = table.width - 1

    def move(column: int | None) -> int | None:
        return column if column is None or column < table.pixels else column - lost

    return replace(table, columns=table.columns - lost, emotion=move(table.emotion), usage=move(table.usage), width=1)


def _blank_quoted(match: re.Match[bytes]) -> bytes:
    """Return a quoted cell with blanks in place of brackets and delimiters; they divide numbers, or are a remark's."""
    return b" ".join(_BETWEEN.split(match[0][1:-1])).strip()


def _join_pixels(table: Table, line: bytes) -> bytes:
    cells = line.rstrip(b"\r").split(table.delimiter)
    if len(cells) != table.columns:
        return line  # whoever finds its pixels says what is wrong
    start, stop = table.pixels, table.pixels + table.width
    return table.delimiter.join([*cells[:start], b" ".join(cells[start:stop]), *cells[stop:]])


def find_rows(table: Table, block: Block) -> Rows:
    """Return the rows of a block; empty lines are no rows."""
    rows = Rows()
    line, start, text = block.line, len(PADDING), block.text
    while start < len(text):
        stop = text.find(b"\n", start)
        stop = len(text) if stop == _NOT_FOUND else stop
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
    """Return where the pixels start and end: between the delimiters of the columns before and after them."""
    start, end = bounds
    is_sound = True
    for _ in range(table.pixels):
        comma = text.find(table.delimiter, start, end)
        is_sound &= comma != _NOT_FOUND
        start = comma + 1
    for _ in range(table.columns - 1 - table.pixels):
        end = text.rfind(table.delimiter, start, end)
        is_sound &= end != _NOT_FOUND
    if not is_sound or text.find(table.delimiter, start, end) != _NOT_FOUND:
        found = text.count(table.delimiter, *bounds) + 1
        is_open = text.count(b'"', *bounds) % 2 == 1
        advice = ": a quoted cell goes on over several lines, write its pixels into one" if is_open else ""
        raise ValueError(f"expected {table.columns} columns, found {found}{advice}")
    return start, end


@lru_cache(maxsize=1024)  # most rows say one of 21 things
def _understand_others(table: Table, before: bytes, after: bytes) -> tuple[str, int]:
    """Return the label and the split that the columns before and after the pixels tell."""
    others = (*before.split(table.delimiter)[:-1], b"", *after.split(table.delimiter)[1:])
    label, split = "", table.split
    if table.emotion is not None:
        label = _clean(others[table.emotion])
        label = str(parse_emotion(label)) if table.is_numbered else label
        if not label:
            raise ValueError("expected a label, found none")
    if table.usage is not None:
        split = SPLITS.index(parse_usage(_clean(others[table.usage])))
    return label, split


def _clean(text: bytes) -> str:
    return text.strip(_AROUND).decode("utf-8", errors="replace")
