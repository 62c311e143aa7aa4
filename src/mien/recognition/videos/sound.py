"""The sound of a video goes into its copy as it is, packet for packet. In: the video. Out: a stream in the copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, final

from mien.errors import DataError
from mien.recognition.inputs import is_address
from mien.recognition.videos.cameras import Camera
from mien.recognition.videos.reading import Video, open_container

KEPT = ("aac", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "opus", "libopus", "flac", "alac", "vorbis", "dca")
"""Codecs that an mp4 file may hold."""


@final
class Sound:
    """The sound of a video, which is read a second time, beside its pictures: so neither waits for the other.

    Args:
        source: container of the video.
        stream: of its sound.
        target: container of the copy.
        start: returns the seconds of the video's own time that the copy counts as 0; known from the first frame on.
    """

    def __init__(self, source: Any, stream: Any, target: Any, start: Callable[[], float]) -> None:
        self._target, self._start = target, start
        self._kept = target.add_stream_from_template(stream)
        self._base = stream.time_base
        self._packets = source.demux(stream)
        self._held: Any = None
        self._last: int | None = None

    def copy_until(self, seconds: float | None) -> None:
        """Copy the packets up to a time; None: all that are left. A damaged rest is left out."""
        import av

        shift = round(self._start() / self._base)
        try:
            while (packet := self._held or next(self._packets, None)) is not None:
                self._held = None
                if packet.dts is None:
                    continue
                if seconds is not None and float((packet.dts - shift) * self._base) > seconds:
                    self._held = packet
                    return
                self._copy(packet, shift)
        except (av.error.EOFError, av.error.InvalidDataError):
            self._packets = iter(())

    def _copy(self, packet: Any, shift: int) -> None:
        packet.dts = packet.dts - shift
        packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        if self._last is not None and packet.dts <= self._last:  # the times start anew: joined recordings
            packet.pts += self._last + 1 - packet.dts
            packet.dts = self._last + 1
        self._last = packet.dts
        packet.stream = self._kept
        self._target.mux(packet)


@contextmanager
def open_sound(video: Video | Camera, target: Any, on_remark: Callable[[str], None]) -> Iterator[Sound | None]:
    """Yield the sound of a video file, to be copied into `target`; None where it has none or it cannot be kept.

    Args:
        video: whose sound.
        target: container of the copy.
        on_remark: is told why a sound is not kept.
    """
    if not isinstance(video.source, (str, Path)) or is_address(str(video.source)):
        if video.has_sound:
            on_remark(f"{video.name}: the copy is silent: the sound of a stream is not kept")
        yield None
        return
    with ExitStack() as stack:
        try:
            container = stack.enter_context(open_container(video.source, video.name))
        except DataError:
            container = None
        streams = () if container is None else container.streams.audio
        if not streams:
            yield None
        elif streams[0].codec_context is None or streams[0].codec_context.name not in KEPT:
            name = getattr(streams[0].codec_context, "name", "of an unknown kind")
            on_remark(f"{video.name}: the copy is silent: an mp4 file cannot hold its sound ({name})")
            yield None
        else:
            yield Sound(container, streams[0], target, lambda: video.start)
