"""A data set as tables for a terminal. In: a `Description`. Out: what rich prints, one part after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from mien.data.describe import Description, SplitDescription

BLOCKS = " ▏▎▍▌▋▊▉"
SHORTEST_BAR, LONGEST_BAR = 5, 16
COUNT_CELLS = 7
FIGURE_CELLS = COUNT_CELLS + 10
"""What count, percent and the gaps around them take of a line, for each split."""

EDGE_CELLS = 4

SHOWN = 5
"""Skipped inputs that are listed; the others are counted."""


def render_description(description: Description, *, width: int) -> Iterator[RenderableType]:
    """Yield the parts in the order to read them: what it is, counts, copies, warnings, what was skipped.

    Args:
        description: of the data set.
        width: of the terminal, in cells.
    """
    yield _render_headline(description)
    yield _render_counts(description, width)
    yield from _render_list("Exact copies (every pixel equal):", _list_copies(description))
    yield from _render_list("Warnings:", description.warnings, style="yellow")
    if description.skipped:
        more = len(description.skipped) - SHOWN
        rest = (f"and {more:,} more",) if more > 0 else ()
        yield from _render_list(f"Left out as bad: {len(description.skipped):,}", description.skipped[:SHOWN] + rest)


def _render_headline(description: Description) -> Text:
    faces = sum(split.faces for split in description.splits)
    drawn = "\nSynthetic: every face is drawn, none is a photograph." if description.synthetic else ""
    source = "" if description.synthetic and description.source == "synthetic" else f"  {description.source}"
    return Text.assemble(
        (description.kind, "bold"),
        f"{source}\n{faces:,} faces of {description.width}×{description.height} pixels",
        f", {len(description.expressions)} expressions" if any(map(_is_labelled, description.splits)) else "",
        (drawn, "magenta"),
    )


def _render_counts(description: Description, width: int) -> Table:
    """Return one row an expression: of each split the count, the percentage, and a bar of that length."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("expression", footer="all", no_wrap=True)
    for split in description.splits:
        total = f"{split.faces:,}".rjust(COUNT_CELLS)
        table.add_column(split.name.rjust(COUNT_CELLS), footer=total, no_wrap=True)
    names = max(map(len, (*description.expressions, "expression")))
    room = (width - names - EDGE_CELLS) // max(len(description.splits), 1) - FIGURE_CELLS
    longest = max((part for split in description.splits for part in split.proportions()), default=0.0)
    scale = min(max(room, SHORTEST_BAR), LONGEST_BAR) / (longest or 1.0)
    if any(map(_is_labelled, description.splits)):
        columns = [_render_split(split, scale) for split in description.splits]
        for expression, *cells in zip(description.expressions, *columns, strict=True):
            table.add_row(Text(expression), *cells)
    return table


def _render_split(split: SplitDescription, scale: float) -> list[Text]:
    """Return the cell of each expression; `scale` is the length of the bar that would stand for the whole split."""
    if not _is_labelled(split):
        return [Text()] * len(split.counts)
    return [
        Text.assemble(f"{count:>{COUNT_CELLS},} {part:>5.1%} ", (draw_bar(part * scale), "cyan"))
        for count, part in zip(split.counts, split.proportions(), strict=True)
    ]


def draw_bar(cells: float) -> str:
    """Return a bar of that many cells, to the eighth of a cell.

    >>> draw_bar(2.5), draw_bar(0.0)
    ('██▌', '')
    """
    whole, eighths = divmod(round(cells * 8), 8)
    return ("█" * whole + BLOCKS[eighths]).rstrip()


def _is_labelled(split: SplitDescription) -> bool:
    return any(split.counts)


def _list_copies(description: Description) -> Iterator[str]:
    for split in description.splits:
        if split.copies:
            yield f"{split.name}: {_render_part(split.copies, split.faces)} repeat an earlier face of {split.name}"
    faces = {split.name: split.faces for split in description.splits}
    for shared in description.shared:
        yield f"{shared.of}: {_render_part(shared.faces, faces[shared.of])} stand in {shared.within}, too"
    if description.contradicted:
        yield f"{description.contradicted:,} faces have a copy with another label"


def _render_part(count: int, whole: int) -> str:
    return f"{count:,} of {whole:,} faces ({count / whole:.1%})"


def _render_list(heading: str, lines: tuple[str, ...] | Iterator[str], *, style: str = "") -> Iterator[Text]:
    shown = [f"  {line}" for line in lines]
    if shown:
        yield Text("\n".join([heading, *shown, ""]), style=style)
