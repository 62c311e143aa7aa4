"""A video's expressions over time. In: numbered faces as they come. Out: an SVG or PNG file, a panel for each face."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from mien.plots import FAINT, INK, RULE, open_figure, write_title
from mien.recognition.face import Face

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#d55e00", "#7a9a01", "#9467a8", "#f0c419", "#0072b2", "#56b4e9", "#d3dade")
"""Angry, disgust, fear, happy, sad, surprise, neutral:
colour-blind people tell them apart, too (after Okabe and Ito, 2008)."""

PANELS = 4
"""Faces that are drawn: those followed for longest."""

MOST_POINTS = 800
"""Along the time axis; more would be finer than the print."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A face that was followed.

    Attributes:
        number: of the face.
        start: seconds, when it was seen first.
        end: seconds, when it was seen last.
        mostly: the expression that it had in most frames.
        share: in what part of them.
    """

    number: int
    start: float
    end: float
    mostly: str
    share: float


@final
class Timeline:
    """Probabilities of each numbered face over time: a few bytes a face and frame.

    Attributes:
        expressions: the classes.
        unreadable: finds that had no expression; they stand in no series.
    """

    def __init__(self, expressions: Sequence[str]) -> None:
        self.expressions = tuple(expressions)
        self.unreadable = 0
        self._values: dict[int, array[float]] = {}

    def add(self, seconds: float, faces: Sequence[tuple[int, Face]]) -> None:
        """Take the faces of a frame."""
        for number, face in faces:
            if face.expression is None:
                self.unreadable += 1
                continue
            held = self._values.setdefault(number, array("f"))
            held.extend((seconds, *(face.probabilities[name] for name in self.expressions)))

    def __len__(self) -> int:
        return len(self.series())

    def longest(self, count: int = PANELS) -> list[Span]:
        """Return the faces that were followed for longest, in the order of their numbers."""
        spans = [self._describe(number, values) for number, values in self.series().items()]
        return sorted(sorted(spans, key=lambda span: span.start - span.end)[:count], key=lambda span: span.number)

    def _describe(self, number: int, values: npt.NDArray[np.float32]) -> Span:
        counts = np.bincount(values[:, 1:].argmax(axis=1), minlength=len(self.expressions))
        most = int(counts.argmax())
        return Span(
            number=number,
            start=float(values[0, 0]),
            end=float(values[-1, 0]),
            mostly=self.expressions[most],
            share=float(counts[most] / len(values)),
        )

    def series(self) -> dict[int, npt.NDArray[np.float32]]:
        """Return for the number of each face float32 (N, 1 + K): seconds, then probabilities.

        A face that was seen in one frame alone is mostly none: those are left out, unless there are no others.
        """
        width = 1 + len(self.expressions)
        shown = {number: held for number, held in self._values.items() if len(held) > width} or self._values
        return {number: np.array(held, np.float32).reshape(-1, width) for number, held in shown.items()}


def draw_timeline(timeline: Timeline, path: Path, *, title: str) -> None:
    """Draw the expressions of the faces that were followed for longest, stacked to one.

    Args:
        timeline: of a whole video.
        path: ends in .svg or .png.
        title: of the drawing.

    Raises:
        MissingExtraError: matplotlib is not installed.
        MienError: the file cannot be written.
    """
    series = timeline.series()
    shown = [span.number for span in timeline.longest()]
    with open_figure(path, width=9.0, height=1.2 + 1.5 * max(len(shown), 1)) as figure:
        panels = figure.subplots(max(len(shown), 1), 1, sharex=True, squeeze=False, gridspec_kw={"hspace": 0.25})[:, 0]
        for axes, number in zip(panels, shown, strict=False):
            _fill_panel(axes, shrink(series[number]), timeline.expressions, f"face {number}")
        panels[-1].set_xlabel("seconds")
        more = f", the {len(shown)} followed for longest" if len(shown) < len(series) else ""
        write_title(panels[0], title, f"probability of each expression  ·  {_tell_faces(len(series))}{more}")
        _name_colours(panels[0], timeline.expressions)


def shrink(values: npt.NDArray[np.float32], points: int = MOST_POINTS) -> npt.NDArray[np.float32]:
    """Return at most so many rows of (N, C): means over neighbours.

    >>> shrink(np.array([[0.0], [1.0], [2.0], [4.0]], np.float32), 2).ravel().tolist()
    [0.5, 3.0]
    """
    if len(values) <= points:
        return values
    return np.stack([part.mean(axis=0) for part in np.array_split(values, points)])


def _fill_panel(axes: Axes, values: npt.NDArray[np.float32], expressions: Sequence[str], name: str) -> None:
    seconds, probabilities = values[:, 0], values[:, 1:].T
    if len(seconds) == 1:  # an area needs two points
        seconds, probabilities = np.array([seconds[0], seconds[0] + 0.04]), np.repeat(probabilities, 2, axis=1)
    axes.stackplot(seconds, probabilities, colors=pick_colours(len(expressions)), linewidth=0)
    axes.set_ylim(0.0, 1.0)
    axes.margins(x=0.0)
    axes.set_yticks([0.0, 0.5, 1.0], ["0", "½", "1"])
    axes.set_ylabel(name, color=INK)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(axis="x", color=RULE, linewidth=0.6)


def pick_colours(count: int) -> list[Any]:
    """Return a colour for each of `count` expressions: our own for the seven, matplotlib's for others."""
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    import matplotlib

    return list(matplotlib.colormaps["turbo"](np.linspace(0.05, 0.95, count)))


def _name_colours(axes: Axes, expressions: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    legend = axes.legend(
        handles=[Patch(color=colour) for colour in pick_colours(len(expressions))[::-1]],
        labels=[str(index) for index in range(len(expressions))],  # one that begins with _ would be left out
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.05),
        fontsize=8.5,
        labelcolor=FAINT,
    )
    for text, name in zip(legend.get_texts(), expressions[::-1], strict=True):
        text.set_text(name)


def _tell_faces(count: int) -> str:
    return "no face was found" if not count else f"{count:,} face{'s' * (count > 1)}"
