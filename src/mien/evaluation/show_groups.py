"""Figures of groups as tables for a terminal. In: a `GroupColumn`. Out: what rich prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from mien.evaluation.groups import Gap, GroupColumn

WIDEST = 10
"""Expressions whose recalls still fit a terminal; groups.json holds all of them, with intervals."""


def render_groups(column: GroupColumn) -> Iterator[RenderableType]:
    """Yield the groups of a column, the recall of each expression in them, and the gap."""
    table = _start(column.name, "faces", "accuracy", "95% interval", "balanced", "surer than right", "95% interval")
    for group in column.groups:
        low, high = group.excess_interval
        table.add_row(
            Text(group.name),
            f"{group.n:,}",
            f"{group.accuracy:.1%}",
            f"{group.interval.low:.1%} to {group.interval.high:.1%}",
            f"{group.balanced_accuracy:.1%}",
            f"{100 * group.excess:+.1f}",
            f"{100 * low:+.1f} to {100 * high:+.1f}",
        )
    yield table
    classes = column.groups[0].classes
    if len(classes) <= WIDEST:
        recalls = _start("recall", *(entry.expression for entry in classes))
        for group in column.groups:
            cells = (f"{entry.recall:.0%}" if entry.support else "–" for entry in group.classes)
            recalls.add_row(Text(group.name), *cells)
        yield recalls
    yield Text(tell_gap(column.gap))


def tell_gap(gap: Gap | None) -> str:
    """Return in a sentence how far groups are apart, and whether that is noise."""
    if gap is None:
        return "No gap: fewer than two groups have 20 faces.\n"
    verdict = "within noise" if gap.is_noise else "more than chance and the mix of expressions make"
    return (
        f"Largest gap in accuracy: {100 * gap.value:.1f} points, {gap.best} over {gap.worst}: {verdict} "
        f"(permutation test within each expression, p = {gap.p_value:.3f}).\n"
    )


def _start(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(Text(heading), justify="right" if index else "left")
    return table
