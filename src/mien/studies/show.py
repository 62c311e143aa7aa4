"""A study on the terminal. In: jobs under way, results. Out: one display of all runs, then the table and sentences."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from mien.training.progress import describe_seconds

if TYPE_CHECKING:
    from mien.studies.job import Job
    from mien.studies.plan import Plan
    from mien.studies.pool import Failure, Watcher
    from mien.studies.results import Results

QUIET_SECONDS = 60.0
"""Without a terminal, a line on the runs under way at most this often."""


@contextmanager
def show_study(plan: Plan) -> Iterator[Watcher]:
    """Yield the watcher that shows the runs of a study: live bars on a terminal, plain lines elsewhere."""
    from mien.studies.pool import Watcher

    console = Console(highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        screen = _Screen(plan, progress)
        yield Watcher(on_plan=screen.on_plan, on_start=screen.on_start, on_look=screen.on_look, on_end=screen.on_end)


@final
class _Screen:
    """What is shown of a study: the epochs of every job, and from them the time that is left."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.plan, self.progress = plan, progress
        self.whole = progress.add_task("all runs", total=None, text="")
        self.bars: dict[str, TaskID] = {}
        self.epochs: dict[str, int] = {}
        self.done: dict[str, int] = {}
        self.before = self.ended = 0
        self.began = self.spoken = time.monotonic()

    def on_plan(self, jobs: Sequence[Job]) -> None:
        """Say what there is to do."""
        self.epochs = {job.name: job.epochs for job in jobs}
        self.done = {job.name: job.count_epochs() for job in jobs}
        self.before, self.began = sum(self.done.values()), time.monotonic()
        self.say(describe_plan(self.plan, len(jobs)))

    def on_start(self, job: Job) -> None:
        """Give the job a bar of its own."""
        self.bars[job.name] = self.progress.add_task(job.name, total=job.epochs, text="")

    def on_look(self, jobs: Sequence[Job]) -> None:
        """Move the bars; without a terminal, say now and then where the jobs stand."""
        self.done |= {job.name: job.count_epochs() for job in jobs}
        told = {job.name: tell_epoch(self.done[job.name], job.epochs) for job in jobs}
        for name, text in told.items():
            self.progress.update(self.bars[name], completed=self.done[name], text=text)
        total, done = sum(self.epochs.values()), sum(self.done.values())
        self.progress.update(self.whole, total=total, completed=done, text=self.tell_left())
        if self.progress.disable and time.monotonic() - self.spoken > QUIET_SECONDS:
            self.say("  ".join([*(f"{name}: {text}" for name, text in told.items()), self.tell_left()]))

    def on_end(self, job: Job, failure: Failure | None) -> None:
        """Say how the job ended; all its epochs count as done, however early it stopped."""
        self.done[job.name] = job.epochs
        self.ended += 1
        self.progress.remove_task(self.bars.pop(job.name))
        told = f"failed: {failure.reason}" if failure else "done"
        self.say(f"run {self.ended}/{len(self.epochs)}  {job.name}: {told}  {self.tell_left()}")

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self.spoken = time.monotonic()
        self.progress.console.print(line.rstrip(), soft_wrap=True, markup=False)
        self.progress.console.file.flush()

    def tell_left(self) -> str:
        """Return in words how long it takes still; nothing before the first epoch, and at the end."""
        done, total = sum(self.done.values()), sum(self.epochs.values())
        if not self.before < done < total:
            return ""
        return f"{describe_seconds((total - done) * (time.monotonic() - self.began) / (done - self.before))} left"


def describe_plan(plan: Plan, left: int) -> str:
    """Return in a line how many runs there are and how many are left."""
    runs = len(plan.trained) * len(plan.seeds)
    there = "" if left == runs else f", {runs - left} there already"
    return f"{len(plan.trained)} variants x {len(plan.seeds)} seeds = {runs} runs{there}"


def render_results(results: Results) -> Iterator[RenderableType]:
    """Yield the parts in the order to read them: what was compared, figures, differences, notes."""
    from mien.studies.words import list_notes, name_study

    yield Text.assemble(("What each change brings", "bold"), f"\n{name_study(results)}")
    yield _render_figures(results)
    yield _render_differences(results)
    yield Text("\n".join([*list_notes(results), ""]), style="dim")


def _render_figures(results: Results) -> Table:
    from mien.studies.results import METRICS
    from mien.studies.words import render_figure, render_minutes

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("variant", overflow="fold")
    for heading in ("seeds", *METRICS, "minutes a run"):
        table.add_column(heading, justify="right")
    for row in results.rows:
        figures = (render_figure(row.figures[metric]) for metric in METRICS)
        table.add_row(Text(row.name), str(len(row.seeds)), *figures, render_minutes(row))
    return table


def _render_differences(results: Results) -> Table:
    from mien.studies.words import tell_difference

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("against the base", "", ""):
        table.add_column(heading, overflow="fold")
    for row in results.rows:
        for place, (metric, found) in enumerate(row.differences.items()):
            told = Text(tell_difference(found), style="dim" if found.is_noise else "")
            table.add_row(Text("" if place else row.name), metric, told)
    return table


def tell_epoch(done: int, epochs: int) -> str:
    """Return in words where a run stands.

    >>> tell_epoch(3, 36), tell_epoch(36, 36)
    ('epoch 3/36', 'measuring')
    """
    return f"epoch {done}/{epochs}" if done < epochs else "measuring"
