"""Batches across clients. In: the faces of many requests at once. Out: what is said of them, each to its own request.

One thread owns the network. While it works, faces queue up, and all that wait are its next batch: no request is
held back to fill one.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, final

import numpy as np
import numpy.typing as npt

Crops: TypeAlias = npt.NDArray[np.uint8]

CORES_A_THREAD = 8
"""Naming a face takes a twentieth of finding it, so the network is given few of the cores. With one thread for each, a
scene cost 25 ms of processors instead of 16 on two cores: they waited for each other where pictures were to be read."""


class Rows(Protocol):
    """What is said of some faces: a part of it is said of a part of them."""

    def __len__(self) -> int:
        """Return of how many."""
        ...

    def __getitem__(self, part: slice, /) -> Any:
        """Return what is said of a part of them."""
        ...


Said = TypeVar("Said", bound=Rows)
_LOG = logging.getLogger("mien.server")

MAX_FACES = 256
"""Of one batch: larger ones are no faster, and those who wait would wait longer."""


def count_network_threads(cores: int | None = None) -> int:
    """Return how many threads the network of a server should have: one for eight cores, at least one.

    >>> count_network_threads(2), count_network_threads(64)
    (1, 8)
    """
    return max(1, (cores or os.cpu_count() or 1) // CORES_A_THREAD)


@final
class Batcher(Generic[Said]):
    """Calls `predict` with the faces of all that wait."""

    def __init__(
        self,
        predict: Callable[[Crops], Said],
        *,
        max_faces: int = MAX_FACES,
        on_batch: Callable[[int], None] = lambda faces: None,
    ) -> None:
        self._predict = predict
        self._max_faces = max_faces
        self._on_batch = on_batch
        self._orders: asyncio.Queue[tuple[Crops, asyncio.Future[Said]]] = asyncio.Queue()

    async def predict(self, crops: Crops) -> Said:
        """Return N rows for uint8 (N, H, W), N at least 1, computed together with whatever else is waiting."""
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        await self._orders.put((crops, answer))
        return await answer

    async def run(self) -> None:
        """Serve the orders until cancelled; a batch that fails is told to those who wait for it, and to nobody else."""
        orders: list[tuple[Crops, asyncio.Future[Said]]] = []
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="network") as thread:
                while True:
                    orders = [await self._orders.get()]
                    self._add_waiting(orders, self._max_faces)
                    try:
                        await self._serve(orders, thread)
                    except Exception as error:  # too little memory for the batch, say
                        _LOG.error("a batch of %d requests failed (%s: %s)", len(orders), type(error).__name__, error)
                        _tell_failure(orders, error)
        finally:
            self._add_waiting(orders, None)
            _tell_failure(orders, RuntimeError("the server ends"))

    def _add_waiting(self, orders: list[tuple[Crops, asyncio.Future[Said]]], max_faces: int | None) -> None:
        while not self._orders.empty() and (max_faces is None or sum(len(crops) for crops, _ in orders) < max_faces):
            orders.append(self._orders.get_nowait())

    async def _serve(self, orders: list[tuple[Crops, asyncio.Future[Said]]], thread: ThreadPoolExecutor) -> None:
        counts = [len(crops) for crops, _ in orders]
        joined = np.concatenate([crops for crops, _ in orders])
        self._on_batch(len(joined))
        done = asyncio.get_running_loop().run_in_executor(thread, self._predict, joined)
        await asyncio.wait([done])
        error = done.exception()
        if error is not None and not isinstance(error, Exception):
            raise RuntimeError(f"the network ended with {type(error).__name__}") from error
        said = done.result()
        if len(said) != len(joined):
            raise RuntimeError(f"expected {len(joined)} rows of probabilities, found {len(said)}")
        parts = [said[start:end] for start, end in pairwise(accumulate(counts, initial=0))]
        for (_, answer), part in zip(orders, parts, strict=True):
            if not answer.done():  # otherwise whoever asked went away
                answer.set_result(part)


def _tell_failure(orders: Iterable[tuple[Crops, asyncio.Future[Any]]], error: Exception) -> None:
    for _, answer in orders:
        if not answer.done():
            answer.set_exception(error)
