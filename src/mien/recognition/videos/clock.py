"""When is each frame shown? In: the times that a file tells, or none. Out: seconds, never backwards."""

from __future__ import annotations

from typing import final

MOST_IN_DISORDER = 8
"""Frames in a row whose times lie back: after damage a few are out of order; after more the times have started anew."""


@final
class Clock:
    """Turns the times of frames into seconds since the beginning, as a player shows them.

    The beginning is that of the whole file, sound included: pictures that begin half a second after it do so here, too.
    What begins within the time of one frame begins at 0, as sound of AAC and Opus runs ahead by a few milliseconds.

    Args:
        start: seconds at which the file says that it begins; None: at its first frame.
        fps: frames a second, for frames without a time.
    """

    def __init__(self, start: float | None, fps: float) -> None:
        self.start, self._step = start, 1.0 / fps
        self._shift = 0.0
        self._last: float | None = None
        self._back: list[float] = []

    def tell(self, time: float | None) -> float:
        """Return the seconds of the next frame, whose own time may be missing or, in joined recordings, start anew."""
        if self._last is None:
            self._last = self._begin(time)
            return self._last
        seconds = self._last + self._step if time is None else time - (self.start or 0.0) + self._shift
        if seconds < self._last:
            return self._go_back(seconds)
        self._back, self._last = [], seconds
        return seconds

    def _go_back(self, seconds: float) -> float:
        """Return the time of the last frame for one that lies back; after several, go on from theirs."""
        assert self._last is not None
        self._back.append(seconds)
        if len(self._back) > MOST_IN_DISORDER:  # as where recordings were joined
            shift = self._last + self._step - self._back[0]
            self._shift += shift
            self._back, self._last = [], max(self._last, seconds + shift)
        return self._last

    def _begin(self, time: float | None) -> float:
        if time is None:
            self.start = 0.0 if self.start is None else self.start
            return 0.0
        if self.start is None or not self._step <= time - self.start:
            self.start = time
        return time - self.start
