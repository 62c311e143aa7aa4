"""The tables of a report on answers: figures, confusion, decision rules, calibration. In: its parts. Out: `Table`s."""

from __future__ import annotations

from mien.evaluation.compare_rules import Trade
from mien.evaluation.differences import TITLES, write_difference
from mien.evaluation.metrics import Scores
from mien.evaluation.rules import Rule
from mien.reports.data import CalibrationPart, ReportData, SplitScores
from mien.reports.numbers import Say, write_interval, write_percent
from mien.reports.table import Cell, Row, Table, write_row

METRICS = tuple(TITLES)
NONE = "–"


def tabulate_scores(data: ReportData, say: Say) -> Table:
    """Return every figure on each split that was evaluated, and on what is left of it without copies."""
    rows: list[tuple[str, Scores]] = []
    for entry in data.evaluated:
        rows.append((_name_split(entry, say), entry.scores))
        if entry.without_copies is not None and entry.without_copies.n < entry.scores.n:
            rows.append((say("scores.without", split=say(f"split.{entry.split}")), entry.without_copies))
    names = ("split", "faces", "accuracy", "interval", "balanced", "f1", "loss")
    return Table(
        caption=say("scores.caption"),
        headings=tuple(say(f"scores.{name}") for name in names),
        words=(True, *(False,) * 6),
        rows=tuple(
            write_row(
                name,
                f"{scores.n:,}",
                write_percent(scores.accuracy),
                write_interval(scores.interval, say),
                write_percent(scores.balanced_accuracy),
                f"{scores.macro_f1:.3f}",
                f"{scores.log_loss:.3f}",
                look="" if place else "first",
            )
            for place, (name, scores) in enumerate(rows)
        ),
    )


def tabulate_confusion(shown: SplitScores, say: Say) -> Table:
    """Return the confusion matrix: part of the row, and the number of faces under it."""
    scores = shown.scores
    names = tuple(say(f"expression.{entry.expression}") for entry in scores.classes)
    return Table(
        caption=say("confusion.matrix", split=say(f"split.{shown.split}"), n=f"{scores.n:,}"),
        headings=(say("confusion.corner"), *names),
        words=(True, *(False,) * len(names)),
        rows=tuple(
            Row(cells=(Cell(text=name), *(_write_share(count, entry.support) for count in counts)))
            for name, entry, counts in zip(names, scores.classes, scores.confusion, strict=True)
        ),
    )


def tabulate_recalls(scores: Scores, say: Say) -> Table:
    """Return recall with its interval, precision and F1 of each expression."""
    rows = []
    for entry in scores.classes:
        name = say(f"expression.{entry.expression}")
        interval = write_interval(entry.recall_interval, say, 0)
        found = (write_percent(entry.recall), interval) if entry.support else (NONE, NONE)
        rows.append(write_row(name, f"{entry.support:,}", *found, write_percent(entry.precision), f"{entry.f1:.3f}"))
    names = ("expression", "faces", "recall-word", "interval", "precision", "f1")
    return Table(
        caption=say("confusion.recall"),
        headings=tuple(say(f"confusion.{name}") for name in names),
        words=(True, *(False,) * 5),
        rows=tuple(rows),
    )


def tabulate_rules(trades: tuple[Trade, ...], split: str, say: Say) -> Table:
    """Return decision rules side by side, with their differences to the first."""
    warning = f"{say('glue')}{say('rules.same-faces')}" if split == "valid" else ""
    return Table(
        caption=say("rules.caption", split=say(f"split.{split}")) + warning,
        headings=(say("rules.rule"), *(say(f"metric.{metric}") for metric in METRICS), say("rules.answered")),
        words=(True, *(False,) * (len(METRICS) + 1)),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=f"`{trade.rule.name}`", under=tell_rule(trade.rule, say)),
                    *(_write_rate(trade, metric, say) for metric in METRICS),
                    Cell(text=write_percent(trade.coverage, 0)),
                ),
                look="" if place else "first",
            )
            for place, trade in enumerate(trades)
        ),
        look="rules",
    )


def tabulate_calibration(found: CalibrationPart, split: str, say: Say) -> Table:
    """Return four measures of how far probabilities can be believed, before and after scaling."""
    before, after = found.before, found.after
    values = {
        "ece": (before.ece, after and after.ece),
        "adaptive": (before.adaptive_ece, after and after.adaptive_ece),
        "brier": (before.brier, after and after.brier),
        "loss": (found.loss_before, found.loss_after),
    }
    caption = say("calibration.table-unscaled")
    if found.temperature is not None:
        caption = say("calibration.table", temperature=f"{found.temperature:.3f}")
        caption += f"{say('glue')}{say('calibration.same-faces')}" if split == "valid" else ""
    return Table(
        caption=caption,
        headings=tuple(say(f"calibration.{name}") for name in ("measure", "before", "after")),
        words=(True, False, False),
        rows=tuple(
            write_row(say(f"calibration.{name}"), *(NONE if value is None else f"{value:.4f}" for value in pair))
            for name, pair in values.items()
        ),
    )


def tell_rule(rule: Rule, say: Say) -> str:
    """Return what a rule does."""
    kind, _, rest = rule.name.partition(":")
    return say(f"rule.{kind}", target=say(f"target.{rest}") if rest and kind != "abstain" else rest)


def _name_split(entry: SplitScores, say: Say) -> str:
    name = say(f"split.{entry.split}")
    return name if entry.views == ("plain",) else say("scores.views", split=name, views=" + ".join(entry.views))


def _write_share(count: int, support: int) -> Cell:
    part = count / max(support, 1)
    return Cell(text="<1%" if 0.0 < part < 0.005 else f"{part:.0%}", under=f"{count:,}")


def _write_rate(trade: Trade, metric: str, say: Say) -> Cell:
    text, change = write_percent(getattr(trade.rates, metric)), trade.differences.get(metric)
    if change is None:
        return Cell(text=text)
    told = write_difference(change.value, change.low, change.high, to=say("to"))
    return Cell(text=text, under=told, look="" if change.is_noise else "clear")
