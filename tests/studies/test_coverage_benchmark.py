"""The script that measures whether the intervals hold the truth."""

from __future__ import annotations

import numpy as np
from benchmarks.compare_coverage import draw_study, measure_coverage


def test_drawn_studies_have_no_true_difference() -> None:
    """Base and variant are right on about 60 % of the faces, and a luckier training on more."""
    rng = np.random.default_rng(0)
    pairs = draw_study(rng, seeds=4, luck_points=0.0, faces=5_000)
    assert [0.6] * 8 == [
        round(float(right.mean()), 1)
        for pair in pairs
        for right in (pair.base == pair.labels, pair.variant == pair.labels)
    ]
    lucky = draw_study(rng, seeds=40, luck_points=10.0, faces=500)
    assert np.std([(pair.base == pair.labels).mean() for pair in lucky]) > 0.05


def test_most_intervals_hold_zero() -> None:
    """A few studies show that the script runs; the figure itself takes hundreds."""
    assert measure_coverage(np.random.default_rng(1), seeds=3, luck_points=0.5, studies=15) > 0.8
