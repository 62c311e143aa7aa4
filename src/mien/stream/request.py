"""What is asked of a recognition over many files. In: names and options. Out: a `Request`, checked before it runs."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

from mien.beliefs.base_rates import Prior
from mien.errors import ConfigError, MissingExtraError
from mien.recognition.clarity import Clarity
from mien.recognition.detect import choose_detector
from mien.recognition.videos.formats import is_stream
from mien.recognition.videos.watching import Watch
from mien.stream.pictures import Look
from mien.stream.rows import check_suffix


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for; `mien recognise --help` tells what each means."""

    names: tuple[str, ...]
    camera: int | None
    out: Path | None
    draw_to: Path | None
    resume: bool
    run: str | None
    detector: str
    min_detection: float | None
    labels: str | None
    clarity: Clarity
    prior: Prior | None
    coverage: float | None
    sets: str
    min_readability: float | None
    min_confidence: float
    every: int
    smoothing_seconds: float
    workers: int
    engine: str

    @property
    def settings(self) -> dict[str, Any]:
        """What the results depend on, by the name of its option."""
        names = ("detector", "min_detection", "labels", "prior", "coverage", "min_readability")
        asked = {name: getattr(self, name) for name in (*names, "min_confidence", "every", "smoothing_seconds")}
        found_by = choose_detector(self.detector).name  # "auto" may mean another one the next time
        return {**asked, "sets": None if self.coverage is None else self.sets, "found_by": found_by}

    @property
    def how(self) -> dict[str, Any]:
        """What a `Recogniser` is made of."""
        names = ("run", "detector", "min_detection", "labels", "clarity", "prior", "coverage", "sets")
        return {name: getattr(self, name) for name in (*names, "min_readability")}

    @property
    def look(self) -> Look:
        """How to look at pictures."""
        return Look(
            detect=self.detector != "none",
            min_confidence=self.min_confidence,
            draw_to=self.draw_to,
            above=find_common_folder(self.names),
        )

    @property
    def watch(self) -> Watch:
        """How to watch videos."""
        return Watch(
            detect=self.detector != "none",
            every=self.every,
            keep_all=self.draw_to is not None,
            smoothing_seconds=self.smoothing_seconds,
            min_confidence=self.min_confidence,
            workers=self.workers,
        )


def find_common_folder(names: Sequence[str]) -> Path:
    """Return the folder above all that is named: copies are written in the same structure below another folder.

    >>> find_common_folder(["/photos/a/1.jpg", "/photos/b/*.jpg"]).as_posix()
    '/photos'
    """
    folders = []
    for name in names:
        if is_stream(name):
            continue
        path = Path(name).absolute()
        if not path.is_dir():
            path = path.parent
        while glob.has_magic(str(path)) and not path.exists():
            path = path.parent
        folders.append(path)
    return Path(os.path.commonpath(folders)) if folders else Path()


def check_outputs(request: Request) -> None:
    """Refuse what cannot be written, before anything is computed.

    Raises:
        ConfigError: a table of no known format, or drawings among the pictures themselves.
        MissingExtraError: a package is not installed.
    """
    if request.out is not None:
        check_suffix(request.out)
    if request.engine == "ray" and find_spec("ray") is None:
        raise MissingExtraError("ray", "ray")
    if request.draw_to is None:
        return
    if request.names and request.draw_to.resolve() == request.look.above.resolve():
        raise ConfigError(f"`draw` {request.draw_to}: expected another folder than that of the pictures themselves")
