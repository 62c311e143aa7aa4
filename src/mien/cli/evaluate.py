"""`mien evaluate`: measure a run on one split, print every figure, and leave files and pictures in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import ClassNames, Columns, HeadName, LabelsThatCount, SetMethod, SkipBad, VotesFile

if TYPE_CHECKING:
    from mien.evaluation.measure import Measurement


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
    classes: ClassNames = None,
    columns: Columns = None,
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
    sets: SetMethod = "classes",
    groups: Annotated[
        Path | None, typer.Option(help="A CSV with columns such as age or camera: figures for each of their groups.")
    ] = None,
    labels: LabelsThatCount = None,
    head: HeadName = None,
    votes: VotesFile = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Faces shown at a time; without it, as many as suit their side.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    skip_bad: SkipBad = False,
) -> None:
    """Measure a run: accuracy with its interval, figures of each expression, what is taken for what.

    The same figures follow for the faces that have no exact copy among those that the run has seen. Probabilities are
    scaled by the temperature that was fitted on valid. Look at test once, at the end; choose on valid.
    """
    from mien.evaluation.measure import Question, measure
    from mien.runs.run import load_run
    from mien.training.allocator import keep_memory

    keep_memory()
    question = Question(
        data=data,
        split=split,
        views=views,
        decision=decision,
        prior=prior,
        coverage=coverage,
        sets=sets,
        groups=groups,
        labels=labels,
        votes=None if votes is None else str(votes),
        head=head,
        classes=classes,
        columns=columns,
        known_only=known_only,
        batch_size=batch_size,
        device=device,
        skip_bad=skip_bad,
    )
    found = measure([load_run(path) for path in run], question)
    _print(found, found.save(out))


def _print(found: Measurement, files: list[Path]) -> None:
    from rich.console import Console

    from mien.evaluation.show import render_evaluation
    from mien.evaluation.show_groups import render_groups
    from mien.evaluation.show_rules import render_trades

    console, evaluation = Console(highlight=False), found.evaluation
    if evaluation.about_data:
        console.print(f"{evaluation.copies_sought_in}: {evaluation.about_data}.", markup=False, soft_wrap=True)
    for part in (*render_evaluation(evaluation), *render_trades(found.trades, evaluation.split)):
        console.print(part)
    if found.groups:
        console.print(found.grouped_by, markup=False, soft_wrap=True)
    for column in found.groups:
        for part in render_groups(column):
            console.print(part)
    for remark in found.list_remarks():
        console.print(remark, style="yellow" if remark.startswith("Warning") else "", markup=False, soft_wrap=True)
    for path in files:
        console.print(f"  {path}", markup=False, soft_wrap=True)
