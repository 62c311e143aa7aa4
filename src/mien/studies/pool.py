"""See several runs through. In: jobs and an executor. Out: those that failed, each with its own line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass

from mien.errors import MienError
from mien.studies.executor import Executor
from mien.studies.job import Job

LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that ended badly: its name, and why in one line."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who wants to know: called with all jobs first, at the start and the end of each, and often in between."""

    on_plan: Callable[[Sequence[Job]], None] = lambda _: None
    on_start: Callable[[Job], None] = lambda _: None
    on_look: Callable[[Sequence[Job]], None] = lambda _: None
    on_end: Callable[[Job, Failure | None], None] = lambda *_: None


def run_jobs(
    jobs: Sequence[Job],
    executor: Executor,
    *,
    workers: int,
    watcher: Watcher | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Failure]:
    """Have every job done, `workers` at a time, and return the failures in the order in which they happened.

    Nothing is left behind: when this ends, by an error or Ctrl-C too, so has every job.

    Args:
        jobs: what to do, in this order.
        executor: who does it; it is closed at the end.
        workers: jobs under way at a time.
        watcher: progress.
        should_stop: once True, no job is begun, and those under way save and end; they are no failures.
    """
    watcher, waiting, under_way = watcher or Watcher(), deque(jobs), dict[Future[None], Job]()
    failures = list[Failure]()
    try:
        while under_way or (waiting and not should_stop()):
            while waiting and len(under_way) < workers and not should_stop():
                job = waiting.popleft()
                under_way[executor.submit(job)] = job
                watcher.on_start(job)
            done, _ = wait(under_way, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            watcher.on_look(list(under_way.values()))
            for future in done:
                job = under_way.pop(future)
                failure = _find_failure(job, future)
                if failure is None or not should_stop():
                    watcher.on_end(job, failure)
                    failures += [failure] if failure else []
            if should_stop():
                executor.stop()
    finally:  # Ctrl-C once more, or an error here
        executor.close()
    return failures


def _find_failure(job: Job, future: Future[None]) -> Failure | None:
    try:
        future.result()
    except (MienError, CancelledError) as error:
        return Failure(name=job.name, reason=str(error) or "not begun")
    return None
