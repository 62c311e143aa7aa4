"""A claim is a formula with three witnesses: by hand, numerical, autograd. In: claims. Out: `Finding` values.

The claims themselves stand in `witnesses`, one module a topic; this module knows only how to hear the witnesses.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mien.theory.arrays import Array
from mien.theory.gradcheck import STEP, Loss, Named, check_gradients, measure_difference

Results = Mapping[str, Array]
Formula = Callable[[Named], Results]
Numerical = Callable[[Named, Results, np.random.Generator], float]
"""Inputs, what the formula says of them, and a generator -> the largest difference to numerical derivatives."""

EXACT = 1e-10
"""Tolerance of two exact ways to the same number: rounding only, in float64."""

DIFFERENCED = 1e-6
"""Tolerance of central differences, whose own error is near 1e-10 times the size of the loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A formula of mien.theory and what bears witness to it. See docs/theory.md, section 7.1.

    Attributes:
        topic: the module of mien.theory that the formula stands in, such as "batchnorm".
        name: the formula, in words and symbols.
        source: where it was published.
        section: its place in docs/theory.md.
        draw: random inputs for it.
        formula: the answer of mien.theory, by name.
        by_hand: the same answer from the definition, the chain rule or another derivation, written as plain loops.
        numerical: how far central differences are from the answer.
        autograd: the same answer from torch.
        tolerance: the largest difference allowed to `by_hand` and `autograd`.
        numerical_tolerance: the largest difference allowed to `numerical`.
    """

    topic: str
    name: str
    source: str
    section: str
    draw: Callable[[np.random.Generator], Named]
    formula: Formula
    by_hand: Formula
    numerical: Numerical
    autograd: Formula
    tolerance: float = EXACT
    numerical_tolerance: float = DIFFERENCED


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The largest difference that each witness saw over all trials; `autograd` is None where torch is not installed.

    See docs/theory.md, section 7.1.
    """

    claim: Claim
    by_hand: float
    numerical: float
    autograd: float | None

    @property
    def holds(self) -> bool:
        """Whether every witness that could be heard is within its tolerance."""
        exact = max(self.by_hand, self.autograd or 0.0)
        return exact <= self.claim.tolerance and self.numerical <= self.claim.numerical_tolerance


def slopes_of(loss: Loss, step: float = STEP) -> Numerical:
    """Return the numerical witness that differentiates `loss` by every input whose gradient the formula gives.

    Answers of the formula that are not named as an input are values, not gradients; the other witnesses check those.
    See docs/theory.md, section 7.1.
    """

    def differentiate(inputs: Named, results: Results, rng: np.random.Generator) -> float:
        gradients = {name: value for name, value in results.items() if name in inputs}
        if not gradients:
            raise ValueError(f"expected a gradient of one of {sorted(inputs)}, found only {sorted(results)}")
        return check_gradients(loss, inputs, gradients, rng, step)

    return differentiate


def compare_results(found: Results, expected: Results) -> float:
    """Return the largest difference over the names of both; a name that one lacks is infinitely far.

    See docs/theory.md, section 7.1.
    """
    if found.keys() != expected.keys():
        return np.inf
    return max(measure_difference(found[name], expected[name]) for name in expected)


def check_claim(claim: Claim, *, seed: int = 0, trials: int = 3) -> Finding:
    """Hear the three witnesses of `claim` on `trials` random inputs. See docs/theory.md, section 7.1."""
    has_torch = importlib.util.find_spec("torch") is not None
    rng = np.random.default_rng(seed)
    by_hand, numerical, autograd = [], [], []
    for _ in range(trials):
        inputs = claim.draw(rng)
        results = claim.formula(inputs)
        by_hand.append(compare_results(results, claim.by_hand(inputs)))
        numerical.append(claim.numerical(inputs, results, rng))
        autograd.extend([compare_results(results, claim.autograd(inputs))] if has_torch else [])
    return Finding(claim=claim, by_hand=max(by_hand), numerical=max(numerical), autograd=max(autograd, default=None))


def check_claims(claims: Iterable[Claim], *, seed: int = 0) -> tuple[Finding, ...]:
    """Return the finding of each claim, in order. See docs/theory.md, section 7.1."""
    return tuple(check_claim(claim, seed=seed) for claim in claims)
