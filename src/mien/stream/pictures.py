"""Recognise files of pictures. In: paths, any number. Out: an `Outcome` a file, in order, a batch at a time.

Reading, finding and cutting happen in threads, naming in batches; of each picture only the cut faces are kept.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from mien.errors import DataError, RunError
from mien.files import make_folder, write_aside
from mien.recognition import Recogniser
from mien.recognition.draw import draw_on
from mien.recognition.face import Box, Face
from mien.recognition.inputs import is_address
from mien.recognition.pictures import read_whole
from mien.stream.rows import Row, make_rows

BATCH_FILES = 32
BATCHES_AHEAD = 2
"""While one batch is named, the next ones are read: their cut faces wait, their pixels do not."""

LONGEST_NAME = 120
"""Characters of the name of a file that is called after an address."""

DRAWN_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a file.

    Attributes:
        file: its path.
        rows: of the table of results; one without a face where there is none.
        problem: why it could not be read, otherwise None.
        remark: what is worth knowing of it, otherwise None.
    """

    file: str
    rows: list[Row]
    problem: str | None = None
    remark: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How to look at a picture.

    Attributes:
        detect: look for faces; otherwise each picture is one face.
        min_confidence: faces that are named with less are left out.
        draw_to: a folder for copies with the faces drawn in.
        above: the folder whose structure `draw_to` repeats.
    """

    detect: bool = True
    min_confidence: float = 0.0
    draw_to: Path | None = None
    above: Path = Path()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A picture that was read: where its faces are, and what the network is shown of them."""

    file: str
    boxes: list[Box | None]
    crops: npt.NDArray[np.uint8]
    remark: str | None


def recognise_files(
    recogniser: Recogniser, files: Iterable[str], look: Look, *, workers: int
) -> Generator[list[Outcome], None, None]:
    """Yield what became of the files, some at a time, in their order; `workers` threads read them."""
    remaining = iter(files)
    waiting: deque[list[Future[Prepared | Outcome]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        while batch := list(islice(remaining, BATCH_FILES)):
            waiting.append([pool.submit(prepare_file, recogniser, file, look) for file in batch])
            if len(waiting) > BATCHES_AHEAD:
                yield name_files(recogniser, [future.result() for future in waiting.popleft()], look, draw_all=pool.map)
        for futures in waiting:
            yield name_files(recogniser, [future.result() for future in futures], look, draw_all=pool.map)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def prepare_file(recogniser: Recogniser, file: str, look: Look) -> Prepared | Outcome:
    """Return a picture's faces, found and cut out; or what became of a file that cannot be read."""
    remarks: list[str] = []
    try:
        boxes, crops = recogniser.look(recogniser.read(Path(file), on_remark=remarks.append), detect=look.detect)
    except DataError as error:
        return Outcome(file=file, rows=[], problem=error.problem)
    except (RunError, ImportError):  # the network cannot be opened: no fault of the file
        raise
    except Exception as error:  # of a library: one odd file among a million is no reason to stop
        return Outcome(file=file, rows=[], problem=f"{type(error).__name__}: {error}")
    return Prepared(file=file, boxes=boxes, crops=crops, remark=next(iter(remarks), None))


def name_files(
    recogniser: Recogniser, batch: Sequence[Prepared | Outcome], look: Look, *, draw_all: Callable[..., Any] = map
) -> list[Outcome]:
    """Return what became of each file of a batch; the faces of all go through the network together.

    Args:
        recogniser: names them.
        batch: what `prepare_file` returned.
        look: how to look.
        draw_all: a `map`, which may work in threads.
    """
    prepared = [one for one in batch if isinstance(one, Prepared)]
    if not prepared:
        return [one for one in batch if isinstance(one, Outcome)]
    answers = recogniser.answer(np.concatenate([one.crops for one in prepared]))
    parts = answers.split([len(one.boxes) for one in prepared])
    found: dict[str, list[Face]] = {}
    for one, part in zip(prepared, parts, strict=True):
        faces = recogniser.name(one.boxes, part, one.crops)
        found[one.file] = [face for face in faces if face.confidence >= look.min_confidence]
    if look.draw_to is not None:
        list(draw_all(partial(_draw_file, look=look), found.items()))
    return [
        one
        if isinstance(one, Outcome)
        else Outcome(file=one.file, rows=make_rows(one.file, enumerate(found[one.file], 1)), remark=one.remark)
        for one in batch
    ]


def place_drawing(file: str, look: Look, *, kept: tuple[str, ...] = DRAWN_SUFFIXES, added: str = ".png") -> Path:
    """Return where the drawing of a file goes, its folder made; no two files share a place.

    Args:
        file: one of those below `look.above`.
        look: tells the folder.
        kept: suffixes that the drawing may have, too.
        added: is appended to the name of a file with another suffix.

    Raises:
        MienError: the folder cannot be made.
    """
    assert look.draw_to is not None
    place = look.draw_to / (_name_file(file) if is_address(file) else os.path.relpath(file, look.above))
    make_folder(place.parent)
    return place if place.suffix.lower() in kept else place.with_name(place.name + added)


def _name_file(address: str) -> str:
    """Return an address as the name of a file.

    >>> _name_file("rtsp://camera.example:554/live/1?channel=2")
    'rtsp_camera.example_554_live_1_channel_2'
    """
    return re.sub(r"[^\w.-]+", "_", address).strip("._")[:LONGEST_NAME]


def _draw_file(found: tuple[str, list[Face]], *, look: Look) -> None:
    from PIL import Image

    file, faces = found
    drawn = draw_on(read_whole(Path(file), on_remark=lambda _: None), faces)  # read again: holding it would take memory
    with write_aside(place_drawing(file, look)) as aside:
        Image.fromarray(drawn).save(aside)
