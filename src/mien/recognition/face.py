"""What recognition finds: `Face`, and `Box`, the place of a face in its picture. Plain values, no pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from mien.labels import tell_columns_apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels of the upright picture, which holds it wholly.

    Attributes:
        left: from the left edge.
        top: from the upper edge.
        width: at least 1.
        height: at least 1.
        score: how sure the detector is, 0 to 1; None where it does not tell.
        roll: degrees by which the face leans clockwise in the picture; None where the detector does not tell.
    """

    left: int
    top: int
    width: int
    height: int
    score: float | None = None
    roll: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """The square of a picture that the network is shown, in its pixels; it may reach beyond the picture.

    Attributes:
        left: from the left edge.
        top: from the upper edge.
        side: at least 1.
        turn: degrees by which what is seen leans clockwise: so far it is turned back around the square's middle.
    """

    left: int
    top: int
    side: int
    turn: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face and its expression.

    Attributes:
        box: where it is; None where the whole picture was taken as the face.
        expression: the most probable one; None where it is not readable.
        confidence: its probability, 0 to 1; 0 where there is none.
        probabilities: of every expression, in the network's order; they sum to 1. Empty where it is not readable.
        expressions: those that it may show, the most probable first, so that the true one is among them as often as was
            asked for; empty where the network does not know its own errors.
        detection: the detector's score, 0 to 1, where it tells one.
        roll: degrees by which the face leans clockwise in the picture, where the detector tells it: an estimate, for
            small tilts too small.
        crop: the square that the network was shown; None where that was the whole picture, or nobody told.
        sharpness: of that square, see `mien.recognition.clarity`; None where nobody measured it.
        is_clear: it is large and sharp enough to be named in drawings and on the page.
        readable: whether it is a face, and one that can be read: what is not has no expression; None: nobody knows.
        readability: the network's score for it, 0 to 1, readable from 0.5 on unless another limit was asked for; no
            probability. None where the network does not tell.
    """

    box: Box | None
    expression: str | None
    confidence: float
    probabilities: dict[str, float]
    detection: float | None = None
    roll: float | None = None
    crop: Crop | None = None
    sharpness: float | None = None
    is_clear: bool = True
    expressions: tuple[str, ...] = ()
    readable: bool | None = None
    readability: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values, ready for JSON.

        >>> Face(box=None, expression="sad", confidence=1.0, probabilities={"sad": 1.0}).to_dict()["box"] is None
        True
        """
        place = None if self.box is None else {name: getattr(self.box, name) for name in PLACE}
        return {
            "box": place,
            "expression": self.expression,
            "confidence": self.confidence,
            "probabilities": dict(self.probabilities),
            "detection": self.detection,
            "roll": self.roll,
            "crop": None if self.crop is None else asdict(self.crop),
            "sharpness": self.sharpness,
            "is_clear": self.is_clear,
            "expressions": list(self.expressions),
            "readable": self.readable,
            "readability": self.readability,
        }

    def to_row(self) -> dict[str, Any]:
        """Return one row of a table: place, detection, expression, confidence, then a column an expression.

        Where a readability is known, it stands before the expression; a set stands behind the confidence, as in
        "sad|neutral". A face that is not readable has no column of a set or an expression.
        """
        place = {name: None if self.box is None else getattr(self.box, name) for name in PLACE}
        answer: dict[str, Any] = {
            "detection": self.detection,
            **({} if self.readability is None else {"readability": self.readability}),
            "expression": self.expression,
            "confidence": self.confidence,
        }
        answer |= {"expressions": BETWEEN.join(self.expressions)} if self.expressions else {}
        columns = name_columns(self.probabilities)
        return {**place, **answer, **dict(zip(columns, self.probabilities.values(), strict=True))}


def name_columns(expressions: Iterable[str]) -> tuple[str, ...]:
    """Return the column of each expression's probability: its name, unless a table has another column of that name.

    >>> name_columns(["happy", "top"])
    ('happy', 'top_probability')
    """
    return tell_columns_apart(expressions, TAKEN)


PLACE = ("left", "top", "width", "height")
"""The names of a box's sides, in the order of every table."""

BETWEEN = "|"
"""Stands between the expressions of a set in a table."""

TAKEN = frozenset(
    (
        *(*PLACE, "detection", "readability", "readable", "expression", "confidence", "expressions"),
        *("file", "frame", "seconds", "face"),
    )
)
"""Columns of tables of faces that an expression may not be mistaken for."""
