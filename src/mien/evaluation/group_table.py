"""Groups of faces from a table. In: a CSV file and the ids of faces. Out: column -> the group of each face."""

from __future__ import annotations

import csv
import io
import math
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.data.dialects import HEAD_BYTES, find_delimiter, is_text, sniff
from mien.errors import DataError, RunError

ID_COLUMNS = ("id", "file", "path", "image", "filename", "face", "row")
"""Columns that tell which face a row is about; the first one that the table has counts."""

MOST_VALUES = 12
QUARTERS = 4
"""Numbers with more values than that are cut into so many groups of about equal size."""

MISSING = frozenset({"", "nan", "na", "n/a", "<na>", "null", "none", "-"})
"""What stands in a column of numbers where there is none."""

DIGITS = range(6, 18)
WHOLE = 1e15
"""Limits of quarters are told with as few significant digits as tell them apart; smaller whole numbers with all."""


def read_groups(path: str | os.PathLike[str], ids: Sequence[str]) -> tuple[dict[str, list[str]], str]:
    """Return column -> cell of each face, and in a line how rows were matched.

    A column of ids says which face a row is about: an id as in predictions.csv, or a path of which one is the end of
    the other. Without one, rows have to be as many as faces, and count in their order. Cells may be divided by commas,
    semicolons, tabs or bars.

    Args:
        path: of a CSV with a header.
        ids: of the faces, in their order.

    Raises:
        RunError: there is no such file.
        DataError: it is no table, has no columns of groups, or its rows do not belong to these faces.
    """
    where = Path(path)
    header, rows = _read_table(where)
    lower = [name.lower() for name in header]
    key = next((name for name in ID_COLUMNS if name in lower), None)
    if key is None:
        if len(rows) != len(ids):
            expected = f"expected a column {' or '.join(ID_COLUMNS[:3])}, or a row for each of {len(ids):,} faces"
            raise DataError(where, f"{expected}, found neither, and {len(rows):,} rows")
        order, told = list(range(len(ids))), "rows taken in the order of the faces"
    else:
        order = _match(where, [row[lower.index(key)] for row in rows], ids, key)
        told = f"rows matched by column {header[lower.index(key)]}"
    places = [place for place, name in enumerate(lower) if name != key and name]
    if not places:
        raise DataError(where, "expected a column of groups, such as age or camera, found none")
    if "" in lower:
        told += "; a column without a name left out"
    return {header[at]: [rows[row][at] for row in order] for at in places}, f"{where}: {told}"


def cut_numbers(cells: Sequence[str]) -> list[str]:
    """Return the cells; numbers with many values become quarters, named after their limits.

    Numbers with few values are called alike however they are written ("1", "1.0"). What is missing among numbers
    ("NaN", "NA", "null", "-", …) becomes "".

    >>> sorted(set(cut_numbers([str(age) for age in range(20, 60)])))
    ['20 to 29', '30 to 39', '40 to 49', '50 to 59']
    """
    numbers = [_read_number(cell) for cell in cells]
    known = np.array([number for number in numbers if number is not None], dtype=np.float64)
    if not len(known) or find_word(cells) is not None:
        return list(cells)
    if len(np.unique(known)) <= MOST_VALUES:
        names = _tell_apart(known.tolist())
        return ["" if number is None else names[number] for number in numbers]
    edges = np.unique(np.quantile(known, np.arange(1, QUARTERS) / QUARTERS))
    places = [None if number is None else int(np.searchsorted(edges, number, side="left")) for number in numbers]
    limits = {}
    for place in {one for one in places if one is not None}:
        inside = [number for number, one in zip(numbers, places, strict=True) if one == place and number is not None]
        limits[place] = (min(inside), max(inside))
    told = _tell_apart([limit for pair in limits.values() for limit in pair])
    return ["" if place is None else " to ".join(told[limit] for limit in limits[place]) for place in places]


def find_word(cells: Sequence[str]) -> int | None:
    """Return the place of the first cell that is neither a number nor missing; None where there is none."""
    is_word = (_read_number(cell) is None and cell.strip().lower() not in MISSING for cell in cells)
    return next((place for place, word in enumerate(is_word) if word), None)


def is_mostly_numbers(cells: Sequence[str]) -> bool:
    """Say whether most of the cells that are filled are numbers."""
    filled = [cell for cell in cells if cell.strip().lower() not in MISSING]
    return 2 * sum(_read_number(cell) is not None for cell in filled) > len(filled)


def _tell_apart(limits: Sequence[float]) -> dict[float, str]:
    """Return a text for each number: no two numbers have the same one."""
    numbers = sorted(set(limits))
    for digits in DIGITS:
        told = {
            number: f"{number:.0f}" if number.is_integer() and abs(number) < WHOLE else f"{number:.{digits}g}"
            for number in numbers
        }
        if len(set(told.values())) == len(numbers):
            break
    return told


def _read_table(where: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and rows of as many cells; white space in a cell is one blank."""
    try:
        data = where.read_bytes()
        if not is_text(data[:HEAD_BYTES]):
            raise UnicodeError("it holds null bytes")
        text = data.decode(sniff(data[:HEAD_BYTES]).encoding)
    except FileNotFoundError:
        raise RunError(f"{where}: no such table of groups") from None
    except (OSError, UnicodeError) as error:
        raise DataError(where, f"expected a CSV table in UTF-8, which cannot be read ({error})") from None
    lines = io.StringIO(text, newline=None)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise DataError(where, "expected a CSV table with a header, found an empty file")
    lines.seek(0)
    reader = csv.reader(lines, delimiter=find_delimiter(first), skipinitialspace=True, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells) or len(cells) > 1 or (rows and len(cells) == len(rows[0][1])):  # else it is a blank line
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise DataError(f"{where} line {reader.line_num}", f"expected a row of a CSV table, found {error}") from None
    return _check_rows(where, rows)


def _check_rows(where: Path, rows: Sequence[tuple[int, list[str]]]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows; `rows` have their lines with them."""
    header = rows[0][1]
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise DataError(where, f"expected columns of different names, found {twice} twice")
    for line, cells in rows[1:]:
        if len(cells) != len(header):
            expected = f"expected {len(header)} cells as in the header, found {len(cells)}"
            raise DataError(f"{where} line {line}", expected)
    return header, [cells for _, cells in rows[1:]]


def _match(where: Path, keys: Sequence[str], ids: Sequence[str], name: str) -> list[int]:
    """Return the row of each face: the one with its id, else the one whose path and id end alike."""
    rows = {key: index for index, key in enumerate(keys)}
    if len(rows) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DataError(where, f"expected one row a face, found {name} {twice} twice")
    by_last = defaultdict(list)
    for key, index in rows.items():
        by_last[_split(key)[-1]].append((_split(key), index))
    order, missing = [], []
    for one in ids:
        parts = _split(one)
        same = [rows[one]] if one in rows else [at for key, at in by_last[parts[-1]] if _end_alike(key, parts)]
        if len(same) > 1:
            expected = f"expected one row for the face {one}, found {len(same)}, such as {keys[same[0]]}"
            raise DataError(where, f"{expected} and {keys[same[1]]}: give whole ids, as predictions.csv has them")
        order += same
        missing += [] if same else [one]
    if missing:
        found = f"found none for {len(missing):,} of them, such as {missing[0]}"
        expected = f"expected a row for each of {len(ids):,} faces (predictions.csv has their ids)"
        raise DataError(where, f"{expected}, {found}")
    if len(set(order)) < len(order):
        shared = next(at for at in order if order.count(at) > 1)
        found = f"found {keys[shared]} for several: give whole ids, as predictions.csv has them"
        raise DataError(where, f"expected a row for each face, {found}")
    return order


def _split(path: str) -> tuple[str, ...]:
    """Return the parts of a path, of any system."""
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", ".")) or (path,)


def _end_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Say whether one of two paths is the end of the other."""
    length = min(len(one), len(other))
    return one[-length:] == other[-length:]


def _read_number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
