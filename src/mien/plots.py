"""Pictures of a run. In: scores or a history. Out: an SVG or PNG file, the same bytes for the same numbers.

`draw_confusion` shows which expression is taken for which, `draw_curves` how training went. Figures are made as
objects, without pyplot's global state.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MissingExtraError
from mien.evaluation.metrics import ClassScores, Scores
from mien.files import write_aside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, RULE = "#22303c", "#5d6b75", "#dfe5e8"
TRAIN, VALID, MARK = "#8c9aa4", "#1f749d", "#b4572e"
SHADES = ("#f7fafc", "#cde3ec", "#9bcbdc", "#5fb0cb", "#2b92b8", "#1f749d", "#1d577e", "#183b5c", "#0f2138")
"""From light to dark in even steps of CIE lightness: twice the share looks twice as dark, in grey print, too."""

WHITE_INK_FROM = 0.585
"""From this share on, white reads better on the shade than black; either has a contrast of at least 4.5 to 1."""

STYLE: dict[Any, Any] = {
    "font.size": 10.0,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": RULE,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "text.parse_math": False,  # a class may be called $_$: names are no formulas
    "svg.fonttype": "none",  # letters stay letters: a small file with text that can be searched
    "svg.hashsalt": "mien",  # without it, names inside the file differ from one drawing to the next
}
METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
PIXELS_PER_INCH = 160
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


def draw_curves(
    history: Sequence[Mapping[str, float]], path: Path, *, title: str, kept_epoch: int | None, stopped: str | None
) -> None:
    """Draw loss, accuracy and learning rate over the epochs.

    Args:
        history: one record an epoch, with epoch, lr, train_loss, train_accuracy and, where there is a valid split,
            valid_loss and valid_accuracy.
        path: ends in .svg or .png.
        title: what was trained on what.
        kept_epoch: whose weights the run keeps: marked in each panel, if it is in the history.
        stopped: why training stopped early, in words; None if it did not.

    Raises:
        MissingExtraError: matplotlib is not installed.
        MienError: the file cannot be written.
    """
    with open_figure(path, width=8.0, height=7.0) as figure:
        panels = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": (3, 3, 1.3), "hspace": 0.1})
        for axes, name in zip(panels, ("loss", "accuracy", "learning rate"), strict=True):
            axes.set_ylabel(name)
            axes.grid(axis="y", color=RULE, linewidth=0.8)
            axes.spines[["top", "right"]].set_visible(False)
        loss, accuracy, rate = panels
        _draw_lines(loss, history, "loss")
        _draw_lines(accuracy, history, "accuracy")
        rate.plot(*_pick(history, "lr"), color=FAINT, linewidth=1.6, marker=_marker(len(history)), markersize=3)
        rate.set_ylim(bottom=0.0)
        rate.set_xlabel("epoch")
        rate.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        _mark_epochs(panels, history, kept_epoch, stopped)
        figure.align_ylabels(panels)
        loss.legend(frameon=False, labelcolor="linecolor")
        write_title(loss, title, _tell_ending(history, kept_epoch, stopped))


@contextmanager
def open_figure(path: Path, *, width: float, height: float) -> Iterator[Figure]:
    """Yield an empty figure, sizes in inches; what was drawn on it is then written to `path`, all of it or nothing."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train") from None
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # Of names in letters that matplotlib's font lacks: an SVG has them in the fonts of the reader.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(width, height))
        yield figure
        with write_aside(path) as aside:
            figure.savefig(aside, dpi=PIXELS_PER_INCH, bbox_inches="tight", metadata=METADATA[path.suffix])


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


def _draw_lines(axes: Axes, history: Sequence[Mapping[str, float]], figure: str) -> None:
    """Draw `figure` of train and, where it was measured, of valid."""
    for split, color, width in (("train", TRAIN, 1.6), ("valid", VALID, 2.2)):
        epochs, values = _pick(history, f"{split}_{figure}")
        if epochs:
            marker = _marker(len(epochs))
            axes.plot(epochs, values, color=color, linewidth=width, label=split, marker=marker, markersize=4)


def _mark_epochs(
    panels: Sequence[Axes], history: Sequence[Mapping[str, float]], kept_epoch: int | None, stopped: str | None
) -> None:
    """Draw a line at the kept epoch, and a dashed one where training stopped early."""
    epochs, accuracies = _pick(history, "valid_accuracy")
    for axes in panels:
        if kept_epoch in [record["epoch"] for record in history]:
            axes.axvline(kept_epoch, color=MARK, linewidth=1.0, zorder=0)
        if stopped is not None:
            axes.axvline(history[-1]["epoch"], color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    if kept_epoch in epochs:
        panels[1].plot(kept_epoch, accuracies[epochs.index(kept_epoch)], "o", color=MARK, markersize=6, zorder=3)


def _tell_ending(history: Sequence[Mapping[str, float]], kept_epoch: int | None, stopped: str | None) -> str:
    """Return in words how training ended."""
    words = [f"stopped early: {stopped}" if stopped else f"epochs: {len(history)}"]
    kept = next((record for record in history if record["epoch"] == kept_epoch), None)
    if kept is not None and "valid_accuracy" in kept:
        words.insert(0, f"kept epoch {kept_epoch}: valid accuracy {kept['valid_accuracy']:.1%}")
    return "\n".join(words)


def _pick(history: Sequence[Mapping[str, float]], name: str) -> tuple[list[float], list[float]]:
    """Return the epochs that have a figure of this name, and its values."""
    there = [record for record in history if name in record]
    return [record["epoch"] for record in there], [record[name] for record in there]


def _marker(points: int) -> str:
    """Return the marker of each point of a line: a dot while there are few (a line through one is invisible)."""
    return "o" if points <= 12 else ""


def write_title(axes: Axes, title: str, about: str) -> None:
    """Write a title and, below it, lines that say more, above the panel."""
    lines = 1 + about.count("\n")
    axes.annotate(about, (0, 1), (0, 22), "axes fraction", "offset points", size=9.5, color=FAINT, linespacing=1.4)
    place = (0, 24 + 14 * lines)
    axes.annotate(title, (0, 1), place, "axes fraction", "offset points", size=13.5, weight="bold")
