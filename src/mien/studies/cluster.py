"""Train the runs of a study on a Ray cluster. In: jobs. Out: what `Executor` gives, each run in a worker of its own.

Ray finds the place for a run and says when its worker died; the run then goes on elsewhere, from its checkpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final
from uuid import uuid4

from mien.data.loading import SYNTHETIC
from mien.data.prepare import resolve_files
from mien.errors import ConfigError, MienError
from mien.recipes.schema import Recipe
from mien.runs.run import BUNDLED
from mien.stream.cluster import connect_ray
from mien.studies.executor import RunFailed
from mien.studies.inside import Ending
from mien.studies.job import Job
from mien.studies.jobs import look_again
from mien.studies.machine import Bell, Site, find_trouble, work_alone
from mien.training.teachers import name_teachers, resolve_runs
from mien.version import __version__

MOST_DEATHS = 3
"""A run whose worker died so often without one more epoch in between has failed: it would die for ever."""

LOOK_SECONDS = 120.0
"""How long a machine may take to say whether it sees the study's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What of a cluster each run takes.

    Attributes:
        cpus: cores, as many threads.
        gpus: GPUs, or a part of one; None: one where the cluster has any and the device may be one.
    """

    cpus: int = 1
    gpus: float | None = None


@final
class Cluster:
    """Trains each job in a process of its own on a machine of a Ray cluster (see `connect_ray` for which).

    A worker that dies takes no other along, and what it did goes on in another one.
    """

    def __init__(self, jobs: Sequence[Job], folder: Path, *, workers: int | None, share: Share) -> None:
        """Connect, and see whether every machine can work.

        Args:
            jobs: what is to be done.
            folder: of the study.
            workers: runs at a time; None: as many as the cluster has room for.
            share: what each run takes.

        Raises:
            MissingExtraError: Ray is not installed.
            MienError: there is no cluster, or a machine of it does not see the folder or the data.
            ConfigError: no machine has so much as a run is to take.
        """
        self._ray, self._owns = connect_ray()
        self._stopped = False
        try:
            self._options = _find_options(self._ray, share, {job.device for job in jobs})
            self.workers = workers or _count_room(self._ray, self._options)
            _check_machines(self._ray, self._options, folder, [settle(job) for job in jobs])
            bell = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}
            self._bell = self._ray.remote(**bell)(Bell).remote()
        except BaseException:
            self._leave()
            raise
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="study")
        self._under_way: dict[str, Any] = {}
        self._lock = threading.Lock()

    def submit(self, job: Job) -> Future[None]:
        """Give the job to the cluster as soon as one of the workers is free."""
        return self._pool.submit(self._see_through, settle(job))

    def stop(self) -> None:
        """Ask every run to save and end; those that wait for a place are taken back."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            waiting = dict(self._under_way)
        with suppress(self._ray.exceptions.RayError):  # the cluster is gone, and so are the runs
            begun = self._ray.get(self._bell.ring.remote())
            for name in waiting.keys() - begun:
                self._ray.cancel(waiting[name])

    def close(self) -> None:
        """Kill what is left."""
        self._stopped = True
        for under_way in list(self._under_way.values()):
            with suppress(self._ray.exceptions.RayError):
                self._ray.cancel(under_way, force=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._leave()

    def _leave(self) -> None:
        if self._owns:
            self._ray.shutdown()

    def _see_through(self, job: Job) -> None:
        """Have a job done, by several workers if they die; raise `RunFailed` unless it ends well."""
        deaths = 0
        while not job.is_done:
            before = job.count_epochs()
            ending = self._try(job)
            if ending == Ending():
                return
            if ending is not None or self._stopped:
                raise RunFailed((ending and ending.reason) or "stopped")
            deaths = 1 if job.count_epochs() > before else deaths + 1
            if deaths == MOST_DEATHS:
                raise RunFailed(f"its worker died {deaths} times without an epoch in between (out of memory?)")
            with suppress(OSError), job.log.open("a", encoding="utf-8") as log:
                log.write("mien: the worker of this run died: another one goes on\n")
            job = look_again(job)

    def _try(self, job: Job) -> Ending | None:
        """Have a worker do the job; return how it ended, None if it is gone without a word."""
        died = self._ray.exceptions
        deaths = (died.WorkerCrashedError, died.NodeDiedError, died.LocalRayletDiedError, died.OutOfMemoryError)
        with self._lock:
            if self._stopped:
                raise RunFailed("not begun")
            task = self._ray.remote(**self._options, max_calls=1, max_retries=0)(work_alone)
            self._under_way[job.name] = task.remote(job, self._options["num_cpus"], self._bell)
        try:
            ending: Ending = self._ray.get(self._under_way[job.name])
        except deaths:
            return None
        except died.RayError as error:
            raise RunFailed(_tell(error)) from error
        finally:
            with self._lock:
                del self._under_way[job.name]
        return ending


def settle(job: Job) -> Job:
    """Return the job with paths that lead there from any folder."""
    recipe = resolve_runs(replace(job.recipe, data=resolve_files(job.recipe.data)))
    data = job.data if job.data in (SYNTHETIC, "") else str(Path(job.data).expanduser().resolve())
    return replace(job, run=job.run.resolve(), log=job.log.resolve(), data=data, recipe=recipe)


def list_paths(job: Job) -> Iterator[Path]:
    """Yield what a settled job reads."""
    recipe: Recipe = job.recipe
    named = [job.data, recipe.data.only, recipe.data.votes, recipe.train.start_from, *name_teachers(recipe)]
    yield from (Path(name) for name in named if name not in (None, "", SYNTHETIC, BUNDLED))


def _find_options(ray: Any, share: Share, devices: set[str]) -> dict[str, Any]:
    """Return what Ray is to set aside for a run.

    Raises:
        ConfigError: no machine has as much.
    """
    machines = [machine["Resources"] for machine in _list_machines(ray)]
    gpus = share.gpus
    if gpus is None:
        gpus = float(bool(devices & {"auto", "cuda"}) and any(machine.get("GPU") for machine in machines))
    for name, kind, wanted in (("cpus", "CPU", share.cpus), ("gpus", "GPU", gpus)):
        most = max(machine.get(kind, 0) for machine in machines)
        if wanted > most:
            raise ConfigError(f"`{name}` {wanted:g}: no machine of the cluster has more than {most:g}")
    return {"num_cpus": share.cpus, "num_gpus": gpus}


def _count_room(ray: Any, options: dict[str, Any]) -> int:
    """Return how many runs the cluster has room for at a time, at least one."""
    wanted = [(kind, options[name]) for kind, name in (("CPU", "num_cpus"), ("GPU", "num_gpus")) if options[name]]
    rooms = (
        min(int(machine["Resources"].get(kind, 0) // part) for kind, part in wanted) for machine in _list_machines(ray)
    )
    return max(1, sum(rooms))


def _list_machines(ray: Any) -> list[dict[str, Any]]:
    return [machine for machine in ray.nodes() if machine["Alive"]]


def _check_machines(ray: Any, options: dict[str, Any], folder: Path, jobs: list[Job]) -> None:
    """Raise MienError where a machine that may get runs does not see the study or its data."""
    mark = folder.resolve() / f".seen-{uuid4().hex}"
    site = Site(folder=folder.resolve(), mark=mark, paths=tuple({path for job in jobs for path in list_paths(job)}))
    fitting = [one for one in _list_machines(ray) if one["Resources"].get("CPU", 0) >= options["num_cpus"]]
    mark.touch()
    try:
        for machine, answer in [(machine, _ask(ray, machine, site)) for machine in fitting]:
            trouble = _hear(ray, answer)
            if trouble is not None:
                raise MienError(f"`engine` ray: {machine['NodeManagerAddress']} {trouble}")
    finally:
        mark.unlink(missing_ok=True)


def _ask(ray: Any, machine: dict[str, Any], site: Site) -> Any:
    where = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(machine["NodeID"], soft=False)
    return ray.remote(num_cpus=0, scheduling_strategy=where)(find_trouble).remote(site)


def _hear(ray: Any, answer: Any) -> str | None:
    try:
        trouble: str | None = ray.get(answer, timeout=LOOK_SECONDS)
    except ray.exceptions.GetTimeoutError:
        return f"does not answer within {LOOK_SECONDS:.0f} seconds"
    except ray.exceptions.RayError as error:
        return f"cannot run mien {__version__} ({_tell(error)}): install it there"
    return trouble


def _tell(error: Exception) -> str:
    """Return the line of an error of Ray that says most: the last one."""
    return next(reversed(str(error).strip().splitlines()), type(error).__name__)
