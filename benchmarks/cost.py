"""Accuracy on PrivateTest against the cost of training, in one picture: mien's recipes and what others report.

    python -m benchmarks.cost docs/results/cost.csv docs/cost.svg

Cost is PFLOP of the plain mathematics (10¹⁵ multiplications and additions), the one measure that does not depend on
the machine. That of mien's recipes is counted here anew from the recipe in the column `training` and the faces that it
trains on, and a table that says something else is refused; that of others is an estimate from their code.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mien.errors import DataError
from mien.models import build_model
from mien.plots import FAINT, INK, MARK, VALID, open_figure, write_title
from mien.recipes.named import find_recipe
from mien.training.cost import count_multiply_adds

CLASSES, SIDE = 7, 48
OPERATIONS = 2
PETA = 1e15
LABELS = {
    "right": {"xytext": (7, 0), "ha": "left", "va": "center"},
    "left": {"xytext": (-7, 0), "ha": "right", "va": "center"},
    "above": {"xytext": (0, 7), "ha": "center", "va": "bottom"},
    "below": {"xytext": (0, -7), "ha": "center", "va": "top"},
}
TICKS = (0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One line of the table.

    Attributes:
        name: as the picture tells it.
        ours: measured with mien; otherwise reported by its authors.
        pflop: of all training that it descends from.
        accuracy: on PrivateTest, in percent.
        training: recipe:epochs:faces of each training, with a space between; "" for others.
        note: how the figure was chosen.
        label: where its name stands: right, left, above or below.
    """

    name: str
    ours: bool
    pflop: float
    accuracy: float
    training: str
    note: str
    label: str


def read_points(path: Path) -> list[Point]:
    """Return the lines of the table.

    Raises:
        DataError: a line's PFLOP is not what its trainings cost.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    points = [
        Point(
            name=row["name"],
            ours=row["by"] == "mien",
            pflop=float(row["PFLOP"]),
            accuracy=float(row["accuracy"]),
            training=row["training"],
            note=row["note"],
            label=row["label"],
        )
        for row in rows
    ]
    for point in points:
        counted = sum(count_pflop(training) for training in point.training.split())
        if point.ours and abs(counted - point.pflop) > 0.02 * counted:
            raise DataError(path.name, f"{point.name}: {point.pflop} PFLOP, but {point.training} costs {counted:.3f}")
    return points


def count_pflop(training: str) -> float:
    """Return the PFLOP of `recipe:epochs:faces[:start_side[:model]]`.

    >>> round(count_pflop("fast:12:27419"), 3)
    0.055
    """
    name, epochs, faces, *more = training.split(":")
    start, recipe = more[:1], find_recipe(name)
    recipe = replace(recipe, model=replace(recipe.model, name=more[1])) if more[1:] else recipe
    config = replace(recipe.train, epochs=int(epochs), **({"start_side": int(start[0])} if start else {}))
    network = build_model(recipe.model, classes=CLASSES, size=recipe.data.size or SIDE)
    return OPERATIONS * count_multiply_adds(network, config, faces=int(faces)) / PETA


def draw(points: list[Point], path: Path) -> None:
    """Draw accuracy against PFLOP, on a logarithmic axis, each point with its name."""
    with open_figure(path, width=8.0, height=4.6) as figure:
        axes = figure.subplots()
        for point in points:
            color = VALID if point.ours else MARK
            axes.plot(point.pflop, point.accuracy, "o" if point.ours else "D", color=color, markersize=6)
            place: dict[str, Any] = LABELS[point.label]
            axes.annotate(
                point.name, (point.pflop, point.accuracy), textcoords="offset points", size=8.5, color=INK, **place
            )
        axes.set_xscale("log")
        axes.set_xlim(0.02, 600)
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        axes.set_xlabel("PFLOP of training (forward and backward, plain mathematics)")
        axes.set_ylabel("accuracy on PrivateTest, %")
        axes.grid(color=FAINT, alpha=0.15)
        axes.spines[["top", "right"]].set_visible(False)
        about = "dots: mien, measured; diamonds: others, as they report it, some on another split or chosen on it"
        write_title(axes, "Accuracy against the cost of training, FER2013", about)


def main() -> None:
    """Check the table and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    points = read_points(given.table)
    draw(points, given.picture)
    for point in points:
        print(f"{point.name:40} {point.pflop:9.3f} PFLOP  {point.accuracy:5.1f} %  {point.note}")


if __name__ == "__main__":
    main()
