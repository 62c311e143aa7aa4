"""A table beside a folder of pictures: its rows go in, a listing of pictures with label and split comes out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from mien.data.archives import PICTURE_SUFFIXES, Tree, name_damage
from mien.data.bad import BadInputs
from mien.data.names import (
    LABEL_COLUMNS,
    PATH_COLUMNS,
    SPLIT_COLUMNS,
    canonical_split,
    find_column,
    parse_usage,
)
from mien.data.pictures import Picture
from mien.errors import DataError

MAX_TABLE_BYTES = 1 << 30


def list_table(tree: Tree, table: str, bad: BadInputs) -> list[Picture]:
    """Return the pictures that the rows of a table name, by path, file name or file name without suffix.

    Without a column label they are unlabelled; without a column split, the name of the table (train.csv, test.csv) or
    the first folder of the path tells the split, otherwise they are train.

    Raises:
        DataError: a missing column, or a row that is not sound and may not be skipped.
    """
    where = tree.locate(table)
    with name_damage(where), tree.open(table) as file:
        text = file.read(MAX_TABLE_BYTES).decode("utf-8-sig", errors="replace")
    rows = csv.reader(io.StringIO(text, newline=""))
    header = tuple(name.strip().lower() for name in next(rows, []))
    path = find_column(header, PATH_COLUMNS)
    if path is None:
        expected = "pixels, path or id"
        raise DataError(f"{where} line 1", f"expected a column {expected}, found {', '.join(header)[:80] or 'none'}")
    columns = (path, find_column(header, LABEL_COLUMNS), find_column(header, SPLIT_COLUMNS))
    return list(_list_rows(tree, table, rows, columns, bad))


def _list_rows(
    tree: Tree,
    table: str,
    rows: Iterator[list[str]],
    columns: tuple[int, int | None, int | None],
    bad: BadInputs,
) -> Iterator[Picture]:
    known = _index_pictures(tree.pictures)
    stem = canonical_split(table.split("/")[-1].split(".")[0])
    line = 1
    try:
        for row in rows:
            line += 1
            if any(row):
                try:
                    yield _understand_row(row, columns, known, stem, f"{tree.locate(table)} line {line}")
                except DataError as error:
                    bad.add(error)
    except csv.Error as error:
        raise DataError(f"{tree.locate(table)} line {line + 1}", f"expected a row of a table, found {error}") from error


def _understand_row(
    row: Sequence[str],
    columns: tuple[int, int | None, int | None],
    known: Mapping[str, str],
    stem: str | None,
    where: str,
) -> Picture:
    needed = max(column for column in columns if column is not None) + 1
    if len(row) < needed:
        raise DataError(where, f"expected at least {needed} columns, found {len(row)}")
    name, label, usage = (None if column is None else row[column].strip() for column in columns)
    assert name is not None
    file = known.get(name.replace("\\", "/").removeprefix("./"))
    if not file:
        found = "none" if file is None else "several"
        raise DataError(where, f"expected one picture called {name[:80]!r} beside the table, found {found}")
    if label is None:
        return Picture(file=file, split="unlabelled", label=None, id=name)
    if not label:
        raise DataError(where, "expected a label, found none")
    if usage is None:
        split = stem or canonical_split(name.split("/")[0]) or "train"
    else:
        try:
            split = parse_usage(usage)
        except ValueError as problem:
            raise DataError(where, str(problem)) from problem
    return Picture(file=file, split=split, label=label, id=name)


def _index_pictures(pictures: Sequence[str]) -> dict[str, str]:
    """Return every name that a row may use for a picture; "" stands for a name that several share."""
    known: dict[str, str] = {}
    for file in pictures:
        parts = file.split("/")
        tails = ["/".join(parts[start:]) for start in range(len(parts))]
        for name in {*tails, *(_cut_suffix(tail) for tail in tails)}:
            known[name] = "" if name in known else file
    known.update({file: file for file in pictures})  # a whole path is never in doubt
    return known


def _cut_suffix(name: str) -> str:
    return name.rsplit(".", 1)[0] if name.lower().endswith(PICTURE_SUFFIXES) else name
