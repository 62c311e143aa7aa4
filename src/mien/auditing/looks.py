"""Pictures that show too little. In: a `Roll`. Out: `Looks` in numbers, and findings: blank, dark, bright and so on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.auditing.finding import Finding, Roll
from mien.auditing.hashes import read_blocks

FLAT_DEVIATION = 8.0
"""Grey levels: a face has 13 and more, in the whole of FER2013."""

DARK_MEAN, BRIGHT_MEAN = 30.0, 225.0
BLACK, WHITE, SATURATED_SHARE = 5, 250, 0.5

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Every picture in a few numbers, each (N,).

    Attributes:
        spans: lightest less darkest pixel, 0 to 255.
        means: grey levels.
        deviations: standard deviation in grey levels.
        clipped: part of the pixels that are black or white, 0 to 1.
    """

    spans: Floats
    means: Floats
    deviations: Floats
    clipped: Floats


def measure_looks(roll: Roll) -> Looks:
    """Return the numbers of every face; pictures are read in blocks."""
    parts = [_measure(block) for part in roll.parts for block in read_blocks(part.images)]
    spans, means, deviations, clipped = np.concatenate([np.empty((4, 0), np.float32), *parts], axis=1)
    return Looks(spans=spans, means=means, deviations=deviations, clipped=clipped)


def _measure(block: Floats) -> Floats:
    flat = block.reshape(len(block), -1)
    spans = flat.max(axis=1) - flat.min(axis=1)
    clipped = ((flat <= BLACK) | (flat >= WHITE)).mean(axis=1)
    return np.stack([spans, flat.mean(axis=1), flat.std(axis=1), clipped]).astype(np.float32)


def report_looks(roll: Roll, looks: Looks) -> Iterator[Finding]:
    """Yield a finding for each face and kind; a face that is blank is nothing else."""
    is_blank = looks.spans == 0
    kinds = {
        "blank": (is_blank, looks.means, "all pixels are {:.0f}"),
        "near-constant": (looks.deviations < FLAT_DEVIATION, looks.deviations, "standard deviation {:.1f}"),
        "dark": (looks.means < DARK_MEAN, looks.means, "mean {:.1f} of 255"),
        "bright": (looks.means > BRIGHT_MEAN, looks.means, "mean {:.1f} of 255"),
        "saturated": (looks.clipped >= SATURATED_SHARE, looks.clipped, "{:.0%} of the pixels"),
    }
    for kind, (found, values, words) in kinds.items():
        for number in np.flatnonzero(found if kind == "blank" else found & ~is_blank).tolist():
            value = float(values[number])
            score = value if kind in ("bright", "saturated") else -value
            yield roll.report(kind, number, detail=words.format(value), score=score)
