"""`Recogniser`: from pictures to faces with expressions. It needs no PyTorch, and may be shared between threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, overload

import numpy as np
import numpy.typing as npt

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

    Raises:
        RunError: no such run or file, or not one of mien; the one that ships opens meanwhile, and tells at first use.
        ConfigError: no detector or labels of that name, or what it needs is not there.
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
    ) -> None:
        if labels is not None and labels not in HEADS:
            raise ConfigError(f"labels: expected one of {', '.join(sorted(HEADS))}, found {labels!r}")
        self._made_of = (
            None if run is None else Path(run).absolute(),
            detector,
            min_detection,
            threads,
            labels,
            clarity,
        )
        self._detector = find_detector(detector, min_detection=min_detection, on_remark=on_remark)
        self._min_detection = min_detection or 0.0
        self._model, self._threads, self._process = find_model(run), threads, os.getpid()
        self._labels, self._clarity = labels, clarity or Clarity()
        self._opened: Future[OnnxNetwork] = Future()
        if run is None:  # ours is sound: it opens while the first faces are looked for
            start_opening(self._open)
        else:
            self._opened.set_result(OnnxNetwork(self._model, threads=threads, labels=labels))

    def _open(self) -> None:
        try:
            self._opened.set_result(OnnxNetwork(self._model, threads=self._threads, labels=self._labels))
        except BaseException as error:
            self._opened.set_exception(error)

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_again, self._made_of

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
        """What is known of the network: expressions, recipe, size, views, calibration, versions."""
        return dict(self._network.card)

    @property
    def size(self) -> int:
        """Side in pixels of the faces that the network takes."""
        return self._network.size

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
            DataError: a picture that cannot be read; in a list, its number is told.
        """
        if not isinstance(pictures, (list, tuple)):
            return self._recognise_some([pictures], [name_source(pictures)], detect)[0]
        found: list[FoundFaces] = []
        for start in range(0, len(pictures), PICTURES_AT_ONCE):
            sources = pictures[start : start + PICTURES_AT_ONCE]
            names = [_name(source, at) for at, source in enumerate(sources, start)]
            found += self._recognise_some(sources, names, detect)
        return found

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
        """Return probabilities (N, K) of grey faces, uint8 (N, H, W), in batches; see `OnnxNetwork.predict`."""
        return self._network.predict(crops)

    def name(
        self,
        boxes: Sequence[Box | None],
        probabilities: npt.NDArray[np.float32],
        crops: npt.NDArray[np.uint8] | None = None,
    ) -> list[Face]:
        """Return a `Face` for each box and its row of probabilities (N, K); how sharp it is, `crops` tell."""
        rows = zip(boxes, probabilities, strict=True)
        sharpness = [None] * len(boxes) if crops is None or not len(crops) else measure_sharpness(crops).tolist()
        faces = [_make_face(box, row, self.expressions) for box, row in rows]
        return [self._place(face, sharp) for face, sharp in zip(faces, sharpness, strict=True)]

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


def _make_again(
    run: Path | None,
    detector: str | Detector,
    min_detection: float | None,
    threads: int | None,
    labels: str | None,
    clarity: Clarity | None,
) -> Recogniser:
    return Recogniser(
        run, detector=detector, min_detection=min_detection, threads=threads, labels=labels, clarity=clarity
    )


def _make_face(box: Box | None, row: npt.NDArray[np.float32], expressions: Sequence[str]) -> Face:
    probabilities = dict(zip(expressions, row.tolist(), strict=True))
    best = expressions[int(row.argmax())]
    return Face(
        box=box,
        expression=best,
        confidence=probabilities[best],
        probabilities=probabilities,
        detection=None if box is None else box.score,
        roll=None if box is None else box.roll,
    )
