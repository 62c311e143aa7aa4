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
    views: Annotated[str, typer.Option(help="How each face is shown: plain, mirror, or the mean of both.")] = "plain",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Recognise faces without labels and write a file of lines `id,label` for a leaderboard.

    The label is the number of the expression, counted from 0 in the run's order.
    """
    from mien.checkpoint import load_run
    from mien.data.load import load
    from mien.evaluate import pick_device, predict_probabilities
    from mien.submit import choose_faces, refuse_overwriting, write_submission
    from mien.views import parse_views

    refuse_overwriting(out, force=force)
    shown, target, loaded = parse_views(views), pick_device(device), load_run(run)
    split, faces = choose_faces(load(unlabelled, size=loaded.size))
    probabilities = predict_probabilities(loaded.network, faces.images, device=target, views=shown)
    predicted = probabilities.argmax(axis=1).tolist()
    labels = [loaded.expressions[label] for label in predicted] if names else predicted
    write_submission(out, faces.ids.tolist(), labels, force=force)
    if split != "unlabelled":
        typer.echo(f"{unlabelled}: has labels; they were not looked at, and only split {split} was recognised")
    typer.echo(f"{out}: {len(faces):,} faces recognised{' (synthetic faces)' if loaded.synthetic else ''}")
