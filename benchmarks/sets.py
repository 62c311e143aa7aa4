"""Hold sets of expressions against halves of valid: thresholds from one half, coverage and size on the other.

python -m benchmarks.sets --data fer2013.csv [--run bundled] [--seeds 30] [--coverage 0.9]
"""

from __future__ import annotations

import argparse

import numpy as np

from mien.beliefs.sets import METHODS, fit_sets
from mien.data.prepare import prepare_splits
from mien.evaluation.predict import predict_valid
from mien.evaluation.set_scores import score_sets
from mien.runs.run import load_run
from mien.runs.temperatures import scale_probabilities


def measure(run_name: str, data: str, seeds: int, coverage: float) -> None:
    """Print a line for each method: means and standard deviations over the seeds."""
    run = load_run(run_name)
    splits = prepare_splits(data, run.recipe.data, seed=run.recipe.train.seed)
    assert splits.valid is not None
    labels = splits.valid.labels
    answers = scale_probabilities(predict_valid(run, splits.valid), run.temperature())
    for method in METHODS:
        rows = []
        for seed in range(seeds):
            first, second = np.array_split(np.random.default_rng(seed).permutation(len(labels)), 2)
            rule = fit_sets(labels[first], answers[first], seed=seed).pick(coverage, method)
            scores = score_sets(labels[second], rule.apply(answers[second]), run.expressions)
            rows.append([scores.coverage, scores.mean_size, scores.single, *(one.coverage for one in scores.classes)])
        mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1)
        by_class = ", ".join(
            f"{name} {part:.1%} ± {100 * wide:.1f}"
            for name, part, wide in zip(run.expressions, mean[3:], spread[3:], strict=True)
        )
        print(
            f"{method}: coverage {mean[0]:.1%} ± {100 * spread[0]:.1f}, size {mean[1]:.2f} ± {spread[1]:.2f}, ", end=""
        )
        print(f"one expression {mean[2]:.0%}; {by_class}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", default="bundled")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--coverage", type=float, default=0.9)
    options = parser.parse_args()
    measure(options.run, options.data, options.seeds, options.coverage)
