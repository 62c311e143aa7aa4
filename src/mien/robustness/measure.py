"""Show a network its faces under every corruption. In: a `Subject`. Out: a `Robustness`. Memory: a block of faces."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from mien.errors import ConfigError
from mien.evaluation.metrics import LEVEL, Interval, rate, wilson_interval
from mien.evaluation.reliability import measure_calibration
from mien.robustness.corruptions import CHUNK, Corruption, distort, start_chance
from mien.robustness.result import CLEAN, Condition, Robustness
from mien.robustness.subject import Probabilities, Subject

BLOCK = 16 * CHUNK
"""Faces that are corrupted and shown at a time: preparing a network for a call costs little beside so many."""

ANSWER_FROM = 0.5
"""The answer rate counts answers of at least this confidence: more likely right than wrong, says the network."""

Advance = Callable[[int], None]


def measure_robustness(
    subject: Subject,
    corruptions: tuple[Corruption, ...],
    severities: tuple[int, ...],
    *,
    seed: int,
    answer_from: float = ANSWER_FROM,
    advance: Advance = lambda more: None,
) -> Robustness:
    """Return accuracy, confidence, calibration error and answer rate of each corruption and severity, and of clean.

    Args:
        subject: network and faces.
        corruptions: at least one.
        severities: of each of them.
        seed: of all chance.
        answer_from: confidence, 0 to 1, from which an answer counts in the answer rate.
        advance: is told after each condition that one more is done.
    """
    if not 0.0 <= answer_from <= 1.0:
        raise ConfigError(f"`answer_from` {answer_from}: expected a confidence from 0 to 1")
    clean = _judge(subject, subject.predict(subject.images), (CLEAN, 0, ""), answer_from)
    advance(1)
    found, right = [], np.zeros(len(subject.labels))
    for corruption in corruptions:
        for severity in severities:
            probabilities = np.concatenate(list(_show(subject, corruption, severity, seed)))
            name = (corruption.name, severity, corruption.tell(severity))
            found.append(_judge(subject, probabilities, name, answer_from))
            right += probabilities.argmax(axis=1) == subject.labels
            advance(1)
    return Robustness(
        **subject.facts,
        n=len(subject.labels),
        seed=seed,
        answer_from=answer_from,
        clean=clean,
        conditions=tuple(found),
        interval=_reach(right / len(found)),
    )


def _show(subject: Subject, corruption: Corruption, severity: int, seed: int) -> Iterator[Probabilities]:
    rng = start_chance(corruption, seed)
    for start in range(0, len(subject.images), BLOCK):
        yield subject.predict(distort(subject.images[start : start + BLOCK], corruption, severity, rng))


def _judge(subject: Subject, probabilities: Probabilities, name: tuple[str, int, str], answer_from: float) -> Condition:
    labels, confidence, predicted = subject.labels, probabilities.max(axis=1), probabilities.argmax(axis=1)
    right, answered = predicted == labels, confidence >= answer_from
    rates = rate(labels, predicted, len(subject.expressions))
    return Condition(
        corruption=name[0],
        severity=name[1],
        amount=name[2],
        accuracy=rates.accuracy,
        interval=wilson_interval(int(right.sum()), len(labels)),
        balanced_accuracy=rates.balanced_accuracy,
        confidence=float(confidence.mean(dtype=np.float64)),
        ece=measure_calibration(labels, probabilities).ece,
        answered=float(answered.mean()),
        answered_accuracy=float(right[answered].mean()) if answered.any() else None,
    )


def _reach(right: npt.NDArray[np.float64]) -> Interval:
    """Return the 95 % interval of a mean over faces, of the part (N,) of its corruptions that each is right under.

    The same faces stand under every corruption: only they are drawn anew, so this is no interval of thousands of coins.
    """
    spread = float(right.std(ddof=1)) if len(right) > 1 else 1.0
    mean, reach = float(right.mean()), NormalDist().inv_cdf((1.0 + LEVEL) / 2.0) * spread / math.sqrt(len(right))
    return Interval(low=max(0.0, mean - reach), high=min(1.0, mean + reach))
