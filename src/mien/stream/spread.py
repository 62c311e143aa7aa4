"""Recognise files on several machines through Ray Data. In: paths that all can read. Out: what one process gives.

Ray starts the workers, hands out the work and does again what a worker that died had; this process writes the results.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Generator, Iterable, Mapping
from dataclasses import asdict
from importlib import import_module
from typing import Any, final

from mien.errors import MienError, MissingExtraError
from mien.recognition import Recogniser
from mien.stream.cluster import connect_ray
from mien.stream.pictures import BATCH_FILES, Look, Outcome, name_files, prepare_file

FILES_A_TASK = 1024
"""A worker gets so many at a time: enough that handing out costs nothing, few enough to do again after a death."""


@final
class Worker:
    """What each worker holds: a recogniser. Ray makes one in each of its processes."""

    def __init__(self, how: Mapping[str, Any], look: Look, folder: str) -> None:
        os.chdir(folder)  # names mean there what they mean here
        self._recogniser = Recogniser(**how, threads=1)
        self._look = look

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outcome of each file of a batch, as JSON."""
        prepared = [prepare_file(self._recogniser, str(file), self._look) for file in batch["file"]]
        outcomes = name_files(self._recogniser, prepared, self._look)
        return {"outcome": [json.dumps(asdict(outcome)) for outcome in outcomes]}


def spread_files(
    files: Iterable[str],
    look: Look,
    *,
    how: Mapping[str, Any],
    workers: int,
) -> Generator[list[Outcome], None, None]:
    """Yield what became of the files, some at a time, in their order.

    Args:
        files: paths that every machine can read.
        look: how to look.
        how: what a `Recogniser` is made of; every machine has to be able to read its run, too.
        workers: processes, one core each.

    Raises:
        MissingExtraError: Ray is not installed.
        MienError: there is no cluster, or Ray gives up.
    """
    ray = _start_ray()
    import pyarrow

    names = list(files)
    tables = [pyarrow.table({"file": names[at : at + FILES_A_TASK]}) for at in range(0, len(names), FILES_A_TASK)]
    if not tables:
        return
    arguments = {"how": how, "look": look, "folder": os.getcwd()}  # noqa: PTH109
    outcomes = ray.data.from_arrow(tables).map_batches(
        Worker,
        fn_constructor_kwargs=arguments,
        batch_size=BATCH_FILES,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
    )
    try:
        for batch in outcomes.iter_batches(batch_size=FILES_A_TASK, batch_format="pyarrow"):
            yield [Outcome(**json.loads(text.as_py())) for text in batch["outcome"]]
    except ray.exceptions.RayError as error:
        raise MienError(f"`engine` ray: {str(error).strip().splitlines()[-1]}") from error


def _start_ray() -> Any:
    """Return ray, connected to a cluster, with its part for data set up."""
    ray, _ = connect_ray()
    try:
        import_module("ray.data")
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "ray", "ray") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    return ray
