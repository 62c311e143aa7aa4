"""How a training went, as a picture. In: a history. Out: an SVG or PNG file, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mien.plots import FAINT, MARK, RULE, TRAIN, VALID, open_figure, write_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    growing = [record["epoch"] for record in history if "valid_side" in record]
    if growing:
        words.append(f"to epoch {growing[-1]} valid is shown at the smaller side that is trained")
    return "\n".join(words)


def _pick(history: Sequence[Mapping[str, float]], name: str) -> tuple[list[float], list[float]]:
    """Return the epochs that have a figure of this name, and its values."""
    there = [record for record in history if name in record]
    return [record["epoch"] for record in there], [record[name] for record in there]


def _marker(points: int) -> str:
    """Return the marker of each point of a line: a dot while there are few (a line through one is invisible)."""
    return "o" if points <= 12 else ""
