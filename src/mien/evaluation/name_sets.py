"""Give an evaluation its rule for sets. In: an `Evaluation`, its run, a coverage. Out: the same with thresholds."""

from __future__ import annotations

from dataclasses import replace

from mien.beliefs.sets import COVERAGE, DEFAULT, check_sets
from mien.errors import ConfigError
from mien.evaluation.evaluation import Evaluation
from mien.runs.run import Run


def add_sets(evaluation: Evaluation, run: Run, *, coverage: float | None = None, method: str = DEFAULT) -> Evaluation:
    """Return the evaluation with the thresholds of `run`.

    Args:
        evaluation: of `run`.
        run: calibrated, so that it knows thresholds.
        coverage: 0.5 to 0.99; None: 0.9, where the run knows thresholds.
        method: see `mien.beliefs.sets.METHODS`.

    Raises:
        ConfigError: an impossible coverage or method, or one was asked for that nobody knows thresholds for.
    """
    check_sets(COVERAGE if coverage is None else coverage, method)
    known = run.beliefs.get(run.name_answer(evaluation.views))
    if known is None:
        if coverage is None:
            return evaluation
        expected = "a run that knows thresholds from its valid split"
        raise ConfigError(f"`coverage`: expected {expected}, found none in {run.path}")
    return replace(evaluation, sets=known.sets.pick(COVERAGE if coverage is None else coverage, method))
