"""Draw a `Robustness`: a panel a corruption, accuracy and confidence over severity. Out: a figure, or its file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import ConfigError
from mien.plots import FAINT, MARK, METADATA, RULE, VALID, open_figure
from mien.robustness.result import Condition, Robustness

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 6
PANEL_INCHES = (1.75, 1.5)
HEAD_INCHES, LEAST_WIDTH = 0.9, 7.0


def draw_robustness(robustness: Robustness, path: Path | None) -> Figure:
    """Return the figure; with a `path`, .svg or .png, it is written, too.

    Raises:
        ConfigError: another ending.
    """
    rows, columns = arrange_panels(robustness)
    width, height = max(LEAST_WIDTH, columns * PANEL_INCHES[0]), rows * PANEL_INCHES[1] + HEAD_INCHES
    if path is not None and path.suffix not in METADATA:
        raise ConfigError(f"path {path}: expected a name that ends in {' or '.join(METADATA)}")
    with open_figure(path, width=width, height=height) as figure:
        _fill(figure, robustness, rows, columns)
    return figure


def arrange_panels(robustness: Robustness, *, most: int = COLUMNS) -> tuple[int, int]:
    """Return rows and columns of panels, at most so many side by side."""
    count = len(robustness.group())
    columns = min(most, count)
    return math.ceil(count / columns), columns


def draw_panels(
    figure: Figure,
    robustness: Robustness,
    rows: int,
    columns: int,
    *,
    titles: dict[str, str] | None = None,
    names: tuple[str, str] = ("accuracy", "confidence"),
) -> None:
    """Draw a panel a corruption.

    Args:
        figure: an empty one.
        robustness: what was measured.
        rows: of `arrange_panels`, like `columns`.
        columns: likewise.
        titles: name of a corruption -> what stands above its panel; None: its name.
        names: of the two lines.
    """
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    groups = robustness.group()
    for axes, (name, conditions) in zip(panels, groups.items(), strict=False):
        _draw_panel(axes, (robustness.clean, *conditions), names)
        axes.set_title((titles or {}).get(name, name), size=9.5, loc="left", pad=3)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    panels[0].legend(frameon=False, loc="lower left", fontsize=7.5, handlelength=1.4, borderpad=0.0)
    figure.subplots_adjust(hspace=0.45, wspace=0.14)


def _fill(figure: Figure, robustness: Robustness, rows: int, columns: int) -> None:
    draw_panels(figure, robustness, rows, columns)
    figure.subplots_adjust(top=1 - HEAD_INCHES / figure.get_figheight(), bottom=0.08)
    drawn = " (synthetic faces)" if robustness.synthetic else ""
    figure.text(0.07, 0.985, "Accuracy under corruption, by severity (0: clean)", size=13.5, weight="bold", va="top")
    about = (
        f"{Path(robustness.network).name}, {robustness.split} of {Path(robustness.source).name}{drawn}, "
        f"n = {robustness.n:,}: clean {robustness.clean.accuracy:.1%}, mean under corruption {robustness.accuracy:.1%}"
    )
    figure.text(0.07, 1 - 0.36 / figure.get_figheight(), about, size=9.5, color=FAINT, va="top")


def _draw_panel(axes: Axes, shown: tuple[Condition, ...], names: tuple[str, str]) -> None:
    places = [one.severity for one in shown]
    axes.fill_between(places, [one.interval.low for one in shown], [one.interval.high for one in shown], color=RULE)
    axes.plot(places, [one.accuracy for one in shown], color=VALID, linewidth=1.8, marker="o", ms=3, label=names[0])
    axes.plot(places, [one.confidence for one in shown], color=MARK, linewidth=1.2, linestyle="--", label=names[1])
    axes.set_ylim(0.0, 1.0)
    axes.set_xticks(range(6))
    axes.set_yticks([0.0, 0.5, 1.0], ["0%", "50%", "100%"])
    axes.tick_params(labelsize=8, length=2)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
