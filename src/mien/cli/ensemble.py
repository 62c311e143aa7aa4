"""`mien ensemble`: several runs, or several epochs of one, become a run like any other."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.evaluation.join import Joined


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
    from mien.evaluation.join import join_runs
    from mien.training import RunFolder

    folder, options = RunFolder(out), {"how": how, "metric": metric, "views": views, "data": data, "device": device}
    joined = join_runs(runs, folder, last=last, **options)  # type: ignore[arg-type]
    if joined.known.change:
        typer.echo(f"mien: {joined.known.tell()}", err=bool(joined.known.changed))
    _tell(joined)
    typer.echo(f"run: {out}  (weights {folder.weights.name}, {folder.weights.stat().st_size / 1e6:.1f} MB)")
    split = "" if joined.split == "test" else f" --split {joined.split}"
    typer.echo(f"next: mien evaluate {shlex.quote(str(out))}{split}")


def _tell(joined: Joined) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if joined.selection is None:
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("run", f"{joined.metric} on valid", "share"):
        table.add_column(heading, justify="left" if heading == "run" else "right")
    for path, *figures in joined.list_picks():
        table.add_row(Text(path), *figures)
    Console(highlight=False).print(table)
