"""Show how many are done: a live bar on a terminal, lines elsewhere. In: counts. Out: what a person reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mien.training.progress import QUIET_SECONDS, describe_seconds

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def show_advance(description: str, total: int | None, unit: str, console: Console) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes how many more are done: a bar with rate and time left, or a line now and then.

    Args:
        description: of what is done.
        total: how many there are; None where nobody knows.
        unit: of what is counted, in the plural.
        console: to show it on; other lines may be printed above.
    """
    if total == 1:  # done before anybody reads a bar, which takes a while to bring in
        yield lambda _more: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)  # of a file, which may hold brackets
    columns = (name, BarColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
    began = spoken = time.monotonic()
    done = 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total, text="")

        def advance(more: int) -> None:
            nonlocal done, spoken
            done += more
            rate = done / max(time.monotonic() - began, 1e-9)
            of = "" if total is None else f"/{total:,}"
            text = f"{done:,}{of} {unit}  {rate:,.{0 if rate >= 10 else 1}f}/s"
            progress.update(task, completed=done, text=text)
            if not console.is_terminal and done != total and time.monotonic() - spoken > QUIET_SECONDS:
                spoken = time.monotonic()
                left = "" if total is None else f"  {describe_seconds((total - done) / rate)} left"
                console.print(f"{description}  {text}{left}", soft_wrap=True, markup=False)

        yield advance
