"""Where the boxes of a block diagram stand. In: `Stage` values. Out: `Column` values of `Box`es, in pixels.

Heights follow the square root of a map's side, thicknesses the square root of its channels, bars the logarithm of
their features: so the largest fits the page and the smallest can still be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import log2, sqrt

from mien.models.stages import ANCHORS, Slice, Stage

TALLEST = 170.0
"""Height in pixels of a map as large as the input."""

DEPTH, RISE = 0.34, 0.20
"""How far the depth of a map goes right and up, as a fraction of its height."""

THIN, BAR, THICKEST = 7.0, 16.0, 72.0
GAP, MARGIN, LABELS = 26.0, 24.0, 96.0
FEATURE_DOUBLING = 13.0
"""Pixels by which a bar grows when its features double."""

CHARACTER = 8.6
"""Width in pixels of a character of a label, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A cuboid seen from the front right: `x` is where its middle plane starts; depth goes `depth` right, `rise` up."""

    family: str
    x: float
    width: float
    height: float
    depth: float
    rise: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A stage in its place: boxes touching each other, labels centred below `middle`."""

    stage: Stage
    boxes: tuple[Box, ...]
    left: float
    right: float

    @property
    def middle(self) -> float:
        """Centre between `left` and `right`."""
        return (self.left + self.right) / 2


def arrange(stages: Iterable[Stage], *, size: int) -> tuple[Column, ...]:
    """Return the stages side by side, each as wide as its boxes and labels need; `size` is the side of the input."""
    columns: list[Column] = []
    left = MARGIN + LABELS
    for stage in stages:
        columns.append(_place(stage, left, size))
        left = columns[-1].right + GAP
    return tuple(columns)


def labels(stage: Stage) -> tuple[str, str, str]:
    """Return what stands below a stage: its title, its output's shape, its parameters."""
    return stage.title, " × ".join(map(str, stage.shape)), f"{stage.parameters:,}" if stage.parameters else "–"


def _place(stage: Stage, left: float, size: int) -> Column:
    boxes = _stack([_measure(piece, size) for piece in stage.slices])
    drawn_left = min(box.x - box.depth / 2 for box in boxes)
    drawn_width = max(box.x + box.width + box.depth / 2 for box in boxes) - drawn_left
    width = max(drawn_width, CHARACTER * max(map(len, labels(stage))))
    shift = left + (width - drawn_width) / 2 - drawn_left
    moved = tuple(replace(box, x=box.x + shift) for box in boxes)
    return Column(stage=stage, boxes=moved, left=left, right=left + width)


def _stack(boxes: Sequence[Box]) -> list[Box]:
    """Return the boxes one behind the other along the axis, from 0."""
    starts = accumulate((box.width for box in boxes[:-1]), initial=0.0)
    return [replace(box, x=start) for box, start in zip(boxes, starts, strict=True)]


def _measure(piece: Slice, size: int) -> Box:
    """Return the box of `piece`, still at 0."""
    is_anchor = piece.family in ANCHORS
    if not piece.side:
        width, height = BAR if is_anchor else THIN, FEATURE_DOUBLING * log2(piece.channels + 1)
        return Box(family=piece.family, x=0.0, width=width, height=height, depth=10.0, rise=6.0)
    height = TALLEST * sqrt(min(piece.side / size, 1.0))
    width = min(max(3 * sqrt(piece.channels), THIN), THICKEST) if is_anchor else THIN
    return Box(family=piece.family, x=0.0, width=width, height=height, depth=DEPTH * height, rise=RISE * height)
