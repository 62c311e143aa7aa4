"""`mien train`: start a run or go on with one, with a progress bar, or plain lines where there is no terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.flags import name_flags
from mien.cli.options import SkipBad
from mien.errors import ConfigError
from mien.processes import is_main_process

if TYPE_CHECKING:
    from mien.recipes.schema import Recipe


def train(
    data: Annotated[
        str | None,
        typer.Option(
            help="Labelled faces: a file, a folder, or synthetic (so without it). With --resume: their place now."
        ),
    ] = None,
    recipe: Annotated[str, typer.Option(help="Name of a recipe; `mien recipes` lists them.")] = "small",
    out: Annotated[Path | None, typer.Option(help="Folder of the new run.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a field: --set train.lr=0.05 (repeat).")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str | None, typer.Option(help="no, bf16 or fp16: short for --set train.precision=….")] = None,
    valid_fraction: Annotated[
        float | None, typer.Option(help="Part of train held out as valid: short for --set data.valid_fraction=….")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side in pixels: short for --set data.size=….")] = None,
    seed: Annotated[int | None, typer.Option(help="Short for --set train.seed=….")] = None,
    only: Annotated[str | None, typer.Option(help="Train on the faces of this list alone: see `mien audit`.")] = None,
    labels: Annotated[
        str | None, typer.Option(help="own, or by FER+ votes: ferplus, ferplus8 (with contempt), people, both.")
    ] = None,
    votes: Annotated[str | None, typer.Option(help="The file of FER+ votes, fer2013new.csv.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="Names of labels that are numbers: neutral,happy,… or 0=neutral,1=happy,…")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns of a table: path=NAME,label=NAME,split=NAME.")] = None,
    skip_bad: SkipBad = False,
    log: Annotated[
        str | None, typer.Option(help="Also keep the figures of each epoch as csv, tensorboard, mlflow, trackio.")
    ] = None,
    checkpoint_minutes: Annotated[float, typer.Option(min=0.0, help="Save within an epoch this often, too.")] = 10.0,
) -> None:
    """Train a network and keep everything in a run folder.

    Every epoch is saved; Ctrl-C saves, too, and says how to go on. The test split is never looked at.
    """
    if (out is None) == (resume is None):
        raise ConfigError("give --out FOLDER for a new run, or --resume FOLDER to go on with one")
    shorts = {
        "train.precision": precision,
        "data.valid_fraction": valid_fraction,
        "data.size": size,
        "data.only": only,
        "data.labels": labels,
        "data.votes": votes,
        "data.classes": classes,
        "data.columns": columns,
        "train.seed": seed,
    }
    changes = [f"{name}={value}" for name, value in shorts.items() if value is not None] + (set_ or [])
    chosen = _choose_recipe(recipe, changes, resume)

    from mien.cli.interrupt import listen_for_interrupt  # torch comes with it: a wrong option is told before that
    from mien.training import Options, RunFolder
    from mien.training.progress import describe_ending, show_progress
    from mien.training.start import resume_run, start_run
    from mien.training.together import leave_the_others
    from mien.training.trackers import parse_log

    folder, kept = RunFolder(resume or out or Path()), parse_log(log)
    if resume is None and chosen.train.looks_once and is_main_process():
        typer.echo("teachers look at every face of train first")
    with listen_for_interrupt() as asked, show_progress(chosen.train.epochs, name_flags) as listener:
        stop = asked.is_set
        options = Options(device=device, checkpoint_minutes=checkpoint_minutes, should_stop=stop, log=kept)
        if resume is not None:
            outcome = resume_run(folder, source=data, options=options, listener=listener)
        else:
            named = {"skip_bad": skip_bad, "options": options, "listener": listener}
            outcome = start_run(chosen, "synthetic" if data is None else data, folder, **named)  # type: ignore[arg-type]
    if is_main_process():
        typer.echo("\n".join(describe_ending(folder, outcome)))
    leave_the_others()


def _choose_recipe(name: str, changes: list[str], resume: Path | None) -> Recipe:
    """Return the named recipe with its changes, or that of the run to go on with."""
    from mien.recipes.named import find_recipe
    from mien.recipes.schema import override

    if resume is None:
        return override(find_recipe(name), changes)
    if changes:
        raise ConfigError(f"--resume goes on with the recipe of the run; leave out {changes[0]}, or start a new run")
    from mien.training import RunFolder

    return RunFolder(resume).read_info().recipe
