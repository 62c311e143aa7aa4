"""How data sets spell splits, columns and classes: names go in, mien's own words come out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from mien.labels import EXPRESSIONS, canonical_expression

SPLITS: tuple[str, ...] = ("train", "valid", "test", "unlabelled")

_SPLIT_SPELLINGS: dict[str, tuple[str, ...]] = {
    "train": ("training",),
    "valid": ("val", "validation", "publictest"),
    "test": ("testing", "privatetest"),
    "unlabelled": ("unlabeled",),
}
"""FER2013's Training, PublicTest and PrivateTest become train, valid and test here and nowhere else."""

_CANONICAL_SPLIT = {spelling: split for split in SPLITS for spelling in (split, *_SPLIT_SPELLINGS[split])}

_NUMBERS = {str(number): number for number in range(len(EXPRESSIONS))}

PIXEL_COLUMNS = ("pixels",)
PATH_COLUMNS = ("path", "file", "filename", "file_name", "image", "image_path", "id", "image_id")
LABEL_COLUMNS = ("emotion", "label", "expression", "class")
SPLIT_COLUMNS = ("usage", "split")


def canonical_split(name: str) -> str | None:
    """Return the split that a data set calls `name`, or None.

    >>> canonical_split("PublicTest"), canonical_split("validation"), canonical_split("happy")
    ('valid', 'valid', None)
    """
    return _CANONICAL_SPLIT.get(re.sub(r"[\s_-]", "", name).lower())


def read_header(line: bytes) -> tuple[str, ...]:
    r"""Return the column names of a table's first line: lower case, without blanks, quotes and byte order mark.

    >>> read_header(b'emotion, Usage," pixels"\r\n')
    ('emotion', 'usage', 'pixels')
    """
    text = line.decode("utf-8-sig", errors="replace")
    return tuple(name.strip().strip('"').strip().lower() for name in text.split(","))


def find_column(header: Sequence[str], spellings: Sequence[str]) -> int | None:
    """Return the index of the first column that has one of the `spellings`, or None."""
    return next((header.index(name) for name in spellings if name in header), None)


def order_classes(names: Iterable[str]) -> tuple[tuple[str, ...], Mapping[str, str], tuple[str, ...]]:
    """Return the classes in mien's order, the class of each name, and warnings.

    Where every name is a spelling of one of the seven expressions, these are the classes, in the order of
    `EXPRESSIONS`, as far as they are present. Any other set is kept as it is spelled, in alphabetical order.

    >>> order_classes(["sad", "Happiness"])[0], order_classes(["yawn", "happy", "blink"])[0]
    (('happy', 'sad'), ('blink', 'happy', 'yawn'))
    """
    spelled = sorted(set(names))
    known = {name: expression for name in spelled if (expression := canonical_expression(name)) is not None}
    if len(known) < len(spelled):
        return tuple(spelled), {name: name for name in spelled}, ()
    present = tuple(expression for expression in EXPRESSIONS if expression in known.values())
    return present, known, tuple(_warn_of_merged(known)) + tuple(_warn_of_numbers(spelled, known))


def _warn_of_merged(known: Mapping[str, str]) -> Iterable[str]:
    for expression in EXPRESSIONS:
        same = [name for name in known if known[name] == expression]
        if len({name.strip().lower() for name in same}) > 1:
            yield f"{' and '.join(same)} are both read as {expression}"


def _warn_of_numbers(spelled: Sequence[str], known: Mapping[str, str]) -> Iterable[str]:
    numbers = [name for name in spelled if name.strip().isdigit()]
    if numbers and len(numbers) < len(EXPRESSIONS):
        meanings = ", ".join(f"{name} as {known[name]}" for name in numbers)
        yield f"classes that are numbers are read as FER2013 numbers them: {meanings}"


def parse_emotion(text: str) -> int:
    """Return the number 0-6 of an expression.

    Raises:
        ValueError: it is another number, or none.
    """
    number = _NUMBERS.get(text)
    if number is None:
        raise ValueError(f"expected emotion 0 to {len(EXPRESSIONS) - 1}, found {text[:40]!r}")
    return number


def parse_usage(text: str) -> str:
    """Return the split that a table names.

    Raises:
        ValueError: it is none of the known names.
    """
    split = _CANONICAL_SPLIT.get(text.lower()) or canonical_split(text)
    if split is None:
        raise ValueError(f"expected Usage Training, PublicTest or PrivateTest, found {text[:40]!r}")
    return split
