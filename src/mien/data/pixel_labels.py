"""What the columns beside the pixels say: a table's first rows go in, the meaning of labels and splits comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mien.data.bad import BadInputs
from mien.data.columns import OTHER_SPLIT_COLUMNS, SPLIT_COLUMNS
from mien.data.digits import PADDING
from mien.data.listing import Reading, plain_number
from mien.data.names import canonical_split, order_classes
from mien.data.rows import Block, Table
from mien.errors import DataError
from mien.faces import UNLABELLED, Labels
from mien.labels import CONTEMPT, EXPRESSIONS, KNOWN_EXPRESSIONS, canonical_expression

_AROUND = b'" \r\t'


def settle(table: Table, header: Sequence[str], block: Block, reading: Reading, bad: BadInputs) -> Table:
    """Return the table with what its first rows tell: which column names splits, and whether labels are FER2013's.

    Labels are FER2013's numbers where the column is called emotion, or beside a Usage. A column whose cells are all
    names of splits is never overlooked.

    Raises:
        DataError: two columns could name the splits.
    """
    rows = [line.split(table.delimiter) for line in block.text[len(PADDING) :].split(b"\n") if line.strip()]
    rows = [row for row in rows if len(row) == table.columns]
    table = _find_split(table, header, rows, reading, bad)
    if table.emotion is None:
        return table
    labels = [row[table.emotion].strip(_AROUND).decode("utf-8", errors="replace") for row in rows]
    numbers = sum(plain_number(label).isdigit() for label in labels)
    names = sum(canonical_expression(label) is not None for label in labels)
    is_own = header[table.emotion] == "emotion" or (table.usage is not None and header[table.usage] == "usage")
    return replace(table, is_numbered=is_own and not reading.naming and (numbers >= names or not labels))


def _find_split(
    table: Table, header: Sequence[str], rows: Sequence[Sequence[bytes]], reading: Reading, bad: BadInputs
) -> Table:
    pixels = range(table.pixels, table.pixels + table.width)
    told = []
    for column, name in enumerate(header):
        if column in pixels or column == table.emotion:
            continue
        cells = {row[column].strip(_AROUND).decode("utf-8", errors="replace") for row in rows}
        if 0 < len(cells) <= 20 and all(map(canonical_split, cells)):
            told.append(column)
        elif name in OTHER_SPLIT_COLUMNS:
            shown = ", ".join(sorted(cells)[:3])
            bad.note(f"{table.name}: column {name} ({shown}, …) is not read: it does not name splits")
    is_chosen = "split" in reading.columns or (table.usage is not None and header[table.usage] in SPLIT_COLUMNS)
    if is_chosen:
        return table
    if len(told) > 1:
        found = " and ".join(header[column] for column in told)
        raise DataError(f"{table.name} line 1", f"columns {found} name splits: choose with `columns` split=NAME")
    if told:
        bad.note(f"{table.name}: column {header[told[0]]} is read as the split")
    return replace(table, usage=told[0] if told else None)


def name_rows(labels: Sequence[str], table: Table, reading: Reading, bad: BadInputs) -> tuple[Labels, tuple[str, ...]]:
    """Return the label of each row as an index, int64 (N,), and the classes that they index.

    Raises:
        DataError: the user names classes, but not each.
    """
    if table.is_numbered:
        return _number(labels, table, bad)
    plain = {label: plain_number(label) for label in {*labels} if label}
    if reading.naming:
        names = reading.naming.resolve(plain.values())
        plain = {label: names[number] for label, number in plain.items()}
    expressions, classes, warnings = order_classes(plain.values())
    for warning in warnings:
        bad.note(warning)
    if not plain:
        expressions = EXPRESSIONS
    positions = {label: expressions.index(classes[name]) for label, name in plain.items()}
    return np.array([positions.get(label, UNLABELLED) for label in labels], dtype=np.int64), expressions


def _number(labels: Sequence[str], table: Table, bad: BadInputs) -> tuple[Labels, tuple[str, ...]]:
    numbers = np.array([int(label) if label else UNLABELLED for label in labels], dtype=np.int64)
    contempt = int((numbers == KNOWN_EXPRESSIONS.index(CONTEMPT)).sum())
    if not contempt:
        return numbers, EXPRESSIONS
    bad.note(f"{table.name}: emotion 7, of {contempt:,} faces, is read as {CONTEMPT}")
    return numbers, KNOWN_EXPRESSIONS
