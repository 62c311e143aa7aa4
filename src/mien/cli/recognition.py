"""What `mien recognise` shows. In: a `Request`. Out: lines, tables and bars on the terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, final

from rich.console import Console

from mien.cli.advance import show_advance
from mien.cli.flags import name_flags
from mien.errors import MienError
from mien.stream.recognising import recognise_all
from mien.stream.request import Request
from mien.stream.session import Session
from mien.stream.show import render_bars, render_rates, render_tally, tell_picture, tell_video
from mien.training.progress import warn

if TYPE_CHECKING:
    from rich.table import Table

    from mien.beliefs.base_rates import BaseRates
    from mien.recognition.videos.watching import Frame
    from mien.stream.pictures import Outcome
    from mien.stream.timeline import Timeline

SHOWN_A_SECOND = 8


def show_recognition(request: Request) -> None:
    """Do what was asked for, and show it.

    Raises:
        MienError: it cannot be done, or nothing of what was given could be read as a whole.
    """
    terminal = _Terminal()
    _print_end(recognise_all(request, terminal), terminal.console)


@final
class _Terminal:
    """A `Teller` that prints."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)

    def advance(self, description: str, total: int | None, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        return show_advance(description, total, unit, self.console)

    def tell_picture(self, outcome: Outcome, expressions: Sequence[str], *, bars: bool, sets: bool) -> None:
        for part in tell_picture(outcome, expressions, bars=bars, sets=sets):
            self.console.print(part, soft_wrap=True)

    def tell_video(self, name: str, timeline: Timeline) -> None:
        self.console.print(tell_video(name, timeline), soft_wrap=True)

    @contextmanager
    def show_live(self, name: str) -> Iterator[tuple[Callable[[Frame], object], Callable[[], bool]]]:
        from rich.live import Live

        with _listen_for_interrupt() as asked:
            self.console.print(f"{name}: Ctrl-C ends it", markup=False)
            with Live(console=self.console, refresh_per_second=SHOWN_A_SECOND, transient=True) as live:
                yield lambda frame: live.update(_render_frame(frame)), asked.is_set

    def tell_rates(self, found: BaseRates) -> None:
        self.console.print(f"Base rates of {found.faces:,} faces, with 95 % intervals, taken as prior:", markup=False)
        self.console.print(render_rates(found))

    def warn(self, text: str) -> None:
        warn(text)


def _render_frame(frame: Frame) -> Table:
    return render_bars([(face.id, face.probabilities) for face in frame.faces])


@contextmanager
def _listen_for_interrupt() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets, so that a camera's last frame is finished, and its copy."""
    asked = threading.Event()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _print_end(session: Session, console: Console) -> None:
    results, tally = session.results, session.tally
    if results is not None or session.done > 1:
        for part in render_tally(tally, session.recogniser.expressions):
            console.print(part)
    if results is not None and not session.nothing_read:
        console.print(f"  {results.out}", markup=False, soft_wrap=True)
    if session.request.draw_to is not None:
        console.print(f"  {session.request.draw_to}", markup=False, soft_wrap=True)
    for remark in session.remarks:
        warn(name_flags(remark))
    _tell_troubles(session)


def _tell_troubles(session: Session) -> None:
    """List the files that could not be read as a whole; where there were no others, that is an error."""
    count = session.tally["bad"] + session.tally["damaged"]
    if not count:
        return
    told = session.bad + session.damaged
    if session.nothing_whole and count == 1 == len(told):
        raise told[0]
    for what, errors in (("left out", session.bad), ("read in part", session.damaged)):
        for error in errors:
            warn(f"{what}: {error}")
        total = session.tally["bad" if errors is session.bad else "damaged"]
        if total > len(errors):
            warn(f"{what}: {total - len(errors):,} more")
    if session.results is not None:
        warn(f"{session.results.errors} names all {count:,}")
    if session.nothing_read:
        raise MienError(f"none of the {count:,} files could be read")
    if session.nothing_whole:
        raise MienError(f"none of the {count:,} files could be read as a whole")
