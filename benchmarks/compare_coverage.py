"""How often the intervals of `mien compare` hold the truth, on drawn studies whose true difference is zero.

    python -m benchmarks.compare_coverage [--studies 300]

A face is hard or easy for every run, each run answers with luck of its own on each face, and each training is a little
better or worse than the next: `luck` is the standard deviation of that, in points of accuracy, of either variant. An
interval that says 95 % should hold zero in 95 of 100 studies.
"""

from __future__ import annotations

import argparse

import numpy as np

from mien.evaluation.differences import Pair, compare_pairs

FACES, CLASSES = 1000, 7
WRONG = -1
LUCKS = (0.0, 0.5, 1.0, 2.0)
SEEDS = (3, 5, 10)
RESAMPLES = 500


def draw_study(rng: np.random.Generator, *, seeds: int, luck_points: float, faces: int = FACES) -> list[Pair]:
    """Return the pairs of a study in which base and variant are equally good: right on about 60 % of the faces."""
    labels, hardness = rng.integers(0, CLASSES, faces), rng.random(faces)

    def answer() -> np.ndarray:
        ability = 0.6 + luck_points / 100.0 * rng.standard_normal()
        right = 0.7 * hardness + 0.3 * rng.random(faces) < np.quantile(0.7 * hardness + 0.3 * 0.5, ability)
        return np.where(right, labels, WRONG)

    return [Pair(labels=labels, base=answer(), variant=answer()) for _ in range(seeds)]


def measure_coverage(rng: np.random.Generator, *, seeds: int, luck_points: float, studies: int) -> float:
    """Return the fraction of studies whose interval of accuracy holds zero."""
    drawn = (draw_study(rng, seeds=seeds, luck_points=luck_points) for _ in range(studies))
    found = (compare_pairs(pairs, classes=CLASSES, resamples=RESAMPLES)["accuracy"] for pairs in drawn)
    return float(np.mean([difference.is_noise for difference in found]))


def main() -> None:
    """Print a table: luck down, seeds across."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=300)
    studies = parser.parse_args().studies
    rng = np.random.default_rng(0)
    print(f"| luck, points | {' | '.join(f'{seeds} seeds' for seeds in SEEDS)} |")
    print(f"|---:|{'---:|' * len(SEEDS)}")
    for luck in LUCKS:
        cells = [measure_coverage(rng, seeds=seeds, luck_points=luck, studies=studies) for seeds in SEEDS]
        print(f"| {luck} | {' | '.join(f'{cell:.1%}' for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
