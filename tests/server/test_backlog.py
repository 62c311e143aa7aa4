"""A picture that would wait too long is refused at once, and a request of many pictures does not fill the queue."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from fastapi import HTTPException
from serving import draw_noise, encode

from mien import Recogniser
from mien.recognition import Box
from mien.server.batching import Batcher
from mien.server.limits import Backlog
from mien.server.meters import Meters
from mien.server.pipeline import Pipeline, recognise_all
from mien.server.uploads import Upload
from tiny_network import write_network

UPLOAD = Upload("noise.png", encode(draw_noise()))


class Slow:
    """A detector that waits until it may go on, and notes how many pictures came."""

    def __init__(self) -> None:
        self.go_on, self.begun = threading.Event(), threading.Semaphore(0)
        self.order: list[int] = []

    def __call__(self, picture: np.ndarray) -> list[Box]:
        """Wait, then find nothing."""
        self.begun.release()
        self.go_on.wait(30)
        self.order.append(picture.shape[0])
        return []


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Slow, Pipeline]]:
    """Yield a detector and a pipeline with it, one thread, and a second as the limit."""
    detector = Slow()
    recogniser = Recogniser(write_network(tmp_path / "tiny.onnx"), detector=detector)
    with ThreadPoolExecutor(1) as pool:
        yield (
            detector,
            Pipeline(
                recogniser=recogniser,
                threads=pool,
                backlog=Backlog(1, 1.0),
                batcher=Batcher(recogniser.predict),
                meters=Meters(lambda: 0),
                max_pixels=1 << 20,
            ),
        )
        detector.go_on.set()


def test_a_free_thread_means_no_wait() -> None:
    """However long pictures take; each one beyond the threads adds its share."""
    backlog = Backlog(2, 1.0)
    backlog.note(3.0)
    waits = [backlog.tell_wait()]
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(backlog.hold())
            waits.append(backlog.tell_wait())
        assert backlog.is_full()
    assert [0.0, 0.0, 1.5, 3.0] == waits
    assert not backlog.is_full()


def test_the_time_of_a_picture_is_a_moving_average() -> None:
    """The first counts whole, the next a tenth."""
    backlog = Backlog(1, 1.0)
    backlog.note(1.0)
    backlog.note(2.0)
    with backlog.hold():
        assert backlog.tell_wait() == pytest.approx(1.1)


def test_who_would_wait_too_long_is_refused_and_told_when_to_come_back(slow: tuple[Slow, Pipeline]) -> None:
    """At once, and not again when the thread is free."""
    detector, pipeline = slow
    pipeline.backlog.note(2.5)

    async def ask_three_times() -> tuple[HTTPException, int]:
        first = asyncio.create_task(recognise_all(pipeline, [UPLOAD], detect=True))
        await asyncio.get_running_loop().run_in_executor(None, detector.begun.acquire)
        with pytest.raises(HTTPException) as refused:
            await recognise_all(pipeline, [UPLOAD], detect=True)
        detector.go_on.set()
        await first
        return refused.value, len(await recognise_all(pipeline, [UPLOAD], detect=True))

    error, later = asyncio.run(ask_three_times())
    assert (503, {"Retry-After": "3"}, 1) == (error.status_code, error.headers, later)
    assert "a picture would wait 3 seconds now, at most 1 are accepted: try again" == error.detail


def test_one_picture_does_not_wait_for_all_of_a_form(slow: tuple[Slow, Pipeline]) -> None:
    """It comes after the one that is worked on, and another one at most."""
    detector, pipeline = slow

    async def ask_together() -> None:
        many = asyncio.create_task(recognise_all(pipeline, [UPLOAD] * 5, detect=True))
        await asyncio.get_running_loop().run_in_executor(None, detector.begun.acquire)
        single = Upload("single.png", encode(draw_noise(side=50)))
        one = asyncio.create_task(recognise_all(pipeline, [single], detect=True))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        detector.go_on.set()
        await asyncio.gather(many, one)

    asyncio.run(ask_together())
    assert 50 in detector.order[:3]
    assert 6 == len(detector.order)
