"""The videos of a recognition. In: a session and a video, a stream or a camera. Out: rows, a copy, a timeline."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from mien.errors import DataError
from mien.recognition.videos.cameras import Camera
from mien.recognition.videos.copying import open_copy
from mien.recognition.videos.reading import Video, name_video
from mien.recognition.videos.watching import Frame, follow_faces, open_video
from mien.stream.pictures import place_drawing
from mien.stream.session import Session
from mien.stream.timeline import Timeline, draw_timeline

COPY_SUFFIXES = (".mp4",)


def watch_video(session: Session, source: str) -> None:
    """Recognise the faces in a video file or stream, and note that it is done, or why it cannot be read."""
    name = name_video(source)
    try:
        with open_video(source) as video:
            damage = _show(session, video)
    except DataError as error:
        session.finish_bad(error)
        return
    if damage is None:
        session.finish(name)
    else:
        session.finish_damaged(DataError(name, damage))


def watch_camera(session: Session, number: int) -> None:
    """Show what a camera sees, and recognise the faces in it, until somebody asks to stop.

    Raises:
        DataError: there is no such camera.
    """
    with open_video(number) as video:
        _show(session, video)
        session.finish(video.name)


def _show(session: Session, video: Video | Camera) -> str | None:
    """Recognise, show and tell a video that is open; return what was wrong with it."""
    if video.live:
        with session.teller.show_live(video.name) as (show, is_asked):
            timeline = _watch(session, video, show, is_asked)
    else:
        with session.teller.advance(Path(video.name).name, video.frames or None, "frames") as advance:
            timeline = _watch(session, video, lambda _: advance(1))
    session.teller.tell_video(video.name, timeline)
    session.remark(video.tell_remark())
    return video.tell_damage()


def _watch(
    session: Session, video: Video | Camera, show: Callable[[Frame], object], should_stop: Callable[[], bool] = bool
) -> Timeline:
    """Recognise the faces of frame after frame; return what was seen when."""
    timeline = Timeline(session.recogniser.expressions)
    with ExitStack() as stack:
        copy = _open_drawing(session, video, stack)
        frames = stack.enter_context(closing(follow_faces(session.recogniser, video, session.request.watch)))
        for frame in frames:
            if frame.looked_at:
                session.add_frame(video.name, frame)
                timeline.add(frame.seconds, frame.numbered)
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


def _open_drawing(session: Session, video: Video | Camera, stack: ExitStack) -> Callable[[Frame], object]:
    if session.request.draw_to is None:
        return bool
    place = place_drawing(video.name, session.request.look, kept=COPY_SUFFIXES, added=".mp4")
    return stack.enter_context(open_copy(place, video, on_remark=session.remark))
