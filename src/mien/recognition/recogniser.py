"""`Recogniser`: from pictures to faces with expressions. It needs no PyTorch, and may be shared between threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, overload

import numpy as np
import numpy.typing as npt

from mien.beliefs.base_rates import ESTIMATE, BaseRates, Prior, choose_rates, estimate_rates, parse_prior, shift_rates
from mien.beliefs.sets import COVERAGE, DEFAULT, SetRule, check_sets
from mien.data.images import MAX_PIXELS
from mien.errors import ConfigError
from mien.recipes.heads import HEADS
from mien.recognition.clarity import Clarity, measure_sharpness
from mien.recognition.crop import MARGIN, cut_faces, place_square
from mien.recognition.detect import Detector, check_boxes, find_detector
from mien.recognition.face import Box, Face
from mien.recognition.inputs import DATA_URL, Source, hold, name_source
from mien.recognition.model import find_model
from mien.recognition.network import OnnxNetwork
from mien.recognition.opening import start_opening
from mien.recognition.pictures import Picture, WholePicture, read_whole
from mien.recognition.results import FoundFaces
from mien.recognition.shrink import LONGEST_SIDE

FINE = 1.5
"""A face of a JPEG that was decoded smaller has to be so many times as long as what the network takes. Cut from half
the sides, 97 % of 71 faces in photographs that long get the same expression, of 48 that are 1 to 1.5 times as long
94 %, of 35 of 0.75 to 1 times 91 %, below 60 %."""

if TYPE_CHECKING:
    from mien.recognition.videos.watching import Frame, Watched

PICTURES_AT_ONCE = 32
"""Of a longer list, so many are in memory at a time."""


@final
class Recogniser:
    """Recognises expressions; may be shared between threads, and pickled for other processes, which open it anew.

    Args:
        run: folder of a run, or a file that `mien export` wrote; None: the network that ships with mien.
        detector: "auto" (YuNet, or a cascade where its file is missing), "yunet" or "yunet:FILE" (see
            `mien.recognition.yunet_file`), "cascade", "none" (every picture is one face), or a callable from uint8
            (H, W, 3) to a list of `Box`; how much around its boxes the network sees, its attribute `margin` may tell,
            and `longest_side` at how many pixels of a picture's longer side it looks at most: large JPEGs are then
            decoded no larger than that needs.
        min_detection: leave out faces of which the detector is less sure, 0 to 1; None: what it is set to.
        threads: that the network may use; None: one for each core.
        on_remark: is told, in one line, where "auto" has to do with a cascade.
        labels: by whose labels it answers: "fer2013" (the data set's own), "ferplus" (votes of ten people), "ferplus8"
            (the same with contempt) or "people" (half of each, which travels best); None: "people", where the network
            knows it.
        clarity: how large and sharp a face has to be to be named in drawings and on the page; None: `Clarity()`.
        prior: how often each expression occurs in your pictures: "training" (as in those that the network learnt
            from), "uniform", rates as {"happy": 0.4} or "happy=0.4,sad=0.1" (the others share the rest as in training),
            or "estimate": as the pictures of one call of `recognise` tell. None: as the network's file answers.
        coverage: of a hundred faces, so many shall have their expression among `Face.expressions`, 0.5 to 0.99; None:
            0.9, where the network knows thresholds.
        sets: how these are chosen: "classes" (kept for each expression), "lac" (the smallest) or "raps"; see
            `mien.beliefs.sets`.

    Raises:
        RunError: no such run or file, or not one of mien; the one that ships opens meanwhile, and tells at first use.
        ConfigError: no detector or labels of that name, or what it needs is not there; an impossible prior, or one for
            a file that does not tell which rates it assumes; likewise a coverage.
    """

    def __init__(
        self,
        run: str | os.PathLike[str] | None = None,
        *,
        detector: str | Detector = "auto",
        min_detection: float | None = None,
        threads: int | None = None,
        on_remark: Callable[[str], None] = warnings.warn,
        labels: str | None = None,
        clarity: Clarity | None = None,
        prior: Prior | None = None,
        coverage: float | None = None,
        sets: str = DEFAULT,
    ) -> None:
        if labels is not None and labels not in HEADS:
            raise ConfigError(f"labels: expected one of {', '.join(sorted(HEADS))}, found {labels!r}")
        check_sets(COVERAGE if coverage is None else coverage, sets)
        self._made_of: dict[str, Any] = {
            **{"run": None if run is None else Path(run).absolute(), "detector": detector, "threads": threads},
            **{"min_detection": min_detection, "labels": labels, "clarity": clarity},
            **{"prior": prior, "coverage": coverage, "sets": sets},
        }
        self.estimates_prior = prior is not None and parse_prior(prior) == ESTIMATE
        self._detector = find_detector(detector, min_detection=min_detection, on_remark=on_remark)
        self._min_detection = min_detection or 0.0
        self._model, self._threads, self._process = find_model(run), threads, os.getpid()
        self._labels, self._clarity = labels, clarity or Clarity()
        self._opened: Future[OnnxNetwork] = Future()
        if run is None:  # ours is sound: it opens while the first faces are looked for
            start_opening(self._open)
        else:
            self._opened.set_result(OnnxNetwork(self._model, threads=threads, labels=labels))
        self._rates: tuple[float, ...] | None = None
        if coverage is not None and self._network.sets is None:
            expected = "a network that knows thresholds for sets, found none: export it with this mien"
            raise ConfigError(f"coverage: expected {expected}, on data with a valid split")
        if self.estimates_prior:
            self._require_rates()
        elif prior is not None:
            self._rates = choose_rates(prior, self.expressions, self._require_rates())

    def _require_rates(self) -> tuple[float, ...]:
        if self._network.rates is None:
            expected = "a network that tells which base rates it assumes, found none: export it with this mien"
            raise ConfigError(f"prior: expected {expected}, on data with a valid split")
        return self._network.rates

    def _open(self) -> None:
        try:
            self._opened.set_result(OnnxNetwork(self._model, threads=self._threads, labels=self._labels))
        except BaseException as error:
            self._opened.set_exception(error)

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_again, (self._made_of,)

    @property
    def _network(self) -> OnnxNetwork:
        if self._process != os.getpid() and not self._opened.done():  # forked: the thread that opens stayed behind
            self._process, self._opened = os.getpid(), Future()
            self._open()
        return self._opened.result()

    @property
    def expressions(self) -> tuple[str, ...]:
        """Names of the classes, in the network's order."""
        return self._network.expressions

    @property
    def card(self) -> dict[str, Any]:
        """What is known of the network: expressions, recipe, size, views, calibration, base rates, versions."""
        return {**self._network.card, **({} if self._rates is None else {"rates": list(self._rates)})}

    @property
    def size(self) -> int:
        """Side in pixels of the faces that the network takes."""
        return self._network.size

    @property
    def rates(self) -> dict[str, float] | None:
        """Base rates that its probabilities assume: those of `prior`, or the network's; None where it tells none."""
        rates = self._rates or self._network.rates
        return None if rates is None else dict(zip(self.expressions, rates, strict=True))

    @property
    def detects(self) -> bool:
        """Whether faces are looked for; otherwise every picture is one face."""
        return self._detector is not None

    @overload
    def recognise(self, pictures: Source, *, detect: bool = True) -> FoundFaces: ...
    @overload
    def recognise(self, pictures: list[Source] | tuple[Source, ...], *, detect: bool = True) -> list[FoundFaces]: ...
    def recognise(
        self, pictures: Source | list[Source] | tuple[Source, ...], *, detect: bool = True
    ) -> FoundFaces | list[FoundFaces]:
        """Return the faces of a picture, the largest first; of a list of pictures, a list of such lists.

        Args:
            pictures: what `read_picture` reads, or a list of it; the faces of a list go through the network together.
            detect: look for faces; otherwise each picture is one face already, and its `box` is None.

        Raises:
            DataError: a picture that cannot be read; in a list, its number is told. Too few faces for a prior that is
                to be estimated.
        """
        if not isinstance(pictures, (list, tuple)):
            return self._judge(self._recognise_some([pictures], [name_source(pictures)], detect))[0]
        found: list[FoundFaces] = []
        for start in range(0, len(pictures), PICTURES_AT_ONCE):
            sources = pictures[start : start + PICTURES_AT_ONCE]
            names = [_name(source, at) for at, source in enumerate(sources, start)]
            found += self._recognise_some(sources, names, detect)
        return self._judge(found)

    def estimate_prior(self, faces: Iterable[Face] | npt.NDArray[np.floating]) -> BaseRates:
        """Return the base rates of faces that this recogniser has named, with their intervals.

        Args:
            faces: at least 50, or the probabilities (N, K) of so many.

        Raises:
            ConfigError: the network does not tell which rates it assumes.
            DataError: too few faces.
        """
        rows = faces if isinstance(faces, np.ndarray) else [list(face.probabilities.values()) for face in faces]
        probabilities = np.asarray(rows, dtype=np.float64).reshape(-1, len(self.expressions))
        return estimate_rates(probabilities, self._rates or self._require_rates(), self.expressions)

    def _judge(self, found: list[FoundFaces]) -> list[FoundFaces]:
        """Return the faces at the rates that they themselves tell, where the prior is to be estimated."""
        if not (self.estimates_prior and found):
            return found
        before = self._require_rates()
        after = tuple(self.estimate_prior([face for faces in found for face in faces]).rates.values())

        def name(faces: FoundFaces) -> FoundFaces:
            rows = np.array([list(face.probabilities.values()) for face in faces], np.float32).reshape(-1, len(after))
            named = self.name([face.box for face in faces], shift_rates(rows, before, after), rates=after)
            kept = [
                replace(face, sharpness=old.sharpness, is_clear=old.is_clear)
                for face, old in zip(named, faces, strict=True)
            ]
            return FoundFaces(kept, faces.source)

        return [name(faces) for faces in found]

    @property
    def _margin(self) -> float:
        return float(getattr(self._detector, "margin", MARGIN))

    def watch(
        self,
        source: Watched,
        *,
        every: int = 1,
        detect: bool = True,
        smoothing_seconds: float = 0.5,
        min_confidence: float = 0.0,
        keep_all: bool = False,
        workers: int | None = None,
    ) -> Generator[Frame, None, None]:
        """Yield the frames of a video one after the other, each with its time and the faces that are followed in it.

        Args:
            source: path of a video, an address (rtsp://…, http://…), an open file, or the number of a camera.
            every: look at each frame whose number it divides.
            detect: look for faces; otherwise each frame is one face already.
            smoothing_seconds: probabilities are averaged over about so long; 0: each frame speaks for itself.
            min_confidence: leave out faces that are named with less.
            keep_all: yield the frames between, too, with the faces of the one before.
            workers: threads that look for faces; None: one for each core.

        Raises:
            DataError: at the first frame: it is no video, or there is no such camera.
            MissingExtraError: PyAV is not installed (`mien[video]`).
        """
        from mien.recognition.videos.watching import Watch, watch

        how = Watch(
            every=every,
            detect=detect,
            smoothing_seconds=smoothing_seconds,
            min_confidence=min_confidence,
            keep_all=keep_all,
            workers=workers or os.cpu_count() or 1,
        )
        return watch(self, source, how)

    def find(self, picture: Picture) -> list[Box]:
        """Return where the faces are, the largest first; `picture` is uint8 (H, W, 3), RGB.

        Raises:
            ConfigError: what the detector returned is no list of `Box` inside the picture.
        """
        if self._detector is None:
            return []
        boxes = check_boxes(self._detector(picture), picture)
        return [box for box in boxes if box.score is None or box.score >= self._min_detection]

    def cut(self, picture: Picture, boxes: Sequence[Box | None]) -> npt.NDArray[np.uint8]:
        """Return what the network is shown of each box: uint8 (N, size, size); None is the whole picture."""
        return cut_faces(picture, boxes, side=self.size, margin=self._margin)

    def predict(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return probabilities (N, K) of grey faces, uint8 (N, H, W), in batches; see `OnnxNetwork.predict`.

        They are at the rates of the prior; where that is to be estimated, still at those of the network.
        """
        answers = self._network.predict(crops)
        return answers if self._rates is None else shift_rates(answers, self._require_rates(), self._rates)

    def shift(
        self, probabilities: npt.NDArray[np.float32], prior: Prior
    ) -> tuple[npt.NDArray[np.float32], tuple[float, ...]]:
        """Return what `predict` answered, as it is with another prior, and the rates (K,) of that.

        Raises:
            ConfigError: an impossible prior, or the network does not tell which rates it assumes.
        """
        own = self._require_rates()
        rates = choose_rates(prior, self.expressions, own)
        return shift_rates(probabilities, self._rates or own, rates), rates

    def name(
        self,
        boxes: Sequence[Box | None],
        probabilities: npt.NDArray[np.float32],
        crops: npt.NDArray[np.uint8] | None = None,
        *,
        rates: Sequence[float] | None = None,
    ) -> list[Face]:
        """Return a `Face` for each box and its row of probabilities (N, K).

        Args:
            boxes: of N faces.
            probabilities: of `predict`, or shifted from there.
            crops: what the network was shown, which tells how sharp it is; None: nobody knows.
            rates: (K,) base rates that the probabilities assume now, where they were shifted.
        """
        chosen = self._choose_sets(probabilities, rates or self._rates)
        rows = zip(boxes, probabilities, chosen, strict=True)
        sharpness = [None] * len(boxes) if crops is None or not len(crops) else measure_sharpness(crops).tolist()
        faces = [_make_face(box, row, self.expressions, among) for box, row, among in rows]
        return [self._place(face, sharp) for face, sharp in zip(faces, sharpness, strict=True)]

    def _choose_sets(
        self, probabilities: npt.NDArray[np.float32], rates: Sequence[float] | None
    ) -> npt.NDArray[np.bool_]:
        """Return which expressions each face may show, bool (N, K); none where nobody knows.

        Thresholds were set at the network's own base rates, and there they are applied: those of "classes" then hold at
        any rates. The most probable expression at other `rates` always belongs to its set.
        """
        rule = self.set_rule
        if rule is None or not len(probabilities):
            return np.zeros(probabilities.shape, dtype=bool)
        own = probabilities
        if rates is not None:
            own = shift_rates(probabilities, rates, self._require_rates())
        chosen = rule.apply(own)
        chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
        return chosen

    @property
    def set_rule(self) -> SetRule | None:
        """How expressions are named together; None where the network knows no thresholds."""
        coverage, method = self._made_of["coverage"], self._made_of["sets"]
        if self._network.sets is None:
            return None
        return self._network.sets.pick(COVERAGE if coverage is None else coverage, method)

    def _place(self, face: Face, sharpness: float | None) -> Face:
        """Return a face with the square that was cut, and whether that is clear; a whole picture is taken as it is."""
        if face.box is None:
            return replace(face, sharpness=sharpness)
        crop = place_square(replace(face.box, roll=face.roll), margin=self._margin)
        return replace(face, crop=crop, sharpness=sharpness, is_clear=self._clarity.holds(crop.side, sharpness))

    def read(
        self,
        source: Source,
        *,
        max_pixels: int = MAX_PIXELS,
        where: str | None = None,
        on_remark: Callable[[str], None] = warnings.warn,
    ) -> WholePicture:
        """Return a picture for `look`: of a large JPEG no more pixels are decoded than the detector looks at.

        Args:
            source: see `read_picture`, as for the other arguments.
            max_pixels: width times height at most.
            where: what it is called in errors.
            on_remark: is told what is worth knowing of it.

        Raises:
            DataError: it cannot be read.
        """
        enough = LONGEST_SIDE if self._detector is None else getattr(self._detector, "longest_side", None)
        return read_whole(source, max_pixels=max_pixels, where=where, on_remark=on_remark, enough=enough)

    def look(self, picture: WholePicture, *, detect: bool = True) -> tuple[list[Box | None], npt.NDArray[np.uint8]]:
        """Return the boxes of the faces, in the picture's own pixels, and what the network is shown of each.

        Without `detect`, or a detector, the picture is one face: its box is None. A picture of which not all pixels
        were decoded is decoded once more where a face has fewer of them than the network takes.
        """
        if not (detect and self.detects):
            return [None], self.cut(picture.pixels, [None])
        boxes = self.find(picture.pixels)
        whole = picture.enlarge(boxes)
        if picture.decode_more is not None and any(max(box.width, box.height) < FINE * self.size for box in boxes):
            picture = picture.decode_more()
            boxes = picture.shrink(whole)
        return [*whole], self.cut(picture.pixels, boxes)

    def _recognise_some(self, sources: Sequence[Source], names: Sequence[str | None], detect: bool) -> list[FoundFaces]:
        # A file object is read once, here; a path is read again where its faces are drawn.
        held = [hold(source, name) for source, name in zip(sources, names, strict=True)]
        read = [self.read(one, where=name) for one, name in zip(held, names, strict=True)]
        looks = [self.look(picture, detect=detect) for picture in read]
        rows = iter(self.predict(np.concatenate([crops for _, crops in looks])))
        answers = [self.name(boxes, np.array(list(islice(rows, len(boxes)))), crops) for boxes, crops in looks]
        kept = [
            one if isinstance(one, (bytes, np.ndarray)) else given for one, given in zip(held, sources, strict=True)
        ]
        return [FoundFaces(faces, source) for faces, source in zip(answers, kept, strict=True)]


def _name(source: Source, position: int) -> str:
    """Return what a picture of a list is called: a file by its name, all else by its number."""
    name = name_source(source)
    return f"picture {position}" if name is None or name == DATA_URL else name


def _make_again(made_of: dict[str, Any]) -> Recogniser:
    return Recogniser(**made_of)


def _make_face(
    box: Box | None, row: npt.NDArray[np.float32], expressions: Sequence[str], chosen: npt.NDArray[np.bool_]
) -> Face:
    """Return a face; `chosen` (K,) tells which expressions are in its set."""
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
