"""The confusion matrix as a picture. In: scores. Out: an SVG or PNG file, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.evaluation.metrics import ClassScores, Scores
from mien.plots import FAINT, INK, SHADES, WHITE_INK_FROM, open_figure, write_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL_INCHES = 0.8


def draw_confusion(
    scores: Scores, path: Path, *, split: str, synthetic: bool, views: Sequence[str] = ("plain",)
) -> None:
    """Draw the confusion matrix: rows are true expressions, a cell's shade and percentage are its part of the row.

    Args:
        scores: of one evaluation.
        path: ends in .svg or .png.
        split: name of the split, for the title.
        synthetic: the title then says "synthetic faces".
        views: of each face whose mean was taken, for the title, which leaves out the plain one alone.

    Raises:
        MissingExtraError: matplotlib is not installed.
        MienError: the file cannot be written.
    """
    side = CELL_INCHES * len(scores.classes)
    with open_figure(path, width=side, height=side) as figure:
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        _fill_cells(axes, scores)
        _name_classes(axes, scores.classes)
        kind = ", synthetic faces" if synthetic else ""
        shown = "" if tuple(views) == ("plain",) else f", views: {' + '.join(views)}"
        low, high = scores.interval.low, scores.interval.high
        write_title(
            axes,
            f"Accuracy {scores.accuracy:.1%}  (95% interval {low:.1%} to {high:.1%})",
            f"{split} split, {scores.n:,} faces{kind}{shown}  ·  each row adds up to 100%",
        )


def _fill_cells(axes: Axes, scores: Scores) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("mien", SHADES)
    shares = [[count / max(sum(row), 1) for count in row] for row in scores.confusion]
    axes.pcolormesh(shares, cmap=shades, vmin=0.0, vmax=1.0, edgecolors="white", linewidth=2.0)
    axes.invert_yaxis()
    for row, counts in enumerate(scores.confusion):
        for column, count in enumerate(counts):
            share = shares[row][column]
            ink = "white" if share >= WHITE_INK_FROM else "black" if count else FAINT
            weight = "bold" if row == column else "normal"
            place: dict[str, Any] = {"x": column + 0.5, "ha": "center", "va": "center", "color": ink}
            if count:
                percentage = f"{share:.0%}" if share >= 0.005 else "<1%"
                axes.text(y=row + 0.42, s=percentage, size=11.5, weight=weight, **place)
            axes.text(y=row + (0.72 if count else 0.5), s=f"{count:,}", size=8, **place)


def _name_classes(axes: Axes, classes: Sequence[ClassScores]) -> None:
    """Write the expressions along both sides, and recall with its interval to the right."""
    middles, names = [index + 0.5 for index in range(len(classes))], [entry.expression for entry in classes]
    tilt = 45 if max(map(len, names)) > 9 else 0
    axes.set_xticks(middles, names, rotation=tilt, ha="right" if tilt else "center", color=INK)
    axes.set_yticks(middles, names, color=INK)
    axes.set_xlabel("predicted", labelpad=8)
    axes.set_ylabel("true", labelpad=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    edge = len(classes) + 0.15
    axes.text(edge, -0.1, "recall  (95% interval)", size=8.5, color=FAINT)
    for middle, entry in zip(middles, classes, strict=True):
        low, high = entry.recall_interval.low, entry.recall_interval.high
        found = f"{entry.recall:.0%}" if entry.support else "–"
        axes.text(edge, middle - 0.08, found, size=11.5, va="center")
        axes.text(edge + 0.75, middle - 0.08, f"{low:.0%} to {high:.0%}", size=8.5, va="center", color=FAINT)
        axes.text(edge, middle + 0.22, f"of {entry.support:,} faces", size=8, va="center", color=FAINT)
