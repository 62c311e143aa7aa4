"""Which column of a table says what: names and cells go in, the columns of path, label, split and box come out.

By name where one is known, by content otherwise: a column whose cells name pictures, one whose cells are expressions,
one whose cells are names of splits. The last is never overlooked, since faces of test would be trained on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mien.data.dialects import find_delimiter, split_cells
from mien.data.names import canonical_split
from mien.errors import ConfigError, DataError
from mien.labels import canonical_expression

PIXEL_COLUMNS = ("pixels", "pixel", "pixel_values", "image_pixels")
PATH_COLUMNS = (
    *("path", "file", "filename", "file_name", "image", "image_path", "img_path", "filepath", "file_path", "pth"),
    *("image_name", "img_name", "image_file", "img", "imagename", "imgpath", "imagepath", "subdirectory_filepath"),
    *("fname", "fpath", "picture", "photo", "pic", "frame", "image name", "name", "url", "id", "image_id", "img_id"),
)
LABEL_COLUMNS = (
    *("emotion", "label", "expression", "class", "emotions", "labels", "expressions", "classes", "category", "target"),
    *(
        "emotion_label",
        "label_name",
        "class_name",
        "emotion_name",
        "facial_expression",
        "categories",
        "targets",
        "choice",
    ),
    *("sentiment", "emo", "expr", "ground_truth", "groundtruth", "gt", "annotation", "label_id", "class_id", "y"),
)
SPLIT_COLUMNS = ("usage", "split")
OTHER_SPLIT_COLUMNS = ("set", "subset", "partition", "phase", "fold", "dataset", "data_split", "mode", "split_name")
FLAG_COLUMNS = ("is_train", "is_test", "is_valid", "is_val", "train", "test", "valid", "val", "istrain", "istest")
BOX_COLUMNS = (
    (("left", "top", "right", "bottom"), False),
    (("xmin", "ymin", "xmax", "ymax"), False),
    (("x_min", "y_min", "x_max", "y_max"), False),
    (("x1", "y1", "x2", "y2"), False),
    (("face_x", "face_y", "face_width", "face_height"), True),
    (("x", "y", "w", "h"), True),
    (("left", "top", "width", "height"), True),
    (("bbox_x", "bbox_y", "bbox_w", "bbox_h"), True),
)
"""Names of four columns, and whether the last two are width and height."""

ROLES = ("path", "label", "split", "pixels")
SAMPLE_ROWS = 200

Resolve = Callable[[str], str | None]
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Positions of columns; None where there is none.

    Attributes:
        path: names a picture.
        label: names its class.
        split: names its split.
        flags: class -> column that holds 1 for faces of it, or votes.
        box: four columns; of the face in its picture.
        box_is_size: the last two of `box` are width and height.
    """

    path: int
    label: int | None = None
    split: int | None = None
    flags: Mapping[str, int] = field(default_factory=dict)
    box: tuple[int, ...] = ()
    box_is_size: bool = False


def parse_columns(text: str | None) -> dict[str, str]:
    """Return what `--columns path=…,label=…,split=…` says: role -> name of a column, in lower case.

    Raises:
        ConfigError: another form or role.
    """
    if text is None:
        return {}
    roles: dict[str, str] = {}
    for part in text.split(","):
        role, equals, name = (piece.strip().lower() for piece in part.partition("="))
        if role not in ROLES or not equals or not name:
            raise ConfigError(
                f"`columns` {text}: expected {', '.join(f'{role}=NAME' for role in ROLES)}, found {part!r}"
            )
        roles[role] = name
    return roles


def read_header(line: bytes) -> tuple[str, ...]:
    r"""Return the column names of a table's first line: lower case, without blanks, quotes and byte order mark.

    >>> read_header(b'emotion, Usage," pixels"\r\n'), read_header(b"emotion;pixels\n")
    (('emotion', 'usage', 'pixels'), ('emotion', 'pixels'))
    """
    text = line.decode("utf-8-sig", errors="replace")
    return tuple(name.strip('"').strip().lower() for name in split_cells(text, find_delimiter(text)))


def find_column(header: Sequence[str], spellings: Sequence[str]) -> int | None:
    """Return the index of the first column that has one of the `spellings`, or None."""
    return next((header.index(name) for name in spellings if name in header), None)


def choose_columns(
    header: Sequence[str], rows: Rows, resolve: Resolve, where: str, wanted: Mapping[str, str]
) -> Columns | None:
    """Return what the columns of a table beside pictures say, or None where none of them names a picture.

    Args:
        header: names, in lower case; empty where the table has none.
        rows: all rows, as cells.
        resolve: gives the picture that a cell names, or None.
        where: the table, for messages.
        wanted: what `--columns` says.

    Raises:
        DataError: two columns could be meant.
    """
    chosen = {role: header.index(name) for role, name in wanted.items() if name in header}
    path = chosen["path"] if "path" in chosen else _find_path(header, rows, resolve, where)
    if path is None:
        return None
    width = max((len(row) for row in rows[:SAMPLE_ROWS]), default=len(header))
    others = [column for column in range(width) if column != path]
    box, box_is_size = _find_box(header)
    split = chosen["split"] if "split" in chosen else _find_split(header, rows, others, where)
    others = [column for column in others if column not in (split, *box)]
    flags = {} if "label" in chosen else _find_flags(header, rows, others)
    label = chosen.get("label", None if flags else _find_label(header, rows, others, where))
    return Columns(path=path, label=label, split=split, flags=flags, box=box, box_is_size=box_is_size)


def list_cells(rows: Rows, column: int, count: int | None = None) -> list[str]:
    """Return the cells of a column that are not empty."""
    return [row[column].strip() for row in rows[:count] if len(row) > column and row[column].strip()]


def _find_path(header: Sequence[str], rows: Rows, resolve: Resolve, where: str) -> int | None:
    named = [header.index(name) for name in PATH_COLUMNS if name in header]
    width = max((len(row) for row in rows[:SAMPLE_ROWS]), default=0)
    order = [*named, *(column for column in range(width) if column not in named)]
    scores: list[tuple[float, int]] = []
    found: dict[int, list[str | None]] = {}
    for column in order:
        cells = list_cells(rows, column, SAMPLE_ROWS)
        found[column] = [resolve(cell) for cell in cells]
        hits = sum(file is not None for file in found[column])
        plain = sum(cell.isdigit() for cell in cells)
        if hits and (column in named or 2 * hits >= len(cells)):
            # a number is a name of a picture, 17 of 17.png, only where nothing better is there
            scores.append((hits - 0.5 * plain, column))
    if not scores:
        return named[0] if named else None
    best = max(scores, key=lambda score: score[0])[1]
    for _, column in scores:
        both = list(zip(found[column], found[best], strict=False))
        if column != best and all(cell is not None for cell in found[column]) and any(a != b for a, b in both):
            cells = list_cells(rows, column, SAMPLE_ROWS)
            if not all(cell.isdigit() for cell in cells):
                names = " and ".join(name_column(header, one) for one in sorted((best, column)))
                raise DataError(where, f"{names} both name pictures, but others: choose with `columns` path=NAME")
    return best


def name_column(header: Sequence[str], column: int) -> str:
    """Return how a column is called in messages."""
    return f"column {header[column]}" if column < len(header) and header[column] else f"column {column + 1}"


def _find_split(header: Sequence[str], rows: Rows, others: Sequence[int], where: str) -> int | None:
    named = find_column(header, SPLIT_COLUMNS)
    if named is not None:
        return named
    found = []
    for column in others:
        values = set(list_cells(rows, column))
        told = [canonical_split(value) for value in values] if 0 < len(values) <= 20 else []
        name = header[column] if column < len(header) else ""
        if told and (all(told) or (name in OTHER_SPLIT_COLUMNS and any(told))):
            found.append(column)
        elif any(told) and _count_splits(rows, column) > 0.5:
            problem = f"{name_column(header, column)} names splits in some rows, and something else in others"
            raise DataError(where, f"{problem}: rename the others, or choose another with `columns` split=NAME")
        elif name in FLAG_COLUMNS and values <= {
            "0",
            "1",
            "True",
            "False",
            "true",
            "false",
            "TRUE",
            "FALSE",
            "yes",
            "no",
        }:
            problem = f"{name_column(header, column)} tells splits as yes and no, which is not read"
            raise DataError(where, f"{problem}: write a column split with train, valid and test")
    if not found:
        return None
    first = [canonical_split(cell) for cell in list_cells(rows, found[0])]
    for column in found[1:]:
        if first != [canonical_split(cell) for cell in list_cells(rows, column)]:
            names = " and ".join(name_column(header, one) for one in found)
            raise DataError(where, f"{names} name different splits: choose with `columns` split=NAME")
    return found[0]


def _count_splits(rows: Rows, column: int) -> float:
    """Return the part of the cells that name splits."""
    cells = list_cells(rows, column)
    return sum(canonical_split(cell) is not None for cell in cells) / len(cells)


def _find_flags(header: Sequence[str], rows: Rows, others: Sequence[int]) -> dict[str, int]:
    """Return class -> column where each class has a column of its own, of 0 and 1 or of votes."""
    flags = {}
    for column in others:
        if column < len(header) and header[column]:
            cells = list_cells(rows, column, SAMPLE_ROWS)
            if cells and all(re.fullmatch(r"\d{1,2}(\.0+)?", cell) for cell in cells):
                flags[header[column]] = column
    known = [name for name in flags if canonical_expression(name)]
    if len(known) < 2:
        return {}
    most = max(float(cell) for name in known for cell in list_cells(rows, flags[name], SAMPLE_ROWS))
    if most <= 1:
        return {name: column for name, column in flags.items() if set(list_cells(rows, column)) <= _ZERO_ONE}
    return {name: flags[name] for name in flags if name in known or name in ("unknown", "nf")}


_ZERO_ONE = frozenset({"0", "1", "0.0", "1.0"})


def _find_label(header: Sequence[str], rows: Rows, others: Sequence[int], where: str) -> int | None:
    named = [header.index(name) for name in LABEL_COLUMNS if name in header and header.index(name) in others]
    for columns in (named, [column for column in others if column not in named]):
        words = [column for column in columns if _holds_expressions(rows, column)]
        if len(words) > 1:
            _check_agreement(header, rows, words, where)
        if words:
            return words[0]
        if columns is named and len(named) > 1:
            _check_agreement(header, rows, named, where)
        if columns is named and named:
            return named[0]
    if header:
        return None
    numbers = [column for column in others if _holds_small_numbers(rows, column)]
    if len(numbers) == 1:
        return numbers[0]
    return others[0] if len(others) == 1 else None


def _holds_expressions(rows: Rows, column: int) -> bool:
    values = set(list_cells(rows, column))
    known = [value for value in values if canonical_expression(value)]
    return (len(known) >= 2 and 2 * len(known) >= len(values)) or len(known) == len(values) > 0


def _holds_small_numbers(rows: Rows, column: int) -> bool:
    values = set(list_cells(rows, column))
    return 1 < len(values) <= 30 and all(value.isdigit() for value in values)


def _check_agreement(header: Sequence[str], rows: Rows, columns: Sequence[int], where: str) -> None:
    """Raise DataError where two columns of labels do not say the same, whatever words they use."""
    first = columns[0]
    for other in columns[1:]:
        pairs = {
            (_plain(row[first]), _plain(row[other]))
            for row in rows
            if max(first, other) < len(row) and row[first].strip()
        }
        if len({one for one, _ in pairs}) < len(pairs) or len({two for _, two in pairs}) < len(pairs):
            names = " and ".join(name_column(header, one) for one in (first, other))
            raise DataError(where, f"{names} could both be the label, and differ: choose with `columns` label=NAME")


def _plain(cell: str) -> str:
    return canonical_expression(cell) or cell.strip().lower()


def _find_box(header: Sequence[str]) -> tuple[tuple[int, ...], bool]:
    for names, is_size in BOX_COLUMNS:
        if all(name in header for name in names):
            return tuple(header.index(name) for name in names), is_size
    return (), False
