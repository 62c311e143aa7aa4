"""Collectives for data-parallel training: broadcast, all-reduce, shard, gather, and errors that all processes share.

In: a value or a piece of work of each process. Out: the same value, or the same error, in all. One process alone pays
nothing. Call each function in every process, in the same order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from torch import distributed

from mien.errors import LostProcessError, MienError, RunError

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others before it gives up; torch's own 30 minutes waste a machine's time."""

SECONDS_TO_LET_GO = 0.2
"""How long Python is left to the threads of the exchanges before a process ends; see dev/LOG.md."""

SIGNS_OF_LOSS = ("gloo", "connection closed", "connection reset", "timed out", "broken pipe")
"""Words of the plain RuntimeError with which gloo reports that a process is gone."""

T = TypeVar("T")


def ask_main(accelerator: Accelerator, work: Callable[[], T]) -> T:
    """Return, in every process, what `work` returns in the main one; an error that it raises there is raised in all."""
    if accelerator.num_processes == 1:
        return work()
    answer: list[tuple[T | None, MienError | None]] = [(None, None)]
    if accelerator.is_main_process:
        answer = [_try(work)]
    broadcast_object_list(answer)
    return _open(answer[0])


def work_in_turns(accelerator: Accelerator, work: Callable[[], T]) -> T:
    """Return what `work` returns in this process; one process of each machine goes first and leaves its cache behind.

    Raises:
        MienError: the first error of any process, in all of them.
    """
    if accelerator.num_processes == 1:
        return work()
    answer: tuple[T | None, MienError | None] = (None, None)
    for turn in (True, False):
        if accelerator.is_local_main_process == turn:
            answer = _try(work)
        errors = gather_object([answer[1]])
        _open(next(((None, error) for error in errors if error), (None, None)))
    return _open(answer)


def agree(accelerator: Accelerator, asked: bool) -> bool:
    """Return whether any process says yes."""
    if accelerator.num_processes == 1:
        return asked
    flag = torch.tensor(float(asked), device=accelerator.device)
    distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
    return bool(flag)


def mean_over_processes(accelerator: Accelerator, figures: torch.Tensor) -> torch.Tensor:
    """Return the mean of `figures` over the processes: the same bits in each."""
    if accelerator.num_processes == 1:
        return figures
    distributed.all_reduce(figures)
    mean: torch.Tensor = figures / accelerator.num_processes
    return mean


def deal(accelerator: Accelerator, count: int) -> npt.NDArray[np.int64]:
    """Return the indices below `count` that are this process's part: equally many for each, some of them twice.

    `collect` puts the answers to them together again.
    """
    processes = accelerator.num_processes
    return np.arange(accelerator.process_index, -(-count // processes) * processes, processes) % count


def collect(accelerator: Accelerator, rows: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """Return (count, K): the rows (M, K) that each process made for its part of `deal`, in order, in every process."""
    if accelerator.num_processes == 1:
        return rows
    gathered = accelerator.gather(torch.from_numpy(rows).to(accelerator.device))
    parts = gathered.view(accelerator.num_processes, *rows.shape).transpose(0, 1)
    whole: npt.NDArray[np.float32] = parts.reshape(-1, rows.shape[1])[:count].cpu().numpy()
    return whole


@contextmanager
def notice_loss(accelerator: Accelerator, advise: Callable[[], str]) -> Iterator[None]:
    """Raise LostProcessError, with what `advise` says, where the block fails because another process is gone."""
    try:
        yield
    except RuntimeError as error:
        lost = isinstance(error, distributed.DistError) or any(sign in str(error).lower() for sign in SIGNS_OF_LOSS)
        if accelerator.num_processes == 1 or not lost:
            raise
        who = f"process {accelerator.process_index} of {accelerator.num_processes}"
        raise LostProcessError(f"{who}: another process has ended or does not answer; {advise()}") from error


def leave_the_others() -> None:
    """Say goodbye at the end of a training: a process that leaves without it is complained about.

    Gloo's threads give up the tensors of their last exchange after they have answered, and need Python for that; one
    that does so while Python is being taken apart aborts its process. DDP keeps them alive, so none can be joined.
    """
    if distributed.is_available() and distributed.is_initialized():
        time.sleep(SECONDS_TO_LET_GO)
        distributed.destroy_process_group()


def _try(work: Callable[[], T]) -> tuple[T | None, MienError | None]:
    try:
        return work(), None
    except MienError as error:
        return None, RunError(str(error))  # a plain one: it has to travel


def _open(answer: tuple[T | None, MienError | None]) -> T:
    value, error = answer
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
