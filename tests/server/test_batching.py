"""Faces of many requests go through the network together, and each request gets its own answer."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import numpy.typing as npt
import pytest

from mien.server.batching import Batcher


def make_crops(*values: int) -> npt.NDArray[np.uint8]:
    """Return faces of 2 x 2 pixels, each of one value."""
    return np.repeat(np.array(values, np.uint8), 4).reshape(-1, 2, 2)


def tell_value(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return each face's value as its one probability."""
    return crops[:, :1, 0].astype(np.float32)


async def ask_all(batcher: Batcher, *orders: npt.NDArray[np.uint8]) -> list[object]:
    """Return what each of several orders, given at once, is answered."""
    running = asyncio.create_task(batcher.run())
    answers = await asyncio.gather(*map(batcher.predict, orders), return_exceptions=True)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return [answer.ravel().tolist() if isinstance(answer, np.ndarray) else answer for answer in answers]


def test_every_order_gets_its_own_answer() -> None:
    """However many faces each brings."""
    batcher = Batcher(tell_value)
    orders = (make_crops(1), make_crops(2, 3, 4), make_crops(5, 6))
    assert [[1.0], [2.0, 3.0, 4.0], [5.0, 6.0]] == asyncio.run(ask_all(batcher, *orders))


def test_what_waits_is_one_batch() -> None:
    """The network is called once for all orders that are there."""
    batches: list[int] = []
    asyncio.run(ask_all(Batcher(tell_value, on_batch=batches.append), *[make_crops(1)] * 5))
    assert [5] == batches


def test_a_batch_stops_growing_at_its_limit() -> None:
    """The rest waits for the next one."""
    batches: list[int] = []
    batcher = Batcher(tell_value, max_faces=4, on_batch=batches.append)
    assert [[1.0], [1.0], [1.0, 2.0, 3.0], [1.0]] == asyncio.run(
        ask_all(batcher, make_crops(1), make_crops(1), make_crops(1, 2, 3), make_crops(1))
    )
    assert [5, 1] == batches


def test_a_failure_of_the_network_reaches_everybody_and_ends_nothing() -> None:
    """The next batch is answered again."""

    def fail_at_zero(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        if not crops.all():
            raise RuntimeError("zero")
        return tell_value(crops)

    batcher = Batcher(fail_at_zero, max_faces=2)
    answers = asyncio.run(ask_all(batcher, make_crops(0), make_crops(1), make_crops(2)))
    assert ["zero", "zero", [2.0]] == [str(answer) if isinstance(answer, Exception) else answer for answer in answers]


@pytest.mark.parametrize("place", ["counting", "joining", "too few rows"])
def test_a_failure_beside_the_network_ends_nothing(place: str, caplog: pytest.LogCaptureFixture) -> None:
    """Those who waited are told, a line goes to the log, and the next batch is answered again."""
    failing = [True]

    def count(faces: int) -> None:
        if place == "counting" and failing.pop():
            raise MemoryError("no room")

    def predict(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return tell_value(crops)[: -1 if place == "too few rows" and failing.pop() else None]

    async def ask_twice() -> list[object]:
        batcher = Batcher(predict, on_batch=count)
        running = asyncio.create_task(batcher.run())
        odd = np.zeros((1, 3, 3), np.uint8) if place == "joining" else make_crops(2)
        first = await asyncio.gather(batcher.predict(make_crops(1)), batcher.predict(odd), return_exceptions=True)
        failing[:] = [False]
        second = (await batcher.predict(make_crops(3))).ravel().tolist()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return [*map(type, first), second]

    error = {"counting": MemoryError, "joining": ValueError, "too few rows": RuntimeError}[place]
    assert [error, error, [3.0]] == asyncio.run(ask_twice())
    assert ["a batch of 2 requests failed"] == [record.message.partition(" (")[0] for record in caplog.records]


def test_who_waits_when_the_server_ends_is_told() -> None:
    """No request hangs on a batch that nobody will finish: neither one in the network nor one behind it."""
    begun, go_on = threading.Event(), threading.Event()

    def predict(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        begun.set()
        go_on.wait(30)
        return tell_value(crops)

    async def end_meanwhile() -> list[str]:
        batcher = Batcher(predict, max_faces=1)
        running = asyncio.create_task(batcher.run())
        waiting = [asyncio.create_task(batcher.predict(make_crops(value))) for value in (1, 2)]
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        running.cancel()
        go_on.set()
        return list(map(str, await asyncio.gather(*waiting, return_exceptions=True)))

    assert ["the server ends"] * 2 == asyncio.run(asyncio.wait_for(end_meanwhile(), 240))


def test_an_order_that_was_given_up_disturbs_no_other() -> None:
    """A client may go away while it waits."""

    async def give_one_up() -> list[float]:
        batcher = Batcher(tell_value)
        leaving = asyncio.create_task(batcher.predict(make_crops(1)))
        staying = asyncio.create_task(batcher.predict(make_crops(2)))
        await asyncio.sleep(0)
        leaving.cancel()
        running = asyncio.create_task(batcher.run())
        answer: list[float] = (await staying).ravel().tolist()
        running.cancel()
        return answer

    assert [2.0] == asyncio.run(give_one_up())


@pytest.mark.parametrize("clients", [1, 16])
def test_answers_are_the_same_alone_and_together(clients: int) -> None:
    """Nobody's faces end up with another's."""
    orders = [make_crops(*range(client, client + client % 3 + 1)) for client in range(clients)]
    expected = [tell_value(crops).ravel().tolist() for crops in orders]
    assert expected == asyncio.run(ask_all(Batcher(tell_value, max_faces=7), *orders))
