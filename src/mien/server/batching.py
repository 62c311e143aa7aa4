"""Batches across clients. In: the faces of many requests at once. Out: their probabilities, each to its own request.

One thread owns the network. While it works, faces queue up, and all that wait are its next batch: no request is
held back to fill one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

Crops: TypeAlias = npt.NDArray[np.uint8]
Probabilities: TypeAlias = npt.NDArray[np.float32]
_Order: TypeAlias = "tuple[Crops, asyncio.Future[Probabilities]]"

MAX_FACES = 256
"""Of one batch: larger ones are no faster, and those who wait would wait longer."""


@final
class Batcher:
    """Calls `predict` with the faces of all that wait."""

    def __init__(
        self,
        predict: Callable[[Crops], Probabilities],
        *,
        max_faces: int = MAX_FACES,
        on_batch: Callable[[int], None] = lambda faces: None,
    ) -> None:
        self._predict = predict
        self._max_faces = max_faces
        self._on_batch = on_batch
        self._orders: asyncio.Queue[_Order] = asyncio.Queue()

    async def predict(self, crops: Crops) -> Probabilities:
        """Return float32 (N, K) for uint8 (N, H, W), N at least 1, computed together with whatever else is waiting."""
        answer: asyncio.Future[Probabilities] = asyncio.get_running_loop().create_future()
        await self._orders.put((crops, answer))
        return await answer

    async def run(self) -> None:
        """Serve the orders until cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="network") as thread:
            while True:
                orders = [await self._orders.get()]
                while not self._orders.empty() and sum(len(crops) for crops, _ in orders) < self._max_faces:
                    orders.append(self._orders.get_nowait())
                joined = np.concatenate([crops for crops, _ in orders])
                self._on_batch(len(joined))
                done = loop.run_in_executor(thread, self._predict, joined)
                await asyncio.wait([done])
                _hand_out(orders, done)


def _hand_out(orders: list[_Order], done: asyncio.Future[Probabilities]) -> None:
    error = done.exception()
    if error is not None:
        parts: list[Probabilities] = []
    else:
        parts = np.split(done.result(), np.cumsum([len(crops) for crops, _ in orders])[:-1])
    for index, (_, answer) in enumerate(orders):
        if answer.done():  # whoever asked went away
            continue
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(parts[index])
