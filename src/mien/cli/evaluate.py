"""`mien evaluate`: measure a run on one split, print every figure, and leave files and pictures in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.checkpoint import Run
    from mien.data.faces import Splits
    from mien.results import Evaluation


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    data: Annotated[
        str | None, typer.Option(help="Labelled faces; without it, the data that the run was trained on.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which faces: test, valid or train.")] = "test",
    views: Annotated[str, typer.Option(help="How each face is shown: plain, mirror, or the mean of both.")] = "plain",
    batch_size: Annotated[int, typer.Option(min=1, help="Faces shown at a time.")] = 128,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable faces and say how many.")] = False,
) -> None:
    """Measure a run: accuracy with its interval, figures of each expression, what is taken for what.

    The same figures follow for the faces that have no exact copy among those that the run has seen. Look at test once,
    at the end; choose on valid.
    """
    from mien.checkpoint import load_run
    from mien.evaluate import evaluate_split, pick_device
    from mien.views import parse_views

    shown, target, loaded = parse_views(views), pick_device(device), load_run(run)
    splits, seen = _read_splits(loaded, data, skip_bad)
    evaluation = evaluate_split(loaded, splits, split, seen=seen, batch_size=batch_size, device=target, views=shown)
    folder = _choose_folder(loaded, evaluation)
    files = _write_files(evaluation, folder)
    _print(evaluation, splits, files)


def _read_splits(run: Run, data: str | None, skip_bad: bool) -> tuple[Splits, Splits]:
    """Return the faces to measure on and those that the run has seen: often the same."""
    from mien.data.load import load
    from mien.data.prepare import prepare_splits
    from mien.errors import DataError

    def read_seen() -> Splits:
        return prepare_splits(run.source, run.recipe.data, seed=run.recipe.train.seed, skip_bad=skip_bad)

    if data is None or run.source in (data, str(Path(data).resolve())):
        seen = read_seen()
        return seen, seen
    splits = load(data, size=run.size, skip_bad=skip_bad)
    try:
        return splits, read_seen()
    except DataError:  # moved or gone since training: copies can still be looked for within the data itself
        return splits, splits


def _choose_folder(run: Run, evaluation: Evaluation) -> Path:
    """Return the run's folder for test of its own data, and a folder in it, named after the faces, for all else."""
    folder = run.path if run.path.is_dir() else run.path.parent
    if evaluation.source != run.source:
        return folder / f"{evaluation.split}-{Path(evaluation.source).stem}"
    return folder if evaluation.split == "test" else folder / evaluation.split


def _write_files(evaluation: Evaluation, folder: Path) -> list[Path]:
    from mien.plots import draw_confusion
    from mien.results import FIGURES, PREDICTIONS, write_evaluation

    write_evaluation(evaluation, folder)
    scores = evaluation.score()
    for name in ("confusion.svg", "confusion.png"):
        draw_confusion(scores, folder / name, split=evaluation.split, synthetic=evaluation.synthetic)
    return [folder / name for name in (FIGURES, PREDICTIONS, "confusion.svg", "confusion.png")]


def _print(evaluation: Evaluation, splits: Splits, files: list[Path]) -> None:
    from rich.console import Console

    from mien.cli.scores import render_evaluation

    console = Console(highlight=False)
    for part in render_evaluation(evaluation):
        console.print(part)
    if splits.skipped:
        console.print(f"Left out as unreadable: {len(splits.skipped):,} faces.")
    for path in files:
        console.print(f"  {path}", markup=False, soft_wrap=True)
