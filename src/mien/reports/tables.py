"""The tables of a report on network, training, data and recipe. In: parts of a report and its words. Out: `Table`s."""

from __future__ import annotations

from mien.evaluation.differences import write_difference
from mien.reports.data import AuditPart, BalancePart, LayerKind, NetworkPart, Origin
from mien.reports.numbers import Say, write_short
from mien.reports.recipe import list_settings, list_tricks
from mien.reports.table import Cell, Row, Table, write_row
from mien.studies.results import METRICS, Results

NONE = "–"
SPECIAL = ("RReLU", "AdaptiveMaxPool2d", "AdaptiveAvgPool2d", "PixelUnshuffle")
"""Kinds of layers that have a reason of their own; others have that of their family."""


def tabulate_kinds(network: NetworkPart, say: Say) -> Table:
    """Return why each kind of layer is there, and what it costs."""
    rows = (
        write_row(
            kind.kind,
            f"{kind.count}",
            f"{kind.parameters:,}" if kind.parameters else NONE,
            write_short(kind.multiply_adds) if kind.multiply_adds else NONE,
            _tell_why(kind, say),
        )
        for kind in network.kinds
    )
    return Table(
        caption=say("network.kinds"),
        headings=tuple(say(f"network.{name}") for name in ("kind", "count", "parameters", "macs", "why")),
        words=(True, False, False, False, True),
        rows=tuple(rows),
        look="stack",
    )


def tabulate_layers(network: NetworkPart, say: Say) -> Table:
    """Return every layer in the order in which they run, and the totals."""
    rows = [
        write_row(
            layer.kind,
            f"{number}",
            " × ".join(map(str, layer.shape)),
            f"{layer.parameters:,}" if layer.parameters else NONE,
            f"{layer.multiply_adds:,}" if layer.multiply_adds else NONE,
        )
        for number, layer in enumerate(network.layers, start=1)
    ]
    total = write_row(
        say("network.total"), "", "", f"{network.parameters:,}", f"{network.multiply_adds:,}", look="first"
    )
    return Table(
        caption=say("network.layers-caption"),
        headings=tuple(say(f"network.{name}") for name in ("layer", "number", "output", "parameters", "macs")),
        words=(True, False, False, False, False),
        rows=(*rows, total),
        look="dense",
    )


def tabulate_tricks(origin: Origin, say: Say) -> Table:
    """Return the tricks of a recipe, and which of them are on."""
    rows = (
        write_row(
            say(f"trick.{trick}"),
            ", ".join(settings) or say("tricks.off"),
            say(f"trick.{trick}.about"),
            look="" if settings else "muted",
        )
        for trick, settings in list_tricks(origin.recipe).items()
    )
    headings = tuple(say(f"tricks.{name}") for name in ("trick", "setting", "about"))
    return Table(caption=say("tricks.caption"), headings=headings, words=(True,) * 3, rows=tuple(rows), look="stack")


def tabulate_study(study: Results, say: Say) -> Table:
    """Return what each variant of a study brings."""
    headings = [say("study.variant"), say("study.seeds")]
    for metric in METRICS:
        headings += [say(f"study.{metric}"), say("study.difference")]
    caption = say("study.caption", split=say(f"split.{study.split}"), faces=f"{study.faces:,}", base=study.rows[0].name)
    rows = []
    for place, entry in enumerate(study.rows):
        cells = [Cell(text=entry.name), Cell(text=f"{len(entry.seeds)}")]
        for metric in METRICS:
            figure, change = entry.figures[metric], entry.differences.get(metric)
            spread = "" if figure.sd is None else f" ± {100 * figure.sd:.1f}"
            cells.append(Cell(text=f"{figure.mean:.1%}{spread}"))
            if change is None:
                cells.append(Cell(text=NONE))
                continue
            told = write_difference(change.value, change.low, change.high, to=say("to"))
            cells.append(Cell(text=told, look="muted" if change.is_noise else "clear"))
        rows.append(Row(cells=tuple(cells), look="" if place else "first"))
    return Table(caption=caption, headings=tuple(headings), words=(True, *(False,) * 5), rows=tuple(rows))


def tabulate_counts(balance: BalancePart, expressions: tuple[str, ...], say: Say) -> Table:
    """Return the faces of each expression in each split."""
    return Table(
        caption=say("balance.counts"),
        headings=(say("scores.split"), *(say(f"expression.{name}") for name in expressions), say("balance.all")),
        words=(True, *(False,) * (len(expressions) + 1)),
        rows=tuple(
            write_row(say(f"split.{split}"), *(f"{count:,}" for count in counts), f"{sum(counts):,}")
            for split, counts in balance.counts.items()
        ),
    )


def tabulate_audit(audit: AuditPart, say: Say) -> Table:
    """Return what is wrong with the data: faces by kind of finding and split."""
    columns = len(audit.splits) + 1
    return Table(
        caption=say("audit.caption"),
        headings=(say("audit.kind"), *(say(f"split.{split}") for split in audit.splits), say("audit.groups")),
        words=(True, *(False,) * columns),
        rows=tuple(
            write_row(
                say(f"finding.{row.kind}"), *(f"{count:,}" if count else NONE for count in (*row.counts, row.groups))
            )
            for row in audit.rows
        ),
    )


def tabulate_settings(origin: Origin, say: Say) -> Table:
    """Return every setting; those that differ from the recipe of that name are marked."""
    settings = list_settings(origin.recipe)
    is_changed = any(setting.is_changed for setting in settings)
    return Table(
        caption=say("recipe.changed") if is_changed else "",
        headings=(say("recipe.setting"), say("recipe.value")),
        words=(True, False),
        rows=tuple(
            write_row(setting.name, setting.value, look="changed" if setting.is_changed else "") for setting in settings
        ),
        look="dense",
    )


def _tell_why(kind: LayerKind, say: Say) -> str:
    return say(f"why.{kind.kind if kind.kind in SPECIAL else kind.family}")
