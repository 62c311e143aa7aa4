"""From an audit to the faces to keep. In: an `Audit` and the kinds to drop. Out: bool by split, for `write_list`.

Of a group of copies one face stays: one of test if there is one, else of valid, else the first of train. Of copies with
contradictory labels, and of every other kind, none stays. Only the splits that are named lose faces.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.auditing.copies import KEPT_FIRST
from mien.auditing.examine import BY_RUN, Audit
from mien.auditing.finding import KINDS, Finding
from mien.errors import ConfigError

COPIES = ("exact-copies", "near-copies")
DROPPED_FROM = ("train", "valid", "test")
DROPPABLE = tuple(name for name, kind in KINDS.items() if kind.is_droppable)

Kept = dict[str, npt.NDArray[np.bool_]]


def parse_names(text: str, known: Sequence[str], option: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list.

    Raises:
        ConfigError: a name that is not `known`.

    >>> parse_names("blank, dark", DROPPABLE, "`drop`")
    ('blank', 'dark')
    """
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"{option} {text}: expected some of {', '.join(known)}, found {unknown[0]!r}")
    return names


def check_sought(kinds: Sequence[str], sought: Sequence[str]) -> None:
    """Refuse kinds that nobody looks for.

    Raises:
        ConfigError: one of `kinds` is not among those `sought`.
    """
    missing = next((kind for kind in kinds if kind not in sought), None)
    if missing is not None:
        needed = "`run`" if missing == BY_RUN else "`votes`"
        raise ConfigError(f"`drop` {missing}: nobody looks for it: give {needed}, too")


def choose_kept(audit: Audit, kinds: Sequence[str], *, drop_from: Sequence[str] = ("train",)) -> Kept:
    """Return bool (N,) for each split: True where a face stays.

    Args:
        audit: of the data set.
        kinds: names of `DROPPABLE`.
        drop_from: the splits that may lose faces.

    Raises:
        ConfigError: a kind that this audit did not look for.
    """
    check_sought(kinds, audit.sought)
    kept = {name: np.ones(len(faces), dtype=bool) for name, faces in audit.splits.named().items()}
    for kind in kinds:
        for finding in audit.of_kind(kind) if kind not in COPIES else ():
            _drop(kept, finding, drop_from)
    for kind in COPIES:
        if kind in kinds:
            _thin_out(kept, audit.of_kind(kind), drop_from)
    return kept


def _thin_out(kept: Kept, findings: Sequence[Finding], drop_from: Sequence[str]) -> None:
    """Drop all but one of each group, as far as it may be dropped."""
    groups: dict[int | None, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.group, []).append(finding)
    for group in groups.values():
        left = [finding for finding in group if kept[finding.split][finding.index]]
        left.sort(key=lambda finding: (KEPT_FIRST.index(finding.split), finding.index or 0))
        for finding in left[1:]:
            _drop(kept, finding, drop_from)


def _drop(kept: Kept, finding: Finding, drop_from: Sequence[str]) -> None:
    if finding.split in drop_from:
        kept[finding.split][finding.index] = False
