"""What stands around a run: the study that it belongs to, and what is wrong with its data. In: a run, `Splits`."""

from __future__ import annotations

from pathlib import Path

from mien.auditing import examine
from mien.errors import RunError
from mien.faces import Splits
from mien.reports.data import Absent, AuditPart, AuditRow
from mien.studies import Results, find_study
from mien.studies.results import read_results


def tell_study(path: Path) -> Results | Absent:
    """Return the results of the study that the run at `path` belongs to."""
    study = find_study(path)
    if study is None:
        return Absent(reason="no-study", detail={})
    try:
        found = study.read().get("results")
        return Absent(reason="study-unfinished", detail={}) if found is None else read_results(found)
    except (RunError, KeyError, TypeError, AttributeError):
        return Absent(reason="study-damaged", detail={})


def audit_data(splits: Splits | Absent) -> AuditPart | Absent:
    """Return what is wrong with the data, in numbers."""
    if isinstance(splits, Absent):
        return splits
    found = examine(splits)
    names = tuple(name for name, faces in splits.named().items() if len(faces))
    rows = tuple(
        AuditRow(kind=kind, counts=tuple(counts.get(name, 0) for name in names), groups=found.count_groups(kind))
        for kind in found.sought
        if (counts := found.count(kind))
    )
    shared = {f"{one.of} {one.within}": one.faces for one in found.description.shared}
    return AuditPart(splits=names, faces=tuple(len(splits.named()[name]) for name in names), rows=rows, shared=shared)
