"""Learning-rate schedules. In: where training stands. Out: the factor that the peak rate is multiplied by."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mien.recipes.schema import Schedule


def scale_rate(schedule: Schedule, progress: float, *, warmup_fraction: float = 0.0) -> float:
    """Return the factor of the peak learning rate at `progress` (0 at the start, 1 at the end of training).

    "cosine" and "one-cycle" rise in a straight line to 1 at `warmup_fraction`, then fall to 0: along half a cosine
    (Loshchilov and Hutter 2017), or in a straight line (the triangle of Smith and Topin 2019). "constant" is 1, and so
    is "plateau", whose factor is kept by `Plateau`.

    >>> [scale_rate("one-cycle", progress, warmup_fraction=0.2) for progress in (0.1, 0.2, 0.6, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    if schedule in ("constant", "plateau"):
        return 1.0
    if progress < warmup_fraction:
        return progress / warmup_fraction
    remaining = (1.0 - progress) / (1.0 - warmup_fraction)
    return remaining if schedule == "one-cycle" else 0.5 * (1.0 - math.cos(math.pi * remaining))


SIDE_STEP = 12
"""Faces grow by so many pixels at a time: their halves fill the tiles of 6×6 that `mien.native` computes."""


def grow_side(progress: float, *, start: int | None, full: int, grow_fraction: float) -> int:
    """Return the side in pixels of the faces at `progress`: `start` to `full` in steps of `SIDE_STEP`.

    Small pictures first cost less and lose little, as in progressive resizing (Howard 2018, fast.ai's DAWNBench entry).

    >>> [grow_side(progress, start=24, full=48, grow_fraction=0.7) for progress in (0.0, 0.34, 0.36, 0.69, 0.71)]
    [24, 24, 36, 36, 48]
    """
    if start is None or start >= full:
        return full
    sides: list[int] = [*range(start, full, SIDE_STEP), full]
    reached = int(progress / grow_fraction * (len(sides) - 1))
    return sides[min(reached, len(sides) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """Multiplies the rate by `plateau_factor` when a score has not risen for more than `patience` epochs.

    Attributes:
        factor: what the peak rate is multiplied by now.
        best: the highest score so far.
        waited: epochs since then, or since the last reduction.
    """

    factor: float = 1.0
    best: float = -math.inf
    waited: int = 0

    def after(self, score: float, *, plateau_factor: float, patience: int) -> Plateau:
        """Return the state after an epoch with `score` (higher is better)."""
        if score > self.best:
            return replace(self, best=score, waited=0)
        if self.waited < patience:
            return replace(self, waited=self.waited + 1)
        return replace(self, factor=self.factor * plateau_factor, waited=0)
