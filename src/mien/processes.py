"""Which of several processes this one is. In: what a launcher (torchrun, `accelerate launch`, MPI) set. Out: numbers.

A process that nobody launched in company is number 0 of 1. Imports nothing heavy.
"""

from __future__ import annotations

import os

INDEX = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
LOCAL_INDEX = ("LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK")
COUNT = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Environment variables, in the order in which Accelerate believes them."""


def count_processes() -> int:
    """Return how many processes train together."""
    return _read_first(COUNT, 1)


def is_main_process() -> bool:
    """Return whether this is the process that writes files and shows progress."""
    return _read_first(INDEX, 0) == 0


def is_first_of_machine() -> bool:
    """Return whether this is the process that tells of errors: one on each machine."""
    return _read_first(LOCAL_INDEX, 0) == 0


def was_left_alone() -> bool:
    """Return whether `accelerate launch --cpu --num_processes N` was asked for company and started one process only.

    It leaves the starting of processes on CPUs to MPI, but sets the address where they would meet.
    """
    wanted = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes") and "MASTER_ADDR" in os.environ
    return wanted and not any(name in os.environ for name in INDEX)


def _read_first(names: tuple[str, ...], default: int) -> int:
    return next((int(os.environ[name]) for name in names if os.environ.get(name, "").isdigit()), default)
