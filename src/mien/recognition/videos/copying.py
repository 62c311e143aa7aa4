"""Write a copy of a video with its faces drawn in: the times of its frames, and its sound, stay. Out: an mp4 file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, final

import numpy as np

from mien.errors import MienError
from mien.files import write_aside
from mien.recognition.pictures import Picture
from mien.recognition.videos.cameras import Camera
from mien.recognition.videos.reading import Video, import_av
from mien.recognition.videos.sound import Sound, open_sound
from mien.recognition.videos.watching import Frame

CODECS = ("libx264", "libopenh264", "mpeg4")
"""The first that this FFmpeg has; browsers play what the first two write."""

TICKS = 90_000
"""A second: what films of 24, 25, 30 and 29.97 frames a second are counted in exactly."""

OPTIONS = {"libx264": {"preset": "veryfast", "crf": "20"}, "libopenh264": {"b": "6M"}, "mpeg4": {"qscale": "4"}}


@contextmanager
def open_copy(
    path: Path, video: Video | Camera, *, on_remark: Callable[[str], None] = lambda remark: None
) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that draws a frame's faces and appends it to a new mp4 file.

    Args:
        path: of the new file.
        video: what is copied.
        on_remark: is told, in one line, where the sound is not kept.

    Raises:
        MissingExtraError: PyAV is not installed.
        MienError: the file cannot be written.
    """
    av = import_av()
    with write_aside(path) as aside, ExitStack() as stack:
        try:
            container = stack.enter_context(av.open(str(aside), "w", format="mp4", options={"movflags": "+faststart"}))
            copy = _Copy(container, video, stack.enter_context(open_sound(video, container, on_remark)))
            yield copy.write
            copy.finish()
        except av.error.FFmpegError as error:
            raise MienError(f"{path}: cannot be written ({error.strerror or error})") from error


@final
class _Copy:
    """The copy while it is written: made at the first frame, whose size the others are brought to."""

    def __init__(self, container: Any, video: Video | Camera, sound: Sound | None) -> None:
        self._container, self._video, self._sound = container, video, sound
        self._stream: Any = None
        self._last = -1

    def write(self, frame: Frame) -> None:
        """Append a frame, and the sound up to it."""
        import av

        drawn = _make_even(frame.draw())
        if self._stream is None:
            self._start(drawn)
        image = av.VideoFrame.from_ndarray(drawn, format="rgb24")
        context = self._stream.codec_context
        image = image.reformat(width=context.width, height=context.height, format="yuv420p")
        self._last = max(self._last + 1, round(frame.seconds * TICKS))
        image.pts, image.time_base = self._last, Fraction(1, TICKS)
        if self._sound is not None:
            self._sound.copy_until(frame.seconds)
        self._container.mux(self._stream.encode(image))

    def finish(self) -> None:
        """Write what the encoder still holds, and the rest of the sound."""
        if self._stream is not None:
            self._container.mux(self._stream.encode())
            if self._sound is not None:
                self._sound.copy_until(None)

    def _start(self, drawn: Picture) -> None:
        import av

        codec = next(name for name in CODECS if name in av.codecs_available)
        rate = Fraction(self._video.fps).limit_denominator(1001)
        self._stream = self._container.add_stream(codec, rate=max(rate, Fraction(1)), options=OPTIONS[codec])
        self._stream.height, self._stream.width = drawn.shape[:2]
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, TICKS)


def _make_even(picture: Picture) -> Picture:
    """Return the picture with even sides, as colours at half the resolution need them: an edge is repeated."""
    down, across = picture.shape[0] % 2, picture.shape[1] % 2
    return np.pad(picture, ((0, down), (0, across), (0, 0)), mode="edge") if down or across else picture
