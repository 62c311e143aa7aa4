"""The tables of a report on doubt: sets of expressions, and groups of faces. In: their figures. Out: `Table`s."""

from __future__ import annotations

from mien.evaluation.differences import write_difference, write_points
from mien.evaluation.groups import GroupColumn
from mien.evaluation.set_scores import ClassCoverage, SetScores
from mien.reports.numbers import Say, write_interval, write_percent
from mien.reports.table import Table, write_row

NONE = "–"


def tabulate_sets(scores: SetScores, coverage: float, say: Say) -> Table:
    """Return how often sets hold the true expression, overall and of each expression."""
    rows = [write_row(say("sets.all"), f"{scores.n:,}", *_write_part(scores, say), look="first")]
    for entry in scores.classes:
        found = _write_part(entry, say) if entry.support else (NONE, NONE)
        rows.append(write_row(say(f"expression.{entry.expression}"), f"{entry.support:,}", *found))
    gaps = {"coverage": write_percent(coverage, 0), "single": write_percent(scores.single, 0)}
    return Table(
        caption=say("sets.caption", size=f"{scores.mean_size:.2f}", **gaps),
        headings=tuple(say(f"sets.{name}") for name in ("expression", "faces", "held", "interval")),
        words=(True, False, False, False),
        rows=tuple(rows),
    )


def tabulate_groups(columns: tuple[GroupColumn, ...], say: Say) -> Table:
    """Return the figures of every group of every column; under each column's name its largest gap."""
    rows = []
    for column in columns:
        rows.append(write_row(column.name, "", "", "", "", tell_gap(column, say), look="first"))
        for group in column.groups:
            excess = write_difference(group.excess, *group.excess_interval, to=say("to"))
            figures = (write_percent(group.accuracy), write_interval(group.interval, say))
            balanced = write_percent(group.balanced_accuracy)
            rows.append(write_row(group.name, f"{group.n:,}", *figures, balanced, excess))
    names = ("group", "faces", "accuracy", "interval", "balanced", "excess")
    return Table(
        caption=say("groups.caption"),
        headings=tuple(say(f"groups.{name}") for name in names),
        words=(True, *(False,) * 5),
        rows=tuple(rows),
    )


def tell_gap(column: GroupColumn, say: Say) -> str:
    """Return how far the groups of a column are apart, and whether that is noise."""
    gap = column.gap
    if gap is None:
        return say("groups.no-gap")
    kind = "noise" if gap.is_noise else "real"
    return say(f"groups.gap-{kind}", points=write_points(gap.value), p=f"{gap.p_value:.3f}")


def _write_part(entry: SetScores | ClassCoverage, say: Say) -> tuple[str, str]:
    return write_percent(entry.coverage), write_interval(entry.interval, say)
