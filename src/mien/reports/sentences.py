"""What the figures mean, in sentences. In: parts of a report and its words. Out: lists of sentences.

Both the page and the Markdown file print these, so that they say the same.
"""

from __future__ import annotations

from mien.evaluation.compare_rules import Trade
from mien.evaluation.differences import write_points
from mien.evaluation.metrics import ClassScores
from mien.reports.answers import METRICS
from mien.reports.data import (
    AuditPart,
    BalancePart,
    CalibrationPart,
    ConfusedPair,
    NetworkPart,
    ReportData,
    TrainingPart,
)
from mien.reports.numbers import Say, write_interval, write_percent, write_short

EVEN = 1.1
"""Up to this ratio of the most frequent to the least frequent expression, faces count as balanced."""

MUTUAL = 0.5
"""Two expressions are confused in both directions where the smaller share is at least this part of the larger."""


def tell_lead(data: ReportData, say: Say) -> list[str]:
    """Return what stands at the top: how good the run is."""
    if not data.evaluated:
        return [say("lead.none", run=data.origin.name)]
    shown = data.evaluated[0]
    scores, without = shown.scores, shown.without_copies
    interval = write_interval(scores.interval, say)
    line = f"lead.{shown.split}" if shown.split != "valid" or _chose_epoch(data) else "lead.valid-unchosen"
    told = [say(line, accuracy=write_percent(scores.accuracy), n=f"{scores.n:,}", interval=interval)]
    if any(part.reason == "test-not-evaluated" for part in data.unevaluated) and shown.split == "valid":
        told.append(say("lead.unread"))
    if without is not None and without.n < scores.n:
        gaps = {"accuracy": write_percent(without.accuracy), "interval": write_interval(without.interval, say)}
        told.append(say("lead.without-copies", n=f"{without.n:,}", **gaps))
    return told


def _chose_epoch(data: ReportData) -> bool:
    """Say whether the faces of valid decided which epoch the weights are of."""
    train = data.origin.recipe["train"]
    return train["keep"] != "last" or train["stop_at"] is not None or train["patience"] is not None


def tell_network_cost(network: NetworkPart, say: Say) -> str:
    """Return the size and cost of a network."""
    return say(
        "network.summary",
        name=network.name,
        layers=len(network.layers),
        parameters=f"{network.parameters:,}",
        macs=write_short(network.multiply_adds),
        megabytes=f"{network.total_megabytes:.1f}",
    )


def tell_epochs(data: ReportData, training: TrainingPart, say: Say) -> list[str]:
    """Return which epoch was kept, what that was worth, and how training ended."""
    epochs, planned = len(training.history), data.origin.recipe["train"]["epochs"]
    at = {"epoch": training.best_epoch, "epochs": epochs}
    kept, last, train = training.kept_accuracy, training.last_accuracy, training.train_accuracy
    told = [
        say("training.kept-only", **at) if kept is None else say("training.kept", accuracy=write_percent(kept), **at)
    ]
    if kept is not None and last is not None and training.best_epoch != epochs:
        told.append(say("training.versus-last", accuracy=write_percent(last), points=write_points(kept - last)))
    if kept is not None and train is not None:
        side = say("training.above" if train >= kept else "training.below")
        points = write_points(abs(train - kept)).lstrip("+")
        told.append(say("training.gap", train=write_percent(train), points=points, side=side))
    if training.stopped_early:
        told.append(say("training.stopped", stopped=training.stopped))
    elif not training.stopped:
        told.append(say("training.unfinished", epochs=epochs, planned=planned))
    return told


def tell_recalls(classes: tuple[ClassScores, ...], say: Say) -> str:
    """Return which expression is found best, and which worst."""
    there = sorted((entry for entry in classes if entry.support), key=lambda entry: entry.recall)
    worst, best = there[0], there[-1]
    return say(
        "confusion.best",
        best=say(f"expression.{best.expression}"),
        best_recall=write_percent(best.recall, 0),
        worst=say(f"expression.{worst.expression}"),
        worst_recall=write_percent(worst.recall, 0),
    )


def tell_pair(pair: ConfusedPair, say: Say) -> list[str]:
    """Return how often one expression is taken for another, and whether the other way round, too."""
    share = pair.count / pair.support
    told = [
        say(
            "pairs.sentence",
            count=f"{pair.count:,}",
            support=f"{pair.support:,}",
            true=say(f"expression.{pair.true}"),
            given=say(f"expression.{pair.given}"),
            share=write_percent(share, 0),
            interval=write_interval(pair.interval, say, 0),
        )
    ]
    if pair.back_support:
        back = pair.back / pair.back_support
        sizes = {"back": f"{pair.back:,}", "support": f"{pair.back_support:,}", "share": write_percent(back, 0)}
        is_mutual = min(share, back) >= MUTUAL * max(share, back)
        told += [say("pairs.back", **sizes), say("pairs.mutual" if is_mutual else "pairs.one-way")]
    return told


def tell_sheet(pair: ConfusedPair, say: Say) -> str:
    """Return what the faces beside a pair are."""
    is_all = len(pair.faces) == pair.count
    gaps = {"shown": len(pair.faces), "count": f"{pair.count:,}", "given": say(f"expression.{pair.given}")}
    return say("pairs.sheet-all" if is_all else "pairs.sheet", **gaps)


def tell_imbalance(balance: BalancePart, expressions: tuple[str, ...], say: Say) -> str:
    """Return how much more frequent the most frequent expression of train is than the least frequent one."""
    there = sorted((count, name) for count, name in zip(balance.counts["train"], expressions, strict=True) if count)
    (least_count, least), (most_count, most) = there[0], there[-1]
    return say(
        "balance.even" if balance.ratio < EVEN else "balance.sentence",
        most=say(f"expression.{most}"),
        most_count=f"{most_count:,}",
        least=say(f"expression.{least}"),
        least_count=f"{least_count:,}",
        ratio=f"{balance.ratio:.1f}",
    )


def tell_gains(trades: tuple[Trade, ...], say: Say) -> list[str]:
    """Return for each metric the rule that gains most beyond noise, and what it does to accuracy; or that none does."""
    told = []
    for metric in METRICS:
        gains = [trade for trade in trades if trade.differences and trade.differences[metric].low > 0.0]
        title = say(f"metric.{metric}")
        if not gains:
            told.append(say("rules.no-gain", metric=title))
            continue
        best = max(gains, key=lambda trade: trade.differences[metric].value)
        change, accuracy = best.differences[metric], best.differences[METRICS[0]].value
        words = {"rule": f"`{best.rule.name}`", "metric": title, "points": write_points(change.value).lstrip("+")}
        interval = {"low": write_points(change.low), "high": write_points(change.high)}
        key = "rules.gain" if metric == METRICS[0] else "rules.gain-cost"
        told.append(say(key, **words, **interval, accuracy=write_points(accuracy)))
    return told


def tell_excess(calibration: CalibrationPart, say: Say) -> str:
    """Return whether the answers are too sure or too unsure."""
    side = "over" if calibration.excess > 0.0 else "under"
    return say(f"calibration.{side}", gap=f"{abs(100.0 * calibration.excess):.1f}")


def tell_shared(audit: AuditPart, say: Say) -> list[str]:
    """Return which splits share faces, pixel for pixel."""
    sizes = dict(zip(audit.splits, audit.faces, strict=True))
    told = []
    for pair, faces in audit.shared.items():
        of, within = pair.split()
        gaps = {"of": say(f"split.{of}"), "within": say(f"split.{within}"), "share": write_percent(faces / sizes[of])}
        told.append(say("audit.shared", faces=f"{faces:,}", all=f"{sizes[of]:,}", **gaps))
    return told
