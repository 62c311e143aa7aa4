"""Measure runs on one split, whatever the question: `measure` takes runs and a `Question`, and returns a `Measurement`.

`mien.evaluate`, `mien evaluate` and studies all go through it. A `Measurement` holds the `Evaluation` and what belongs
beside it; `save` leaves it in a folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mien.beliefs.base_rates import TRAINING, Prior, parse_prior
from mien.beliefs.sets import COVERAGE, DEFAULT, check_sets
from mien.data.known import keep_known
from mien.data.prepare import label, read_data
from mien.data.votes import has_rows
from mien.errors import ConfigError, DataError
from mien.evaluation.compare_rules import (
    Trade,
    choose_all_rules,
    choose_rule_for,
    compare_rules,
    describe_trades,
    summarise_trades,
)
from mien.evaluation.confusion import draw_confusion
from mien.evaluation.ensemble import check_each_once, mix_runs, name_run
from mien.evaluation.evaluation import FIGURES, PREDICTIONS, Evaluation, write_evaluation
from mien.evaluation.group_table import read_groups
from mien.evaluation.groups import GroupColumn, score_groups, write_groups
from mien.evaluation.known import Known, is_gone, is_moved, know_other, know_splits
from mien.evaluation.name_sets import add_sets
from mien.evaluation.other_rates import apply_prior
from mien.evaluation.predict import calibrate_run, evaluate_split, find_split, pick_device
from mien.evaluation.rules import ARGMAX, Rule, Wish, parse_decision
from mien.faces import Splits
from mien.files import write_text
from mien.models.views import parse_views
from mien.recipes.heads import BOTH, FIRST
from mien.recipes.schema import DataConfig
from mien.runs.run import Run

ALL = "all"
DECISIONS = "decisions.json"
BUNDLED_FOLDER = Path("evaluation-bundled")
"""Where the files about the network that ships go, which has no folder of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a run.

    Attributes:
        data: labelled faces; None: those that the run was trained on.
        split: "test", "valid" or "train"; None: test, or the one labelled split that other data has.
        views: how each face is shown, as `parse_views` reads it.
        decision: how probabilities become an answer, as `parse_decision` reads it, or "all".
        prior: how often each expression occurs in these faces, as `parse_prior` reads it.
        coverage: of sets of expressions, 0.5 to 0.99; None: 0.9, where the run knows thresholds.
        sets: how these are chosen, see `mien.beliefs.sets`.
        groups: a CSV whose columns put the faces into groups; None: none.
        labels: whose labels count: "own", "ferplus", "ferplus8"; None: those of training.
        votes: the file of FER+ votes.
        head: which head answers; None: the one that learnt `labels`.
        classes: names of labels that are numbers.
        columns: columns of a table.
        known_only: leave out faces of classes that the run does not know.
        batch_size: faces shown at a time; None: as many as suit their side.
        device: "auto", "cpu", "cuda" or "mps".
        skip_bad: leave out unreadable faces.
    """

    data: str | Splits | None = None
    split: str | None = None
    views: str = "plain"
    decision: str = "argmax"
    prior: Prior = TRAINING
    coverage: float | None = None
    sets: str = DEFAULT
    groups: Path | None = None
    labels: str | None = None
    votes: str | None = None
    head: str | None = None
    classes: str | None = None
    columns: str | None = None
    known_only: bool = False
    batch_size: int | None = None
    device: str = "auto"
    skip_bad: bool = False

    @property
    def chosen(self) -> dict[str, str]:
        """The fields of a recipe's data that are given anew."""
        fields = {"labels": self.labels, "votes": self.votes, "classes": self.classes, "columns": self.columns}
        return {name: text for name, text in fields.items() if text is not None}

    @property
    def showing(self) -> dict[str, Any]:
        """How faces are shown, and by what."""
        return {"views": parse_views(self.views), "device": pick_device(self.device)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What came of a question.

    Attributes:
        evaluation: labels and probabilities.
        trades: the rules side by side; none unless all were asked for.
        known: the faces, and how they differ from those of training.
        folder: where `save` leaves the files.
        groups: how each group of faces fares, a column of the table of groups each.
        grouped_by: in a line, how the rows of that table were matched.
    """

    evaluation: Evaluation
    trades: tuple[Trade, ...]
    known: Known
    folder: Path
    groups: tuple[GroupColumn, ...] = ()
    grouped_by: str = ""

    def save(self, folder: Path | None = None) -> list[Path]:
        """Write figures, predictions, the confusion matrix and the rules; return the files."""
        place, evaluation = folder or self.folder, self.evaluation
        write_evaluation(evaluation, place)
        scores, names = evaluation.score(), [FIGURES, PREDICTIONS, "confusion.svg", "confusion.png"]
        said = {"split": evaluation.split, "synthetic": evaluation.synthetic, "views": evaluation.views}
        for name in names[2:]:
            draw_confusion(scores, place / name, **said)  # type: ignore[arg-type]
        if self.trades:
            rules, summary = describe_trades(self.trades), summarise_trades(self.trades)
            held = {"split": evaluation.split, "rules": rules, "summary": summary}
            write_text(place / DECISIONS, json.dumps(held, indent=2, ensure_ascii=False) + "\n")
            names.append(DECISIONS)
        grouped = [write_groups(self.groups, self.grouped_by, evaluation, place)] if self.groups else []
        return [*(place / name for name in names), *grouped]

    def list_remarks(self) -> Iterator[str]:
        """Yield what has to be known of the faces, a line each."""
        for warning in self.known.splits.warnings:
            yield f"Warning: {warning}"
        if self.known.splits.skipped:
            yield f"Left out as unreadable: {len(self.known.splits.skipped):,} faces."


def measure(runs: Sequence[Run], question: Question | None = None) -> Measurement:
    """Return what one run, or several by the mean of their probabilities, answer on one split.

    The temperature of the views is fitted on valid, and kept in the run's folder, where it is not there yet.

    Raises:
        DataError: the data cannot be read, lacks the split, or has changed so that it is not known any more.
        ConfigError: no such view, rule, head or device.
    """
    question = question or Question()
    shown = question.showing
    if question.labels == BOTH:
        raise ConfigError("`labels` both: expected own, ferplus, ferplus8 or people, by one of which faces are counted")
    wish = None if question.decision == ALL else parse_decision(question.decision)
    _check_beliefs(question, wish)
    bundled = any(run.is_bundled for run in runs)
    if question.data is None and len(runs) == 1 and bundled:
        raise ConfigError("bundled: the network that ships has no data beside it: give `data` FACES")
    check_each_once(runs)
    run = _join([_ask(run, question) for run in runs])
    known, own = _read_splits(run, question)
    if question.known_only:
        known = replace(known, splits=keep_known(known.splits, run.expressions))
    is_other = question.data is not None and (own is None or not known.is_own)
    split = question.split or _choose_split(known, is_other=is_other)
    known.require(split)
    find_split(known.splits, split)
    if own is not None and wish is not None and wish.needs_data:
        own.require("train", *(["valid"] if wish.needs_valid else []))
    run, rule, others = _choose_on_valid(run, wish, None if own is None else own.splits, shown)
    size = question.batch_size
    evaluation = evaluate_split(run, known.splits, split, seen=known, rule=rule, batch_size=size, **shown)
    evaluation, _ = apply_prior(evaluation, run, question.prior)
    evaluation = add_sets(evaluation, run, coverage=question.coverage, method=question.sets)
    groups, told = _score_groups(evaluation, question.groups)
    folder = choose_folder(BUNDLED_FOLDER if bundled else run.folder, run, evaluation)
    return Measurement(
        evaluation=evaluation,
        trades=compare_rules(evaluation, others),
        known=known,
        folder=folder,
        groups=groups,
        grouped_by=told,
    )


def _score_groups(evaluation: Evaluation, table: Path | None) -> tuple[tuple[GroupColumn, ...], str]:
    """Return how each group fares, and in a line how the rows of the table were matched."""
    if table is None:
        return (), ""
    columns, told = read_groups(table, evaluation.ids.tolist())
    return score_groups(evaluation, columns), told


def _check_beliefs(question: Question, wish: Wish | None) -> None:
    """Refuse an impossible prior or coverage, and two ways of weighing classes at once."""
    check_sets(COVERAGE if question.coverage is None else question.coverage, question.sets)
    if parse_prior(question.prior) != TRAINING and (wish is None or wish.needs_data):
        both = f"`decision` {question.decision} weighs classes as `prior` {question.prior} does"
        raise ConfigError(f"{both}: give one of the two")


def _choose_on_valid(
    run: Run, wish: Wish | None, trained_on: Splits | None, showing: dict[str, Any]
) -> tuple[Run, Rule, tuple[Rule, ...]]:
    """Return the run with its temperature, the rule that decides, and the rules to compare: none, unless `wish` is."""
    if trained_on is not None and trained_on.valid is not None:
        run = calibrate_run(run, trained_on.valid, **showing)
    if wish is None:
        return run, ARGMAX, choose_all_rules(run, trained_on, **showing)
    return run, choose_rule_for(run, wish, trained_on, **showing), ()


def _ask(run: Run, question: Question) -> Run:
    """Return the run as the head answers that is named, or that learnt these labels."""
    if question.head is not None:
        return run.head(question.head)
    return run if question.labels is None else run.answer_by(question.labels)


def _join(runs: Sequence[Run]) -> Run:
    """Return the one run, or the mean of several, whose files go into a folder within that of the first."""
    if len(runs) == 1:
        return runs[0]
    beside = "with-" + "-".join(name_run(run) for run in runs[1:])
    return mix_runs(runs, path=runs[0].folder / beside / "mean.safetensors")


def _choose_split(known: Known, *, is_other: bool) -> str:
    """Return test, or the one labelled split that other data has."""
    labelled = [name for name in known.splits.named() if name != "unlabelled"]
    return labelled[0] if len(labelled) == 1 and is_other else "test"


def _read_splits(run: Run, question: Question) -> tuple[Known, Known | None]:
    """Return the faces to measure on, and those that the run was trained on: None where those are gone."""
    skip_bad, chosen = question.skip_bad, question.chosen
    config = DataConfig(**chosen)  # type: ignore[arg-type]
    own_faces: str | Splits | None = None  # where the run's own faces stand now; None: where they stood
    is_own = names_own_data(run, question.data)
    if not is_own:
        assert question.data is not None
        loaded = read_data(question.data, config, size=run.size, skip_bad=skip_bad)
        # Votes cannot label faces without the numbers of their rows: such faces are others, with labels of their own.
        can_be_own = (run.whole or run).recipe.data.labels == "own" or has_rows(loaded)
        if can_be_own and is_moved(run, loaded):
            is_own, own_faces = True, question.data
    if is_own:
        own = know_splits(run, source=own_faces, skip_bad=skip_bad)
        if not chosen:
            return own, own
        config = replace(run.recipe.data, **{"labels": "own", "votes": None, **chosen})  # type: ignore[arg-type]
        return know_splits(run, source=own_faces, skip_bad=skip_bad, config=config), own
    try:
        seen = know_splits(run, skip_bad=skip_bad)
    except DataError:  # moved or gone since training: what the run wrote down is all that is known
        seen = None
    return know_other(run, label(loaded, config), seen), seen


def names_own_data(run: Run, data: str | Splits | None) -> bool:
    """Tell whether `data` names the place that the run was trained on."""
    return data is None or (isinstance(data, str) and run.source in (data, str(Path(data).resolve())))


def choose_folder(home: Path, run: Run, evaluation: Evaluation) -> Path:
    """Return `home` for test of the run's own data, and a folder in it, named after the faces, for all else.

    What a rule other than argmax decides goes one folder deeper, named after the rule.
    """
    rule, parts = evaluation.rule, [evaluation.split]
    has_moved = evaluation.copies_sought_in == evaluation.source and is_gone(run.source) and run.seen is not None
    if evaluation.source != run.source and not has_moved:
        parts.append(Path(evaluation.source).stem)
    if run.head_name not in ("", FIRST):
        parts.append(f"head-{run.head_name}")
    if evaluation.labelled_by != run.recipe.data.labels:
        parts.append(f"by-{evaluation.labelled_by}")
    if evaluation.rates:
        parts.append(f"prior-{evaluation.prior}")
    folder = home if parts == ["test"] else home / "-".join(parts)
    return folder if rule.name == "argmax" else folder / rule.name.replace(":", "-")
