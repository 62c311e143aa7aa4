"""What `mien recognise` does, step by step. In: a `Request`. Out: tables, drawings, and lines on the terminal."""

from __future__ import annotations

import glob
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

from rich.console import Console
from rich.text import Text

from mien.beliefs.base_rates import Prior
from mien.cli.advance import show_advance
from mien.cli.findings import render_rates, render_tally, tell_picture
from mien.errors import ConfigError, DataError, Interrupted, MienError, MissingExtraError
from mien.files import make_folder
from mien.recognition import Recogniser
from mien.recognition.detect import choose_detector
from mien.stream.base_rates import estimate_prior
from mien.stream.pictures import Look, Outcome, recognise_files
from mien.stream.results import ResultsFile, open_results
from mien.stream.rows import check_suffix
from mien.stream.sources import Sources, is_video
from mien.stream.tally import Tally
from mien.training.progress import warn

RATE_DIGITS = 4
"""Of an estimated rate after the point: whoever resumes estimates it again, and has to find the same."""

SHOWN = 5
"""Files that could not be read, and remarks, that are told at the end; the others are counted."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asked for; `mien recognise --help` tells what each means."""

    names: tuple[str, ...]
    camera: int | None
    out: Path | None
    draw_to: Path | None
    resume: bool
    run: str | None
    detector: str
    min_detection: float | None
    labels: str | None
    prior: Prior | None
    coverage: float | None
    sets: str
    min_confidence: float
    every: int
    smoothing_seconds: float
    workers: int
    engine: str

    @property
    def settings(self) -> dict[str, Any]:
        """What the results depend on, by the name of its option."""
        names = (
            "detector",
            "min_detection",
            "labels",
            "prior",
            "coverage",
            "min_confidence",
            "every",
            "smoothing_seconds",
        )
        found_by = choose_detector(self.detector).name  # "auto" may mean another one the next time
        asked = {name: getattr(self, name) for name in names}
        return {**asked, "sets": None if self.coverage is None else self.sets, "found_by": found_by}

    @property
    def look(self) -> Look:
        """How to look at pictures."""
        return Look(
            detect=self.detector != "none",
            min_confidence=self.min_confidence,
            draw_to=self.draw_to,
            above=find_common_folder(self.names),
        )


@final
@dataclass(slots=True, kw_only=True)
class Session:
    """A recognition in progress: where results go, what was counted, what is to be told at the end.

    Attributes:
        request: what was asked for.
        recogniser: recognises.
        results: the table; None: each picture is told on the terminal.
        tally: counts.
        console: the terminal.
        alone: there is one file: every probability is shown.
        bad: the first files that could not be read.
        remarks: the first things that are worth knowing.
        done: files of this session.
    """

    request: Request
    recogniser: Recogniser
    results: ResultsFile | None
    tally: Tally
    console: Console
    alone: bool = False
    bad: list[DataError] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    done: int = 0

    def is_new(self, file: str) -> bool:
        """Tell whether a file is still to be looked at."""
        return self.results is None or not self.results.is_done(file)

    def finish_picture(self, outcome: Outcome) -> None:
        """Note what became of a picture."""
        if outcome.problem is not None:
            self.finish_bad(DataError(outcome.file, outcome.problem))
            return
        self.remark(outcome.remark)
        self.tally.add_picture(outcome.rows)
        if self.results is None:
            for part in tell_picture(outcome, self.recogniser.expressions, bars=self.alone):
                self.console.print(part, soft_wrap=True)
        else:
            self.results.add(outcome.rows)
        self.finish(outcome.file)

    def finish_bad(self, error: DataError) -> None:
        """Note that a file cannot be read."""
        self.tally.add("bad")
        if len(self.bad) < SHOWN:
            self.bad.append(error)
        self.finish(error.where, error.problem)

    def finish(self, file: str, problem: str | None = None) -> None:
        """Note that a file is done."""
        self.done += 1
        if self.results is not None:
            self.results.finish(file, problem)

    def remark(self, text: str | None) -> None:
        """Note what is worth knowing."""
        if text and len(self.remarks) < SHOWN:
            self.remarks.append(text)


def recognise_all(request: Request) -> None:
    """Do what was asked for.

    Raises:
        MienError: it cannot be done; what is done by then is in the table.
    """
    sources = Sources(names=request.names, left_out=request.draw_to)
    _check_outputs(request)
    pictures, videos = sources.count()
    if request.draw_to is not None and (videos or request.camera is not None) and find_spec("matplotlib") is None:
        raise MissingExtraError("matplotlib", "video")
    recogniser = _open_recogniser(request)
    if recogniser.estimates_prior:
        request = _settle_prior(request, recogniser, sources, moving=bool(videos) or request.camera is not None)
        recogniser = _open_recogniser(request)
    with _open_table(request, recogniser) as results:
        tally = Tally() if results is None else results.tally
        session = Session(
            request=request,
            recogniser=recogniser,
            results=results,
            tally=tally,
            console=Console(highlight=False),
            alone=pictures + videos == 1,
        )
        try:
            _recognise_pictures(session, sources)
            _watch_videos(session, sources)
        except KeyboardInterrupt:
            more = "; the same command with --resume goes on" if results else ""
            raise Interrupted(f"stopped after {session.done:,} of {pictures + videos:,} files{more}") from None
        if request.camera is not None:
            from mien.cli.watching import watch_camera

            watch_camera(session, request.camera)
    if results is not None and is_all_bad(session) and not request.resume:
        results.discard()
    _print_end(session)


def _open_recogniser(request: Request) -> Recogniser:
    return Recogniser(
        request.run,
        detector=request.detector,
        min_detection=request.min_detection,
        labels=request.labels,
        prior=request.prior,
        coverage=request.coverage,
        sets=request.sets,
        on_remark=warn,
    )


def _settle_prior(request: Request, recogniser: Recogniser, sources: Sources, *, moving: bool) -> Request:
    """Return the request with the base rates that a first look at all pictures tells."""
    if moving:
        raise ConfigError("--prior estimate takes pictures, whose faces are each other's equals: leave out videos")
    look = replace(request.look, draw_to=None, min_confidence=0.0)
    console, files = Console(highlight=False), [file for file in sources.walk() if not is_video(file)]
    first = replace(request, prior=None)
    with (
        show_advance("estimating base rates", len(files), "pictures", console) as advance,
        closing(_start(first, recogniser, files, look)) as outcomes,
    ):

        def count(batches: Iterator[list[Outcome]]) -> Iterator[list[Outcome]]:
            for batch in batches:
                advance(len(batch))
                yield batch

        found = estimate_prior(recogniser, count(outcomes))
    console.print(Text(f"Base rates of {found.faces:,} faces, with 95 % intervals, taken as prior:"))
    console.print(render_rates(found))
    return replace(request, prior={name: round(rate, RATE_DIGITS) for name, rate in found.rates.items()})


def is_all_bad(session: Session) -> bool:
    """Tell whether no file at all could be read, and no camera was looked at."""
    good = sum(session.tally[kind] for kind in ("pictures", "videos", "frames"))
    return bool(session.tally["bad"]) and not good


def find_common_folder(names: Sequence[str]) -> Path:
    """Return the folder above all that is named: copies are written in the same structure below another folder.

    >>> find_common_folder(["/photos/a/1.jpg", "/photos/b/*.jpg"]).as_posix()
    '/photos'
    """
    folders = []
    for name in names:
        path = Path(name).absolute()
        if not path.is_dir():
            path = path.parent
        while glob.has_magic(str(path)) and not path.exists():
            path = path.parent
        folders.append(path)
    return Path(os.path.commonpath(folders)) if folders else Path()


def _check_outputs(request: Request) -> None:
    """Refuse what cannot be written, before anything is computed."""
    if request.out is not None:
        check_suffix(request.out)
    if request.engine == "ray" and find_spec("ray") is None:
        raise MissingExtraError("ray", "ray")
    if request.draw_to is None:
        return
    if request.names and request.draw_to.resolve() == request.look.above.resolve():
        raise ConfigError(f"--draw {request.draw_to}: expected another folder than that of the pictures themselves")
    make_folder(request.draw_to)


def _open_table(request: Request, recogniser: Recogniser) -> AbstractContextManager[ResultsFile | None]:
    if request.out is None:
        return nullcontext()
    settings = {**request.settings, "network": recogniser.card}
    return open_results(request.out, recogniser.expressions, settings, resume=request.resume)


def _recognise_pictures(session: Session, sources: Sources) -> None:
    request = session.request

    def walk() -> Iterator[str]:
        return (file for file in sources.walk() if not is_video(file) and session.is_new(file))

    total = sum(1 for _ in walk())
    outcomes = _start(request, session.recogniser, walk(), request.look)
    with show_advance("recognising", total, "pictures", session.console) as advance, closing(outcomes):
        for batch in outcomes:
            for outcome in batch:
                session.finish_picture(outcome)
            advance(len(batch))


def _start(
    request: Request, recogniser: Recogniser, files: Iterable[str], look: Look
) -> Generator[list[Outcome], None, None]:
    """Return what becomes of pictures, by the engine that was asked for."""
    if request.engine != "ray":
        return recognise_files(recogniser, files, look, workers=request.workers)
    from mien.stream.spread import spread_files

    return spread_files(
        files,
        look,
        run=request.run,
        detector=request.detector,
        min_detection=request.min_detection,
        labels=request.labels,
        prior=request.prior,
        coverage=request.coverage,
        sets=request.sets,
        workers=request.workers,
    )


def _watch_videos(session: Session, sources: Sources) -> None:
    for file in sources.walk():
        if is_video(file) and session.is_new(file):
            from mien.cli.watching import watch_video  # what draws is slow to import, and pictures need none of it

            watch_video(session, file)


def _print_end(session: Session) -> None:
    results, tally, console = session.results, session.tally, session.console
    if results is not None or session.done > 1:
        for part in render_tally(tally, session.recogniser.expressions):
            console.print(part)
    if results is not None and not is_all_bad(session):
        console.print(f"  {results.out}", markup=False, soft_wrap=True)
    if session.request.draw_to is not None:
        console.print(f"  {session.request.draw_to}", markup=False, soft_wrap=True)
    for remark in session.remarks:
        warn(remark)
    _tell_bad(session)


def _tell_bad(session: Session) -> None:
    """List the files that could not be read; where there were no others, that is an error."""
    count = session.tally["bad"]
    if not count:
        return
    nothing_good = is_all_bad(session)
    if nothing_good and count == 1 == len(session.bad):
        raise session.bad[0]
    for error in session.bad:
        warn(f"left out: {error}")
    if count > len(session.bad):
        warn(f"left out: {count - len(session.bad):,} more")
    if session.results is not None:
        warn(f"{session.results.errors} names all {count:,}")
    if nothing_good:
        raise MienError(f"none of the {count:,} files could be read")
