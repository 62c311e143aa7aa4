"""What FER+ taggers say against the data. In: a `Roll` and `Votes`. Out: no face, ambiguous, outvoted labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mien.auditing.finding import Finding, Roll
from mien.data.votes import CHOICES, NO_FACE, UNDECIDED, UNKNOWN, Votes, check_rows, find_majority, find_rows


def report_tagged(roll: Roll, votes: Votes) -> Iterator[Finding]:
    """Yield the faces of which the majority (see `find_majority`) says something else than the label.

    Raises:
        DataError: the faces are not the rows that the votes belong to.
    """
    check_rows(roll.splits, votes)
    counts = np.concatenate([votes.counts[find_rows(part)] for part in roll.parts])
    for number, (majority, label) in enumerate(zip(find_majority(counts), roll.labels, strict=True)):
        kind = _judge(int(majority), roll.name_label(int(label)))
        if kind is not None:
            top = counts[number].max() / max(counts[number].sum(), 1)
            score = -top if kind == "ambiguous" else top
            yield roll.report(kind, number, detail=tell_votes(counts[number].tolist()), score=float(score))


def _judge(majority: int, label: str) -> str | None:
    if majority == NO_FACE:
        return "no-face"
    if majority in (UNDECIDED, UNKNOWN):
        return "ambiguous"
    return "outvoted" if label and CHOICES[majority] != label else None


def tell_votes(counts: Sequence[int]) -> str:
    """Return votes in words, the most frequent first.

    >>> tell_votes([1, 0, 0, 7, 0, 0, 2, 0, 0, 0])
    '7 happy, 2 neutral, 1 angry'
    """
    order = sorted(range(len(counts)), key=lambda choice: -counts[choice])
    words = ("no face" if choice == NO_FACE else CHOICES[choice] for choice in order)
    return ", ".join(f"{counts[choice]} {word}" for choice, word in zip(order, words, strict=True) if counts[choice])
