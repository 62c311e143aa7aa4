"""Can probabilities be believed, and how should they become answers? In: an evaluation. Out: calibration and rules.

The temperature and the rules are those of `mien evaluate`: fitted and chosen on valid, whose probabilities the run's
folder keeps for the next time.
"""

from __future__ import annotations

from dataclasses import replace

from mien.errors import DataError
from mien.evaluation.compare_rules import choose_all_rules, compare_rules
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.predict import calibrate_run
from mien.evaluation.rules import ARGMAX
from mien.faces import Splits
from mien.models.views import name_views
from mien.reports.data import Absent, CalibrationPart, RulesPart
from mien.runs.run import Run
from mien.runs.temperatures import scale_probabilities


def calibrate_again(run: Run, splits: Splits | Absent, views: tuple[str, ...]) -> Run:
    """Return `run` with the temperature of `views`, where it has one or valid is there to fit it on."""
    if isinstance(splits, Absent) or splits.valid is None or not len(splits.valid):
        return run
    return calibrate_run(run, splits.valid, views=views)


def tell_calibration(run: Run, evaluation: Evaluation) -> CalibrationPart:
    """Return how far confidence and accuracy are apart, before and, where a temperature is known, after scaling."""
    raw, scaled = evaluation.uncalibrated(), _scale(run, evaluation)
    before, after = raw.score(), None if scaled is None else scaled.score()
    shown, scores = (raw, before) if scaled is None or after is None else (scaled, after)
    return CalibrationPart(
        temperature=None if scaled is None else scaled.temperature,
        before=before.calibration,
        after=None if after is None else after.calibration,
        loss_before=before.log_loss,
        loss_after=None if after is None else after.log_loss,
        excess=float(shown.probabilities.max(axis=1).mean()) - scores.accuracy,
    )


def tell_rules(run: Run, evaluation: Evaluation, splits: Splits | Absent) -> RulesPart | Absent:
    """Return the decision rules side by side, on the faces of `evaluation`."""
    if isinstance(splits, Absent):
        return splits
    if splits.valid is None or not len(splits.valid):
        return Absent(reason="no-valid", detail={})
    try:
        rules = choose_all_rules(run, splits, views=evaluation.views)
    except DataError as error:
        return Absent(reason="data-moved", detail={"problem": error.problem})
    answered = _scale(run, evaluation) or evaluation
    return RulesPart(trades=compare_rules(replace(answered, rule=ARGMAX), rules))


def _scale(run: Run, evaluation: Evaluation) -> Evaluation | None:
    """Return `evaluation` scaled by the temperature of `run`; None where neither has one."""
    if evaluation.temperature != 1.0:
        return evaluation
    temperature = run.temperatures.get(name_views(evaluation.views))
    if temperature is None:
        return None
    scaled = scale_probabilities(evaluation.probabilities, temperature)
    return replace(evaluation, probabilities=scaled, temperature=temperature)
