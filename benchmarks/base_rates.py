"""Hold base rates against simulated shifts of valid: does a prior help, and what does a wrong or a guessed one cost?

    python -m benchmarks.base_rates --data fer2013.csv [--run bundled] [--seeds 40]

Each seed halves valid: one half fits which rates the probabilities assume, faces of the other are drawn (with
replacement) at new rates. The temperature is that of the run, fitted on all of valid: one number.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mien.beliefs.base_rates import count_rates, find_rates, shift_rates
from mien.data.prepare import prepare_splits
from mien.evaluation.fit_beliefs import fit_rates
from mien.evaluation.predict import predict_valid
from mien.evaluation.reliability import measure_calibration
from mien.runs.run import load_run
from mien.runs.temperatures import scale_probabilities

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

SIZES = (50, 100, 200, 400, 1000)
NEUTRAL = "a third neutral"
CONCENTRATIONS = {"no shift": None, NEUTRAL: None, "mild (Dirichlet 5)": 5.0, "strong (Dirichlet 1)": 1.0}
TINY = 1e-12


def draw_rates(shift: str, own: Floats, rng: np.random.Generator, neutral: int) -> Floats:
    """Return new rates (K,)."""
    strength = CONCENTRATIONS[shift]
    if strength is not None:
        return rng.dirichlet(np.full(len(own), strength))
    if shift != NEUTRAL:
        return own
    rates = own * (2 / 3) / (1 - own[neutral])
    rates[neutral] = 1 / 3
    return rates


def judge(probabilities: npt.NDArray[np.float32], labels: Labels) -> tuple[float, float, float]:
    """Return log loss, calibration error and accuracy."""
    picked = np.maximum(probabilities[np.arange(len(labels)), labels], TINY)
    right = probabilities.argmax(axis=1) == labels
    return float(-np.log(picked).mean()), measure_calibration(labels, probabilities).ece, float(right.mean())


def try_priors(answers: npt.NDArray[np.float32], rates: Mapping[str, Floats]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the answers with each kind of prior; `rates`: counted, fitted, true."""
    counted, fitted, true = (tuple(np.maximum(rates[name], 1e-6)) for name in ("counted", "fitted", "true"))
    uniform = (1 / len(true),) * len(true)
    return {
        "training": answers,
        "uniform": shift_rates(answers, fitted, uniform),
        "true rates": shift_rates(answers, fitted, true),
        "true, over counts": shift_rates(answers, counted, true),
        "estimate": shift_rates(answers, fitted, tuple(find_rates(answers, fitted))),
        "estimate, none drawn in": shift_rates(answers, fitted, tuple(find_rates(answers, fitted, drawn_in=0.0))),
        "estimate, over counts": shift_rates(answers, counted, tuple(find_rates(answers, counted, drawn_in=0.0))),
    }


def measure(run_name: str, data: str, seeds: int) -> None:
    """Print a table for each shift."""
    run = load_run(run_name)
    splits = prepare_splits(data, run.recipe.data, seed=run.recipe.train.seed)
    assert splits.train is not None
    assert splits.valid is not None
    answers, labels = (
        scale_probabilities(predict_valid(run, splits.valid), run.temperature()),
        splits.valid.labels,
    )
    classes, neutral = len(run.expressions), run.expressions.index("neutral")
    counted = np.array(count_rates(np.bincount(splits.train.labels, minlength=classes)))
    own = np.bincount(labels, minlength=classes) / len(labels)
    for shift in CONCENTRATIONS:
        for size in SIZES:
            found: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                first, second = np.array_split(rng.permutation(len(labels)), 2)
                rates = {
                    "counted": counted,
                    "fitted": np.array(fit_rates(labels[first], answers[first], tuple(counted))),
                    "true": draw_rates(shift, own, rng, neutral),
                }
                drawn = rng.choice(classes, size, p=rates["true"])
                places = np.array([rng.choice(second[labels[second] == label]) for label in drawn])
                for name, shifted in try_priors(answers[places], rates).items():
                    found[name].append(judge(shifted, drawn))
            report(f"{shift}, {size} faces", found)


def report(title: str, found: Mapping[str, list[tuple[float, float, float]]]) -> None:
    """Print the means over seeds, and how often a prior has less log loss than none."""
    print(f"\n{title}\n  {'prior':26} log loss        calibration error  accuracy  better than none")
    before = np.array(found["training"])
    for name, rows in found.items():
        values = np.array(rows)
        (loss, error, right), spread = values.mean(axis=0), values.std(axis=0, ddof=1)
        better = (values[:, 0] < before[:, 0]).mean()
        told = f"{loss:.3f} ± {spread[0]:.3f}  {error:.3f} ± {spread[1]:.3f}"
        print(f"  {name:26} {told}     {right:.1%}     {better:.0%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", default="bundled")
    parser.add_argument("--seeds", type=int, default=40)
    options = parser.parse_args()
    measure(options.run, options.data, options.seeds)
