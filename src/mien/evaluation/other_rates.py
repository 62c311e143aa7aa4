"""An evaluation at other base rates than those of training. In: an `Evaluation` and a prior. Out: another one."""

from __future__ import annotations

from dataclasses import replace

from mien.beliefs.base_rates import (
    ESTIMATE,
    TRAINING,
    BaseRates,
    Prior,
    choose_rates,
    estimate_rates,
    parse_prior,
    shift_rates,
)
from mien.errors import ConfigError
from mien.evaluation.evaluation import Evaluation
from mien.runs.run import Run


def apply_prior(evaluation: Evaluation, run: Run, prior: Prior) -> tuple[Evaluation, BaseRates | None]:
    """Return the evaluation with the probabilities that a prior makes of them, and the rates that it estimated, if any.

    Args:
        evaluation: of `run`, at the rates of its training.
        run: calibrated, so that it knows which rates its probabilities assume.
        prior: see `mien.Recogniser`; "estimate" looks at the probabilities of these faces, never at their labels.

    Raises:
        ConfigError: an impossible prior, or nobody knows which rates the run assumes.
        DataError: too few faces to estimate from.
    """
    given = parse_prior(prior)
    if given == TRAINING:
        return evaluation, None
    before = run.rates(evaluation.views)
    if before is None:
        expected = "a run that knows which base rates it assumes, from its valid split or from what it was trained on"
        raise ConfigError(f"`prior` {prior!r}: expected {expected}, found none in {run.path}")
    found = estimate_rates(evaluation.probabilities, before, run.expressions) if given == ESTIMATE else None
    after = tuple(found.rates.values()) if found else choose_rates(prior, run.expressions, before)
    name = given if isinstance(given, str) else ",".join(f"{one}={rate:g}" for one, rate in given.items())
    return replace(
        evaluation,
        probabilities=shift_rates(evaluation.probabilities, before, after),
        prior=name,
        rates_before=before,
        rates=after,
    ), found
