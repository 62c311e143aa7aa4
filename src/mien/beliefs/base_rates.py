"""Base rates: how often each expression occurs. A network learns those of its training data; a user's are others.

In: probabilities (N, K), the rates that they assume, and other rates. Out: what Bayes' rule makes of them, or the rates
that the pictures themselves tell (Saerens, Latinne and Decaestecker 2002).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mien.errors import ConfigError, DataError
from mien.hints import suggest

TRAINING, UNIFORM, ESTIMATE = "training", "uniform", "estimate"
KINDS = (TRAINING, UNIFORM, ESTIMATE)
EXPECTED = "training, uniform, estimate, or rates as in happy=0.4,sad=0.1"

LEAST_FACES = 50
"""Fewer faces tell too little: the interval of a common expression would span a quarter of all (docs/base-rates.md)."""

DRAWN_IN = 30.0
"""So many faces at the network's own rates are thought beside those at hand: a Dirichlet prior, without which a few
hundred faces name rates that are worse than none (docs/base-rates.md)."""

RESAMPLES, LEVEL = 200, 0.95
RESAMPLED_FACES = 2000
"""Of more faces, resamples draw so many, and their spread is scaled to the number that there are."""

STEPS, CLOSE = 500, 1e-6
"""Expectation maximisation ends after so many steps, or where no rate changes by more."""

TINY = 1e-30
LEAST_RATE = 1e-12
"""No rate counts as less: at a rate of 0 an answer would be lost, and could not be told at other rates any more."""

ROUNDING = 0.005
"""Rates that a user rounded may miss 1 by so much."""

Prior: TypeAlias = str | Mapping[str, float]
"""How a user names base rates: one of `KINDS`, "happy=0.4,…", or a mapping from expressions to rates."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRates:
    """Rates that pictures tell of themselves.

    Attributes:
        rates: expression -> part of the faces; they sum to 1.
        intervals: expression -> its 95 % interval by the bootstrap over faces. They tell how much the draw of faces
            matters, not what a network that errs otherwise on these pictures than on its own adds.
        faces: that were looked at.
    """

    rates: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    faces: int

    def __str__(self) -> str:
        told = (
            f"{name} {rate:.1%} ({self.intervals[name][0]:.1%} to {self.intervals[name][1]:.1%})"
            for name, rate in self.rates.items()
        )
        return f"base rates of {self.faces:,} faces: {', '.join(told)}"


def count_rates(counts: Sequence[float] | npt.NDArray[np.number]) -> tuple[float, ...]:
    """Return the part of each class; one without faces counts as one face, because no probability is exactly 0.

    >>> count_rates([3, 1])
    (0.75, 0.25)
    """
    held = np.maximum(np.asarray(counts, dtype=np.float64), 1.0)
    rates: list[float] = (held / held.sum()).tolist()
    return tuple(rates)


def shift_rates(
    probabilities: npt.NDArray[np.floating], before: Sequence[float], after: Sequence[float]
) -> npt.NDArray[np.float32]:
    """Return probabilities (N, K) as they are where classes occur at the rates `after` instead of `before`.

    Posterior times new over old rate, rows normalised again (Saerens et al. 2002, equation 2.4): exact where the faces
    of each class look as they did in training.

    >>> shift_rates(np.array([[0.5, 0.5]]), (0.5, 0.5), (0.8, 0.2)).round(2).tolist()
    [[0.800000011920929, 0.20000000298023224]]
    """
    if tuple(before) == tuple(after) or not len(probabilities):
        return probabilities.astype(np.float32, copy=False)
    ratio = np.asarray(after, dtype=np.float64) / np.maximum(np.asarray(before, dtype=np.float64), TINY)
    weighted = np.maximum(probabilities, TINY).astype(np.float64) * ratio
    shifted: npt.NDArray[np.float32] = (weighted / weighted.sum(axis=1, keepdims=True)).astype(np.float32)
    return shifted


def parse_prior(prior: Prior) -> str | dict[str, float]:
    """Return one of `KINDS`, or the rates that were given, by name: 0 to 1, with a sum of at most 1.

    Raises:
        ConfigError: it is neither.

    >>> parse_prior("happy=0.4, sad=0.1")
    {'happy': 0.4, 'sad': 0.1}
    """
    if isinstance(prior, str) and "=" not in prior:
        if prior not in KINDS:
            raise ConfigError(f"`prior` {prior!r}: expected {EXPECTED}{suggest(prior, KINDS)}")
        return prior
    pairs = _split(prior) if isinstance(prior, str) else list(prior.items()) if isinstance(prior, Mapping) else []
    if not pairs:
        raise ConfigError(f"`prior` {prior!r}: expected {EXPECTED}")
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"`prior`: expected each expression once, found {twice} twice")
    given = {str(name): _parse_rate(str(name), value) for name, value in pairs}
    if sum(given.values()) > 1.0 + ROUNDING:
        raise ConfigError(f"`prior`: expected rates that sum to at most 1, found {sum(given.values()):g}")
    return given


def _split(text: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in text.split(",") if part.strip())
    return [(name.strip(), value.strip()) for name, _, value in parts]


def _parse_rate(name: str, value: object) -> float:
    try:
        rate = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        rate = -1.0
    if not 0.0 <= rate <= 1.0:
        raise ConfigError(f"`prior`: expected a rate from 0 to 1 for {name}, found {value}")
    return rate


def choose_rates(prior: Prior, expressions: Sequence[str], trained: Sequence[float]) -> tuple[float, ...]:
    """Return the rates (K,) that a prior stands for; they sum to 1.

    Expressions that are not named share what is left as in training. A rate of 0 counts as `LEAST_RATE`.

    Args:
        prior: any but "estimate", which takes pictures.
        expressions: of the network, in its order.
        trained: rates of its training.

    Raises:
        ConfigError: it names an expression that the network does not know, or the rates of all do not sum to 1.

    >>> choose_rates("happy=0.5", ("happy", "sad", "neutral"), (0.2, 0.2, 0.6))
    (0.5, 0.125, 0.375)
    """
    given = parse_prior(prior)
    if given == ESTIMATE:
        raise ConfigError("`prior` 'estimate': expected pictures to estimate rates from: see Recogniser.estimate_prior")
    if isinstance(given, str):
        return tuple(trained) if given == TRAINING else (1.0 / len(expressions),) * len(expressions)
    unknown = next((name for name in given if name not in expressions), None)
    if unknown is not None:
        near = suggest(unknown, expressions)
        raise ConfigError(f"`prior`: expected expressions among {', '.join(expressions)}, found {unknown}{near}")
    left = 1.0 - sum(given.values())
    others = {name: rate for name, rate in zip(expressions, trained, strict=True) if name not in given}
    if not others and abs(left) > ROUNDING:
        raise ConfigError(f"`prior`: expected rates of all expressions to sum to 1, found {1.0 - left:g}")
    scale = max(left, 0.0) / sum(others.values()) if others else 0.0
    rates = [max(given[name] if name in given else scale * others[name], LEAST_RATE) for name in expressions]
    return tuple(rate / sum(rates) for rate in rates)


def estimate_rates(
    probabilities: npt.NDArray[np.floating], before: Sequence[float], expressions: Sequence[str], *, seed: int = 0
) -> BaseRates:
    """Return the rates of the faces at hand, by expectation maximisation (Saerens et al. 2002, equations 2.9, 2.10).

    To them a Dirichlet prior is added (`DRAWN_IN`), so what is found is the most probable, not the most likely.

    Args:
        probabilities: (N, K) of N faces, calibrated, at the rates `before`.
        before: the rates that they assume.
        expressions: K names.
        seed: of the bootstrap.

    Raises:
        DataError: fewer than `LEAST_FACES` faces, or what are no probabilities of these expressions.
    """
    check_probabilities(probabilities, expressions)
    count = len(probabilities)
    if count < LEAST_FACES:
        expected = f"expected at least {LEAST_FACES} faces to estimate base rates from"
        raise DataError("prior", f"{expected}, found {count}: give rates, as in happy=0.4, or uniform")
    exact, old = np.maximum(probabilities, TINY).astype(np.float64), np.asarray(before, dtype=np.float64)
    found = find_rates(probabilities, before)
    likeliest = find_rates(probabilities, before, drawn_in=0.0)  # what is drawn in would make intervals too narrow
    drawn = np.stack(list(_resample(exact, old, np.maximum(likeliest, 1.0 / count), seed)))
    tails = np.quantile(drawn - likeliest, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=0)
    low, high = np.clip(likeliest + tails * np.sqrt(min(count, RESAMPLED_FACES) / count), 0.0, 1.0)
    low, high = np.minimum(low, found), np.maximum(high, found)
    intervals = zip(low.tolist(), high.tolist(), strict=True)
    return BaseRates(
        rates=dict(zip(expressions, found.tolist(), strict=True)),
        intervals=dict(zip(expressions, intervals, strict=True)),
        faces=count,
    )


def check_probabilities(probabilities: npt.NDArray[np.floating], expressions: Sequence[str]) -> None:
    """Raise DataError where an array is not (N, K): rows of probabilities of these expressions."""
    if probabilities.ndim != 2 or probabilities.shape[1] != len(expressions):
        expected = f"expected probabilities (N, {len(expressions)}) of {', '.join(expressions)}"
        raise DataError("prior", f"{expected}, found an array {probabilities.shape}")
    is_sound = (probabilities >= 0).all() and (np.abs(probabilities.sum(axis=1) - 1.0) <= 2 * ROUNDING).all()
    if not is_sound:  # NaN neither
        raise DataError("prior", "expected rows of probabilities from 0 to 1 that sum to 1, found others among them")


def find_rates(
    probabilities: npt.NDArray[np.floating], before: Sequence[float], *, drawn_in: float = DRAWN_IN
) -> Floats:
    """Return the rates (K,) of any number of faces, without an interval; 0 faces drawn in: the most likely ones."""
    exact, old = np.maximum(probabilities, TINY).astype(np.float64), np.asarray(before, dtype=np.float64)
    return _maximise(exact, old, np.ones(len(exact)), start=old, drawn_in=drawn_in)


def _resample(exact: Floats, old: Floats, start: Floats, seed: int) -> Iterator[Floats]:
    """Yield the likeliest rates of so many draws of faces, each begun near those of all of them."""
    rng, count = np.random.default_rng(seed), len(exact)
    for _ in range(RESAMPLES):
        times = np.bincount(rng.integers(0, count, min(count, RESAMPLED_FACES)), minlength=count)
        there = np.flatnonzero(times)
        yield _maximise(exact[there], old, times[there].astype(np.float64), start=start / start.sum(), drawn_in=0.0)


def _maximise(exact: Floats, old: Floats, times: Floats, *, start: Floats, drawn_in: float = DRAWN_IN) -> Floats:
    """Return the most probable rates (K,), of faces that count `times` (N,) each."""
    rates, likelihoods, total = start, exact / old, times.sum() + drawn_in
    for _ in range(STEPS):
        joint = likelihoods * rates
        better: Floats = (times @ (joint / joint.sum(axis=1, keepdims=True)) + drawn_in * old) / total
        if np.abs(better - rates).max() < CLOSE:
            return better
        rates = better
    return rates
