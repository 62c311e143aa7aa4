"""Decision rules side by side. In: an `Evaluation` and rules. Out: one `Trade` a rule: what it gains, what it costs.

`choose_rule_for` makes a rule ready for a run, on the faces that it was trained with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mien.errors import DataError
from mien.evaluation.differences import TITLES, Difference, Pair, compare_pairs, write_points
from mien.evaluation.evaluation import SEED, Evaluation
from mien.evaluation.metrics import Rates, rate
from mien.evaluation.predict import predict_valid
from mien.evaluation.rules import ARGMAX, Rule, Wish, choose_rule, decide, parse_decision
from mien.faces import Splits
from mien.runs.run import Run
from mien.runs.temperatures import scale_probabilities

SIDE_BY_SIDE = (
    "argmax",
    "prior:balanced-accuracy",
    "prior:macro-f1",
    "thresholds:accuracy",
    "thresholds:balanced-accuracy",
    "thresholds:macro-f1",
    "abstain:0.5",
)
"""What `mien evaluate --decision all` compares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What a rule brings on one split.

    Attributes:
        rule: the rule.
        coverage: part of the faces that it answers; the rates are those of these faces.
        rates: accuracy, balanced accuracy, macro F1.
        differences: the rates minus those of argmax, by name; empty for argmax, and where not all faces are answered.
    """

    rule: Rule
    coverage: float
    rates: Rates
    differences: dict[str, Difference] = field(default_factory=dict)


def choose_rule_for(
    run: Run, wish: Wish, splits: Splits | None, *, views: tuple[str, ...], device: Any = "cpu"
) -> Rule:
    """Return the rule for a wish, chosen on the valid split that `run` was trained with.

    Args:
        run: calibrated for `views`.
        wish: of `parse_decision`.
        splits: of `know_splits`; None where they cannot be read any more.
        views: as the faces to decide on are shown.
        device: of torch.

    Raises:
        DataError: the rule needs faces that are not there.
    """
    if not wish.needs_data:
        return choose_rule(wish, None, None)
    if splits is None or splits.train is None:
        found = "but they cannot be read: use argmax or abstain:P"
        raise DataError(run.source, f"`decision` {wish.kind} needs the faces that the run was trained on, {found}")
    counts = np.bincount(splits.train.labels, minlength=len(run.expressions))
    if not wish.needs_valid:
        return choose_rule(wish, counts, None)
    if splits.valid is None:
        found = "found none that all members share: use argmax, prior:0.5 or abstain:P"
        raise DataError(run.source, f"`decision` {wish.kind}: expected a valid split to choose on, {found}")
    raw = predict_valid(run, splits.valid, views=views, device=device)
    return choose_rule(wish, counts, (splits.valid.labels, scale_probabilities(raw, run.temperature(views))))


def choose_all_rules(
    run: Run, splits: Splits | None, *, views: tuple[str, ...], device: Any = "cpu"
) -> tuple[Rule, ...]:
    """Return the rules of `SIDE_BY_SIDE`, argmax first: see `choose_rule_for`."""
    wishes = map(parse_decision, SIDE_BY_SIDE)
    return tuple(choose_rule_for(run, wish, splits, views=views, device=device) for wish in wishes)


def compare_rules(evaluation: Evaluation, rules: Iterable[Rule]) -> tuple[Trade, ...]:
    """Return what each rule brings on the faces of `evaluation`, with paired differences to argmax."""
    labels, classes = evaluation.labels, len(evaluation.expressions)
    plain = decide(evaluation.probabilities, ARGMAX)

    def weigh(rule: Rule) -> Trade:
        answers = decide(evaluation.probabilities, rule)
        answered = answers >= 0
        rates = rate(labels[answered], answers[answered], classes) if answered.any() else NO_RATES
        differences: dict[str, Difference] = {}
        if rule != ARGMAX and answered.all():
            pair = Pair(labels=labels, base=plain, variant=answers)
            differences = compare_pairs([pair], classes=classes, metrics=tuple(TITLES), seed=SEED)
        return Trade(rule=rule, coverage=float(answered.mean()), rates=rates, differences=differences)

    return tuple(weigh(rule) for rule in rules)


NO_RATES = Rates(accuracy=0.0, balanced_accuracy=0.0, macro_f1=0.0)


def summarise_trades(trades: Sequence[Trade]) -> str:
    """Return one sentence: which rule helps what, what it costs, and where a difference is within noise."""
    clauses = []
    for name, title in TITLES.items():
        found = [(trade.rule.name, trade.differences[name]) for trade in trades if trade.differences]
        clear = [(rule, difference) for rule, difference in found if not difference.is_noise]
        words = (f"{write_points(difference.value)} points by {rule}" for rule, difference in clear)
        clauses.append(f"{title} {', '.join(words) if clear else 'no difference beyond noise'}")
    return f"Against argmax (95% intervals that leave out 0): {'; '.join(clauses)}."


def describe_trades(trades: Sequence[Trade]) -> list[dict[str, Any]]:
    """Return the trades as plain values, ready for JSON."""
    return [asdict(trade) for trade in trades]
