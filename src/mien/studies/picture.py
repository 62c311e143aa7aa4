"""A comparison as a picture. In: `Results`. Out: an SVG or PNG file: figures on the left, differences on the right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.evaluation.differences import write_difference, write_points
from mien.plots import FAINT, INK, RULE, VALID, open_figure, write_title
from mien.studies.results import METRICS, Results, Row
from mien.studies.words import name_study, render_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

WIDTH_INCHES, ROW_INCHES, EDGE_INCHES = 11.0, 0.55, 0.5
LEGEND = "dots: seeds · line: 95% bootstrap interval of the mean paired difference · grey: within noise"


def draw_comparison(results: Results, path: Path) -> None:
    """Draw every variant as a line: accuracy by seed, and its differences to the base with their intervals.

    Args:
        results: of a study.
        path: ends in .svg or .png.

    Raises:
        MissingExtraError: matplotlib is not installed.
        MienError: the file cannot be written.
    """
    height = EDGE_INCHES + ROW_INCHES * len(results.rows)
    with open_figure(path, width=WIDTH_INCHES, height=height) as figure:
        panels = list(figure.subplots(1, 1 + len(METRICS), sharey=True, gridspec_kw={"wspace": 0.1}))
        for axes, title in zip(
            panels, (METRICS[0], *(f"difference in {metric}, points" for metric in METRICS)), strict=True
        ):
            _prepare(axes, title)
        _draw_figures(panels[0], results.rows)
        for axes, metric in zip(panels[1:], METRICS, strict=True):
            _draw_differences(axes, results.rows, metric)
        panels[0].set_yticks(range(len(results.rows)), [row.name for row in results.rows], color=INK)
        panels[0].set_ylim(len(results.rows) - 0.4, -0.7)
        write_title(panels[0], "What each change brings", f"{name_study(results)}\n{LEGEND}")


def _prepare(axes: Axes, title: str) -> None:
    axes.set_title(title, size=10, color=FAINT, loc="left", pad=6)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.margins(x=0.22)  # room for the labels of the outermost dots
    axes.locator_params(axis="x", nbins=5)


def _draw_figures(axes: Axes, rows: Sequence[Row]) -> None:
    """Draw a dot a seed and a tick at their mean."""
    from matplotlib.ticker import PercentFormatter

    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    for place, row in enumerate(rows):
        figure = row.figures[METRICS[0]]
        axes.plot(figure.values, [place] * len(figure.values), "o", color=VALID, alpha=0.55, markersize=5)
        axes.plot(figure.mean, place, "|", color=INK, markersize=16, markeredgewidth=1.6)
        _label(axes, figure.mean, place, render_figure(figure))


def _draw_differences(axes: Axes, rows: Sequence[Row], metric: str) -> None:
    """Draw a line for the interval, a tick at the mean, a dot a seed, and zero."""
    axes.xaxis.set_major_formatter(lambda value, _: write_points(value) if value else "0")
    axes.axvline(0.0, color=FAINT, linewidth=1.0)
    for place, row in enumerate(rows):
        if metric not in row.differences:
            continue
        found = row.differences[metric]
        color = FAINT if found.is_noise else VALID
        axes.plot((found.low, found.high), (place, place), color=color, linewidth=2.4, solid_capstyle="butt")
        axes.plot(found.values, [place] * len(found.values), "o", color=color, alpha=0.55, markersize=5)
        axes.plot(found.value, place, "|", color=INK, markersize=16, markeredgewidth=1.6)
        _label(axes, found.value, place, write_difference(found.value, found.low, found.high))


def _label(axes: Axes, x: float, y: float, text: str) -> None:
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.annotate(text, (x, y), (0, 9), textcoords="offset points", size=8.5, ha="center", color=INK, bbox=paper)
