"""Decision rules: how probabilities become answers. In: probabilities (N, K). Out: a class for each face, or none.

Is the most probable class always the best answer? For accuracy it is; a rare class that nobody dares to answer costs
balanced accuracy. Every rule here is the class with the highest weight × probability, if its probability suffices:
`argmax` weighs all alike, `prior` by 1 / the training prior to a power (Menon et al. 2021, logit adjustment),
`thresholds` by weights chosen on valid, `abstain` gives no answer below a confidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import ConfigError
from mien.evaluation.metrics import rate
from mien.hints import suggest

ABSTAINED = -1
RULES = ("argmax", "prior", "thresholds", "abstain")
TARGETS = ("accuracy", "balanced-accuracy", "macro-f1")
DEFAULT_TARGET = "balanced-accuracy"
STRONGEST_POWER = 2.0
POWERS = np.round(np.arange(0.0, STRONGEST_POWER + 0.01, 0.05), 2)
LOG_WEIGHTS = np.round(np.arange(-3.0, 3.01, 0.1), 1)
SWEEPS = 10
LEAST_GAIN = 1e-6

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A rule as a user names it: `prior`, `prior:0.5`, `thresholds:macro-f1`, `abstain:0.6`.

    Attributes:
        kind: one of `RULES`.
        number: the power of `prior`, the confidence of `abstain`; None where valid decides.
        target: what valid decides by, one of `TARGETS`.
    """

    kind: str
    number: float | None = None
    target: str = DEFAULT_TARGET

    @property
    def needs_valid(self) -> bool:
        """True where weights are chosen on valid."""
        return self.kind == "thresholds" or (self.kind == "prior" and self.number is None)

    @property
    def needs_data(self) -> bool:
        """True where the faces of training are needed: their counts, or valid."""
        return self.kind in ("prior", "thresholds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that is ready to decide.

    Attributes:
        name: as a user would ask for it again.
        about: what it does, in words.
        weights: of the K classes; empty: all alike.
        confidence: no answer where the probability of the answer is below it.
    """

    name: str = "argmax"
    about: str = "the most probable class"
    weights: tuple[float, ...] = ()
    confidence: float = 0.0


ARGMAX = Rule()


def parse_decision(text: str) -> Wish:
    """Return the rule that `text` asks for.

    Raises:
        ConfigError: no such rule, target or number.

    >>> parse_decision("prior:0.5")
    Wish(kind='prior', number=0.5, target='balanced-accuracy')
    """
    kind, colon, rest = text.strip().partition(":")
    if kind not in RULES:
        raise ConfigError(f"`decision` {text}: expected one of {', '.join(RULES)}, or all{suggest(kind, RULES)}")
    if not colon and kind != "abstain":
        return Wish(kind=kind)
    if kind in ("prior", "thresholds") and rest in TARGETS:
        return Wish(kind=kind, target=rest)
    if kind == "prior":
        return Wish(kind=kind, number=_parse_number(text, rest, STRONGEST_POWER, "prior:0.5 or prior:macro-f1"))
    if kind == "abstain":
        return Wish(kind=kind, number=_parse_number(text, rest, 1.0, "abstain:0.5"))
    expected = f"thresholds:TARGET with one of {', '.join(TARGETS)}" if kind == "thresholds" else "argmax alone"
    raise ConfigError(f"`decision` {text}: expected {expected}")


def _parse_number(text: str, number: str, highest: float, example: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= highest:
        raise ConfigError(f"`decision` {text}: expected a number from 0 to {highest:g}, as in {example}")
    return value


def decide(probabilities: npt.NDArray[np.floating], rule: Rule) -> Labels:
    """Return the answers (N,): the class with the highest weight × probability; `ABSTAINED` (−1) below the confidence.

    >>> decide(np.array([[0.6, 0.4], [0.9, 0.1]]), Rule(weights=(1.0, 2.0))).tolist()
    [1, 0]
    """
    weighted = probabilities * np.array(rule.weights) if rule.weights else probabilities
    answers: Labels = weighted.argmax(axis=1)
    if rule.confidence:
        answers[probabilities[np.arange(len(answers)), answers] < rule.confidence] = ABSTAINED
    return answers


def choose_rule(wish: Wish, counts: Labels | None, valid: tuple[Labels, npt.NDArray[np.floating]] | None) -> Rule:
    """Return the rule for a wish.

    Args:
        wish: see `parse_decision`.
        counts: (K,) faces of each class in train, for a wish that `needs_data`.
        valid: true labels (N,) and probabilities (N, K) of valid, for one that `needs_valid`.
    """
    if wish.kind == "argmax":
        return ARGMAX
    if wish.kind == "abstain":
        number = wish.number or 0.0
        about = f"no answer where the highest probability is below {number:.12g}"
        return Rule(name=f"abstain:{number:.12g}", about=about, confidence=number)
    assert counts is not None
    if wish.number is not None:
        about = f"probability ÷ training prior to the power {wish.number:.12g}"
        return Rule(name=f"prior:{wish.number:.12g}", about=about, weights=_weigh(counts, wish.number))
    assert valid is not None
    judge = _judge(*valid, target=wish.target, classes=len(counts))
    power = max(POWERS.tolist(), key=lambda power: (round(judge(np.log(_weigh(counts, power))), 9), -power))
    start, words = np.log(_weigh(counts, power)), wish.target.replace("-f1", " F1").replace("-", " ")
    name = f"{wish.kind}:{wish.target}"
    if wish.kind == "prior":
        about = f"probability ÷ training prior to the power {power:.12g}, chosen on valid for {words}"
        return Rule(name=name, about=about, weights=_weigh(counts, power))
    weights = np.exp(_climb(start, judge))
    return Rule(name=name, about=f"one weight a class, chosen on valid for {words}", weights=tuple(weights.tolist()))


def _weigh(counts: Labels, power: float) -> tuple[float, ...]:
    """Return 1 / prior ** power, at most 1; a class that train lacks counts as one face."""
    held = np.maximum(counts, 1)
    weights: list[float] = ((held.min() / held) ** power).tolist()
    return tuple(weights)


def _judge(
    labels: Labels, probabilities: npt.NDArray[np.floating], *, target: str, classes: int
) -> Callable[[Floats], float]:
    """Return the function from logarithms of weights (K,) to the target on these faces."""
    logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny), dtype=np.float64)
    name = target.replace("-", "_")

    def judge(weights: Floats) -> float:
        found: Any = getattr(rate(labels, (logs + weights).argmax(axis=1), classes), name)
        return float(found)

    return judge


def _climb(start: Floats, judge: Callable[[Floats], float]) -> Floats:
    """Return logarithms of weights after coordinate ascent: one class after the other, while anything is gained."""
    best, reached = start, judge(start)
    for _ in range(SWEEPS):
        before = reached
        for place, move in product(range(len(start)), LOG_WEIGHTS.tolist()):
            tried = best.copy()
            tried[place] = start[place] + move
            found = judge(tried)
            if found > reached + LEAST_GAIN:
                best, reached = tried, found
        if reached == before:
            break
    return best
