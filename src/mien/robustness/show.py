"""A robustness as a terminal shows it. In: a `Robustness`. Out: what rich prints."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mien.robustness.result import Robustness


def render_robustness(found: Robustness) -> Iterator[RenderableType]:
    """Yield who was measured on what, the figure for clean faces, the mean, and the table of all conditions."""
    first, clean, mean = found.tell()
    yield Text(first)
    yield Text(clean)
    yield Text(mean, style="bold")
    headings, rows = found.tabulate()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(Text(heading), justify="left" if place < 2 else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    yield table
    yield Text(f"Answered: with a confidence of at least {found.answer_from:g}.")
