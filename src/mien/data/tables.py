"""Tables and lists beside pictures: their rows go in, what they tell of each picture comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.columns import OTHER_SPLIT_COLUMNS, PATH_COLUMNS, Columns, choose_columns, find_column, name_column
from mien.data.folders import find_splits
from mien.data.listing import Reading, Told, join, plain_number
from mien.data.lookup import PictureIndex, index_pictures
from mien.data.names import canonical_split, parse_usage
from mien.data.numberings import own_numbers
from mien.data.pictures import Box, Picture
from mien.data.text_tables import TextTable, read_text_table
from mien.data.votes import choose_label
from mien.errors import DataError

_PROBED_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """All that the rows of one table have in common."""

    table: TextTable
    columns: Columns
    index: PictureIndex
    folder: str
    split: str | None
    numbers: Mapping[str, str]


def list_table(tree: Tree, table: str, bad: BadInputs, reading: Reading | None = None) -> list[Picture]:
    """Return the pictures that the rows of a table name, by path, file name or file name without suffix.

    Without a column label they are unlabelled; without a column split, the name of the table (train.csv, test.csv) or
    the first folder of the path tells the split, otherwise they are train.

    Raises:
        DataError: a missing column, or a row that is not sound and may not be skipped.
    """
    found = read_text_table(tree, table)
    told = None if found is None else tell_table(found, index_pictures(tree.pictures), bad, reading or Reading())
    if told is None:
        header = () if found is None else found.header
        raise refuse_header(f"{tree.locate(table)} line 1", header)
    return join(told, bad)


def refuse_header(where: str, header: Sequence[str]) -> DataError:
    """Return the error about a table without a column that tells where its faces are."""
    found = ", ".join(header)[:80] or "none"
    return DataError(where, f"expected a column pixels, path or id, found {found}")


def names_any(table: TextTable, index: PictureIndex) -> bool:
    """Tell whether one of the first rows of a table names a picture."""
    folder = table.file.rpartition("/")[0]
    rows = table.rows[:_PROBED_ROWS] if table.header == () else [table.header, *table.rows[:_PROBED_ROWS]]
    hits = sum(any(index.find(cell, folder=folder).files for cell in row if not cell.strip().isdigit()) for row in rows)
    return 2 * hits >= len(rows) if table.is_loose else hits > 0  # a text may speak of a picture and be no list


def tell_table(table: TextTable, index: PictureIndex, bad: BadInputs, reading: Reading) -> list[Told] | None:
    """Return what the rows of a table tell, or None where no column names pictures.

    Raises:
        DataError: two columns could be meant, or a row is not sound and may not be skipped.
    """
    folder, _, name = table.file.rpartition("/")
    resolve = _make_resolver(index, folder)
    table = _settle_header(table, resolve)
    columns = choose_columns(table.header, table.rows, resolve, table.where, reading.columns)
    if columns is None:
        return None
    stem = canonical_split(name.split(".")[0])
    inner = [split for part in folder.split("/") if (split := canonical_split(part))]
    own = None if reading.naming else own_numbers(table.file, table.header)
    source = _Source(
        table=table,
        columns=columns,
        index=index,
        folder=folder,
        split=stem or (inner[-1] if inner else None),
        numbers={} if own is None else own[1],
    )
    told = []
    for number, row in enumerate(table.rows):
        try:
            one = _understand_row(source, row, table.locate(number))
        except DataError as error:
            bad.add(error)
        else:
            told.append(one)
    _remark(source, told, own, bad)
    return _read_prefixes(told, bad)


def _make_resolver(index: PictureIndex, folder: str) -> Callable[[str], str | None]:
    def resolve(cell: str) -> str | None:
        files = index.find(cell, folder=folder).files
        return files[0] if files else None

    return resolve


def _settle_header(table: TextTable, resolve: Callable[[str], str | None]) -> TextTable:
    """Return the table with its header apart, if its first row is one."""
    if table.header and any(resolve(cell) for cell in table.header if not cell.isdigit()):
        return table.without_header()
    first = [cell.strip().lower() for cell in table.rows[0]] if table.is_loose and table.rows else []
    if first and find_column(first, PATH_COLUMNS) is not None and not any(map(resolve, first)):
        return TextTable(
            file=table.file, where=table.where, header=tuple(first), rows=table.rows[1:], lines=table.lines[1:]
        )
    return table


def _understand_row(source: _Source, row: Sequence[str], where: str) -> Told:
    columns = source.columns
    indices = (columns.path, columns.label, columns.split, *columns.flags.values(), *columns.box)
    needed = max(column for column in indices if column is not None) + 1
    if len(row) < needed:
        raise DataError(where, f"expected at least {needed} columns, found {len(row)}")
    name = row[columns.path].strip()
    told, is_told = _find_split(source, row, where)
    found = source.index.find(name, folder=source.folder, split=told)
    if len(found.files) != 1:
        amount = "several" if found.files else "none"
        raise DataError(where, f"expected one picture called {name[:80]!r} beside the table, found {amount}")
    file = found.files[0]
    if not is_told:
        inner = [split for part in file.split("/")[:-1] if (split := canonical_split(part))]
        inner = inner or [split for part in [name.split("/")[0]] if (split := canonical_split(part))]
        told, is_told = (inner[-1], True) if inner and inner[-1] != "unlabelled" else (None, False)
    label = _find_label(source, row, where)
    box = _find_box(columns, row, where)
    picture = Picture(file=file, split=told or "train", label=label, id=name, box=box)
    if columns.label is None and not columns.flags:
        picture = Picture(file=file, split=told or "unlabelled", label=None, id=name, box=box)
    return Told(picture=picture, is_split_told=is_told, where=where)


def _find_split(source: _Source, row: Sequence[str], where: str) -> tuple[str | None, bool]:
    if source.columns.split is None:
        return source.split, source.split is not None
    try:
        return parse_usage(row[source.columns.split].strip()), True
    except ValueError as problem:
        raise DataError(where, str(problem)) from problem


def _find_label(source: _Source, row: Sequence[str], where: str) -> str | None:
    columns = source.columns
    if columns.flags:
        return _read_flags(columns.flags, row, where)
    if columns.label is None:
        return None
    label = plain_number(row[columns.label])
    if not label:
        raise DataError(where, "expected a label, found none")
    return source.numbers.get(label, label)


def _read_flags(flags: Mapping[str, int], row: Sequence[str], where: str) -> str:
    """Return the class whose column has the 1, or that most taggers vote for."""
    try:
        votes = np.array([int(float(row[column].strip() or 0)) for column in flags.values()])
    except ValueError as error:
        raise DataError(where, "expected 0 and 1, or votes, in the columns of classes, found others") from error
    if votes.max(initial=0) <= 1:
        marked = [name for name, vote in zip(flags, votes, strict=True) if vote == 1]
        if len(marked) != 1:
            raise DataError(where, f"expected one class, found {' and '.join(marked) or 'none'}")
        return marked[0]
    return choose_label(list(flags), votes)


def _find_box(columns: Columns, row: Sequence[str], where: str) -> Box | None:
    if not columns.box:
        return None
    try:
        left, top, right, bottom = (float(row[column]) for column in columns.box)
    except ValueError as error:
        raise DataError(where, "expected numbers in the columns of the box, found others") from error
    if columns.box_is_size:
        right, bottom = left + right, top + bottom
    return Box(left=left, top=top, right=right, bottom=bottom)


_USUAL_NAMES = frozenset(
    {
        "path",
        "image",
        "file",
        "filename",
        "file_name",
        "id",
        "label",
        "emotion",
        "expression",
        "class",
        "split",
        "usage",
    }
)
"""Names of columns that need no explanation."""


def _remark(source: _Source, told: Sequence[Told], own: tuple[str, Mapping[str, str]] | None, bad: BadInputs) -> None:
    """Say what the columns were taken for, where their names do not say it."""
    columns, header, where = source.columns, source.table.header, source.table.where
    roles = {"path": columns.path, "label": columns.label, "split": columns.split}
    chosen = {role: column for role, column in roles.items() if column is not None}
    if any(column >= len(header) or header[column] not in _USUAL_NAMES for column in chosen.values()):
        parts = [f"{name_column(header, column)} as {role}" for role, column in chosen.items()]
        bad.note(f"{where}: {', '.join(parts)}; `columns` path=…,label=… chooses others")
    if columns.box:
        names = ", ".join(header[column] for column in columns.box)
        bad.note(f"{where}: faces are cut out of {len(told):,} pictures by {names}")
    if own is not None:
        bad.note(f"{where}: labels are named as {own[0]} numbers them")
    unread = [name for position, name in enumerate(header) if name and position not in chosen.values()]
    if columns.label is None and not columns.flags and unread:
        bad.note(f"{where}: no column is read as label: {', '.join(unread)[:80]}; choose one with `columns` label=NAME")
    for name in set(OTHER_SPLIT_COLUMNS) & {*unread}:
        bad.note(f"{where}: column {name} is not read: it does not name splits")
    _remark_paths(source, told, bad)


def _remark_paths(source: _Source, told: Sequence[Told], bad: BadInputs) -> None:
    """Say where pictures are found by the end of a path alone, and where folder and row name different splits."""
    columns, where = source.columns, source.table.where
    names = [row[columns.path] for row in source.table.rows[:_PROBED_ROWS] if len(row) > columns.path]
    if any(not source.index.find(name, folder=source.folder).is_exact for name in names):
        bad.note(f"{where}: paths are those of another place: pictures are found by the end of them")
    if columns.split is not None:
        moved = sum({*find_splits(row.picture.file)} not in (set(), {row.picture.split}) for row in told)
        if moved:
            found = "stand in the folder of another split than their row says"
            bad.note(f"{where}: {moved:,} pictures {found}: the row counts")


def _read_prefixes(told: Sequence[Told], bad: BadInputs) -> list[Told]:
    """Return the rows with the splits that the names of their pictures begin with, where nothing else says them."""
    if not told or any(row.is_split_told or row.picture.label is None for row in told):
        return list(told)
    splits = [canonical_split(row.picture.file.rpartition("/")[2].split("_")[0]) for row in told]
    if not all(splits) or len({*splits}) < 2:
        return list(told)
    bad.note("splits are read from the names of the pictures, which begin with train_, test_ or the like")
    return [
        replace(row, picture=replace(row.picture, split=split or "train"), is_split_told=True)
        for row, split in zip(told, splits, strict=True)
    ]
