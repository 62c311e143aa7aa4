"""Tables of faces. In: faces of a picture or a frame. Out: rows, as plain dicts, lines of CSV or JSONL, or Parquet.

Every format has the same columns: where the face is, then what `Face.to_row` tells.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from mien.errors import ConfigError, MissingExtraError
from mien.files import write_aside
from mien.recognition.face import PLACE, Face, name_columns

Row: TypeAlias = dict[str, Any]

WHERE = ("file", "frame", "seconds", "face")
ANSWER = ("expression", "confidence")
FOUND = ("detection", "readability")
"""Scores of a find; the second stands in the tables of networks that tell it."""
SETS = ("expressions",)
"""The column of sets, in tables that asked for a coverage."""
WHOLE_NUMBERS = ("frame", "face", *PLACE)
TEXTS = ("file", "expression", *SETS)
DIGITS = 6
"""Of a probability after the point: finer differences come from the order of summation alone."""

SUFFIXES = (".csv", ".jsonl", ".parquet")
ROWS_AT_ONCE = 1 << 16


def check_suffix(out: Path) -> None:
    """Refuse a file of no known format, and Parquet where pyarrow is missing, before anything is computed.

    Raises:
        ConfigError: another suffix.
        MissingExtraError: pyarrow is not installed.
    """
    if out.suffix not in SUFFIXES:
        raise ConfigError(f"`out` {out}: expected a name that ends in .csv, .jsonl or .parquet")
    if out.suffix == ".parquet":
        _import_pyarrow()


def check_expressions(expressions: Sequence[str]) -> None:
    """Refuse expressions that are called like another column.

    Raises:
        ConfigError: there is one.
    """
    for name in (*WHERE, *PLACE, *FOUND, *ANSWER, *SETS):
        if name in expressions:
            raise ConfigError(f"the network calls an expression {name}, as the table calls a column: name it otherwise")


def list_columns(expressions: Sequence[str], *, sets: bool = False, readability: bool = False) -> tuple[str, ...]:
    """Return the columns of a table of results.

    Args:
        expressions: one column each.
        sets: one more says which expressions a face may show.
        readability: one more says whether it is a face that can be read.
    """
    return (*WHERE, *PLACE, *FOUND[: 1 + readability], *ANSWER, *(SETS if sets else ()), *name_columns(expressions))


def make_rows(file: str, faces: Iterable[tuple[int, Face]], *, frame: tuple[int, float] | None = None) -> list[Row]:
    """Return one row a face; a picture or frame without faces has one row with no face in it.

    Args:
        file: where they were found.
        faces: each with its number: in a picture from 1, in a video that of the face that is followed.
        frame: its number from 0 and its time in seconds; None for a picture.
    """
    number, seconds = frame or (None, None)
    where = {"file": file, "frame": number, "seconds": None if seconds is None else round(seconds, 3)}
    rows = [{**where, "face": index, **_round(face.to_row())} for index, face in faces]
    return rows or [{**where, "face": None}]


def write_heading(columns: Sequence[str]) -> bytes:
    r"""Return the first line of a CSV table, in UTF-8.

    >>> write_heading(("file", "sad, or so"))
    b'file,"sad, or so"\n'
    """
    return write_lines([dict(zip(columns, columns, strict=True))], columns, ".csv")


def write_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], suffix: str) -> bytes:
    r"""Return the lines of some rows, in UTF-8.

    >>> write_lines([{"file": "a.jpg", "face": None}], ("file", "face"), ".csv")
    b'a.jpg,\n'
    >>> write_lines([{"file": "a.jpg"}], ("file", "face"), ".jsonl")
    b'{"file": "a.jpg", "face": null}\n'
    """
    text = io.StringIO()
    if suffix == ".csv":
        csv.writer(text, lineterminator="\n").writerows([row.get(name) for name in columns] for row in rows)
    else:
        for row in rows:
            text.write(json.dumps({name: row.get(name) for name in columns}, ensure_ascii=False) + "\n")
    return text.getvalue().encode("utf-8", errors="backslashreplace")


def convert_to_parquet(lines: Path, out: Path, columns: Sequence[str]) -> None:
    """Write the rows of a JSONL file as Parquet, some at a time.

    Raises:
        MissingExtraError: pyarrow is not installed.
        MienError: the file cannot be written.
    """
    arrow = _import_pyarrow()
    import pyarrow.parquet

    schema = arrow.schema([(name, _pick_type(name)()) for name in columns])
    with (
        lines.open(encoding="utf-8") as file,
        write_aside(out) as aside,
        pyarrow.parquet.ParquetWriter(aside, schema) as writer,
    ):
        for rows in _read_some(file):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))


def _read_some(lines: Iterator[str]) -> Iterator[list[Row]]:
    while some := [json.loads(line) for line in islice(lines, ROWS_AT_ONCE)]:
        yield some


def _pick_type(name: str) -> Any:
    import pyarrow

    if name in TEXTS:
        return pyarrow.string
    return pyarrow.int32 if name in WHOLE_NUMBERS else pyarrow.float64 if name == "seconds" else pyarrow.float32


def _round(row: Row) -> Row:
    return {name: round(value, DIGITS) if isinstance(value, float) else value for name, value in row.items()}


def _import_pyarrow() -> Any:
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise MissingExtraError("pyarrow", "parquet") from None
    return pyarrow
