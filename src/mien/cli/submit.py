"""`mien submit`: recognise faces without labels and write the leaderboard file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.errors import ConfigError

if TYPE_CHECKING:
    import torch

    from mien.evaluation.rules import Rule, Wish
    from mien.runs.run import Run


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
    from mien.data.loading import load
    from mien.evaluation.predict import pick_device, predict_probabilities
    from mien.evaluation.rules import decide, parse_decision
    from mien.evaluation.submission import choose_faces, refuse_overwriting, write_submission
    from mien.models.views import parse_views
    from mien.runs.run import load_run
    from mien.runs.temperatures import scale_probabilities

    refuse_overwriting(out, force=force)
    wish = parse_decision(decision)
    if wish.kind == "abstain":
        raise ConfigError(f"--decision {decision}: a submission needs a label for every face")
    shown, target, loaded = parse_views(views), pick_device(device), load_run(run)
    split, faces = choose_faces(load(unlabelled, size=loaded.size))
    loaded, rule = _choose_rule(loaded, wish, data, shown, target)
    raw = predict_probabilities(loaded.network, faces.images, device=target, views=shown)
    predicted = decide(scale_probabilities(raw, loaded.temperature(shown)), rule)
    labels = (loaded.expressions[label] if names else label for label in predicted)
    write_submission(out, faces.ids, labels, force=force)
    if split != "unlabelled":
        typer.echo(f"{unlabelled}: has labels; they were not looked at, and only split {split} was recognised")
    typer.echo(f"{out}: {len(faces):,} faces recognised{' (synthetic faces)' if loaded.synthetic else ''}")


def _choose_rule(
    run: Run, wish: Wish, data: str | None, views: tuple[str, ...], device: torch.device
) -> tuple[Run, Rule]:
    """Return the run and the rule that decides; where that is chosen on valid, the run is calibrated there."""
    from mien.evaluation.compare_rules import choose_rule_for
    from mien.evaluation.known import know_splits
    from mien.evaluation.predict import calibrate_run

    splits = None
    if wish.needs_data:
        known = know_splits(run, source=data)
        known.require("train", *(["valid"] if wish.needs_valid else []))
        if known.change:
            typer.echo(f"mien: {known.tell()}", err=bool(known.changed))
        splits = known.splits
    if splits is not None and splits.valid is not None:
        run = calibrate_run(run, splits.valid, views=views, device=device)
    return run, choose_rule_for(run, wish, splits, views=views, device=device)
