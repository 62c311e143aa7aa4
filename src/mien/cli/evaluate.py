"""`mien evaluate`: measure a run on one split, print every figure, and leave files and pictures in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.errors import ConfigError

if TYPE_CHECKING:
    from mien.evaluation.compare_rules import Trade
    from mien.evaluation.evaluation import Evaluation
    from mien.evaluation.groups import GroupColumn
    from mien.evaluation.known import Known
    from mien.evaluation.rules import Rule, Wish
    from mien.faces import Splits
    from mien.runs.run import Run

ALL = "all"
DECISIONS = "decisions.json"
BUNDLED_FOLDER = Path("evaluation-bundled")
"""Where the files about the network that ships go, which has no folder of its own."""


def evaluate(
    run: Annotated[
        list[Path],
        typer.Argument(
            help="Folder of a run, or bundled, the network that ships; of several, the mean.", show_default=False
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="Labelled faces; without it, the data that the run was trained on.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Which faces: test, valid or train. Without it test, or what --data has alone.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Names of the labels of --data that are numbers: neutral,happy,…")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns of a table of --data: path=NAME,label=NAME,split=NAME.")
    ] = None,
    known_only: Annotated[
        bool, typer.Option("--known-only", help="Leave out faces of classes that the run does not know; says how many.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the files; without it, the run's.")] = None,
    views: Annotated[
        str,
        typer.Option(help="How each face is shown: plain, mirror, shift, tencrop, or the mean of some: plain,mirror."),
    ] = "plain",
    decision: Annotated[
        str,
        typer.Option(
            help="How probabilities become an answer: argmax, prior[:POWER], thresholds[:TARGET], abstain:P, "
            "or all of them side by side: all."
        ),
    ] = "argmax",
    prior: Annotated[
        str, typer.Option(help="How often each expression occurs: training, uniform, happy=0.4,… or estimate.")
    ] = "training",
    coverage: Annotated[
        float | None, typer.Option(help="Sets that hold the true expression of so many faces.", show_default="0.9")
    ] = None,
    sets: Annotated[
        str, typer.Option(help="Sets that hold for each expression (classes), the smallest (lac), or raps.")
    ] = "classes",
    groups: Annotated[
        Path | None, typer.Option(help="A CSV with columns such as age or camera: figures for each of their groups.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Whose labels count: own, ferplus or ferplus8; without it, those of training.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="Which head answers, of a network with several; without it, the one that learnt --labels."),
    ] = None,
    votes: Annotated[Path | None, typer.Option(help="The file of FER+ votes, fer2013new.csv.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Faces shown at a time; without it, as many as suit their side.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable faces and say how many.")] = False,
) -> None:
    """Measure a run: accuracy with its interval, figures of each expression, what is taken for what.

    The same figures follow for the faces that have no exact copy among those that the run has seen. Probabilities are
    scaled by the temperature that was fitted on valid. Look at test once, at the end; choose on valid.
    """
    from mien.beliefs.base_rates import TRAINING, parse_prior
    from mien.beliefs.sets import COVERAGE, check_sets
    from mien.data.known import keep_known
    from mien.evaluation.compare_rules import compare_rules
    from mien.evaluation.groups import write_groups
    from mien.evaluation.name_sets import add_sets
    from mien.evaluation.other_rates import apply_prior
    from mien.evaluation.predict import evaluate_split, find_split, pick_device
    from mien.evaluation.rules import parse_decision
    from mien.models.views import parse_views
    from mien.runs.run import BUNDLED, load_run
    from mien.training.allocator import keep_memory

    keep_memory()
    showing: dict[str, Any] = {"views": parse_views(views), "device": pick_device(device)}
    wish = None if decision == ALL else parse_decision(decision)
    check_sets(COVERAGE if coverage is None else coverage, sets)
    if parse_prior(prior) != TRAINING and (wish is None or wish.needs_data):
        raise ConfigError(f"--decision {decision} weighs classes as --prior {prior} does: give one of the two")
    if data is None and [str(path) for path in run] == [BUNDLED]:
        raise ConfigError("bundled: the network that ships has no data beside it: give --data FACES")
    loaded = _join([_ask(load_run(path), head, labels) for path in run])
    chosen = {"labels": labels, "votes": None if votes is None else str(votes), "classes": classes, "columns": columns}
    known, own = _read_splits(loaded, data, skip_bad, {name: text for name, text in chosen.items() if text is not None})
    if known_only:
        known = replace(known, splits=keep_known(known.splits, loaded.expressions))
    split = split or _choose_split(known, is_other=data is not None and (own is None or not known.is_own))
    known.require(split)
    find_split(known.splits, split)
    if own is not None and wish is not None and wish.needs_data:
        own.require("train", *(["valid"] if wish.needs_valid else []))
    loaded, rule, others = _choose_on_valid(loaded, wish, None if own is None else own.splits, showing)
    shown = {**showing, "batch_size": batch_size}
    evaluation = evaluate_split(loaded, known.splits, split, seen=known, rule=rule, **shown)
    evaluation, _ = apply_prior(evaluation, loaded, prior)
    evaluation = add_sets(evaluation, loaded, coverage=coverage, method=sets)
    trades = compare_rules(evaluation, others)
    grouped = None if groups is None else _score_groups(evaluation, groups)
    folder = out or _choose_folder(loaded, evaluation, bundled=BUNDLED in map(str, run))
    files = _write_files(evaluation, trades, folder)
    if grouped is not None:
        files.append(write_groups(*grouped, folder))
    _print(evaluation, trades, known.splits, files, grouped)


def _score_groups(evaluation: Evaluation, table: Path) -> tuple[tuple[GroupColumn, ...], str]:
    """Return how each group fares, and in a line how the rows of the table were matched."""
    from mien.evaluation.group_table import read_groups
    from mien.evaluation.groups import score_groups

    columns, told = read_groups(table, evaluation.ids.tolist())
    return score_groups(evaluation, columns), told


def _choose_on_valid(
    run: Run, wish: Wish | None, trained_on: Splits | None, showing: dict[str, Any]
) -> tuple[Run, Rule, tuple[Rule, ...]]:
    """Return the run with its temperature, the rule that decides, and the rules to compare: none, unless `wish` is."""
    from mien.evaluation.compare_rules import choose_all_rules, choose_rule_for
    from mien.evaluation.predict import calibrate_run
    from mien.evaluation.rules import ARGMAX

    if trained_on is not None and trained_on.valid is not None:
        run = calibrate_run(run, trained_on.valid, **showing)
    if wish is None:
        return run, ARGMAX, choose_all_rules(run, trained_on, **showing)
    return run, choose_rule_for(run, wish, trained_on, **showing), ()


def _ask(run: Run, head: str | None, labels: str | None) -> Run:
    """Return the run as the head answers that is named, or that learnt these labels."""
    if head is not None:
        return run.head(head)
    return run if labels is None else run.answer_by(labels)


def _join(runs: Sequence[Run]) -> Run:
    """Return the one run, or the mean of several, whose files go into a folder within that of the first."""
    from mien.evaluation.ensemble import mix_runs, name_run

    if len(runs) == 1:
        return runs[0]
    beside = "with-" + "-".join(name_run(run) for run in runs[1:])
    return mix_runs(runs, path=runs[0].folder / beside / "mean.safetensors")


def _choose_split(known: Known, *, is_other: bool) -> str:
    """Return test, or the one labelled split that other data has."""
    labelled = [name for name in known.splits.named() if name != "unlabelled"]
    return labelled[0] if len(labelled) == 1 and is_other else "test"


def _read_splits(run: Run, data: str | None, skip_bad: bool, chosen: dict[str, str]) -> tuple[Known, Known | None]:
    """Return the faces to measure on, and those that the run was trained on: None where those are gone.

    `chosen` holds the fields of the recipe's data that the user gives anew.
    """
    from mien.data.prepare import label, read_data
    from mien.errors import DataError
    from mien.evaluation.known import is_moved, know_other, know_splits
    from mien.recipes.schema import DataConfig

    source = None if data is None or run.source in (data, str(Path(data).resolve())) else data
    own_fields = {"labels": "own", "votes": None, **chosen}
    config = DataConfig(**chosen)  # type: ignore[arg-type]
    if source is not None:
        loaded = read_data(source, config, size=run.size, skip_bad=skip_bad)
    if source is None or is_moved(run, loaded):
        own = know_splits(run, source=source, skip_bad=skip_bad)
        if not chosen:
            return own, own
        config = replace(run.recipe.data, **own_fields)  # type: ignore[arg-type]
        return know_splits(run, source=source, skip_bad=skip_bad, config=config), own
    try:
        seen = know_splits(run, skip_bad=skip_bad)
    except DataError:  # moved or gone since training: what the run wrote down is all that is known
        seen = None
    return know_other(run, label(loaded, config), seen), seen


def _choose_folder(run: Run, evaluation: Evaluation, *, bundled: bool) -> Path:
    """Return the run's folder for test of its own data, and a folder in it, named after the faces, for all else.

    What a rule other than argmax decides goes one folder deeper, named after the rule.
    """
    from mien.evaluation.known import is_gone
    from mien.heads import FIRST

    # The network that ships has no folder of its own to write to.
    folder, rule, parts = BUNDLED_FOLDER if bundled else run.folder, evaluation.rule, [evaluation.split]
    is_moved = evaluation.copies_sought_in == evaluation.source and is_gone(run.source) and run.seen is not None
    if evaluation.source != run.source and not is_moved:
        parts.append(Path(evaluation.source).stem)
    if run.head_name not in ("", FIRST):
        parts.append(f"head-{run.head_name}")
    if evaluation.labelled_by != run.recipe.data.labels:
        parts.append(f"by-{evaluation.labelled_by}")
    if evaluation.rates:
        parts.append(f"prior-{evaluation.prior}")
    if parts != ["test"]:
        folder = folder / "-".join(parts)
    return folder if rule.name == "argmax" else folder / rule.name.replace(":", "-")


def _write_files(evaluation: Evaluation, trades: Sequence[Trade], folder: Path) -> list[Path]:
    import json

    from mien.evaluation.compare_rules import describe_trades, summarise_trades
    from mien.evaluation.confusion import draw_confusion
    from mien.evaluation.evaluation import FIGURES, PREDICTIONS, write_evaluation
    from mien.files import write_text

    write_evaluation(evaluation, folder)
    scores, names = evaluation.score(), [FIGURES, PREDICTIONS, "confusion.svg", "confusion.png"]
    for name in names[2:]:
        draw_confusion(
            scores,
            folder / name,
            split=evaluation.split,
            synthetic=evaluation.synthetic,
            views=evaluation.views,
        )
    if trades:
        held = {"split": evaluation.split, "rules": describe_trades(trades), "summary": summarise_trades(trades)}
        write_text(folder / DECISIONS, json.dumps(held, indent=2, ensure_ascii=False) + "\n")
        names.append(DECISIONS)
    return [folder / name for name in names]


def _print(
    evaluation: Evaluation,
    trades: Sequence[Trade],
    splits: Splits,
    files: list[Path],
    grouped: tuple[tuple[GroupColumn, ...], str] | None,
) -> None:
    from rich.console import Console

    from mien.cli.groups import render_groups
    from mien.cli.scores import render_evaluation
    from mien.cli.trades import render_trades

    console = Console(highlight=False)
    parts = [*render_evaluation(evaluation), *render_trades(trades, evaluation.split)]
    if evaluation.about_data:
        console.print(f"{evaluation.copies_sought_in}: {evaluation.about_data}.", markup=False, soft_wrap=True)
    for part in parts:
        console.print(part)
    if grouped is not None:
        console.print(grouped[1], markup=False, soft_wrap=True)
        for column in grouped[0]:
            for part in render_groups(column):
                console.print(part)
    for warning in splits.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    if splits.skipped:
        console.print(f"Left out as unreadable: {len(splits.skipped):,} faces.")
    for path in files:
        console.print(f"  {path}", markup=False, soft_wrap=True)
