"""Groups of faces from a table. In: a CSV file and the ids of faces. Out: column -> the group of each face."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.errors import DataError, RunError

ID_COLUMNS = ("id", "file", "path", "image", "filename", "face", "row")
"""Columns that tell which face a row is about; the first one that the table has counts."""

MOST_VALUES = 12
QUARTERS = 4
"""Numbers with more values than that are cut into so many groups of about equal size."""


def read_groups(path: str | os.PathLike[str], ids: Sequence[str]) -> tuple[dict[str, list[str]], str]:
    """Return column -> group of each face, and in a line how rows were matched.

    A column of ids says which face a row is about: an id as in predictions.csv, or the end of its path. Without one,
    rows have to be as many as faces, and count in their order.

    Args:
        path: of a CSV with a header.
        ids: of the faces, in their order.

    Raises:
        RunError: there is no such file.
        DataError: it is no table, has no columns of groups, or its rows do not belong to these faces.
    """
    where = Path(path)
    header, rows = _read_table(where)
    key = next((name for name in ID_COLUMNS if name in [one.lower() for one in header]), None)
    if key is None:
        if len(rows) != len(ids):
            expected = f"expected a column {' or '.join(ID_COLUMNS[:3])}, or a row for each of {len(ids):,} faces"
            raise DataError(where, f"{expected}, found neither, and {len(rows):,} rows")
        order, told = list(range(len(ids))), "rows taken in the order of the faces"
        names = header
    else:
        place = [one.lower() for one in header].index(key)
        order = _match(where, [row[place] for row in rows], ids, key)
        told, names = f"rows matched by column {header[place]}", [one for one in header if one != header[place]]
    columns = {name: [rows[row][header.index(name)] for row in order] for name in names}
    if not columns:
        raise DataError(where, "expected a column of groups, such as age or camera, found none")
    return {name: cut_numbers(cells) for name, cells in columns.items()}, f"{where}: {told}"


def cut_numbers(cells: Sequence[str]) -> list[str]:
    """Return the cells; numbers with many values become quarters, named after their limits.

    >>> sorted(set(cut_numbers([str(age) for age in range(20, 60)])))
    ['20 to 29', '30 to 39', '40 to 49', '50 to 59']
    """
    numbers = [_read_number(cell) for cell in cells]
    known = np.array([number for number in numbers if number is not None], dtype=np.float64)
    is_numeric = len(known) == sum(1 for cell in cells if cell.strip())
    if not is_numeric or len(np.unique(known)) <= MOST_VALUES:
        return list(cells)
    edges = np.unique(np.quantile(known, np.arange(1, QUARTERS) / QUARTERS))
    places = [None if number is None else int(np.searchsorted(edges, number, side="left")) for number in numbers]
    names = {}
    for place in {one for one in places if one is not None}:
        inside = [number for number, one in zip(numbers, places, strict=True) if one == place and number is not None]
        names[place] = f"{min(inside):g} to {max(inside):g}"
    return ["" if place is None else names[place] for place in places]


def _read_table(where: Path) -> tuple[list[str], list[list[str]]]:
    try:
        text = where.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RunError(f"{where}: no such table of groups") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(where, f"expected a CSV table in UTF-8, which cannot be read ({error})") from None
    try:
        header, *rows = [row for row in csv.reader(text.splitlines(), strict=True) if row]
    except (ValueError, csv.Error) as error:
        raise DataError(where, f"expected a CSV table with a header, found none ({error})") from None
    header = [name.strip() for name in header]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(where, f"expected columns of different names, found {twice} twice")
    wrong = next((line for line, row in enumerate(rows, 2) if len(row) != len(header)), None)
    if wrong is not None:
        found = len(rows[wrong - 2])
        raise DataError(f"{where} row {wrong}", f"expected {len(header)} cells as in the header, found {found}")
    return header, rows


def _match(where: Path, keys: Sequence[str], ids: Sequence[str], name: str) -> list[int]:
    """Return the row of each face."""
    rows = {key.strip(): index for index, key in enumerate(keys)}
    if len(rows) < len(keys):
        twice = next(key for key in keys if sum(key.strip() == other.strip() for other in keys) > 1)
        raise DataError(where, f"expected one row a face, found {name} {twice} twice")
    if not all(one in rows for one in ids):
        ends = [Path(one).name for one in ids]
        by_end = {Path(key).name: index for key, index in rows.items()}
        if len(set(ends)) == len(ends) and len(by_end) == len(rows) and all(end in by_end for end in ends):
            return [by_end[end] for end in ends]
    missing = [one for one in ids if one not in rows]
    if missing:
        found = f"found none for {len(missing):,} of them, such as {missing[0]}"
        raise DataError(
            where, f"expected a row for each of {len(ids):,} faces (predictions.csv has their ids), {found}"
        )
    return [rows[one] for one in ids]


def _read_number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
