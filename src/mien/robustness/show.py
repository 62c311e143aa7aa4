"""A robustness as a terminal shows it. In: a `Robustness`. Out: what rich prints."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from mien.robustness.result import Robustness

WIDE, PAPER_WIDTH = 110, 140
"""Columns from which a terminal shows the whole table, and those of what is no terminal."""


def open_console() -> Console:
    """Return a console as wide as the terminal, or as paper."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PAPER_WIDTH)


def render_robustness(found: Robustness, width: int = PAPER_WIDTH) -> Iterator[RenderableType]:
    """Yield who was measured on what, the figure for clean faces, the mean, and the table of all conditions.

    Where there is no room, amounts and the part that was answered are left out: `robustness.csv` has them.
    """
    first, clean, mean = found.tell()
    yield Text(first)
    yield Text(clean)
    yield Text(mean, style="bold")
    headings, rows = found.tabulate()
    shown = [place for place in range(len(headings)) if width >= WIDE or place not in (1, len(headings) - 1)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place in shown:
        table.add_column(Text(headings[place]), justify="left" if place < 2 else "right")
    for row in rows:
        table.add_row(*(Text(row[place]) for place in shown))
    yield table
    yield Text(f"Answered: with a confidence of at least {found.answer_from:g}.")
