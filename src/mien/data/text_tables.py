"""Text that may be a table: CSV, TSV, JSON lines, JSON, and lists of words; bytes go in, rows of cells come out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mien.data.archives import TABLE_SUFFIXES, Tree, name_damage
from mien.data.dialects import HEAD_BYTES, find_delimiter, is_text, sniff, split_cells
from mien.data.formats import PICTURE_SUFFIXES
from mien.errors import DataError

MAX_TABLE_BYTES = 1 << 30
LIST_SUFFIXES = (".txt", ".lst", ".list", ".jsonl", ".ndjson", ".json")
_SUFFIX = "|".join(suffix[1:] for suffix in PICTURE_SUFFIXES)
_NAMED_FIRST = re.compile(rf"^(.+?\.(?:{_SUFFIX}))[\"']?[\s,;:]+(\S.*)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """Rows of cells.

    Attributes:
        file: inside the tree.
        where: for messages.
        header: names of the columns in lower case; empty where the first row may be a row like any other.
        rows: cells.
        lines: the number of each row's line.
        is_loose: it has no header of its own kind: the first row may be a header, or a face.
    """

    file: str
    where: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    is_loose: bool = False

    def without_header(self) -> TextTable:
        """Return the table with the header as its first row, because it turned out to be one."""
        rows = [self.header, *self.rows]
        return TextTable(
            file=self.file, where=self.where, header=(), rows=rows, lines=[1, *self.lines], is_loose=self.is_loose
        )

    def locate(self, index: int) -> str:
        """Return where a row stands, for messages."""
        return f"{self.where} line {self.lines[index]}"


def read_text_table(tree: Tree, file: str) -> TextTable | None:
    """Return the rows of a text file, or None where it is no text or no table.

    Raises:
        DataError: it cannot be read, or a row of a CSV is broken.
    """
    where = tree.locate(file)
    with name_damage(where), tree.open(file) as stream:
        data = stream.read(MAX_TABLE_BYTES)
    if not is_text(data[:HEAD_BYTES]):
        return None
    text = data.decode(sniff(data[:HEAD_BYTES]).encoding, errors="replace")
    lower = file.lower()
    if lower.endswith((".jsonl", ".ndjson")):
        return _read_json_lines(text, file, where)
    if lower.endswith(".json"):
        return _read_json(text, file, where)
    if lower.endswith(TABLE_SUFFIXES) or not lower.endswith(LIST_SUFFIXES):
        return _read_csv(text, file, where)
    return _read_list(text, file, where)


def _read_csv(text: str, file: str, where: str) -> TextTable:
    first = text[: text.find("\n") + 1 or None]
    delimiter = find_delimiter(first.split("\r")[0])
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=True)
    header, rows, lines = _peel(next(reader, [])), [], []
    line = 1
    try:
        for row in reader:
            line += 1
            if any(row):
                rows.append(row)
                lines.append(line)
    except csv.Error as error:
        raise DataError(f"{where} line {line + 1}", f"expected a row of a table, found {error}") from error
    return TextTable(file=file, where=where, header=header, rows=rows, lines=lines)


def _peel(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.strip().strip("\ufeff").strip('"').strip().lower() for cell in cells)


def _read_list(text: str, file: str, where: str) -> TextTable | None:
    rows, lines = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            rows.append(_split_line(line.strip().strip("\ufeff")))
            lines.append(number)
    return TextTable(file=file, where=where, header=(), rows=rows, lines=lines, is_loose=True) if rows else None


def _split_line(line: str) -> list[str]:
    """Return the cells of a line of a list; the name of a picture may have blanks in it.

    >>> _split_line("my face.png 3"), _split_line("a.png,happy"), _split_line("3 a.png")
    (['my face.png', '3'], ['a.png', 'happy'], ['3', 'a.png'])
    """
    for delimiter in ("\t", ",", ";", "|"):
        if delimiter in line:
            return split_cells(line, delimiter)
    named = _NAMED_FIRST.match(line)
    if named and not re.match(r"^\d+\s", line):
        return [named[1].strip("\"'"), *named[2].split()]
    return line.split()


def _read_json_lines(text: str, file: str, where: str) -> TextTable | None:
    values: list[Any] = []
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                values.append(json.loads(line))
            except ValueError as error:
                raise DataError(f"{where} line {number}", f"expected a line of JSON, found {line[:60]!r}") from error
            lines.append(number)
    return _make_table(values, lines, file, where)


def _read_json(text: str, file: str, where: str) -> TextTable | None:
    """Return the rows of a list of objects, or of an object whose keys name pictures; None for any other JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, dict) and value and all(isinstance(one, str | int) for one in value.values()):
        value = [{"path": name, "label": label} for name, label in value.items()]
    if isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values()):
        value = [{"path": name, **one} for name, one in value.items()]
    return _make_table(value, range(1, len(value) + 1), file, where) if isinstance(value, list) else None


def _make_table(values: Sequence[Any], lines: Sequence[int], file: str, where: str) -> TextTable | None:
    if not values or not all(isinstance(value, dict) for value in values):
        return None
    names = list(dict.fromkeys(name for value in values for name in value))
    rows = [[_say(value.get(name)) for name in names] for value in values]
    return TextTable(file=file, where=where, header=tuple(str(name).lower() for name in names), rows=rows, lines=lines)


def _say(value: Any) -> str:
    return "" if value is None else str(value)
