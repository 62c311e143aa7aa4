"""FER+: ten people's votes for each face of FER2013. In: fer2013new.csv. Out: `Votes`, and `Splits` labelled by them.

The rules are those of Barsoum et al. 2016 ("Training Deep Networks for Facial Expression Recognition with Crowd-Sourced
Label Distribution", section 3) as the code that they published has them.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.data.names import parse_usage
from mien.errors import ConfigError, DataError
from mien.faces import Faces, Labels, Splits, Targets
from mien.labels import CONTEMPT, EXPRESSIONS, canonical_expression
from mien.recipes.heads import BOTH, HEADS, OUTPUTS, Head

CHOICES = (*EXPRESSIONS, CONTEMPT, "unknown", "NF")
"""What a tagger could say, in the order of `Votes.counts`; NF is "no face"."""

UNKNOWN, NO_FACE = CHOICES.index("unknown"), CHOICES.index("NF")
COLUMNS = ("Usage", "Image name")
UNDECIDED = -1
UNDECIDED_LABEL = "undecided"
ENOUGH_VOTES, MOST_EXPRESSIONS = 0.75, 3
LEAST_AGREEMENT = 0.5
"""Of FER2013's labels, 0.67 to 0.7 agree with the majority; rows in another order agree by chance, 0.2."""

MOST_VOTES = 1000
"""Of one face: FER+ has ten taggers."""

LABELLINGS: dict[str, tuple[str, ...]] = {
    "ferplus": EXPRESSIONS,
    "ferplus8": (*EXPRESSIONS, CONTEMPT),
    "people": EXPRESSIONS,
    BOTH: OUTPUTS,
}
"""Name of a labelling -> its classes; of `BOTH`, the outputs of all heads."""

NO_VOTES = "no expression has the taggers' votes"

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """What the taggers said of each row of fer2013.csv.

    Attributes:
        counts: int64 (N, 10), votes for each of `CHOICES`.
        splits: str (N,), the split that each row belongs to.
        source: the file.
    """

    counts: Counts
    splits: npt.NDArray[np.str_]
    source: str

    def __len__(self) -> int:
        return len(self.counts)


def read_votes(path: Path) -> Votes:
    """Return the votes of fer2013new.csv.

    Raises:
        DataError: it cannot be read, lacks a column, or has a row that is no row of votes.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no table of votes"
        raise DataError(path, f"cannot be read ({reason})") from error
    columns = _find_columns(path, header)
    counts, splits = [], []
    for number, row in enumerate(rows, start=2):
        try:
            given = [int(row[column]) for column in columns]
            if min(given) < 0 or sum(given) > MOST_VOTES:
                raise ValueError("no numbers of votes")
            counts.append(given)
            splits.append(parse_usage(row[header.index("Usage")]))
        except (ValueError, IndexError) as error:
            raise DataError(f"{path} line {number}", f"expected a row of votes, found {','.join(row)[:80]}") from error
    if not counts:
        raise DataError(path, "expected rows of votes, found none below the header")
    return Votes(counts=np.array(counts, dtype=np.int64), splits=np.array(splits, dtype=np.str_), source=str(path))


def _find_columns(path: Path, header: Sequence[str]) -> list[int]:
    """Return the column of each of `CHOICES`."""
    known = [canonical_expression(name) or name for name in header]
    names = {name: index for index, name in enumerate(known)}
    twice = next((name for name in ("Usage", *CHOICES) if known.count(name) > 1), None)
    if twice is not None:
        found = " and ".join(name for name, other in zip(header, known, strict=True) if other == twice)
        raise DataError(f"{path} line 1", f"expected one column of {twice}, found {found}")
    missing = [name for name in ("Usage", *CHOICES) if name not in names]
    if missing:
        found = ", ".join(header)[:80] or "none"
        raise DataError(f"{path} line 1", f"expected FER+ votes with a column {missing[0]}, found {found}")
    return [names[name] for name in CHOICES]


def find_majority(counts: Counts) -> Labels:
    """Return int64 (N,): the choice that has more than half of the votes, or `UNDECIDED`.

    A choice with a single vote counts as none, as in the paper.

    >>> find_majority(np.array([[6, 2, 1, 1, 0, 0, 0, 0, 0, 0], [4, 4, 0, 0, 0, 0, 0, 0, 2, 0]]))
    array([ 0, -1])
    """
    clear = np.where(counts > 1, counts, 0)
    decided = clear.max(axis=1) * 2 > clear.sum(axis=1)
    return np.where(decided, clear.argmax(axis=1), UNDECIDED).astype(np.int64)


def choose_label(names: Sequence[str], votes: npt.NDArray[np.int64]) -> str:
    """Return the class that has more than half of one face's votes, `UNDECIDED_LABEL` where none has.

    >>> choose_label(["happy", "sad"], np.array([7, 3])), choose_label(["happy", "sad"], np.array([5, 5]))
    ('happy', 'undecided')
    """
    clear = np.where(votes > 1, votes, 0)
    most = int(clear.argmax())
    is_decided = clear[most] * 2 > clear.sum()
    return names[most] if is_decided else UNDECIDED_LABEL


def spread_votes(counts: Counts, classes: int) -> Targets:
    """Return float32 (N, classes): the distribution of votes over the first `classes` of `CHOICES`.

    A row is all zeros where the face is not to be used: people see no face, do not know, or do not agree; also where
    the largest share belongs to a choice beyond `classes`, which otherwise only loses its votes.

    >>> spread_votes(np.array([[5, 3, 1, 1, 0, 0, 0, 0, 0, 0]]), 7)[0, :3].tolist()
    [0.625, 0.375, 0.0]
    """
    kept = np.array([_choose(row) for row in counts.tolist()], dtype=np.float32).reshape(-1, len(CHOICES))
    kept[kept.argmax(axis=1) >= classes] = 0.0
    shares = kept[:, :classes]
    targets: Targets = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    return targets


def _choose(votes: Sequence[int]) -> list[int]:
    """Return the votes that count: from the most frequent choice down, ties together, until 3/4 of all are covered.

    A choice with one vote counts as none. Where the next choice is "unknown" or "no face", what stands before it is
    all. Nothing counts where that is half of the votes or less, or more than three choices.
    """
    clear = [count if count > 1 else 0 for count in votes]
    kept, covered, is_expression = [0] * len(votes), 0, True
    total, taken = sum(clear), 0
    while covered < ENOUGH_VOTES * total and taken < MOST_EXPRESSIONS and is_expression:
        most = max(clear)
        for choice in [index for index, count in enumerate(clear) if count == most]:
            is_expression = choice < UNKNOWN
            if is_expression or not taken:
                kept[choice] = most
                taken += 1
            if not is_expression:
                break
            clear[choice] = 0
            covered += most
    is_sound = 2 * sum(kept) > total and taken <= MOST_EXPRESSIONS
    return kept if is_sound else [0] * len(votes)


def label_by_votes(splits: Splits, votes: Votes, labelling: str) -> Splits:
    """Return `splits` with the labels of FER+: train gets distributions, valid and test the label of the majority.

    Faces that have neither are left out, and a warning says how many. Contempt is a class of "ferplus8" alone; for
    "ferplus", faces that most call contempt are left out, and other votes for contempt do not count.

    Args:
        splits: FER2013 as a table of pixels: only there an id is the number of a row.
        votes: the file that belongs to it.
        labelling: a name of `LABELLINGS`.

    Raises:
        ConfigError: no such labelling.
        DataError: the faces are no rows of the table that the votes belong to, or no vote names an expression in train.
    """
    if labelling not in LABELLINGS:
        raise ConfigError(f"`labels`: expected one of own, {', '.join(LABELLINGS)}, found {labelling!r}")
    check_rows(splits, votes)
    expressions, order = LABELLINGS[labelling], _order_own(splits, labelling)
    parts: dict[str, Faces | None] = {}
    warnings = []
    for name, faces in splits.named().items():
        if name == "unlabelled":
            continue
        counts, soft = votes.counts[find_rows(faces)], name == "train"
        if labelling in (BOTH, "people"):
            mix = label_heads if labelling == BOTH else _mix
            parts[name] = mix(replace(faces, labels=order[faces.labels]), counts, soft=soft)
        else:
            parts[name] = _label(faces, counts, len(expressions), soft=soft)
        left_out = _count_unvoted(parts[name], len(faces), labelling)
        if name == "train" and left_out == len(faces) > 0:
            expected = f"expected votes for an expression in train of {splits.source}"
            raise DataError(votes.source, f"{expected}, found none for any of {len(faces):,} faces")
        if labelling != BOTH:
            warnings.append(f"{name}: {left_out:,} of {len(faces):,} faces left out: {NO_VOTES}")
        elif left_out:
            warnings.append(
                f"{name}: {left_out:,} of {len(faces):,} faces count by the data's own label alone: {NO_VOTES}"
            )
    about = (*splits.warnings, *warnings)
    return replace(splits, **parts, expressions=expressions, warnings=about, labels=labelling)  # type: ignore[arg-type]


def _count_unvoted(faces: Faces | None, total: int, labelling: str) -> int:
    """Return how many of the faces of a split have no votes that count."""
    if labelling != BOTH or faces is None:
        return total - len(faces or ())
    assert faces.targets is not None
    return int((~faces.targets[:, HEADS["ferplus8"].columns].any(axis=1)).sum())


def _order_own(splits: Splits, labelling: str) -> Labels:
    """Return the place among `EXPRESSIONS` of each class of the data.

    Raises:
        DataError: one has none there, and the labelling needs the data's own labels.
    """
    own = [EXPRESSIONS.index(name) if name in EXPRESSIONS else UNDECIDED for name in splits.expressions]
    if labelling in (BOTH, "people") and UNDECIDED in own:
        found = splits.expressions[own.index(UNDECIDED)]
        raise DataError(splits.source, f"expected classes among {', '.join(EXPRESSIONS)} beside votes, found {found}")
    return np.array(own, dtype=np.int64)


def _label(faces: Faces, counts: Counts, classes: int, *, soft: bool) -> Faces | None:
    """Return the faces that the votes label, or None."""
    targets = spread_votes(counts, classes)
    labels = targets.argmax(axis=1) if soft else find_majority(counts)
    usable = targets.any(axis=1) if soft else (labels != UNDECIDED) & (labels < classes)
    kept = np.flatnonzero(usable)
    labelled = replace(faces, labels=labels.astype(np.int64), targets=targets if soft else None).take(kept)
    return labelled if len(kept) else None


def _mix(faces: Faces, counts: Counts, *, soft: bool) -> Faces | None:
    """Return the faces that have label and votes, with targets that are half of each; they keep their label."""
    targets = _halve(faces.labels, _share(counts, len(EXPRESSIONS), soft=soft))
    kept = np.flatnonzero(targets.any(axis=1))
    return replace(faces, targets=targets).take(kept) if len(kept) else None


def _halve(labels: Labels, votes: Targets) -> Targets:
    """Return (N, 7): half the label, half the votes; zeros where the votes are."""
    own = np.eye(len(EXPRESSIONS), dtype=np.float32)[labels]
    mixed: Targets = np.where(votes.any(axis=1, keepdims=True), (own + votes) / 2, 0.0).astype(np.float32)
    return mixed


def _share(counts: Counts, classes: int, *, soft: bool) -> Targets:
    """Return (N, classes): the distribution of the votes, or all for their majority; zeros where there is none."""
    if soft:
        return spread_votes(counts, classes)
    majority = find_majority(counts)
    usable = (majority != UNDECIDED) & (majority < classes)
    shares: Targets = np.where(usable[:, None], np.eye(len(CHOICES), dtype=np.float32)[majority][:, :classes], 0.0)
    return shares


def label_heads(faces: Faces, counts: Counts, *, soft: bool) -> Faces:
    """Return all of `faces` with the targets (N, 22) of every head, side by side as in `OUTPUTS`.

    Where no expression has the taggers' votes, the targets of the heads that learn from them are zeros: such a face
    teaches them nothing.

    Args:
        faces: labelled by the data itself.
        counts: their votes.
        soft: votes as distributions, to train; otherwise all for the majority, to measure.
    """
    own = np.eye(len(EXPRESSIONS), dtype=np.float32)[faces.labels]
    voted = _share(counts, len(LABELLINGS["ferplus8"]), soft=soft)
    mixed = _halve(faces.labels, _share(counts, len(EXPRESSIONS), soft=soft))
    return replace(faces, targets=np.concatenate([own, voted, mixed], axis=1))


def pick_head(faces: Faces, name: str) -> Faces:
    """Return the faces that measure one head, of those that `label_heads` labelled: with its labels alone.

    Targets stay where they tell more than the label: those of `people`.
    """
    head: Head = HEADS[name]
    assert faces.targets is not None
    targets = faces.targets[:, head.columns]
    kept = np.flatnonzero(targets.any(axis=1))
    if head.labelling in ("own", "people"):
        return replace(faces, targets=targets if head.labelling == "people" else None).take(kept)
    return replace(faces, labels=targets.argmax(axis=1).astype(np.int64), targets=None).take(kept)


def find_rows(faces: Faces) -> npt.NDArray[np.intp]:
    """Return the number of the row of each face in the table that it came from, (N,)."""
    return faces.ids.astype(np.intp)


def has_rows(splits: Splits) -> bool:
    """Tell whether the ids of these faces are the numbers of their rows, so that votes can be found for them."""
    return "table of pixels" in splits.kind


def check_rows(splits: Splits, votes: Votes) -> None:
    """Check that the faces of `splits` are rows of the table that the votes belong to.

    Raises:
        DataError: they are not.
    """
    if not has_rows(splits):
        advice = "give fer2013.csv itself"
        found = f"{splits.kind}, whose pictures have lost the number of their row"
        raise DataError(splits.source, f"expected the table that FER+ votes belong to, found {found}: {advice}")
    agreeing = total = 0
    for name, faces in splits.named().items():
        rows = find_rows(faces)
        # A valid split that was held out consists of rows of train.
        usual = {name, "train"} if name == "valid" else {name}
        if len(rows) and (rows.max() >= len(votes) or not np.isin(votes.splits[rows], list(usual)).all()):
            raise DataError(votes.source, f"expected votes for {splits.source} row by row, found other rows in {name}")
        majority = find_majority(votes.counts[rows])
        own = _order_own(splits, splits.labels)
        decided = int((majority != UNDECIDED).sum())
        same = int(((majority == own[faces.labels]) & (majority != UNDECIDED)).sum())
        if same < LEAST_AGREEMENT * decided - np.sqrt(decided):  # two deviations below: a few faces prove nothing
            _refuse_order(splits, votes, same / decided, where=f" in {name}")
        total, agreeing = total + decided, agreeing + same
    if agreeing < LEAST_AGREEMENT * total:
        _refuse_order(splits, votes, agreeing / total)


def _refuse_order(splits: Splits, votes: Votes, share: float, *, where: str = "") -> None:
    found = f"only {share:.0%} of its majorities{where} agree with the labels there"
    raise DataError(votes.source, f"expected the order of the rows of {splits.source}, found another: {found}")
