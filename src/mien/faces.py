"""What every reader returns: `Faces` (images, labels, ids) and `Splits` (train, valid, test)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mien.errors import DataError

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Targets = npt.NDArray[np.float32]

UNLABELLED = -1
"""The label of a face whose expression the data does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """N grey faces of one size.

    Attributes:
        images: uint8 (N, H, W), 0 black to 255 white; may be a read-only memory map.
        labels: int64 (N,), indices into the expressions of the splits they belong to, or `UNLABELLED`.
        ids: str (N,), where each face came from: a path inside the folder or archive, or a row number.
        targets: float32 (N, K), rows that sum to 1: how sure people are of each expression, where training is to learn
            that instead of the label; None: the label is all there is.
    """

    images: Images
    labels: Labels
    ids: npt.NDArray[np.str_]
    targets: Targets | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.images.dtype != np.uint8:
            raise DataError("faces", f"expected uint8 (N, H, W), found {self.images.dtype} {self.images.shape}")
        if not len(self.images) == len(self.labels) == len(self.ids):
            found = f"{len(self.images)} images, {len(self.labels)} labels and {len(self.ids)} ids"
            raise DataError("faces", f"expected one label and one id for each image, found {found}")
        if self.targets is not None and len(self.targets) != len(self.images):
            found = f"{len(self.images)} images and {len(self.targets)} rows of targets"
            raise DataError("faces", f"expected one row of targets for each image, found {found}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: npt.NDArray[np.intp]) -> Faces:
        """Return the faces at `indices`, in that order."""
        targets = None if self.targets is None else self.targets[indices]
        return Faces(images=self.images[indices], labels=self.labels[indices], ids=self.ids[indices], targets=targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """A data set: its faces by split, and what is known of it. A split that the data lacks is None.

    Attributes:
        expressions: class names; labels index into them.
        source: the path as the user gave it, or "synthetic".
        kind: what was recognised, in words ("FER2013 CSV", "folder of class folders", …).
        synthetic: True if the faces are drawn: every result made from them has to say so.
        skipped: one line for each bad input that `skip_bad` left out.
        warnings: one line for each thing about the data that a user should know.
        labels: who gave the labels: "own" (the data itself), or FER+ taggers ("ferplus", "ferplus8").
    """

    expressions: tuple[str, ...]
    source: str
    kind: str
    train: Faces | None = None
    valid: Faces | None = None
    test: Faces | None = None
    unlabelled: Faces | None = None
    synthetic: bool = False
    skipped: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())
    labels: str = "own"

    def named(self) -> dict[str, Faces]:
        """Return the splits that exist, by name, in the order train, valid, test, unlabelled."""
        faces = {"train": self.train, "valid": self.valid, "test": self.test, "unlabelled": self.unlabelled}
        return {name: split for name, split in faces.items() if split is not None}
