"""The plots of a report. In: its parts and its words. Out: SVG text that can stand inside a page.

Colours are those of `mien.plots`; `inline_svg` turns them into the page's own, so that one drawing serves light and
dark. Letters stay letters, in the fonts of the reader.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mien.evaluation.reliability import Calibration
from mien.plots import FAINT, INK, MARK, RULE, TRAIN, VALID, open_figure
from mien.reports.data import BalancePart, CalibrationPart, TrainingPart
from mien.robustness import Robustness
from mien.robustness.picture import arrange_panels, draw_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Say = Callable[..., str]
PAPER = "#ffffff"
THEME = {INK: "ink", FAINT: "faint", RULE: "rule", TRAIN: "calm", VALID: "accent", MARK: "mark", PAPER: "paper"}
"""Colour of a drawing -> name of the page's colour."""

WIDTH = 7.6
PANELS_ACROSS = 4
FEW = 12
"""Epochs up to which each gets a dot: a line through one point is invisible."""


_TAG = re.compile(r"<[^>]*>")


@dataclass(slots=True)
class Drawing:
    """A figure, and its SVG once it is done."""

    figure: Figure
    svg: str = ""


def draw_learning(training: TrainingPart, say: Say) -> str:
    """Return loss and accuracy over the epochs, with the kept epoch and the early stop marked."""
    with _draw(WIDTH, 4.6) as drawing:
        loss, accuracy = drawing.figure.subplots(2, 1, sharex=True, gridspec_kw={"hspace": 0.14})
        for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
            _tidy(axes)
            axes.set_ylabel(say(f"figure.{name}"))
            for split, color, width in (("train", TRAIN, 1.6), ("valid", VALID, 2.2)):
                _draw_line(axes, training, f"{split}_{name}", color=color, width=width, label=say(f"split.{split}"))
            _mark_epochs(axes, training)
        accuracy.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        accuracy.set_xlabel(say("figure.epoch"))
        accuracy.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        _label_marks(loss, training, say)
        top = 1.26 if training.stopped_early else 1.13
        loss.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, top - 0.03), ncols=2, borderpad=0.0)
    return drawing.svg


def draw_balance(balance: BalancePart, names: tuple[str, ...], say: Say) -> str:
    """Return bars of train's faces of each expression, the most frequent on top; beside them their recall."""
    counts = balance.counts["train"]
    order = sorted(range(len(counts)), key=lambda index: counts[index])
    with _draw(WIDTH, 0.9 + 0.36 * len(counts)) as drawing:
        columns = 1 if balance.recall is None else 2
        panels = drawing.figure.subplots(1, columns, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.2})[0]
        rows = range(len(order))
        panels[0].barh(rows, [counts[index] for index in order], color=VALID, height=0.62)
        total = max(sum(counts), 1)
        for row, index in enumerate(order):
            text = f"{counts[index]:,} · {counts[index] / total:.1%}"
            place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "size": 9, "color": FAINT}
            panels[0].annotate(text, (counts[index], row), (5, 0), **place)
        panels[0].set_yticks(rows, [names[index] for index in order], color=INK)
        panels[0].set_xlim(0, max(counts) * (1.42 if columns == 2 else 1.16))
        panels[0].set_xlabel(say("figure.train-faces"))
        panels[0].xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        if balance.recall is not None:
            _draw_recall(panels[1], [balance.recall[index] for index in order], say)
        for axes in panels:
            _tidy(axes, along="x")
            axes.tick_params(length=0)
    return drawing.svg


def draw_reliability(calibration: CalibrationPart, say: Say) -> str:
    """Return the reliability diagram: the part that is right over confidence, before and after scaling."""
    with _draw(5.4, 4.6) as drawing:
        axes = drawing.figure.subplots()
        _tidy(axes)
        axes.plot([0.0, 1.0], [0.0, 1.0], color=RULE, linewidth=1.6, zorder=1)
        _draw_bins(axes, calibration.before, color=TRAIN, label=say("figure.before"))
        if calibration.after is not None:
            _draw_bins(axes, calibration.after, color=VALID, label=say("figure.after"))
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, 1.0)
        axes.set_aspect("equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_xlabel(say("figure.confidence"))
        axes.set_ylabel(say("figure.right"))
        axes.legend(frameon=False, loc="upper left")
    return drawing.svg


def draw_robustness(robustness: Robustness, say: Say) -> str:
    """Return accuracy and confidence over severity, a panel a corruption."""
    rows, columns = arrange_panels(robustness, most=PANELS_ACROSS)
    titles = {name: say(f"corruption.{name}") for name in robustness.group()}
    with _draw(WIDTH, 0.4 + 1.35 * rows) as drawing:
        names = (say("figure.accuracy"), say("figure.confidence"))
        draw_panels(drawing.figure, robustness, rows, columns, titles=titles, names=names)
    return drawing.svg


def inline_svg(svg: str, *, name: str, label: str) -> str:
    """Return `svg` for the inside of a page: its ids begin with `name`, its colours are the page's, it has a `label`.

    >>> inline_svg('<svg width="1"><path id="a" style="fill: #22303c"/></svg>', name="x", label="a <b>")
    '<svg role="img" aria-label="a &lt;b&gt;" width="1"><path id="x-a" style="fill: var(--ink)"/></svg>'
    """
    from html import escape

    def rewrite(tag: re.Match[str]) -> str:
        text = tag[0]
        for color, variable in THEME.items():
            text = text.replace(color, f"var(--{variable})")
        text = re.sub(r'\bid="', f'id="{name}-', text)
        return re.sub(r'(href="|url\()#', rf"\g<1>#{name}-", text)

    svg = _TAG.sub(rewrite, svg)  # what stands between tags is words, of the user among them
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)


@contextmanager
def _draw(width: float, height: float) -> Iterator[Drawing]:
    """Yield a drawing of a size in inches; its SVG is there after the block."""
    file = io.StringIO()
    with open_figure(file, width=width, height=height) as figure:
        drawing = Drawing(figure=figure)
        yield drawing
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    drawing.svg = _TAG.sub(lambda tag: re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", tag[0]), text)


def _draw_line(axes: Axes, training: TrainingPart, name: str, *, color: str, width: float, label: str) -> None:
    there = [record for record in training.history if name in record]
    if there:
        marker = "o" if len(there) <= FEW else ""
        epochs, values = [record["epoch"] for record in there], [record[name] for record in there]
        axes.plot(epochs, values, color=color, linewidth=width, label=label, marker=marker, markersize=4)


def _mark_epochs(axes: Axes, training: TrainingPart) -> None:
    """Draw a line at the kept epoch, and a dashed one where training stopped early."""
    axes.axvline(training.best_epoch, color=MARK, linewidth=1.2, zorder=0)
    if training.stopped_early:
        axes.axvline(training.history[-1]["epoch"], color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)), zorder=0)


def _label_marks(axes: Axes, training: TrainingPart, say: Say) -> None:
    """Write above the marks what they mean: the kept epoch on the left of its line, the stop above it."""
    place: dict[str, Any] = {"textcoords": "offset points", "size": 9.0, "annotation_clip": False}
    marks = [("kept", training.best_epoch, MARK)]
    marks += [("stopped", len(training.history), FAINT)] if training.stopped_early else []
    for row, (name, epoch, color) in enumerate(marks):
        side = "right" if 2 * epoch > len(training.history) else "left"
        above = axes.get_xaxis_transform()
        words = say(f"figure.{name}", epoch=epoch)
        axes.annotate(words, (epoch, 1.0), (0, 5 + 14 * row), xycoords=above, ha=side, color=color, **place)


def _draw_recall(axes: Axes, recalls: list[float | None], say: Say) -> None:
    there = [(row, value) for row, value in enumerate(recalls) if value is not None]
    axes.hlines([row for row, _ in there], 0.0, [value for _, value in there], color=RULE, linewidth=1.4)
    axes.plot([value for _, value in there], [row for row, _ in there], "o", color=MARK, markersize=6)
    for row, value in there:
        axes.text(value + 0.03, row, f"{value:.0%}", va="center", size=9, color=FAINT)
    axes.set_xlim(0.0, 1.15)
    axes.set_xticks([0.0, 0.5, 1.0], ["0%", "50%", "100%"])
    axes.set_xlabel(say("figure.recall"))


def _draw_bins(axes: Axes, found: Calibration, *, color: str, label: str) -> None:
    """Draw a dot for each bin that has faces; its area grows with their number."""
    there = [entry for entry in found.bins if entry.count]
    most = max(entry.count for entry in there)
    places = [entry.confidence for entry in there], [entry.accuracy for entry in there]
    axes.plot(*places, color=color, linewidth=1.4, zorder=2, label=label)
    axes.scatter(*places, s=[12 + 150 * entry.count / most for entry in there], color=color, zorder=3, clip_on=False)


def _tidy(axes: Axes, *, along: str = "y") -> None:
    axes.grid(axis="y" if along == "y" else "x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if along == "x":
        axes.spines["left"].set_visible(False)
