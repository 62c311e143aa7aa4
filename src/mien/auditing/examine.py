"""`examine`: a data set goes in, an `Audit` comes out: what it holds, and everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from mien.auditing.copies import find_exact_groups, report_exact, report_near
from mien.auditing.finding import KINDS, Finding, Roll, call_roll
from mien.auditing.looks import FLAT_DEVIATION, measure_looks, report_looks
from mien.auditing.sizes import report_sizes
from mien.auditing.tagged import report_tagged
from mien.data.describe import Description, describe
from mien.data.votes import Votes
from mien.faces import Splits

BY_VOTES, BY_RUN = ("no-face", "ambiguous", "outvoted"), "wrong-label"
RARE_RATIO = 10
"""A class of train is rare where the largest has so many times its faces."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Audit:
    """What was found in a data set. Prints a line a kind.

    Attributes:
        splits: the data set.
        description: what it holds, in numbers.
        findings: by kind, in the order of `KINDS`; within a kind groups stay together, the strongest first.
        sought: the kinds that were looked for.
    """

    splits: Splits
    description: Description
    findings: tuple[Finding, ...]
    sought: tuple[str, ...]

    def __repr__(self) -> str:
        faces = sum(map(len, self.splits.named().values()))
        lines = [f"Audit of {self.splits.source}: {faces:,} faces, {len(self.findings):,} findings"]
        for kind in self.sought:
            told = ", ".join(f"{name or 'all'} {number:,}" for name, number in self.count(kind).items())
            lines.append(f"  {KINDS[kind].title:28} {told or 'none'}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """Return the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def count(self, kind: str) -> dict[str, int]:
        """Return how many findings of one kind each split has."""
        return dict(Counter(finding.split for finding in self.of_kind(kind)))

    def count_groups(self, kind: str) -> int:
        """Return how many groups of copies the findings of one kind make up."""
        return len({finding.group for finding in self.of_kind(kind)} - {None})

    def count_shared(self, *, of: str, within: str) -> int:
        """Return how many faces of the split `of` have a copy, exact or near, in the split `within`."""
        copies = [finding for finding in self.findings if finding.group is not None]
        groups = {(finding.kind, finding.group) for finding in copies if finding.split == within}
        return len({one.index for one in copies if one.split == of and (one.kind, one.group) in groups})


def examine(splits: Splits, *, votes: Votes | None = None, doubts: tuple[Finding, ...] | None = None) -> Audit:
    """Return everything that is wrong with `splits`.

    Pictures are read in blocks: memory beyond them grows by about 200 bytes a face, and with the findings.

    Args:
        splits: the data set.
        votes: of FER+, if the faces are the rows of fer2013.csv.
        doubts: findings of a trained network: see `mien.auditing.judge`.

    Raises:
        DataError: the votes do not belong to these faces.
    """
    roll, description = call_roll(splits), describe(splits)
    found = [*_report_pictures(roll), *_report_skipped(splits), *_report_imbalance(description), *(doubts or ())]
    if votes is not None:
        found += report_tagged(roll, votes)
    order = list(KINDS)
    found.sort(key=lambda finding: (order.index(finding.kind), -finding.score, finding.group or 0))
    sought = list_sought(by_votes=votes is not None, by_run=doubts is not None)
    return Audit(splits=splits, description=description, findings=tuple(found), sought=sought)


def list_sought(*, by_votes: bool, by_run: bool) -> tuple[str, ...]:
    """Return the kinds that an audit with or without votes and a run looks for, in the order of `KINDS`."""
    left_out = {kind for kind in BY_VOTES if not by_votes} | ({BY_RUN} if not by_run else set())
    return tuple(kind for kind in KINDS if kind not in left_out)


def _report_pictures(roll: Roll) -> Iterator[Finding]:
    first, looks = find_exact_groups(roll), measure_looks(roll)
    yield from report_exact(roll, first)
    yield from report_near(roll, first, np.asarray(looks.deviations >= FLAT_DEVIATION))
    yield from report_looks(roll, looks)
    yield from report_sizes(roll)


def _report_skipped(splits: Splits) -> Iterator[Finding]:
    for line in splits.skipped:
        where, _, problem = line.rpartition(": ")
        yield Finding(kind="unreadable", split="", id=where or line, detail=problem)


def _report_imbalance(description: Description) -> Iterator[Finding]:
    for split in description.splits:
        most = max(split.counts, default=0)
        for name, count in zip(description.expressions, split.counts, strict=True):
            if most and (not count or (split.name == "train" and most >= RARE_RATIO * count)):
                detail = f"{count:,} faces; the largest class has {most:,}"
                yield Finding(kind="imbalance", split=split.name, id=name, detail=detail, score=most / max(count, 0.5))
