"""Where names stand beside faces. In: faces and the size of their picture. Out: a `Mark` a face; no pixels are needed.

One set of rules for drawings, notebooks and the page (`server/page/layout.js` follows this file line by line, and a
test holds both to the same numbers). A name follows its face: its letters grow with it, it is at most 1.5 faces wide,
and it covers neither a face nor another name. Where there is no room for name and percent there is the name alone, then
a number, which a legend or a list explains. A face that is not clear gets a frame and no name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from mien.recognition.face import Face

SURE = 0.5
"""A face named with less is more often something else: its name is paler and has a question mark."""

QUITE_SURE = 0.75
"""Below this a name that stands without its percent has a question mark, too."""

NEAR = 2 / 3
"""Where the second expression has so much of the first one's probability, both are told."""

MOST_NAMED = 3
"""Of a set of expressions so many are named; a larger one says too little to be read."""

WIDEST = 1.5
"""Of a label, in faces."""

LETTER = 0.6
"""Width of a letter, in heights of the font: a little more than those of usual fonts, so that texts fit."""

UNCLEAR = "too small or blurred"
"""What a list says of a face that gets no name."""

UNREADABLE = "not readable"
"""What stands in the place of a name where there is no face, or none that can be read."""

LINE, GROWTH, LARGEST, INSIDE = 1.4, 0.15, 2.5, 8.0
"""Height of a label in heights of its font; the font in faces; at most in smallest fonts; a label may stand inside of
its own face, at the edge, where the face is so many times as high as the label and there is no room elsewhere."""

Rectangle: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What stands beside one face.

    Attributes:
        text: the name, a number, or nothing.
        place: of the label; None where there is none.
        font: its height in pixels.
        is_number: the text is the face's number, which a legend explains.
        is_sure: the expression has at least half of the probability.
        is_clear: the face is large and sharp enough to be named.
    """

    text: str
    place: Rectangle | None
    font: float
    is_number: bool
    is_sure: bool
    is_clear: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """What numbers mean: lines of text, of one font, in a rectangle, column by column."""

    lines: tuple[str, ...]
    place: Rectangle
    font: float
    columns: int


def tell_names(face: Face) -> tuple[str, ...]:
    """Return ways of telling what a face shows, the fullest first, each as sure as the network is.

    >>> def show(**shares): return tell_names(Face(box=None, expression=max(shares, key=shares.get),
    ...     confidence=max(shares.values()), probabilities=shares))
    >>> show(happy=0.97, sad=0.03), show(happy=0.6, sad=0.4)
    (('happy 97 %', 'happy'), ('happy 60 %', 'happy?'))
    >>> show(sad=0.28, fear=0.25, angry=0.2), show(sad=0.45, fear=0.25)
    (('sad or fear?', 'sad?'), ('sad? 45 %', 'sad?'))
    >>> tell_names(Face(box=None, expression="sad", confidence=0.45, probabilities={"sad": 0.45},
    ...     expressions=("sad", "fear", "angry")))
    ('sad, fear or angry?', 'sad?')
    """
    if face.expression is None:
        return (UNREADABLE,)
    name, percent = face.expression, f"{round(100 * face.confidence)} %"
    if face.confidence >= SURE:
        return (f"{name} {percent}", name if face.confidence >= QUITE_SURE else f"{name}?")
    if 2 <= len(face.expressions) <= MOST_NAMED:  # what it may show, as surely as sets promise
        return (f"{', '.join(face.expressions[:-1])} or {face.expressions[-1]}?", f"{name}?")
    others = [(share, other) for other, share in face.probabilities.items() if other != name]
    share, second = max(others, key=lambda pair: pair[0], default=(0.0, ""))
    return (f"{name} or {second}?" if second and share >= NEAR * face.confidence else f"{name}? {percent}", f"{name}?")


def tell_face(face: Face) -> str:
    """Return in words what a face shows, as surely as it is known; why it has no name where it has none."""
    return tell_names(face)[0] if face.is_clear or face.expression is None else UNCLEAR


def lay_out(faces: Sequence[Face], *, width: int, height: int, smallest: float) -> list[Mark]:
    """Return a mark for each face, which are in pixels of a picture of `width` x `height`; the largest come first.

    Args:
        faces: that were recognised.
        width: of the picture.
        height: of the picture.
        smallest: pixels that a font has to have at least, so that it can be read where the picture is shown.
    """
    around = [surround(face, width, height) for face in faces]
    taken = np.array(around, np.float64).reshape(-1, 4)
    marks = []
    for index, face in enumerate(faces):
        mark = _mark_face(face, index, around[index], taken, (width, height, smallest))
        marks.append(mark)
        if mark.place is not None:
            taken = np.concatenate([taken, [mark.place]])
    return marks


def lay_out_legend(
    faces: Sequence[Face], marks: Sequence[Mark], *, width: int, height: int, smallest: float
) -> Legend | None:
    """Return the legend of the numbers, in a corner where it covers nothing; None without numbers, or without room."""
    lines = tuple(
        f"{mark.text} {tell_names(face)[0]}" for face, mark in zip(faces, marks, strict=True) if mark.is_number
    )
    taken = np.array(
        [surround(face, width, height) for face in faces] + [mark.place for mark in marks if mark.place], np.float64
    ).reshape(-1, 4)
    for columns in range(1, len(lines) + 1):
        wide = columns * measure_text(max(lines, key=len), smallest)
        high = -(-len(lines) // columns) * LINE * smallest
        for left, top in ((0.0, height - high), (width - wide, height - high), (0.0, 0.0), (width - wide, 0.0)):
            place = (left, top, left + wide, top + high)
            if _is_free(place, taken, width, height):
                return Legend(lines=lines, place=place, font=smallest, columns=columns)
    return None


def surround(face: Face, width: int, height: int) -> Rectangle:
    """Return what no label may cover: the face's box and the square that was cut; the whole picture without a box."""
    if face.box is None:
        return (0.0, 0.0, float(width), float(height))
    box, crop = face.box, face.crop
    left, top, right, bottom = box.left, box.top, box.left + box.width, box.top + box.height
    if crop is not None:
        left, top = min(left, max(crop.left, 0)), min(top, max(crop.top, 0))
        right, bottom = max(right, min(crop.left + crop.side, width)), max(bottom, min(crop.top + crop.side, height))
    return (float(left), float(top), float(right), float(bottom))


def measure_text(text: str, font: float) -> float:
    """Return how wide a label with this text is, in pixels."""
    return LETTER * font * (len(text) + 1)


def _mark_face(
    face: Face, index: int, around: Rectangle, taken: npt.NDArray[np.float64], picture: tuple[int, int, float]
) -> Mark:
    width, height, smallest = picture
    side = max(around[2] - around[0], around[3] - around[1])
    wanted = min(max(GROWTH * side, smallest), LARGEST * smallest)
    names = [(text, _fit_font(text, side, wanted)) for text in tell_names(face)] if face.is_clear else []
    names = [(text, font) for text, font in names if font >= smallest]
    number = [(str(index + 1), smallest)] if face.is_clear else []
    within = [(text, font) for text, font in names if side >= INSIDE * LINE * font]
    others = np.delete(taken, index, axis=0)  # all but the face itself
    for tried, places_of, free_of in ((names, _list_outside, taken), (within, _list_inside, others)):
        for text, font in tried:
            for place in places_of(around, measure_text(text, font), LINE * font, width, height):
                if _is_free(place, free_of, width, height):
                    return _make_mark(face, text, place, font)
    for text, font in number:
        for place in _list_outside(around, measure_text(text, font), LINE * font, width, height):
            if _is_free(place, taken, width, height):
                return _make_mark(face, text, place, font, is_number=True)
    return _make_mark(face, "", None, smallest)


def _make_mark(face: Face, text: str, place: Rectangle | None, font: float, *, is_number: bool = False) -> Mark:
    sure = face.confidence >= SURE
    return Mark(text=text, place=place, font=font, is_number=is_number, is_sure=sure, is_clear=face.is_clear)


def _list_outside(around: Rectangle, wide: float, high: float, width: int, height: int) -> list[Rectangle]:
    """Return places beside a face, the best first: above, below, at its right, at its left; moved into the picture."""
    left, top, right, bottom = around
    columns = [min(max(at, 0.0), width - wide) for at in ((left + right - wide) / 2, left, right - wide)]
    rows = [min(max(at, 0.0), height - high) for at in (top, (top + bottom - high) / 2, bottom - high)]
    corners = [(at, top - high) for at in columns] + [(at, bottom) for at in columns]
    corners += [(right, at) for at in rows] + [(left - wide, at) for at in rows]
    return [(at, row, at + wide, row + high) for at, row in corners]


def _list_inside(around: Rectangle, wide: float, high: float, width: int, height: int) -> list[Rectangle]:
    """Return places in the corners of a face that leaves no room outside."""
    left, top, right, bottom = around
    corners = [(left, top), (right - wide, top), (left, bottom - high), (right - wide, bottom - high)]
    return [(at, row, at + wide, row + high) for at, row in corners]


def _fit_font(text: str, side: float, wanted: float) -> float:
    """Return the font, at most as wanted, in which a text is no wider than `WIDEST` faces."""
    return min(wanted, WIDEST * side / measure_text(text, 1.0))


def _is_free(place: Rectangle, taken: npt.NDArray[np.float64], width: int, height: int) -> bool:
    """Return whether a rectangle is in the picture and covers nothing."""
    left, top, right, bottom = place
    if left < 0 or top < 0 or right > width or bottom > height:
        return False
    over = (taken[:, 0] < right) & (taken[:, 2] > left) & (taken[:, 1] < bottom) & (taken[:, 3] > top)
    return not over.any()
