"""`mien compare`: train variants of a recipe on several seeds, and tell what each change brings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.errors import ConfigError, RunError

if TYPE_CHECKING:
    from mien.studies import Plan, Results, StudyFolder


def compare(
    data: Annotated[
        str | None, typer.Option(help="A file or folder of labelled faces, or synthetic (so without it).")
    ] = None,
    recipe: Annotated[str, typer.Option(help="The base: name of a recipe; `mien recipes` lists them.")] = "small",
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="augmentation, early-stopping, class-weights, sampling, ensemble, or a field: train.lr=0.1,0.2"
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Trainings of each variant.")] = 3,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the study.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a field of all variants: --set train.epochs=20 (repeat).")
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="Every combination, instead of one change at a time.")] = False,
    split: Annotated[str, typer.Option(help="Where to measure: valid, or test once all is chosen.")] = "valid",
    engine: Annotated[
        str,
        typer.Option(
            help="local: processes here; ray: the machines of $RAY_ADDRESS, which share the folder and the data."
        ),
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Runs at a time; none: one here, with ray as many as there is room for.")
    ] = None,
    cpus: Annotated[int | None, typer.Option(min=1, help="With ray: cores of each run; none: one.")] = None,
    gpus: Annotated[
        float | None,
        typer.Option(min=0, help="With ray: GPUs of each run, or part of one; none: one if there are any."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable faces.")] = False,
    resume: Annotated[Path | None, typer.Option(help="Go on with the study in this folder.")] = None,
) -> None:
    """Train variants of a recipe and tell what each change brings: mean, spread, paired difference with its interval.

    Every run is an ordinary run in the study's folder, trained in a process of its own, which shares the cores of this
    machine with the others or is sent to a cluster. Ctrl-C saves; the same command, or --resume, goes on. More seeds
    and variants can be added later.
    """
    from mien.cli.interrupt import listen_for_interrupt
    from mien.studies.engine import Engine
    from mien.studies.folder import StudyFolder
    from mien.studies.show import show_study
    from mien.studies.study import run_study

    if (out is None) == (resume is None):
        raise ConfigError("give -o FOLDER for a study, or --resume FOLDER to go on with one")
    if split not in ("valid", "test"):
        raise ConfigError(f"--split {split}: expected valid or test")
    if resume is not None and data is not None:
        raise ConfigError("--resume goes on with the data of the study: leave out --data, or start a new study with -o")
    where = Engine(name=engine, workers=workers, cpus=cpus, gpus=gpus)
    folder = StudyFolder(resume or out or Path())
    choices = {
        "data": "synthetic" if data is None else data,
        "seeds": seeds,
        "changes": set_ or [],
        "grid": grid,
        "split": split,
    }
    plan = _make_plan(recipe, vary or [], folder if resume else None, skip_bad, **choices)
    with listen_for_interrupt("the runs are saving …") as asked, show_study(plan) as watcher:
        stop = asked.is_set
        results, failures = run_study(plan, folder, engine=where, device=device, watcher=watcher, should_stop=stop)
    _print(results, folder)
    if failures:
        told = "; ".join(f"{failure.name}: {failure.reason}" for failure in failures)
        raise RunError(f"{len(failures)} runs failed ({told}); try again with  mien compare --resume {folder.path}")


def _make_plan(recipe: str, vary: list[str], resume: StudyFolder | None, skip_bad: bool, **choices: Any) -> Plan:
    """Return the plan of a new study, or that of the one to go on with."""
    from mien.data.loading import SYNTHETIC
    from mien.studies.plan import plan_study, read_plan

    if resume is None:
        plan = plan_study(recipe, vary, **choices)
        moves = plan.data not in (SYNTHETIC, "")  # a study goes on from any folder; an empty path stays a mistake
        data = str(Path(plan.data).expanduser().resolve()) if moves else plan.data
        return replace(plan, data=data, skip_bad=skip_bad)
    if vary or choices["changes"] or choices["grid"]:
        raise ConfigError("--resume goes on with the study as it was planned: leave out --vary, --set and --grid")
    return read_plan(resume.read()["plan"])


def _print(results: Results, folder: StudyFolder) -> None:
    from rich.console import Console

    from mien.studies.show import render_results

    console = Console(highlight=False)
    for part in render_results(results):
        console.print(part)
    for name in ("study.json", "study.md", "comparison.svg", "comparison.png"):
        console.print(f"  {folder.path / name}", markup=False, soft_wrap=True)
