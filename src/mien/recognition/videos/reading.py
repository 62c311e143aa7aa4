"""Read a video file or a stream with PyAV. In: a path, an address or an open file. Out: its frames with their times."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, final

from mien.data.images import MAX_PIXELS
from mien.errors import DataError, MissingExtraError
from mien.recognition.inputs import is_address
from mien.recognition.pictures import Picture
from mien.recognition.videos.clock import Clock
from mien.recognition.videos.formats import STREAM_SCHEMES, is_stream, name_stream
from mien.recognition.videos.upright import make_picture

__all__ = ["Shot", "Video", "VideoSource", "name_video", "open_container", "open_file"]

VideoSource: TypeAlias = str | Path | BinaryIO

USUAL_FPS = 25.0
WAIT_SECONDS = (10.0, 10.0)
"""For a stream to open, and for its next bytes."""

NO_VIDEOS = ("tty", "image2", "concat", "hls", "dash", "lavfi", "ffmetadata", "lrc")
"""What FFmpeg opens as a film, too: text, numbered pictures, and lists of other files, which nobody named."""

BARE = ("h264", "hevc", "vvc", "mjpeg", "mpegvideo", "m4v", "h263", "obu", "vc1", "dirac", "cavsvideo")
"""Kinds of files that are pictures one after the other, and tell no times."""

MOST_BOXES = 64

MOST_TROUBLE = 200
"""Packets in a row that do not decode, after which a file is given up."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A frame that may be looked at.

    Attributes:
        number: from 0.
        seconds: since the beginning.
        decode: returns uint8 (H, W, 3), RGB, upright; None where it does not decode.
    """

    number: int
    seconds: float
    decode: Callable[[], Picture | None]


@final
class Video:
    """An open video or stream; `open_video` opens it.

    Attributes:
        name: what it is called in errors and rows: an address without its password.
        source: as it was given.
        frames: how many there are, as the file tells or its length lets expect; 0 where nobody knows.
        fps: frames a second, as it tells: the mean, where the rate varies.
        live: it is a stream without an end, which does not wait.
        has_sound: it holds sound, too.
        read: frames that were read.
        start: seconds in the file's own time at which its times are 0; known from the first frame on.
    """

    def __init__(self, source: VideoSource, name: str, container: Any) -> None:
        self.source, self.name, self.read = source, name, 0
        self._container, self.has_sound = container, bool(container.streams.audio)
        self._stream = _find_pictures(container, name)
        self.fps = float(self._stream.average_rate or self._stream.guessed_rate or 0) or USUAL_FPS
        seconds = _measure_length(container, self._stream)
        self.live = isinstance(source, str) and is_stream(source) and seconds is None
        self._whole, self.frames = seconds, self._stream.frames or round((seconds or 0.0) * self.fps)
        self._stream.thread_type = "SLICE" if self.live else "AUTO"  # whole frames in threads arrive late
        start = None if self.live or container.start_time is None else container.start_time / 1e6
        self._clock = Clock(start, self.fps)
        self._arrives = self.live and container.format.name in (*BARE, "mpjpeg")
        self._end, self._bad_frames, self._stopped = 0.0, 0, ""

    @property
    def start(self) -> float:
        """Seconds in the file's own time that count as 0."""
        return self._clock.start or 0.0

    def __iter__(self) -> Iterator[Shot]:
        """Yield each frame; one that is not decoded costs no conversion to RGB."""
        ratio = self._stream.sample_aspect_ratio
        for frame in self._decode():
            self._bad_frames += bool(frame.is_corrupt)
            seconds = self._clock.tell(time.monotonic() if self._arrives else _find_time(frame))
            self._end = seconds
            yield Shot(number=self.read, seconds=seconds, decode=partial(make_picture, frame, ratio))
            self.read += 1
        if not self.read:
            raise DataError(self.name, "expected moving pictures, found not one frame that decodes")

    def tell_damage(self) -> str | None:
        """Return in words what of a video was not as it should be; None where nothing was found."""
        if self._stopped:
            return f"stopped at {self._end:.1f} s ({self._stopped}): what came before was kept"
        if not self.live and self._is_cut_short():
            of = f"{self.read:,} of {self.frames:,} frames, {self._end:.1f} s"
            return f"ends after {of}: the file may be damaged, what it has was kept"
        if self._bad_frames:
            return f"{self._bad_frames:,} of its frames are damaged, or do not decode"
        return None

    def tell_remark(self) -> str | None:
        """Return in words what is worth knowing of its times, or None."""
        if not self.live and self._container.format.name in BARE:
            return f"{self.name}: tells no times: {self.fps:g} frames a second were assumed"
        return None

    def _is_cut_short(self) -> bool:
        """Tell whether fewer frames came, or for less time, than the header tells, which may be a little wrong."""
        if self._stream.frames:
            return bool(self.read < 0.9 * self._stream.frames)
        whole = self._whole or 0.0
        tolerated = 0.25 if self.has_sound and not _tell_length(self._stream) else 0.05  # sound may go on for longer
        return whole - self._end - 2.0 / self.fps > max(0.5, tolerated * whole)

    def _decode(self) -> Iterator[Any]:
        """Yield the frames; packets that do not decode are counted, and the next ones tried."""
        import av

        packets = self._container.demux(self._stream)
        trouble = 0
        while trouble < MOST_TROUBLE:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
            except (av.error.FFmpegError, OSError) as error:
                self._stopped = _tell(error)
                return
            self._bad_frames += bool(packet.is_corrupt)
            try:
                decoded = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self._bad_frames += 1
                trouble += 1
                continue
            trouble = 0
            yield from decoded
        self._stopped = f"{MOST_TROUBLE} packets in a row do not decode"


@contextmanager
def open_file(source: VideoSource) -> Iterator[Video]:
    """Yield a video file or stream.

    Raises:
        DataError: it is missing, no video, larger than is read, or an address of another kind.
        MissingExtraError: PyAV is not installed.
    """
    name = name_video(source)
    with open_container(source, name) as container:
        yield Video(source, name, container)


@contextmanager
def open_container(source: VideoSource, name: str) -> Iterator[Any]:
    """Yield a container of PyAV, opened for reading.

    Raises:
        DataError: it cannot be opened, or holds no film.
        MissingExtraError: PyAV is not installed.
    """
    av = import_av()
    given = str(source) if isinstance(source, (str, Path)) else source
    options: dict[str, str] = {}
    limits: dict[str, Any] = {}
    if isinstance(given, str) and is_address(given):
        if not is_stream(given):
            raise DataError(name, f"expected an address of a stream ({', '.join(STREAM_SCHEMES[:2])}, http, …)")
        limits["timeout"] = WAIT_SECONDS
        options["rtsp_transport"] = "tcp"  # over UDP frames go missing wherever a router drops a packet
    elif isinstance(given, str):
        _check_file(given)
        given = f"file:{given}"  # a name with a colon in it is no address
    try:
        container = av.open(given, options=options, **limits)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _refuse(name, error) from error
    with container:
        kind = container.format.name
        if (kind in NO_VIDEOS and not limits) or kind.endswith("_pipe") or kind == "image2":
            raise DataError(name, f"expected a video, found {'text' if kind == 'tty' else f'what FFmpeg calls {kind}'}")
        yield container


def import_av() -> Any:
    """Return PyAV, whose FFmpeg from now on leaves it to us to tell what is wrong, in one line.

    Raises:
        MissingExtraError: it is not installed, or lacks a library of the system.
    """
    try:
        import av
        import av.logging
    except ImportError as error:
        raise MissingExtraError("av (PyAV), which reads and writes videos,", "video") from error
    av.logging.set_level(None)
    return av


def name_video(source: VideoSource) -> str:
    """Return what a video is called in errors and rows."""
    if isinstance(source, (str, Path)):
        return name_stream(str(source)) if is_address(str(source)) else str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "video"


def _check_file(path: str) -> None:
    """Refuse what is no file with content, in the words of the rest of mien."""
    place = Path(path)
    try:
        if place.is_dir():
            raise DataError(path, "expected a video, found a folder")
        if place.is_file() and not place.stat().st_size:
            raise DataError(path, "expected a video, found an empty file")
    except (OSError, ValueError) as error:
        raise DataError(path, f"cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _refuse(name: str, error: Exception) -> DataError:
    import av

    if isinstance(error, FileNotFoundError) and not is_address(name):
        return DataError(name, "expected a video, but the file does not exist")
    if is_address(name):
        return DataError(name, f"expected a stream, but it does not open ({_tell(error)})")
    if isinstance(error, av.error.InvalidDataError) and Path(name).is_file() and _lacks_index(name):
        why = "its index is missing: the recording was not finished, or the download broke off"
        return DataError(name, f"expected a whole video, found one that cannot be read: {why}")
    if isinstance(error, (PermissionError, IsADirectoryError)):
        return DataError(name, f"cannot be read ({_tell(error)})")
    problem = "" if isinstance(error, av.error.InvalidDataError) else f" ({_tell(error)})"
    return DataError(name, f"expected a video that FFmpeg can decode, found another or a broken file{problem}")


def _find_time(frame: Any) -> float | None:
    """Return the seconds at which a frame is shown, in the file's own time; AVI tells when it is decoded instead."""
    ticks = frame.dts if frame.pts is None else frame.pts
    return None if ticks is None or frame.time_base is None else float(ticks * frame.time_base)


def _tell(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error).strip()


def _find_pictures(container: Any, name: str) -> Any:
    """Return the stream of moving pictures; the picture on a record's cover is none."""
    moving = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not moving:
        found = "sound alone" if container.streams.audio else "none"
        raise DataError(name, f"expected moving pictures, found {found}")
    stream = container.streams.best("video")
    stream = stream if stream in moving else moving[0]
    context = stream.codec_context
    if context is None:
        raise DataError(name, "expected pictures that FFmpeg can decode, found a codec that it does not know")
    if context.width * context.height > MAX_PIXELS:
        side = int(MAX_PIXELS**0.5)
        found = f"{context.width}x{context.height}"
        raise DataError(name, f"expected frames of at most {side}x{side} pixels, found {found}")
    return stream


def _is_cover(stream: Any) -> bool:
    return "attached_pic" in str(getattr(stream, "disposition", "")).lower()


def _measure_length(container: Any, stream: Any) -> float | None:
    """Return the seconds of a file's pictures, or of all that it holds, as its header tells; None where it does not."""
    whole = container.duration / 1e6 if container.duration and container.duration > 0 else None
    return _tell_length(stream) or whole


def _tell_length(stream: Any) -> float | None:
    """Return the seconds of the pictures alone, where they are told; Matroska does in a tag: 00:01:02.500000000."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", str(stream.metadata.get("DURATION", "")).strip())
    return float(found[1]) * 3600 + float(found[2]) * 60 + float(found[3]) if found else None


def _lacks_index(path: str) -> bool:
    """Tell whether a file of QuickTime's family (mp4, mov, 3gp) holds no box "moov", without which nothing decodes."""
    with Path(path).open("rb") as file:
        kinds: set[bytes] = set()
        while len(head := file.read(16)) >= 8 and head[4:8].isalnum() and len(kinds) < MOST_BOXES:
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            size, read = (int.from_bytes(head[8:], "big"), 16) if size == 1 else (size, len(head))
            kinds.add(kind)
            if size < 8:
                break
            file.seek(size - read, os.SEEK_CUR)
    return b"ftyp" in kinds and b"moov" not in kinds
