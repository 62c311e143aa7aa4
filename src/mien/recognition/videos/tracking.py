"""Follow faces from frame to frame. In: the faces of one frame after the other. Out: the same, numbered and smoothed.

A face goes on where its box overlaps the one it had; its probabilities follow an exponential moving average in time.
Frames in which it cannot be read are left out of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

from mien.recognition.face import Box, Face

LEAST_OVERLAP = 0.1
"""Of two boxes that count as one face, as intersection over union. YuNet's boxes of one face hardly differ from look to
look, so what parts them is movement. In 18 films of a camera that pans over photographs, of the faces that were looked
at again at each fifth frame 0.38 % lost their number so, and none got another's; with 0.2 1.0 %; with 0.3, which the
tracker SORT (Bewley et al., 2016) asks for, 4.3 % and 0.4 %; with 0.2 and no motion, as before, 5.6 % and 0.1 %: all
by benchmarks.tracking."""

PATIENCE_SECONDS = 1.0
"""A face that was looked for and not found for so long has gone; who comes afterwards is somebody else."""


MOTION = 1.0
"""Part of its last movement that a face is expected to go on with from look to look; 0: it is expected to stay. In the
same films, with the same overlap, 1.4 % lost their number with 0."""


@final
@dataclass(slots=True, kw_only=True)
class _Track:
    number: int
    face: Face
    seconds: float
    named: Face | None = None
    """The face as it was last readable, with the average of its probabilities."""
    named_seconds: float = 0.0
    across: float = 0.0  # pixels a second
    down: float = 0.0

    def move(self, face: Face, seconds: float) -> None:
        """Take the place of the face at a new time; its speed is that since the last look."""
        elapsed = seconds - self.seconds
        if self.face.box is not None and face.box is not None and elapsed > 0.0:
            before, now = find_middle(self.face.box), find_middle(face.box)
            self.across, self.down = (now[0] - before[0]) / elapsed, (now[1] - before[1]) / elapsed

    def average(self, face: Face, seconds: float, weigh: Callable[[float], float]) -> Face:
        """Return the face with the average over time; what is not readable has no part in it, and shows none."""
        if face.expression is None:
            return face
        if self.named is not None:
            face = smooth(self.named, face, weigh(seconds - self.named_seconds))
        self.named, self.named_seconds = face, seconds
        return face

    def expect(self, seconds: float) -> Box | None:
        """Return where the face should be at a time if it moves on."""
        box, elapsed = self.face.box, MOTION * (seconds - self.seconds)
        if box is None:
            return None
        left, top = box.left + round(self.across * elapsed), box.top + round(self.down * elapsed)
        return replace(box, left=left, top=top)


@final
class Tracker:
    """Numbers faces from 1, each number one face for as long as it is followed.

    Args:
        smoothing_seconds: time constant of the average: 63 % of a change shows after so long; 0: no average.
    """

    def __init__(self, *, smoothing_seconds: float) -> None:
        self._smoothing_seconds = smoothing_seconds
        self._tracks: list[_Track] = []
        self._looked = 0.0
        self.count = 0

    def follow(self, faces: Sequence[Face], seconds: float) -> list[tuple[int, Face]]:
        """Return the faces of the frame at `seconds`, in their order, each with its number."""
        self._tracks = [track for track in self._tracks if self._is_waited_for(track, seconds)]
        self._looked = seconds
        pairs = _match(self._tracks, faces, seconds)
        followed = []
        for index, face in enumerate(faces):
            track = pairs.get(index) or self._start(face, seconds)
            track.move(face, seconds)
            track.face = track.average(face, seconds, self._weigh)
            track.seconds = seconds
            followed.append((track.number, track.face))
        return followed

    def _is_waited_for(self, track: _Track, seconds: float) -> bool:
        """Tell whether a face may come back: it was there a moment ago, or whenever faces were last looked for."""
        return seconds - track.seconds <= PATIENCE_SECONDS or track.seconds == self._looked

    def _start(self, face: Face, seconds: float) -> _Track:
        self.count += 1
        self._tracks.append(_Track(number=self.count, face=face, seconds=seconds))
        return self._tracks[-1]

    def _weigh(self, elapsed_seconds: float) -> float:
        """Return the weight of a new frame: frames may be at any distance."""
        if self._smoothing_seconds == 0.0:
            return 1.0
        return -math.expm1(-max(elapsed_seconds, 0.0) / self._smoothing_seconds)


def smooth(before: Face, now: Face, weight: float) -> Face:
    """Return `now` with the weighted mean of the probabilities of both.

    >>> sure, unsure = (Face(box=None, expression="sad", confidence=p, probabilities={"sad": p}) for p in (0.9, 0.5))
    >>> smooth(sure, unsure, 0.25).confidence
    0.8
    """
    old = before.probabilities
    mixed = {name: value + (old[name] - value) * (1.0 - weight) for name, value in now.probabilities.items()}
    best = max(mixed, key=mixed.__getitem__)
    # The newest frame's set is kept: what it promises, it promises of a single look.
    likely = tuple(dict.fromkeys((best, *now.expressions))) if now.expressions else ()
    return replace(now, expression=best, confidence=mixed[best], probabilities=mixed, expressions=likely)


def measure_overlap(one: Box | None, other: Box | None) -> float:
    """Return intersection over union of two boxes, 0 to 1; None is the whole picture, and overlaps itself wholly.

    >>> square = Box(left=0, top=0, width=10, height=10)
    >>> measure_overlap(square, square), measure_overlap(square, Box(left=5, top=0, width=10, height=10))
    (1.0, 0.3333333333333333)
    """
    if one is None or other is None:
        return float(one is other)
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(width, 0) * max(height, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)


def find_middle(box: Box) -> tuple[float, float]:
    """Return the middle of a box, in pixels from the left and from the top.

    >>> find_middle(Box(left=10, top=0, width=20, height=10))
    (20.0, 5.0)
    """
    return box.left + box.width / 2, box.top + box.height / 2


def _match(tracks: Sequence[_Track], faces: Sequence[Face], seconds: float) -> dict[int, _Track]:
    """Return for the index of a face the track that it goes on with: the pairs of largest overlap first.

    What counts is the larger overlap of two: with the place where the face was, and where it should be by now.
    """
    overlaps = []
    for place, track in enumerate(tracks):
        expected = track.expect(seconds)
        for index, face in enumerate(faces):
            overlap = max(measure_overlap(track.face.box, face.box), measure_overlap(expected, face.box))
            overlaps.append((overlap, index, place))
    pairs: dict[int, _Track] = {}
    taken: set[int] = set()
    for overlap, index, place in sorted(overlaps, reverse=True):
        if overlap >= LEAST_OVERLAP and index not in pairs and place not in taken:
            pairs[index] = tracks[place]
            taken.add(place)
    return pairs
