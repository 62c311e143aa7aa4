"""A recognition over many files, from beginning to end. In: a `Request`. Out: tables and drawings; what is told."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from importlib.util import find_spec

from mien.errors import ConfigError, Interrupted, MissingExtraError
from mien.files import make_folder
from mien.recognition import Recogniser
from mien.recognition.videos.reading import name_video
from mien.stream.base_rates import estimate_prior
from mien.stream.pictures import Look, Outcome, recognise_files
from mien.stream.request import Request, check_outputs
from mien.stream.results import ResultsFile, open_results
from mien.stream.session import Session, Teller
from mien.stream.sources import Sources, is_video
from mien.stream.tally import Tally

RATE_DIGITS = 4
"""Of an estimated rate after the point: whoever resumes estimates it again, and has to find the same."""


def recognise_all(request: Request, teller: Teller) -> Session:
    """Do what was asked for; return what came of it.

    Raises:
        MienError: it cannot be done; what is done by then is in the table.
    """
    sources = Sources(names=request.names, left_out=request.draw_to)
    check_outputs(request)
    pictures, videos = sources.count()
    if request.draw_to is not None and (videos or request.camera is not None) and find_spec("matplotlib") is None:
        raise MissingExtraError("matplotlib", "video")
    recogniser = Recogniser(**request.how, on_remark=teller.warn)
    if recogniser.estimates_prior:
        is_moving = bool(videos) or request.camera is not None
        request = _settle_prior(request, sources, teller, is_moving=is_moving)
        recogniser = Recogniser(**request.how, on_remark=teller.warn)
    if request.draw_to is not None:  # not before: a missing network leaves nothing behind
        make_folder(request.draw_to)
    with _open_table(request, recogniser) as results:
        session = Session(
            request=request,
            recogniser=recogniser,
            results=results,
            tally=Tally() if results is None else results.tally,
            teller=teller,
            alone=pictures + videos == 1,
        )
        try:
            _recognise_pictures(session, sources)
            _watch_videos(session, sources)
        except KeyboardInterrupt:
            more = "; the same command with `resume` goes on" if results else ""
            raise Interrupted(f"stopped after {session.done:,} of {pictures + videos:,} files{more}") from None
        if request.camera is not None:
            from mien.stream.moving import watch_camera

            watch_camera(session, request.camera)
    if results is not None and session.nothing_read and not request.resume:
        results.discard()
    return session


def _settle_prior(request: Request, sources: Sources, teller: Teller, *, is_moving: bool) -> Request:
    """Return the request with the base rates that a first look at all pictures tells."""
    if is_moving:
        raise ConfigError("`prior` estimate takes pictures, whose faces are each other's equals: leave out videos")
    look = replace(request.look, draw_to=None, min_confidence=0.0)
    files, first = [file for file in sources.walk() if not is_video(file)], replace(request, prior=None)
    recogniser = Recogniser(**first.how, on_remark=lambda _: None)  # told once, by the one that was made before
    with (
        teller.advance("estimating base rates", len(files), "pictures") as advance,
        closing(_start(first, recogniser, files, look)) as outcomes,
    ):

        def count(batches: Iterator[list[Outcome]]) -> Iterator[list[Outcome]]:
            for batch in batches:
                advance(len(batch))
                yield batch

        found = estimate_prior(recogniser, count(outcomes))
    teller.tell_rates(found)
    return replace(request, prior={name: round(rate, RATE_DIGITS) for name, rate in found.rates.items()})


def _start(
    request: Request, recogniser: Recogniser, files: Iterable[str], look: Look
) -> Generator[list[Outcome], None, None]:
    """Return what becomes of pictures, by the engine that was asked for."""
    if request.engine != "ray":
        return recognise_files(recogniser, files, look, workers=request.workers)
    from mien.stream.spread import spread_files

    return spread_files(files, look, how=request.how, workers=request.workers)


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
    with session.teller.advance("recognising", total, "pictures") as advance, closing(outcomes):
        for batch in outcomes:
            for outcome in batch:
                session.finish_picture(outcome)
            advance(len(batch))


def _watch_videos(session: Session, sources: Sources) -> None:
    for file in sources.walk():
        if is_video(file) and session.is_new(name_video(file)):
            from mien.stream.moving import watch_video  # what draws is slow to import, and pictures need none of it

            watch_video(session, file)
