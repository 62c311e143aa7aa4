"""Show a training: a live bar on a terminal, plain lines elsewhere. In: steps and epochs. Out: what a person reads."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mien.processes import is_main_process

if TYPE_CHECKING:
    from rich.console import Console

    from mien.runs.folder import Record, RunFolder
    from mien.training.telling import Listener, Outcome, Step

QUIET_SECONDS = 30.0
"""Without a terminal, a line within an epoch at most this often."""


@contextmanager
def show_progress(epochs: int, retell: Callable[[str], str] = str) -> Iterator[Listener]:
    """Yield the listener that shows a training of at most `epochs` epochs; only the main process shows anything.

    Args:
        epochs: see above.
        retell: from a warning to what is printed of it.
    """
    from rich.console import Console

    from mien.training import Listener

    if not is_main_process():
        yield Listener()
        return
    console, told = Console(highlight=False), {"on_warning": lambda text: warn(retell(text))}
    if console.is_terminal:
        with _show_bar(console, epochs) as listener:
            yield replace(listener, **told)
    else:
        yield replace(_print_lines(console, epochs), **told)


@contextmanager
def _show_bar(console: Console, epochs: int) -> Iterator[Listener]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from mien.training import Listener

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, speed_estimate_period=120.0) as progress:
        task = progress.add_task("starting", total=None, text="")

        def on_step(step: Step) -> None:
            progress.update(
                task,
                total=epochs * step.steps,
                completed=(step.epoch - 1) * step.steps + step.step,
                description=f"epoch {step.epoch}/{epochs}",
                text=_describe_step(step),
            )

        def on_epoch(record: Record) -> None:
            console.print(describe_epoch(record, epochs))

        yield Listener(on_step=on_step, on_epoch=on_epoch)


def _print_lines(console: Console, epochs: int) -> Listener:
    from mien.training import Listener

    spoken = [time.monotonic()]

    def on_step(step: Step) -> None:
        if step.step < step.steps and time.monotonic() - spoken[0] > QUIET_SECONDS:
            spoken[0] = time.monotonic()
            left = describe_seconds((step.steps * (epochs - step.epoch + 1) - step.step) * step.seconds_per_step)
            say(f"epoch {step.epoch}/{epochs}  step {step.step}/{step.steps}  {_describe_step(step)}  {left} left")

    def on_epoch(record: Record) -> None:
        spoken[0] = time.monotonic()
        left = describe_seconds((epochs - record["epoch"]) * record["seconds"])
        say(f"{describe_epoch(record, epochs)}  {left} left")

    def say(line: str) -> None:
        console.print(line, soft_wrap=True)
        console.file.flush()

    return Listener(on_step=on_step, on_epoch=on_epoch)


def warn(message: str) -> None:
    """Print a warning to standard error."""
    import typer

    typer.echo(f"mien: {message}", err=True)


def describe_epoch(record: Record, epochs: int) -> str:
    """Return one line about an epoch.

    >>> describe_epoch({"epoch": 3, "train_loss": 1.5, "train_accuracy": 0.4, "seconds": 61.0}, 10)
    'epoch  3/10  train loss 1.500 accuracy 0.400  1:01'
    """
    line = f"epoch {record['epoch']:>{len(str(epochs))}.0f}/{epochs}"
    for split in ("train", "valid"):
        if f"{split}_loss" in record:
            line += f"  {split} loss {record[f'{split}_loss']:.3f} accuracy {record[f'{split}_accuracy']:.3f}"
    if "valid_side" in record:
        line += f" (at the {record['valid_side']:.0f} px trained)"
    return f"{line}  {describe_seconds(record['seconds'])}"


def _describe_step(step: Step) -> str:
    return f"loss {step.loss:.3f}  accuracy {step.accuracy:.3f}  {step.faces_per_second:.0f} faces/s"


def describe_seconds(seconds: float) -> str:
    """Return a duration as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _choose_split(folder: RunFolder) -> str:
    """Return the option without which `mien evaluate` would look for a test split that the data lacks."""
    faces = folder.read_info().faces
    return "" if "test" in faces else " --split valid" if "valid" in faces else " --split train"


def describe_ending(folder: RunFolder, outcome: Outcome) -> tuple[str, ...]:
    """Return what came of a training, and the command that is next, a line each."""
    kept = next(record for record in outcome.history if record["epoch"] == outcome.best_epoch)
    accuracy = f", valid accuracy {kept['valid_accuracy']:.4f}" if "valid_accuracy" in kept else ""
    return (
        f"stopped: {outcome.stopped}" if outcome.stopped else f"all {len(outcome.history)} epochs done",
        f"kept: epoch {outcome.best_epoch}{accuracy}",
        f"run: {folder.path}  (weights {folder.weights.name}, curves.svg, curves.png, history.jsonl)",
        f"next: mien evaluate {shlex.quote(str(folder.path))}{_choose_split(folder)}",
    )
