"""On a machine of a cluster: `find_trouble` says beforehand why it cannot work, `work_alone` does a job in a process.

All machines write into the study's folder and read the data, so both lie in a file system that they share, under the
same path everywhere. Imports nothing heavy: the number of threads has to be set before.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from mien.studies.inside import Ending, see_through
from mien.studies.job import Job
from mien.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What every machine of a study has to see.

    Attributes:
        folder: of the study.
        mark: a file in it that the study has just written.
        paths: data, lists, earlier runs: all that is read.
        version: of mien.
    """

    folder: Path
    mark: Path
    paths: tuple[Path, ...]
    version: str = __version__


def find_trouble(site: Site) -> str | None:
    """Return in words why this machine cannot work there; None where it can."""
    if site.version != __version__:
        return f"has mien {__version__}, and the study mien {site.version}: install the same"
    share = "a study and its data have to lie in a file system that all machines share, under one path"
    unseen = site.folder if not site.mark.exists() else next((path for path in site.paths if not path.exists()), None)
    if unseen is not None:
        return f"does not see {unseen}: {share}"
    return None if os.access(site.folder, os.W_OK) else f"may not write to {site.folder}: {share}"


@final
class Bell:
    """An actor of the cluster that everybody can reach: it keeps who has begun, and rings when all are to stop."""

    def __init__(self) -> None:
        self._rung, self._begun = asyncio.Event(), set[str]()

    async def begin(self, name: str) -> bool:
        """Note that a run begins; return False where it is too late for that."""
        self._begun |= set() if self._rung.is_set() else {name}
        return not self._rung.is_set()

    async def ring(self) -> set[str]:
        """Have all runs save and end; return those that have begun."""
        self._rung.set()
        return self._begun

    async def hear(self) -> None:
        """Return when it rings."""
        await self._rung.wait()


def work_alone(job: Job, threads: int, bell: Any) -> Ending:
    """Train and measure a run in a worker of the cluster, which ends with it; return how it ended.

    Args:
        job: what to do; its paths lead there from any folder.
        threads: for libraries that compute.
        bell: the study's `Bell`.
    """
    import ray

    if not ray.get(bell.begin.remote(job.name)):
        return Ending("not begun")
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)))
    from mien.studies.worker import train_and_measure

    return see_through(train_and_measure, job, lambda: ray.get(bell.hear.remote()))
