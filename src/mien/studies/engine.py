"""Where a study's runs are trained, as a user says it: `Engine`; `start_executor` makes an `Executor` of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import ConfigError, demand
from mien.hints import suggest
from mien.studies.executor import Executor, Processes
from mien.studies.job import Job
from mien.studies.worker import train_and_measure

ENGINES = ("local", "ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where runs are trained, how many at a time, and what each takes.

    Attributes:
        name: "local", processes of this machine, or "ray", the machines of a Ray cluster.
        workers: runs at a time; None: one here, on a cluster as many as it has room for.
        cpus: cores of each run on a cluster; None: one. Here the workers share the cores.
        gpus: GPUs of each run on a cluster, or a part of one; None: one where it has any and the device may be one.

    Raises:
        ConfigError: no such engine, or nothing for it.
        MissingExtraError: its package is not installed.
    """

    name: str = "local"
    workers: int | None = None
    cpus: int | None = None
    gpus: float | None = None

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise ConfigError(f"`engine` {self.name}: expected {' or '.join(ENGINES)}{suggest(self.name, ENGINES)}")
        limits = (("workers", self.workers, 1), ("cpus", self.cpus, 1), ("gpus", self.gpus, 0))
        for name, value, least in limits:
            if value is not None and value < least:
                raise ConfigError(f"`{name}` {value}: expected at least {least}")
            if value is not None and self.name == "local" and name != "workers":
                raise ConfigError(
                    f"`{name}` {value:g}: for `engine` ray alone: on this machine the runs share the cores"
                )
        if self.name == "ray":
            demand("ray", extra="ray")


def start_executor(engine: Engine, jobs: Sequence[Job], folder: Path, lock: int | None) -> tuple[Executor, int]:
    """Return who trains the jobs, and how many at a time.

    Args:
        engine: where.
        jobs: what is left of the study.
        folder: of the study.
        lock: see `Processes`.

    Raises:
        MienError: there is no cluster, or it cannot do this study.
    """
    if engine.name == "ray" and jobs:
        from mien.studies.cluster import Cluster, Share

        share = Share(cpus=engine.cpus or 1, gpus=engine.gpus)
        cluster = Cluster(jobs, folder, workers=engine.workers, share=share)
        return cluster, cluster.workers
    workers = engine.workers or 1
    return Processes(min(workers, max(1, len(jobs))), work=train_and_measure, lock=lock), workers
