"""Temperature scaling (Guo et al. 2017, section 4.2): one number, fitted on valid, that makes probabilities honest.

In: probabilities and true labels. Out: a temperature, and calibration.json beside the weights that it belongs to: one
temperature for each set of views, and the mark of the weights, so that those of other weights are never used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.files import make_folder, write_text

CALIBRATION = "calibration.json"
FORMAT = 1
COLDEST, HOTTEST = 0.2, 5.0
"""Limits of a temperature: few faces that are all right (or all wrong) ask for one without end."""

ROWS_AT_ONCE = 1 << 16
"""Faces whose probabilities are scaled at a time: in float64 they take several times their memory."""

LEAST = float(np.finfo(np.float32).tiny)


def scale_probabilities(probabilities: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float32]:
    """Return p ** (1 / temperature), rows (N, K) normalised again: for a softmax, that of the logits / temperature.

    A temperature above 1 makes them less certain, one below 1 more; the order of classes stays. The mean of several
    networks or views is scaled like any other probability.

    >>> scale_probabilities(np.array([[0.8, 0.2]]), 0.5).astype(float).round(4).tolist()
    [[0.9412, 0.0588]]
    """
    if temperature == 1.0:
        return probabilities.astype(np.float32, copy=False)
    scaled = np.empty(probabilities.shape, np.float32)
    for start in range(0, len(scaled), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        powers = _take_logs(probabilities[rows]) / temperature
        powers = np.exp(powers - powers.max(axis=1, keepdims=True))
        scaled[rows] = powers / powers.sum(axis=1, keepdims=True)
    return scaled


def fit_temperature(labels: npt.NDArray[np.number], probabilities: npt.NDArray[np.floating]) -> float:
    """Return the temperature, 0.2 to 5, with the least log loss on these faces.

    The log loss is convex in 1 / temperature, so a bounded search along that line finds its one minimum.

    Args:
        labels: (N,) true classes, N at least 1; or (N, K), how sure people are of each.
        probabilities: (N, K), not yet scaled.
    """
    from scipy.optimize import minimize_scalar

    logs = _take_logs(probabilities)
    picked = logs[np.arange(len(labels)), labels] if labels.ndim == 1 else (labels * logs).sum(axis=1)
    true = picked.mean()

    def lose(sharpness: float) -> float:
        return float(np.logaddexp.reduce(sharpness * logs, axis=1).mean() - sharpness * true)

    found = minimize_scalar(lose, bounds=(1.0 / HOTTEST, 1.0 / COLDEST), method="bounded", options={"xatol": 1e-6})
    return float(1.0 / found.x)


def read_temperatures(folder: Path, weights: str) -> dict[str, float]:
    """Return name of views -> temperature of the network marked `weights`; empty where the folder knows none."""
    try:
        held: dict[str, Any] = json.loads((folder / CALIBRATION).read_text(encoding="utf-8"))
        if held["format"] != FORMAT or held["weights"] != weights:
            return {}
        return {str(views): float(value) for views, value in held["temperatures"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # as good as none: it is fitted again
        return {}


def write_temperatures(folder: Path, weights: str, temperatures: Mapping[str, float]) -> None:
    """Write calibration.json: see `read_temperatures`."""
    held = {"format": FORMAT, "weights": weights, "fitted_on": "valid", "temperatures": dict(temperatures)}
    make_folder(folder)
    write_text(folder / CALIBRATION, json.dumps(held, indent=2) + "\n")


def _take_logs(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    logs: npt.NDArray[np.float64] = np.log(np.maximum(probabilities, LEAST), dtype=np.float64)
    return logs
