"""From bytes to faces, for many requests at once. In: uploads. Out: answers.

Decoding and looking for faces run in a few threads, a picture each; the faces of all requests meet in the `Batcher`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt
from fastapi import HTTPException

from mien.errors import ConfigError, DataError, NotAPictureError, TooLargeError
from mien.recognition import Box, Recogniser
from mien.recognition.answers import Answers
from mien.recognition.layout import UNREADABLE
from mien.server.answers import FaceAnswer, PictureAnswer, Timings
from mien.server.batching import Batcher
from mien.server.limits import Backlog
from mien.server.meters import Meters
from mien.server.uploads import Upload

NO_ANSWERS = Answers(probabilities=np.empty((0, 0), np.float32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A decoded picture's faces, cut out."""

    width: int
    height: int
    boxes: Sequence[Box | None]
    crops: npt.NDArray[np.uint8]
    remarks: list[str]
    read_seconds: float
    find_seconds: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Recognises uploads with `recogniser`; `threads` decode and find, `backlog` counts theirs, `batcher` names."""

    recogniser: Recogniser
    threads: Executor
    backlog: Backlog
    batcher: Batcher[Answers]
    meters: Meters
    max_pixels: int

    async def recognise(self, upload: Upload, *, detect: bool, prior: str | None = None) -> PictureAnswer:
        """Return what one picture shows, at the base rates of `prior`; None: at those of the server.

        Raises:
            HTTPException: 413 for too many pixels, 415 for what is no picture, 422 for a broken one.
        """
        loop = asyncio.get_running_loop()
        with self.backlog.hold():
            found = await loop.run_in_executor(self.threads, self._find, upload, detect)
        self.backlog.note(found.read_seconds + found.find_seconds)
        start = time.perf_counter()
        answers = await self.batcher.predict(found.crops) if len(found.crops) else NO_ANSWERS
        rates = None
        if prior is not None and len(answers):
            shifted, rates = self.recogniser.shift(answers.probabilities, prior)
            answers = replace(answers, probabilities=shifted)
        recognise_seconds = time.perf_counter() - start
        faces = self.recogniser.name(found.boxes, answers, found.crops, rates=rates)
        seconds = Timings(read=found.read_seconds, find=found.find_seconds, recognise=recognise_seconds)
        self.meters.note_picture([face.expression or UNREADABLE for face in faces], seconds.model_dump())
        return PictureAnswer(
            name=upload.name,
            width=found.width,
            height=found.height,
            faces=[FaceAnswer(**face.to_dict()) for face in faces],
            remarks=found.remarks,
            seconds=seconds,
        )

    async def warm_up(self) -> None:
        """Load what is loaded at first use, so that the first request is as fast as the others."""
        blank = np.zeros((self.recogniser.size, self.recogniser.size, 3), np.uint8)
        await asyncio.get_running_loop().run_in_executor(self.threads, self.recogniser.find, blank)
        await self.batcher.predict(blank[None, :, :, 0])

    def _find(self, upload: Upload, detect: bool) -> Found:
        start, remarks = time.perf_counter(), list[str]()
        try:
            picture = self.recogniser.read(
                upload.data, max_pixels=self.max_pixels, where=upload.name, on_remark=remarks.append
            )
            decoded = time.perf_counter()
            boxes, crops = self.recogniser.look(picture, detect=detect)
        except DataError as error:
            raise refuse_picture(error) from error
        return Found(
            width=picture.width,
            height=picture.height,
            boxes=boxes,
            crops=crops,
            remarks=remarks,
            read_seconds=decoded - start,
            find_seconds=time.perf_counter() - decoded,
        )


async def recognise_all(
    pipeline: Pipeline, uploads: Sequence[Upload], *, detect: bool, prior: str | None = None
) -> list[PictureAnswer]:
    """Return what each picture shows, in their order; the first that cannot be read ends them all.

    A request has no more pictures in the queue than there are threads, so that others need not wait for all of them.

    Raises:
        HTTPException: as `Pipeline.recognise`, 422 for an impossible prior, or 503 where they would wait too long.
    """
    if prior is not None:
        try:
            pipeline.recogniser.shift(np.empty((0, len(pipeline.recogniser.expressions)), np.float32), prior)
        except ConfigError as error:
            raise HTTPException(422, str(error)) from error
    pipeline.backlog.check()
    places = asyncio.Semaphore(pipeline.backlog.threads)

    async def recognise(upload: Upload) -> PictureAnswer:
        async with places:
            return await pipeline.recognise(upload, detect=detect, prior=prior)

    tasks = [asyncio.ensure_future(recognise(upload)) for upload in uploads]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def refuse_picture(error: DataError) -> HTTPException:
    """Return the refusal of a picture that cannot be read.

    >>> refuse_picture(NotAPictureError("notes.jpg", "expected a picture, found 23 bytes that are none")).status_code
    415
    """
    if isinstance(error, TooLargeError):
        return HTTPException(413, str(error))
    return HTTPException(415 if isinstance(error, NotAPictureError) else 422, str(error))
