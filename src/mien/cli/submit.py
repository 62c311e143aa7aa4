"""`mien submit`: recognise faces without labels and write the leaderboard file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def submit(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    unlabelled: Annotated[str, typer.Argument(help="A file or folder of faces without labels.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("submission.csv"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Write names of expressions instead of numbers.")] = False,
    views: Annotated[
        str, typer.Option(help="How each face is shown: plain, mirror, shift, tencrop, or some.")
    ] = "plain",
    decision: Annotated[
        str, typer.Option(help="How probabilities become a label: argmax, prior[:POWER], thresholds[:TARGET].")
    ] = "argmax",
    data: Annotated[str | None, typer.Option(help="The data that the run was trained on, where it has moved.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Recognise faces without labels and write a file of lines `id,label` for a leaderboard.

    The label is the number of the expression, counted from 0 in the run's order.
    """
    from mien.evaluation.submission import submit as write

    options = {"views": views, "decision": decision, "trained_on": data, "device": device}
    made = write(run, unlabelled, out, overwrite=force, names=names, **options)  # type: ignore[arg-type]
    if made.known is not None and made.known.change:
        typer.echo(f"mien: {made.known.tell()}", err=bool(made.known.changed))
    if made.split != "unlabelled":
        typer.echo(f"{unlabelled}: has labels; they were not looked at, and only split {made.split} was recognised")
    typer.echo(f"{out}: {made.faces:,} faces recognised{' (synthetic faces)' if made.run.synthetic else ''}")
