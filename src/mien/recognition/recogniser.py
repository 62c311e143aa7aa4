"""`Recogniser`: from pictures to faces with expressions. It needs no PyTorch, and may be shared between threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, overload

import numpy as np
import numpy.typing as npt

from mien.beliefs.base_rates import BaseRates, Prior
from mien.beliefs.sets import DEFAULT, SetRule
from mien.data.images import MAX_PIXELS
from mien.errors import ConfigError
from mien.recipes.heads import HEADS
from mien.recognition.answers import Answers
from mien.recognition.clarity import Clarity
from mien.recognition.crop import MARGIN, cut_faces
from mien.recognition.detect import Detector, check_boxes, find_detector
from mien.recognition.face import Box, Face
from mien.recognition.inputs import Source, hold, name_in_list, name_source
from mien.recognition.judging import Judge, place_faces
from mien.recognition.model import find_model
from mien.recognition.network import OnnxNetwork
from mien.recognition.opening import Opening
from mien.recognition.pictures import FINE, Picture, WholePicture, read_whole
from mien.recognition.results import FoundFaces
from mien.recognition.shrink import LONGEST_SIDE

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
        min_readability: what has a lower `Face.readability` is no face, or none that can be read, and gets no
            expression; 0: name all. None: 0.5, where the network tells it.

    Raises:
        RunError: no such run or file, or not one of mien; the one that ships opens meanwhile, and tells at first use.
        ConfigError: no detector or labels of that name, or what it needs is not there; an impossible prior, or one for
            a file that does not tell which rates it assumes; likewise a coverage, and a readability.
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
        min_readability: float | None = None,
    ) -> None:
        if labels is not None and labels not in HEADS:
            raise ConfigError(f"`labels`: expected one of {', '.join(sorted(HEADS))}, found {labels!r}")
        self._made_of: dict[str, Any] = {
            **{"run": None if run is None else Path(run).absolute(), "detector": detector, "threads": threads},
            **{"min_detection": min_detection, "labels": labels, "clarity": clarity},
            **{"prior": prior, "coverage": coverage, "sets": sets, "min_readability": min_readability},
        }
        self._detector = find_detector(detector, min_detection=min_detection, on_remark=on_remark)
        self._min_detection = min_detection or 0.0
        self._clarity = clarity or Clarity()
        named = {"labels": labels, "name": "bundled" if run is None else os.fspath(run)}
        open_network = partial(OnnxNetwork, find_model(run), threads=threads, **named)
        # Ours is sound: it opens while the first faces are looked for.
        self._opening = Opening[OnnxNetwork](open_network, in_background=run is None)
        self._judge = Judge(prior, coverage, sets, min_readability, self._opening.wait)

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_again, (self._made_of,)

    def __repr__(self) -> str:
        run, *others = self._made_of.items()  # what it was made with: to look must not wait for the network
        given = [("run", str(run[1] or "bundled")), *(pair for pair in others if pair[1] is not None)]
        return f"Recogniser({', '.join(f'{name}={value!r}' for name, value in given)})"

    @property
    def _network(self) -> OnnxNetwork:
        return self._opening.wait()

    @property
    def expressions(self) -> tuple[str, ...]:
        """Names of the classes, in the network's order."""
        return self._network.expressions

    @property
    def card(self) -> dict[str, Any]:
        """What is known of the network: expressions, recipe, size, views, calibration, base rates, versions."""
        return {**self._network.card, **({} if self._judge.shifted is None else {"rates": list(self._judge.shifted)})}

    @property
    def size(self) -> int:
        """Side in pixels of the faces that the network takes."""
        return self._network.size

    @property
    def rates(self) -> dict[str, float] | None:
        """Base rates that its probabilities assume: those of `prior`, or the network's; None where it tells none."""
        rates = self._judge.rates
        return None if rates is None else dict(zip(self.expressions, rates, strict=True))

    @property
    def estimates_prior(self) -> bool:
        """Whether the prior is what the pictures of a call tell."""
        return self._judge.estimates

    @property
    def set_rule(self) -> SetRule | None:
        """How expressions are named together; None where the network knows no thresholds."""
        return self._judge.rule

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
            return self._settle(self._recognise_some([pictures], [name_source(pictures)], detect))[0]
        found: list[FoundFaces] = []
        for start in range(0, len(pictures), PICTURES_AT_ONCE):
            sources = pictures[start : start + PICTURES_AT_ONCE]
            names = [name_in_list(source, at) for at, source in enumerate(sources, start)]
            found += self._recognise_some(sources, names, detect)
        return self._settle(found)

    def estimate_prior(self, faces: Iterable[Face] | npt.NDArray[np.floating]) -> BaseRates:
        """Return the base rates of faces that this recogniser has named, with their intervals.

        Args:
            faces: at least 50, or the probabilities (N, K) of so many, at `rates`.

        Raises:
            ConfigError: the network does not tell which rates it assumes, or this recogniser's own prior is "estimate":
                its faces stand at the rates of their call already.
            DataError: too few faces, or of other expressions.
        """
        return self._judge.estimate(faces)

    def _settle(self, found: list[FoundFaces]) -> list[FoundFaces]:
        """Return the faces at the rates that they themselves tell, where the prior is to be estimated."""
        if not (self.estimates_prior and found):
            return found
        named = self._judge.name_again(found, lambda boxes, answers, rates: self.name(boxes, answers, rates=rates))
        return [FoundFaces(again, faces.source) for again, faces in zip(named, found, strict=True)]

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
        return self.answer(crops).probabilities

    def answer(self, crops: npt.NDArray[np.uint8]) -> Answers:
        """Return what `predict` does, and how readable each face is, where the network tells it."""
        found = self._network.answer(crops)
        return replace(found, probabilities=self._judge.at_prior(found.probabilities))

    def shift(
        self, probabilities: npt.NDArray[np.float32], prior: Prior
    ) -> tuple[npt.NDArray[np.float32], tuple[float, ...]]:
        """Return what `predict` answered, as it is with another prior, and the rates (K,) of that.

        Raises:
            ConfigError: an impossible prior, or the network does not tell which rates it assumes.
        """
        return self._judge.shift(probabilities, prior)

    def name(
        self,
        boxes: Sequence[Box | None],
        answers: Answers | npt.NDArray[np.float32],
        crops: npt.NDArray[np.uint8] | None = None,
        *,
        rates: Sequence[float] | None = None,
    ) -> list[Face]:
        """Return a `Face` for each box and what the network says of it.

        Args:
            boxes: of N faces.
            answers: of `answer`; or probabilities (N, K), of `predict` or shifted from there, which name everything.
            crops: what the network was shown, which tells how sharp it is; None: nobody knows.
            rates: (K,) base rates that the probabilities assume now, where they were shifted.
        """
        faces = self._judge.make_faces(boxes, answers, rates)
        return place_faces(faces, crops, margin=self._margin, clarity=self._clarity)

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
        parts = self.answer(np.concatenate([crops for _, crops in looks])).split([len(boxes) for boxes, _ in looks])
        answers = [self.name(boxes, part, crops) for (boxes, crops), part in zip(looks, parts, strict=True)]
        kept = [
            one if isinstance(one, (bytes, np.ndarray)) else given for one, given in zip(held, sources, strict=True)
        ]
        return [FoundFaces(faces, source) for faces, source in zip(answers, kept, strict=True)]


def _make_again(made_of: dict[str, Any]) -> Recogniser:
    return Recogniser(**made_of)
