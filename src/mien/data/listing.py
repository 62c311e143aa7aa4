"""Pictures by name, with what is known of each: lists, tables and folders go in, one `Listing` comes out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mien.data.bad import BadInputs
from mien.data.classes import Naming
from mien.data.pictures import Picture
from mien.data.space import Space
from mien.errors import DataError
from mien.labels import canonical_expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the user wants of a reading.

    Attributes:
        size: side in pixels of the faces; None: the data's own.
        naming: what labels mean.
        columns: role -> name of a column.
        space: where faces lie that memory does not hold.
    """

    size: int | None = None
    naming: Naming = field(default_factory=Naming)
    columns: Mapping[str, str] = field(default_factory=dict)
    space: Space = field(default_factory=Space)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Pictures to read.

    Attributes:
        pictures: in the order of the data.
        kind: what was recognised, in words.
        used: the files that were read for it, pictures aside.
    """

    pictures: Sequence[Picture]
    kind: str
    used: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one row of a list says of a picture; None: nothing.

    Attributes:
        picture: as the row has it; its split counts only where `is_split_told`.
        is_split_told: the row, its list or its folder names the split.
        where: the row, for messages.
    """

    picture: Picture
    is_split_told: bool
    where: str


def join(told: Sequence[Told], bad: BadInputs) -> list[Picture]:
    """Return one picture for each that the rows of several lists speak of; a row with a box is a face of its own.

    Raises:
        DataError: two rows say different things of one picture, and that may not be skipped.
    """
    groups: dict[tuple[str, object], list[Told]] = defaultdict(list)
    for row in told:
        groups[row.picture.file, row.picture.box].append(row)
    joined = []
    for rows in groups.values():
        try:
            joined.append(_join_rows(rows))
        except DataError as error:
            bad.add(error)
    return joined


def _join_rows(rows: Sequence[Told]) -> Picture:
    first = rows[0].picture
    labelled = [row for row in rows if row.picture.label is not None]
    split = [row for row in rows if row.is_split_told]
    for kind, of_kind in (("label", labelled), ("split", split)):
        said = {_say(row.picture, kind): row for row in reversed(of_kind)}
        if len(said) > 1:
            one, other = list(said.items())[:2]
            found = f"{one[0]} ({one[1].where}) and {other[0]} ({other[1].where})"
            raise DataError(rows[0].where, f"expected one {kind} for {first.file}, found {found}")
    if not labelled:
        return replace(first, split="unlabelled", label=None)
    chosen = labelled[0].picture
    return replace(chosen, split=split[0].picture.split if split else "train")


def _say(picture: Picture, kind: str) -> str:
    if kind == "split":
        return picture.split
    return canonical_expression(picture.label or "") or (picture.label or "").lower()


def name_labels(pictures: Sequence[Picture], naming: Naming) -> list[Picture]:
    """Return the pictures with the names that the user gives to their labels.

    Raises:
        DataError: a label has no name.
    """
    if not naming:
        return list(pictures)
    names = naming.resolve(picture.label for picture in pictures if picture.label is not None)
    return [replace(one, label=None if one.label is None else names[one.label]) for one in pictures]


def plain_number(label: str) -> str:
    """Return a label without the ".0" that tables of floats have.

    >>> plain_number("3.0"), plain_number("03"), plain_number("happy")
    ('3', '3', 'happy')
    """
    whole, dot, rest = label.strip().partition(".")
    is_whole = whole.isdigit() and (not dot or (rest.strip("0") == "" and rest != ""))
    return str(int(whole)) if is_whole else label.strip()


def count_words(words: Iterable[str]) -> str:
    """Return how often each word occurs, for a remark: the three most frequent.

    >>> count_words(["a", "b", "a"])
    '2 a, 1 b'
    """
    counts = Counter(words).most_common()
    shown = ", ".join(f"{count:,} {word}" for word, count in counts[:3])
    return shown + (", …" if len(counts) > 3 else "")
