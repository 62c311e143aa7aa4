"""A comparison in words. In: `Results`. Out: sentences, notes on what they do not say, and a Markdown table."""

from __future__ import annotations

from pathlib import Path

from mien.evaluation.differences import Difference, write_difference, write_points
from mien.studies.results import METRICS, Figure, Results, Row

FEW = 4
"""Intervals up to this number are read one by one, without a warning about many."""


def tell_differences(results: Results) -> list[str]:
    """Return one sentence for each variant and metric: what it brings, or that it is within noise."""
    return [
        f"{row.name}: {metric} {tell_difference(row.differences[metric])}"
        for row in results.rows
        for metric in METRICS
        if row.differences
    ]


def tell_difference(difference: Difference) -> str:
    """Return a difference with its interval, and in words whether there is one.

    >>> tell_difference(Difference(value=-0.062, low=-0.083, high=-0.041, values=(-0.06, -0.064)))
    '6.2 points lower (95%: −8.3 to −4.1)'
    >>> tell_difference(Difference(value=0.003, low=-0.005, high=0.011, values=(0.003,)))
    'within noise: +0.3 points (95%: −0.5 to +1.1)'
    """
    interval = f"(95%: {write_points(difference.low)} to {write_points(difference.high)})"
    if difference.is_noise:
        return f"within noise: {write_points(difference.value)} points {interval}"
    way = "higher" if difference.value > 0 else "lower"
    return f"{abs(difference.value) * 100:.1f} points {way} {interval}"


def list_notes(results: Results) -> list[str]:
    """Return what a reader has to know before believing the figures."""
    rows = results.rows
    compared = len(METRICS) * sum(1 for row in rows if row.differences)
    chosen_here = results.split == "valid" and results.keeps_best
    notes = (
        (results.synthetic, "Drawn faces: the figures tell how the program behaves, and nothing about real faces."),
        (chosen_here, "The best epoch was chosen on the faces measured here, which flatters runs that keep it."),
        (results.split == "test", "Read on test: choose nothing by these figures."),
        (max(len(row.seeds) for row in rows) == 1, "One seed: intervals hold the faces' luck, not that of a training."),
        (not results.same_faces, "Each seed holds out valid faces of its own: the spread holds theirs, too."),
        (any(row.is_ensemble for row in rows), "One ensemble: how those of other seeds spread is not in its interval."),
        (compared > FEW, f"{compared} intervals: where nothing differs, one in twenty still leaves zero out."),
        (bool(results.missing), f"Not finished: {'; '.join(results.missing)}."),
    )
    return [note for holds, note in notes if holds]


def name_study(results: Results) -> str:
    """Return in a line what was compared on what."""
    drawn = " (synthetic faces)" if results.synthetic else ""
    changes = f" with {', '.join(results.changes)}" if results.changes else ""
    return f"{results.recipe}{changes}, {results.split} of {Path(results.data).name}{drawn}, {results.faces:,} faces"


def render_markdown(results: Results) -> str:
    """Return the study as Markdown: table, sentences, notes."""
    head = ["variant", "seeds", *METRICS, *(f"difference in {metric}, points" for metric in METRICS), "minutes a run"]
    lines = [f"# What each change brings: {name_study(results)}", "", _row(head)]
    lines += [_row(["---", *["---:"] * (len(head) - 1)]), *(_row(list_cells(row)) for row in results.rows), ""]
    lines += ["Figures are mean ± standard deviation over seeds; differences are paired by seed and face, with 95 %"]
    lines += ["bootstrap intervals over seeds and faces.", ""]
    lines += [f"- {sentence}" for sentence in tell_differences(results)]
    lines += ["", *(f"*{note}*\n" for note in list_notes(results))]
    return "\n".join(lines).rstrip() + "\n"


def list_cells(row: Row) -> list[str]:
    """Return the texts of one line of the table."""
    figures = [render_figure(row.figures[metric]) for metric in METRICS]
    differences = [_render_difference(row.differences.get(metric)) for metric in METRICS]
    return [row.name, str(len(row.seeds)), *figures, *differences, render_minutes(row)]


def render_minutes(row: Row) -> str:
    """Return how long a run of the variant trained; of an ensemble, all its runs."""
    return f"{row.minutes:.1f}" + (" in all" if row.is_ensemble else "")


def render_figure(figure: Figure) -> str:
    """Return mean and spread in percent.

    >>> render_figure(Figure(mean=0.612, sd=0.004, values=(0.608, 0.616)))
    '61.2% ± 0.4'
    """
    spread = "" if figure.sd is None else f" ± {figure.sd * 100:.1f}"
    return f"{figure.mean:.1%}{spread}"


def _render_difference(difference: Difference | None) -> str:
    if difference is None:
        return "–"
    told = write_difference(difference.value, difference.low, difference.high)
    return told + (" noise" if difference.is_noise else "")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
