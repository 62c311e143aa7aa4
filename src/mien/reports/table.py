"""`Table`: what a table of a report says, however it is written down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell.

    Attributes:
        text: what it says; between backticks: code.
        under: a second line, smaller.
        look: "", "clear" (to be seen) or "muted".
        link: where a click on it leads, within the page.
    """

    text: str
    under: str = ""
    look: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; its first cell is its heading. `look` is "", "first" (bold), "muted" or "changed"."""

    cells: tuple[Cell, ...]
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        caption: above it.
        headings: of its columns.
        words: for each column, True if it holds words, False if it holds numbers.
        rows: in the order to read them.
        look: "", "dense" or "stack" (on a phone, words take a line of their own).
    """

    caption: str
    headings: tuple[str, ...]
    words: tuple[bool, ...]
    rows: tuple[Row, ...]
    look: str = ""


def write_row(*texts: str, look: str = "") -> Row:
    """Return a row of plain cells.

    >>> write_row("a", "1").cells[1].text
    '1'
    """
    return Row(cells=tuple(Cell(text=text) for text in texts), look=look)
