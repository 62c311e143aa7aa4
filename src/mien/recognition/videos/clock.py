"""When is each frame shown? In: the times that a file tells, or none. Out: seconds, never backwards."""

from __future__ import annotations

from typing import final


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

    def tell(self, time: float | None) -> float:
        """Return the seconds of the next frame, whose own time may be missing or, in joined recordings, start anew."""
        if self._last is None:
            self._last = self._begin(time)
            return self._last
        seconds = self._last + self._step if time is None else time - (self.start or 0.0) + self._shift
        if seconds < self._last:  # the times start anew, as where recordings were joined
            self._shift += self._last + self._step - seconds
            seconds = self._last + self._step
        self._last = seconds
        return seconds

    def _begin(self, time: float | None) -> float:
        if time is None:
            self.start = 0.0 if self.start is None else self.start
            return 0.0
        if self.start is None or not self._step <= time - self.start:
            self.start = time
        return time - self.start
