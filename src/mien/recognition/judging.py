"""What answers are worth. In: probabilities of a network. Out: those at other base rates, and sets of expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import final

import numpy as np
import numpy.typing as npt

from mien.beliefs.base_rates import (
    ESTIMATE,
    BaseRates,
    Prior,
    check_probabilities,
    choose_rates,
    estimate_rates,
    parse_prior,
    shift_rates,
)
from mien.beliefs.sets import COVERAGE, SetRule, check_sets
from mien.errors import ConfigError, DataError
from mien.recognition.answers import READABLE, Answers
from mien.recognition.clarity import Clarity, measure_sharpness
from mien.recognition.crop import place_square
from mien.recognition.face import Box, Face
from mien.recognition.network import OnnxNetwork

Probabilities = npt.NDArray[np.float32]
Namer = Callable[[Sequence[Box | None], Answers, Sequence[float]], list[Face]]


@final
class Judge:
    """Knows at which base rates answers are given, which expressions a face may show, and whether it is one.

    Args:
        prior: see `Recogniser`.
        coverage: likewise.
        sets: likewise.
        min_readability: likewise.
        find_network: returns the network; asked at the first use, because it may still be opening.

    Raises:
        ConfigError: an impossible prior, coverage or limit, or one for a network that does not know what it takes.
    """

    def __init__(
        self,
        prior: Prior | None,
        coverage: float | None,
        sets: str,
        min_readability: float | None,
        find_network: Callable[[], OnnxNetwork],
    ) -> None:
        self._least = READABLE if min_readability is None else min_readability
        if not 0.0 <= self._least <= 1.0:
            raise ConfigError(f"`min_readability`: expected 0 to 1, found {min_readability}")
        if min_readability and not find_network().tells_readable:
            expected = "a network that tells what is no readable face, found none: leave it out"
            raise ConfigError(f"`min_readability`: expected {expected}")
        check_sets(COVERAGE if coverage is None else coverage, sets)
        self.estimates = prior is not None and parse_prior(prior) == ESTIMATE
        self.shifted: tuple[float, ...] | None = None
        self._coverage, self._sets, self._find_network = coverage, sets, find_network
        if coverage is not None and find_network().sets is None:
            expected = "a network that knows thresholds for sets, found none: export it with this mien"
            raise ConfigError(f"`coverage`: expected {expected}, on data with a valid split")
        if self.estimates:
            _ = self.own
        elif prior is not None:
            self.shifted = choose_rates(prior, find_network().expressions, self.own)

    @property
    def own(self) -> tuple[float, ...]:
        """The base rates (K,) that the network learnt from; ConfigError where it does not tell any."""
        rates = self._find_network().own_rates
        if rates is None:
            expected = "a network that tells which base rates it assumes, found none: export it with this mien"
            raise ConfigError(f"`prior`: expected {expected}, on data with a valid split")
        return rates

    @property
    def rates(self) -> tuple[float, ...] | None:
        """The base rates (K,) that answers assume, of the prior or built into the file; None where nobody knows."""
        return self.shifted or self._find_network().rates

    def at_prior(self, answers: Probabilities) -> Probabilities:
        """Return the network's answers (N, K) at the rates of the prior."""
        return answers if self.shifted is None else shift_rates(answers, self._find_network().rates or (), self.shifted)

    def shift(self, probabilities: Probabilities, prior: Prior) -> tuple[Probabilities, tuple[float, ...]]:
        """Return what `at_prior` gave as it is with another prior, and the rates (K,) of that."""
        own = self.own
        rates = choose_rates(prior, self._find_network().expressions, own)
        return shift_rates(probabilities, self.rates or own, rates), rates

    def estimate(self, faces: Iterable[Face] | npt.NDArray[np.floating]) -> BaseRates:
        """Return the base rates of faces that were named at `rates`, or of their probabilities (N, K).

        They are taken back to the network's own rates first: what is drawn in stands at those.

        Raises:
            ConfigError: the network does not tell which rates it assumes, or faces stand at those of their call.
            DataError: too few faces, or of other expressions.
        """
        if self.estimates:
            expected = "a recogniser whose faces stand at known rates, found one that estimates them at each call"
            raise ConfigError(f"`prior`: expected {expected}: leave out prior='estimate', and estimate from its faces")
        return self._estimate(faces)

    def _estimate(self, faces: Iterable[Face] | npt.NDArray[np.floating]) -> BaseRates:
        own, expressions = self.own, self._find_network().expressions
        if isinstance(faces, np.ndarray):
            rows = np.asarray(faces, dtype=np.float64)
        else:
            named = [face.probabilities for face in faces if face.probabilities]
            other = next((found for found in named if tuple(found) != tuple(expressions)), None)
            if other is not None:
                expected = f"expected faces with probabilities of {', '.join(expressions)}"
                raise DataError("prior", f"{expected}, found one with {', '.join(other)}: who named it has to estimate")
            rows = np.array([list(found.values()) for found in named], np.float64).reshape(-1, len(expressions))
        check_probabilities(rows, expressions)  # a shift would make probabilities of anything
        return estimate_rates(shift_rates(rows, self.rates or own, own), own, expressions)

    def name_again(self, groups: Sequence[Sequence[Face]], name: Namer) -> list[list[Face]]:
        """Return faces at the rates that all of them together tell.

        Args:
            groups: the faces of each picture.
            name: makes faces of boxes, probabilities and their rates.
        """
        before = self.rates or self.own
        after = tuple(self._estimate([face for faces in groups for face in faces]).rates.values())
        named = []
        for faces in groups:
            named_before = [face for face in faces if face.probabilities]
            rows = np.array([list(face.probabilities.values()) for face in named_before], np.float32)
            answers = Answers(probabilities=shift_rates(rows.reshape(-1, len(after)), before, after))
            again = iter(name([face.box for face in named_before], answers, after))
            named.append([_keep_looks(next(again), face) if face.probabilities else face for face in faces])
        return named

    @property
    def rule(self) -> SetRule | None:
        """How expressions are named together; None where the network knows no thresholds."""
        known = self._find_network().sets
        return None if known is None else known.pick(self._coverage or COVERAGE, self._sets)

    def choose_sets(self, probabilities: Probabilities, rates: Sequence[float] | None) -> npt.NDArray[np.bool_]:
        """Return which expressions each face may show, bool (N, K); none where nobody knows.

        Thresholds were set at the network's own base rates, and there they are applied: those of "classes" then hold at
        any rates. The most probable expression at other `rates` always belongs to its set.
        """
        rule = self.rule
        if rule is None or not len(probabilities):
            return np.zeros(probabilities.shape, dtype=bool)
        rates = rates or self.rates
        own = self._find_network().own_rates
        chosen = rule.apply(probabilities if rates is None or own is None else shift_rates(probabilities, rates, own))
        chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
        return chosen

    def make_faces(
        self, boxes: Sequence[Box | None], answers: Answers | Probabilities, rates: Sequence[float] | None
    ) -> list[Face]:
        """Return a face for each box and the answer about it; `rates` (K,) are those that answers assume now, if other.

        What is not readable has no expression.
        """
        if isinstance(answers, np.ndarray):
            answers = Answers(probabilities=answers)
        expressions, scores = self._find_network().expressions, answers.readability
        known = [None] * len(boxes) if scores is None else scores.tolist()
        chosen = self.choose_sets(answers.probabilities, rates)
        rows = zip(boxes, answers.probabilities, chosen, known, strict=True)
        return [
            make_face(box, row, expressions, among)
            if score is None
            else replace(make_face(box, row, expressions, among), readable=True, readability=score)
            if score >= self._least
            else make_unreadable(box, score)
            for box, row, among, score in rows
        ]


def make_unreadable(box: Box | None, readability: float) -> Face:
    """Return what is found and is no face, or none that can be read: it has no expression."""
    return Face(
        box=box,
        expression=None,
        confidence=0.0,
        probabilities={},
        detection=None if box is None else box.score,
        roll=None if box is None else box.roll,
        readable=False,
        readability=readability,
    )


def _keep_looks(now: Face, before: Face) -> Face:
    """Return a face that was named again with what its pixels told the first time."""
    names = ("sharpness", "is_clear", "readable", "readability")
    return replace(now, **{name: getattr(before, name) for name in names})


def make_face(box: Box | None, row: Probabilities, expressions: Sequence[str], chosen: npt.NDArray[np.bool_]) -> Face:
    """Return a face; `row` (K,) are its probabilities, `chosen` (K,) tells which expressions are in its set."""
    probabilities = dict(zip(expressions, row.tolist(), strict=True))
    likely = [expressions[index] for index in np.argsort(-row, kind="stable") if chosen[index]]
    best = expressions[int(row.argmax())]
    return Face(
        box=box,
        expression=best,
        confidence=probabilities[best],
        probabilities=probabilities,
        expressions=tuple(likely),
        detection=None if box is None else box.score,
        roll=None if box is None else box.roll,
    )


def place_faces(
    faces: Sequence[Face], crops: npt.NDArray[np.uint8] | None, *, margin: float, clarity: Clarity
) -> list[Face]:
    """Return faces with the squares that were cut, uint8 (N, H, W), and whether these are clear; None: nobody knows."""
    sharpness = [None] * len(faces) if crops is None or not len(crops) else measure_sharpness(crops).tolist()
    pairs = zip(faces, sharpness, strict=True)
    return [place_face(face, sharp, margin=margin, clarity=clarity) for face, sharp in pairs]


def place_face(face: Face, sharpness: float | None, *, margin: float, clarity: Clarity) -> Face:
    """Return a face with the square that was cut, and whether that is clear; a whole picture is taken as it is."""
    if face.box is None:
        return replace(face, sharpness=sharpness)
    crop = place_square(replace(face.box, roll=face.roll), margin=margin)
    return replace(face, crop=crop, sharpness=sharpness, is_clear=clarity.holds(crop.side, sharpness))
