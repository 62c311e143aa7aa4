"""An evaluation as tables for a terminal. In: an `Evaluation`. Out: what rich prints, one part after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from mien.beliefs.sets import SetRule
    from mien.evaluation.evaluation import Evaluation
    from mien.evaluation.metrics import Interval, Scores
    from mien.evaluation.set_scores import SetScores

BAR_CELLS = 12
WIDEST_MATRIX = 10
"""Classes whose confusion matrix still fits a terminal; the picture holds any number."""


def render_evaluation(evaluation: Evaluation) -> Iterator[RenderableType]:
    """Yield the parts in the order to read them: headline, summary, classes, matrix, confused pairs."""
    scores, without = evaluation.score(), evaluation.score_without_copies()
    yield _render_headline(evaluation, scores)
    yield _render_summary(scores, without)
    yield _render_temperature(evaluation, scores)
    if (
        not evaluation.about_data
        and evaluation.copies_sought_in != evaluation.trained_on
        and evaluation.copies_sought_in == evaluation.source
    ):
        yield Text(
            f"{evaluation.trained_on} cannot be read: copies were sought in {evaluation.copies_sought_in} only.\n"
        )
    if evaluation.rates:
        yield _render_rates(evaluation, scores)
    yield _render_classes(scores)
    if len(scores.classes) <= WIDEST_MATRIX:
        yield _render_confusion(scores)
    yield _render_confused(scores)
    if evaluation.sets is not None:
        yield _render_sets(evaluation.sets, evaluation.score_sets())


def _name_labels(labelling: str) -> str:
    """Say which labels count: by `people`, which is trained on half of each, those that the data came with do."""
    whose = "the data's own, of faces with a majority of FER+ votes" if labelling == "people" else ""
    return f"{whose or 'the majority of FER+ votes'} ({labelling})"


def _render_headline(evaluation: Evaluation, scores: Scores) -> Text:
    kind = " (synthetic faces)" if evaluation.synthetic else ""
    views = "" if evaluation.views == ("plain",) else f", views {' + '.join(evaluation.views)}"
    epoch = f", epoch {evaluation.epoch}" if evaluation.epoch else ""
    members = f" of {', '.join(evaluation.members)}" if evaluation.members else ""
    answered = f", {scores.coverage:.1%} of the faces answered" if scores.coverage < 1.0 else ""
    rule = "" if evaluation.rule.name == "argmax" else f"\nDecision {evaluation.rule.name}: {evaluation.rule.about}"
    labels = "" if evaluation.labelled_by == "own" else f"\nLabels: {_name_labels(evaluation.labelled_by)}"
    return Text.assemble(
        (f"Accuracy {scores.accuracy:.1%}", "bold"),
        f"  (95% interval {_render_interval(scores.interval)}, n = {scores.n:,}{answered})\n",
        f"{evaluation.recipe}{members}{epoch}, on {evaluation.split} of {evaluation.source}{kind}{views}{labels}{rule}",
    )


def _render_temperature(evaluation: Evaluation, scores: Scores) -> Text:
    """Return what the temperature changed."""
    if evaluation.temperature == 1.0:
        return Text("Probabilities are not scaled: no temperature was fitted on valid.\n")
    raw, scores = evaluation.uncalibrated().score(), evaluation.at_own_rates().score()
    before, after = raw.calibration, scores.calibration
    return Text(
        f"Scaled by temperature {evaluation.temperature:.3f}, fitted on valid: calibration error "
        f"{before.ece:.3f} → {after.ece:.3f}, log loss {raw.log_loss:.3f} → {scores.log_loss:.3f}.\n"
    )


def _render_rates(evaluation: Evaluation, scores: Scores) -> Text:
    """Return what other base rates than the network's own changed."""
    own = evaluation.at_own_rates().score()
    told = ", ".join(f"{name} {rate:.1%}" for name, rate in zip(evaluation.expressions, evaluation.rates, strict=True))
    return Text(
        f"Base rates ({evaluation.prior}): {told}.\nSo shifted: accuracy {own.accuracy:.1%} → {scores.accuracy:.1%}, "
        f"log loss {own.log_loss:.3f} → {scores.log_loss:.3f}, "
        f"calibration error {own.calibration.ece:.3f} → {scores.calibration.ece:.3f}.\n"
    )


def _render_summary(scores: Scores, without: Scores | None) -> Table:
    """Return the figures of all faces and, beside them, of those without a copy in train or valid."""
    table = _start_table("")
    columns = [scores] if without is None else [scores, without]
    for heading in ("all faces", "no copy in train or valid")[: len(columns)]:
        table.add_column(heading, justify="right")
    table.add_row("faces", *(f"{column.n:,}" for column in columns))
    table.add_row("accuracy", *(f"{column.accuracy:.1%}" for column in columns))
    table.add_row("95% interval", *(_render_interval(column.interval) for column in columns))
    table.add_row("balanced accuracy", *(f"{column.balanced_accuracy:.1%}" for column in columns))
    table.add_row("macro F1", *(f"{column.macro_f1:.3f}" for column in columns))
    table.add_row("log loss", *(f"{column.log_loss:.3f}" for column in columns))
    table.add_row("calibration error", *(f"{column.calibration.ece:.3f}" for column in columns))
    table.add_row("… in equal bins", *(f"{column.calibration.adaptive_ece:.3f}" for column in columns))
    table.add_row("Brier score", *(f"{column.calibration.brier:.3f}" for column in columns))
    if without is None:
        table.caption = "Every face has an exact copy in train or valid."
    return table


def _render_classes(scores: Scores) -> Table:
    table = _start_table("expression")
    for heading in ("faces", "precision", "recall", "95% interval", "F1"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for entry in scores.classes:
        filled = round(entry.recall * BAR_CELLS)
        bar = Text.assemble(("━" * filled, "cyan"), ("─" * (BAR_CELLS - filled), "dim"))
        figures = (f"{entry.precision:.1%}", f"{entry.recall:.1%}", _render_interval(entry.recall_interval, digits=0))
        if not entry.support:
            figures = (f"{entry.precision:.1%}", "–", "–")
        table.add_row(Text(entry.expression), f"{entry.support:,}", *figures, f"{entry.f1:.3f}", bar)
    return table


def _render_confusion(scores: Scores) -> Table:
    table = _start_table("true \\ predicted")
    for entry in scores.classes:
        table.add_column(Text(entry.expression), justify="right")
    for row, (entry, counts) in enumerate(zip(scores.classes, scores.confusion, strict=True)):
        cells = (Text(f"{count:,}", style="bold" if column == row else "") for column, count in enumerate(counts))
        table.add_row(Text(entry.expression), *cells)
    return table


def _render_confused(scores: Scores) -> Text:
    pairs = scores.most_confused()
    shares = (f"{pair.count:,} of {pair.support:,} ({pair.count / pair.support:.0%})" for pair in pairs)
    lines = [f"  {pair.true} taken for {pair.predicted}: {share}" for pair, share in zip(pairs, shares, strict=True)]
    return Text("\n".join(["Most confused:", *lines, ""]) if pairs else "No face was mistaken.\n")


def _render_sets(rule: SetRule, scores: SetScores) -> Table:
    """Return whether sets hold the true expression as often as they promise."""
    table = _start_table(f"sets ({rule.method})")
    for heading in ("faces", f"coverage (of {rule.coverage:.0%})", "95% interval"):
        table.add_column(heading, justify="right")
    for entry in scores.classes:
        figures = (f"{entry.coverage:.1%}", _render_interval(entry.interval)) if entry.support else ("–", "–")
        table.add_row(Text(entry.expression), f"{entry.support:,}", *figures)
    table.add_row("all", f"{scores.n:,}", f"{scores.coverage:.1%}", _render_interval(scores.interval), style="bold")
    table.caption = f"{scores.mean_size:.2f} expressions a set; {scores.single:.0%} of the faces have one."
    return table


def _start_table(heading: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column(heading)
    return table


def _render_interval(interval: Interval, *, digits: int = 1) -> str:
    return f"{interval.low:.{digits}%} to {interval.high:.{digits}%}"
