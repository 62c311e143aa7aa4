"""`mien ensemble`: several runs, or several epochs of one, become a run like any other."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.errors import ConfigError, DataError
from mien.hints import suggest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mien.evaluation.ensemble import Selection
    from mien.runs.run import Run

HOWS = ("greedy", "all", "weights")


def ensemble(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, or weights files of epochs.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new run.", show_default=False)],
    how: Annotated[
        str | None,
        typer.Option(
            help="greedy: members picked on valid; all: the plain mean of all; weights: one network with the mean "
            "weights. Without it: greedy, or weights with --last.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="What greedy looks at: loss, accuracy or balanced-accuracy.")] = "loss",
    last: Annotated[int | None, typer.Option(min=1, help="Take the newest epochs that each run has kept.")] = None,
    views: Annotated[str, typer.Option(help="How greedy shows the faces of valid.")] = "plain",
    data: Annotated[
        str | None, typer.Option(help="The data that the runs were trained on, where it has moved.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Join runs into one that answers with the mean of their probabilities.

    The new run needs none of the others: evaluate, submit, report and export work on it. Members are picked on valid,
    and the temperature of the mean is fitted there; test is never looked at.
    """
    from mien.evaluation.ensemble import METRICS, average_weights, find_snapshots, mix_runs, save_ensemble
    from mien.evaluation.known import know_splits
    from mien.evaluation.predict import calibrate_run, pick_device, predict_valid
    from mien.models.views import parse_views
    from mien.runs.run import load_run
    from mien.training import RunFolder

    how = how or ("greedy" if last is None else "weights")
    _check_choice("--how", how, HOWS)
    _check_choice("--metric", metric, METRICS)
    shown, target, folder = parse_views(views), pick_device(device), RunFolder(out)
    folder.refuse_overwriting()
    paths = runs if last is None else [path for run in runs for path in find_snapshots(run, last)]
    loaded = [load_run(path) for path in paths]
    draft = folder.weights
    mixed = average_weights(loaded, path=draft) if how == "weights" else mix_runs(loaded, path=draft)
    known = know_splits(mixed, source=data)
    splits = known.splits
    if how == "greedy":
        known.require("valid")
    if known.change:
        typer.echo(f"mien: {known.tell()}", err=bool(known.changed))
    if how == "greedy":
        if splits.valid is None:
            found = "the runs held out different faces: use --how all"
            raise DataError(mixed.source, f"expected a valid split that no run has trained on, found none: {found}")
        answers = [predict_valid(run, splits.valid, views=shown, device=target) for run in loaded]
        mixed = _select(loaded, answers, splits.valid.labels, metric, draft)
    saved = save_ensemble(mixed, folder, splits, seen=known.seen if known.is_certain else None)
    if splits.valid is not None:
        calibrate_run(saved, splits.valid, views=shown, device=target)
    typer.echo(f"run: {out}  (weights {folder.weights.name}, {folder.weights.stat().st_size / 1e6:.1f} MB)")
    split = "" if splits.test is not None else " --split valid" if splits.valid is not None else " --split train"
    typer.echo(f"next: mien evaluate {shlex.quote(str(out))}{split}")


def _check_choice(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ConfigError(f"{option} {value}: expected one of {', '.join(choices)}{suggest(value, choices)}")


def _select(
    runs: Sequence[Run],
    answers: Sequence[npt.NDArray[np.float32]],
    labels: npt.NDArray[np.int64],
    metric: str,
    path: Path,
) -> Run:
    """Return the mean of the runs that greedy selection picks, and tell which."""
    from mien.evaluation.ensemble import choose_members, mix_runs

    found = choose_members(labels, answers, metric=metric)
    picked = [(run, picks / sum(found.picks)) for run, picks in zip(runs, found.picks, strict=True) if picks]
    _tell(runs, found, metric)
    return mix_runs([run for run, _ in picked], [share for _, share in picked], path=path)


def _tell(runs: Sequence[Run], found: Selection, metric: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("run", f"{metric} on valid", "share"):
        table.add_column(heading, justify="left" if heading == "run" else "right")
    for run, score, picks in zip(runs, found.scores, found.picks, strict=True):
        table.add_row(Text(str(run.path)), f"{abs(score):.4f}", f"{picks / sum(found.picks):.0%}" if picks else "–")
    table.add_row("their mean", f"{abs(found.score):.4f}", "")
    Console(highlight=False).print(table)
