"""Decision rules side by side, as a table for a terminal. In: trades. Out: what rich prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from mien.evaluation.compare_rules import Trade


def render_trades(trades: Sequence[Trade], split: str) -> Iterator[RenderableType]:
    """Yield a table of rates with their differences to argmax, what each rule does, and what follows; or nothing."""
    if not trades:
        return
    from mien.evaluation.compare_rules import summarise_trades
    from mien.evaluation.differences import TITLES

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("decision rule", no_wrap=True)
    for title in TITLES.values():
        table.add_column(title, justify="right")
    for trade in trades:
        table.add_row(_render_name(trade), *(_render_cell(trade, name) for name in TITLES))
    yield table
    yield Text("\n".join(f"  {trade.rule.name}: {trade.rule.about}" for trade in trades))
    yield Text(f"\n{summarise_trades(trades)}")
    yield Text(WARNINGS.get(split, "The rules were chosen on valid.") + "\n")


WARNINGS = {
    "valid": "The rules were chosen on these very faces, so their gains look larger than they are.",
    "train": "The network was trained on these very faces: the figures say nothing about others.",
}


def _render_name(trade: Trade) -> Text:
    under = f"\nanswers {trade.coverage:.1%}" if trade.coverage < 1.0 else ""
    name = trade.rule.name if under else trade.rule.name.replace(":", ":\n")
    return Text(name + under)


def _render_cell(trade: Trade, name: str) -> Text:
    from mien.evaluation.differences import write_difference

    value, found = f"{getattr(trade.rates, name):.1%}", trade.differences.get(name)
    return Text(value if found is None else f"{value}\n{write_difference(found.value, found.low, found.high)}")
