"""What an audit finds: `Finding`, one thing about one face; `KINDS`, what each means; `Roll`, all faces in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from mien.data.pages import announce
from mien.faces import UNLABELLED, Faces, Images, Labels, Picked, Splits


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of finding.

    Attributes:
        title: in a few words.
        about: what it means, and what to do.
        is_droppable: whether `--drop` takes it.
    """

    title: str
    about: str
    is_droppable: bool = True


KINDS: dict[str, Kind] = {
    "exact-copies": Kind(
        title="Exact copies",
        about="Every pixel is equal. A face of test that stands in train is known by heart, not recognised.",
    ),
    "contradictory": Kind(
        title="Copies with contradictory labels",
        about="Every pixel is equal, the labels are not: at most one of them is right.",
    ),
    "near-copies": Kind(
        title="Near copies",
        about="Two pictures of one photograph: saved again, cut or lit a little differently, or with a watermark.",
    ),
    "blank": Kind(title="Blank", about="All pixels are equal: there is no face."),
    "near-constant": Kind(title="Nearly constant", about="So little contrast that no face can be seen."),
    "dark": Kind(title="Very dark", about="The mean is below 30 of 255."),
    "bright": Kind(title="Very bright", about="The mean is above 225 of 255."),
    "saturated": Kind(title="Saturated", about="At least half of the pixels are black (up to 5) or white (from 250)."),
    "size": Kind(title="Wrong size", about="Unlike the other pictures: made larger, or stretched, to be read."),
    "no-face": Kind(title="No face", about="More than half of the FER+ taggers' votes say that there is no face."),
    "ambiguous": Kind(title="Ambiguous", about="No answer has more than half of the FER+ taggers' votes."),
    "outvoted": Kind(title="Outvoted label", about="More than half of the FER+ votes are for another expression."),
    "wrong-label": Kind(
        title="Likely wrong label",
        about="A network that never saw the face is surer of another expression than it usually is of that one "
        "(confident learning: Northcutt, Jiang and Chuang 2021). Look before you drop: it may be the network.",
    ),
    "unreadable": Kind(title="Unreadable", about="Left out when the data was read.", is_droppable=False),
    "imbalance": Kind(
        title="Class imbalance", about="A class of train is rare, or missing from a split.", is_droppable=False
    ),
}
"""Name -> kind, in the order to read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about one face, or about a class or file where there is no face.

    Attributes:
        kind: name in `KINDS`.
        split: of the face; "" where there is none.
        id: of the face, or the name of the class or file.
        index: of the face in its split; None where there is none.
        label: name of the face's expression; "" without one.
        group: number of the group of copies, from 1; None for other kinds.
        other_split: of the face that this one is a copy of.
        other_id: of that face.
        score: how strong: the higher, the earlier it is shown.
        detail: in words.
    """

    kind: str
    split: str
    id: str
    index: int | None = None
    label: str = ""
    group: int | None = None
    other_split: str = ""
    other_id: str = ""
    score: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """All faces of all splits in one row, by number, without a copy of their pixels.

    Attributes:
        splits: the data set.
        names: of its splits.
        parts: their faces.
        starts: int (len(names) + 1,), the number of the first face of each split, and that of all faces.
    """

    splits: Splits
    names: tuple[str, ...]
    parts: tuple[Faces, ...]
    starts: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def labels(self) -> Labels:
        """Labels of all faces, (N,)."""
        return np.concatenate([part.labels for part in self.parts])

    @property
    def ranks(self) -> npt.NDArray[np.intp]:
        """The position of each face's split in `names`, (N,)."""
        return np.repeat(np.arange(len(self.names)), np.diff(self.starts))

    def find(self, number: int) -> tuple[str, Faces, int]:
        """Return the split, its faces and the index of a face among them."""
        rank = int(np.searchsorted(self.starts, number, side="right")) - 1
        return self.names[rank], self.parts[rank], int(number - self.starts[rank])

    def gather(self, numbers: npt.NDArray[np.intp]) -> Images:
        """Return the pictures of these faces, uint8 (M, H, W), of which nothing but themselves is read from a file."""
        images = Picked([part.images for part in self.parts], numbers)
        announce(cast("Images", images), np.arange(len(numbers)))
        return np.asarray(images)

    def name_label(self, label: int) -> str:
        """Return the name of an expression."""
        return "" if label == UNLABELLED else self.splits.expressions[label]

    def report(
        self,
        kind: str,
        number: int,
        *,
        detail: str,
        score: float = 0.0,
        group: int | None = None,
        other: int | None = None,
    ) -> Finding:
        """Return a finding about the face `number`, which is a copy of the face `other` where that is given."""
        split, faces, index = self.find(number)
        other_split, other_faces, other_index = ("", faces, 0) if other is None else self.find(other)
        return Finding(
            kind=kind,
            split=split,
            id=str(faces.ids[index]),
            index=index,
            label=self.name_label(int(faces.labels[index])),
            group=group,
            other_split=other_split,
            other_id="" if other is None else str(other_faces.ids[other_index]),
            score=score,
            detail=detail,
        )


def call_roll(splits: Splits) -> Roll:
    """Return all faces of `splits` in one row."""
    named = splits.named()
    starts = np.concatenate([[0], np.cumsum([len(faces) for faces in named.values()])]).astype(np.intp)
    return Roll(splits=splits, names=tuple(named), parts=tuple(named.values()), starts=starts)
