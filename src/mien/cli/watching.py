"""What `mien recognise` does with moving pictures. In: a session and a video. Out: rows, a copy, a timeline."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.advance import show_advance
from mien.cli.findings import render_bars, tell_video
from mien.errors import DataError
from mien.stream.pictures import place_drawing
from mien.stream.rows import make_rows
from mien.stream.timeline import Timeline, draw_timeline
from mien.stream.video import Frame, Video, Watch, follow_faces, open_copy, open_video

if TYPE_CHECKING:
    from rich.table import Table

    from mien.cli.recognition import Request, Session

COPY_SUFFIXES = (".mp4",)
SHOWN_A_SECOND = 8


def watch_video(session: Session, file: str) -> None:
    """Recognise the faces in a video file, and note that it is done, or why it cannot be read."""
    try:
        with (
            open_video(file) as video,
            show_advance(Path(file).name, video.frames or None, "frames", session.console) as advance,
        ):
            timeline = _watch(session, video, lambda _: advance(1))
            session.remark(video.tell_damage())
    except DataError as error:
        session.finish_bad(error)
        return
    session.console.print(tell_video(file, timeline), soft_wrap=True)
    session.finish(file)


def watch_camera(session: Session, number: int) -> None:
    """Show what a camera sees, and recognise the faces in it, until Ctrl-C.

    Raises:
        DataError: there is no such camera.
    """
    from rich.live import Live

    with open_video(number) as video, listen_for_interrupt() as asked:
        session.console.print(f"{video.name}: Ctrl-C ends it", markup=False)
        with Live(console=session.console, refresh_per_second=SHOWN_A_SECOND, transient=True) as live:
            timeline = _watch(session, video, lambda frame: live.update(_show_faces(frame)), asked.is_set)
    session.console.print(tell_video(video.name, timeline), soft_wrap=True)
    session.finish(video.name)


def _show_faces(frame: Frame) -> Table:
    return render_bars([(number, face.probabilities) for number, face in frame.faces])


@contextmanager
def listen_for_interrupt() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets, so that a camera's last frame is finished, and its copy."""
    asked = threading.Event()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _watch(
    session: Session, video: Video, show: Callable[[Frame], object], should_stop: Callable[[], bool] = bool
) -> Timeline:
    """Recognise the faces of frame after frame; return what was seen when."""
    timeline = Timeline(session.recogniser.expressions)
    with ExitStack() as stack:
        copy = _open_drawing(session, video, stack)
        frames = stack.enter_context(closing(follow_faces(session.recogniser, video, _choose_watch(session.request))))
        for frame in frames:
            if frame.looked_at:
                _note(session, video.name, frame, timeline)
            copy(frame)
            show(frame)
            if should_stop():
                break
    session.tally.add("videos")
    if session.request.draw_to is not None:
        for suffix in (".svg", ".png"):
            place = place_drawing(video.name, session.request.look, kept=(), added=f".timeline{suffix}")
            draw_timeline(timeline, place, title=Path(video.name).name)
    return timeline


def _choose_watch(request: Request) -> Watch:
    return Watch(
        detect=request.look.detect,
        every=request.every,
        keep_all=request.draw_to is not None,
        smoothing_seconds=request.smoothing_seconds,
        min_confidence=request.min_confidence,
        workers=request.workers,
    )


def _note(session: Session, name: str, frame: Frame, timeline: Timeline) -> None:
    rows = make_rows(name, frame.faces, frame=(frame.number, frame.seconds))
    session.tally.add("frames")
    session.tally.add_rows(rows)
    timeline.add(frame.seconds, frame.faces)
    if session.results is not None:
        session.results.add(rows)


def _open_drawing(session: Session, video: Video, stack: ExitStack) -> Callable[[Frame], object]:
    if session.request.draw_to is None:
        return bool
    place = place_drawing(video.name, session.request.look, kept=COPY_SUFFIXES, added=".mp4")
    return stack.enter_context(open_copy(place, video))
