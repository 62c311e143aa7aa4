"""Which faces a run trained on and held out, known by their pixels: kept in its folder, found again in any data.

A picture may be renamed, moved, copied or labelled anew: its digest stays. `SeenFaces` is one row a face of the data
as it was when training began; `restore` finds the faces of train and valid in the data of today.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.data.copies import DIGEST_BYTES, hash_images, subtract
from mien.errors import RunError
from mien.faces import UNLABELLED, Faces, Labels, Splits, join
from mien.files import write_aside

FILE = "faces.npy"
PLACES = ("train", "valid", "test", "unlabelled", "beside")
"""Where a face stood; "beside" are faces of the data that the recipe left out, so neither trained on nor held out."""

_ROW = np.dtype([("digest", f"S{DIGEST_BYTES}"), ("label", "<i2"), ("place", "u1")])

Digests = npt.NDArray[np.bytes_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenFaces:
    """N faces of the data that a run was trained on, in the order of their splits.

    Attributes:
        digests: S16 (N,), of the pixels at the size of the run.
        labels: int64 (N,), indices into the run's expressions, or `UNLABELLED`.
        places: uint8 (N,), indices into `PLACES`.
    """

    digests: Digests
    labels: Labels
    places: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def train(self) -> Digests:
        """The pictures that the run was trained on."""
        return self._stood("train")

    @property
    def valid(self) -> Digests:
        """The pictures that the run held out."""
        return self._stood("valid")

    @property
    def test(self) -> Digests:
        """The pictures of test."""
        return self._stood("test")

    def count_train(self, classes: int) -> list[int]:
        """Return how many faces of train have each label."""
        labels = self.labels[self.places == PLACES.index("train")]
        counts: list[int] = np.bincount(labels[labels != UNLABELLED], minlength=classes).tolist()
        return counts

    def is_same(self, splits: Splits | SeenFaces) -> bool:
        """Tell whether train and valid of `splits` are, face by face, what the run trained on and held out."""
        found = describe_faces(splits) if isinstance(splits, Splits) else splits
        pairs = [(self._rows(name), found._rows(name)) for name in ("train", "valid")]
        return all(np.array_equal(then, now) for then, now in pairs)

    def _stood(self, place: str) -> Digests:
        found: Digests = self.digests[self.places == PLACES.index(place)]
        return found

    def _rows(self, place: str) -> npt.NDArray[np.void]:
        rows: npt.NDArray[np.void] = _pack(self)[self.places == PLACES.index(place)]
        return rows


def describe_faces(splits: Splits, whole: Splits | None = None) -> SeenFaces:
    """Return the faces of `splits`, then those that `whole`, the data as it was read, has beside them."""
    parts = [(PLACES.index(name), faces) for name, faces in splits.named().items()]
    digests = [hash_images(faces.images) for _, faces in parts]
    labels = [faces.labels for _, faces in parts]
    places = [np.full(len(faces), place, np.uint8) for place, faces in parts]
    known, total = sum(map(len, digests)), 0 if whole is None else sum(map(len, whole.named().values()))
    if whole is not None and total != known:
        left = subtract(hash_whole(whole), np.concatenate(digests))
        digests.append(left)
        labels.append(np.full(len(left), UNLABELLED))
        places.append(np.full(len(left), PLACES.index("beside"), np.uint8))
    if not digests:
        return SeenFaces(digests=np.empty(0, f"S{DIGEST_BYTES}"), labels=np.empty(0, np.int64), places=_no_places())
    return SeenFaces(
        digests=np.concatenate(digests), labels=np.concatenate(labels), places=np.concatenate(places, dtype=np.uint8)
    )


def hash_whole(splits: Splits) -> Digests:
    """Return the digests of all faces of `splits`, split by split."""
    return np.concatenate([hash_images(faces.images) for faces in splits.named().values()])


def write_seen(folder: Path, seen: SeenFaces) -> None:
    """Write faces.npy: 19 bytes a face.

    Raises:
        MienError: it cannot be written.
    """
    with write_aside(folder / FILE) as aside, aside.open("wb") as file:
        np.save(file, _pack(seen))


def read_seen(folder: Path) -> SeenFaces | None:
    """Return what faces.npy in `folder` holds; None where there is none, as in runs of earlier versions.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / FILE
    try:
        rows = np.load(path)
        if rows.dtype != _ROW or rows.ndim != 1 or (len(rows) and rows["place"].max() >= len(PLACES)):
            raise ValueError("other columns")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, EOFError) as error:
        raise RunError(
            f"{path}: expected the faces that the run was trained on, found a damaged file ({error})"
        ) from None
    return SeenFaces(digests=rows["digest"], labels=rows["label"].astype(np.int64), places=rows["place"])


def merge_seen(parts: Sequence[SeenFaces | None]) -> SeenFaces | None:
    """Return what several runs have seen together; None where that is not known of each.

    A face is held out only if none of them was trained on it: where one was trained on what another held out, all count
    as trained on. By votes fewer faces are held out than by other labels, which is no difference.
    """
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    first = known[0]
    if all(np.array_equal(_pack(first), _pack(part)) for part in known[1:]):
        return first
    agree = _hold_out_alike([(set(part.train.tolist()), set(part.valid.tolist())) for part in known])
    rows = np.concatenate([_pack(part) for part in known])
    is_trained = np.isin(rows["place"], [PLACES.index("train"), *([] if agree else [PLACES.index("valid")])])
    rows["place"][is_trained] = PLACES.index("train")
    extra = np.arange(len(rows)) >= len(first)
    # Of the later runs only pictures count that stand in no earlier place that matters more: train, then valid.
    rows = _drop_left_out(*_drop_known(rows, extra))
    rows = rows[np.argsort(rows["place"], kind="stable")]
    return SeenFaces(digests=rows["digest"], labels=rows["label"].astype(np.int64), places=rows["place"])


def _hold_out_alike(parts: Sequence[tuple[set[bytes], set[bytes]]]) -> bool:
    """Say whether no run was trained on what another one held out, of (train, valid) of each.

    A picture of which one run had copies on both sides is no difference between runs.
    """
    if not all(valid for _, valid in parts):
        return not any(valid for _, valid in parts)
    return not any(train & (valid - own) for own, valid in parts for train, _ in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The faces of a run in the data of today.

    Attributes:
        train: indices into all faces of the data, split by split, in the order of the run.
        valid: likewise.
        is_whole: whether every face of train and valid was found.
    """

    train: npt.NDArray[np.intp]
    valid: npt.NDArray[np.intp]
    is_whole: bool


def mark_tested(splits: Splits) -> npt.NDArray[np.bool_]:
    """Return which of all faces of `splits`, split by split, stand in test."""
    return np.concatenate([np.full(len(faces), name == "test") for name, faces in splits.named().items()])


def restore(seen: SeenFaces, digests: Digests, labels: Labels, tested: npt.NDArray[np.bool_]) -> Restored:
    """Return where the faces of `seen` stand among faces with these `digests`.

    Of copies those outside test come first, then one with the label of then: a label may have come from votes, by which
    the copy in test is labelled otherwise.

    Args:
        seen: what a run has seen.
        digests: (M,), of the data of today.
        labels: (M,), indices into the expressions of the run; `UNLABELLED` for faces that cannot serve.
        tested: bool (M,), which of them stand in test.
    """
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for index in np.flatnonzero(labels != UNLABELLED).tolist():
        places[bytes(digests[index])].append(index)
    found: dict[str, list[int]] = {"train": [], "valid": []}
    wanted = 0
    for name, taken in found.items():
        rows = seen.places == PLACES.index(name)
        wanted += int(rows.sum())
        for digest, label in zip(seen.digests[rows].tolist(), seen.labels[rows].tolist(), strict=True):
            there = places.get(digest)
            if there:
                best = min(there, key=lambda index: (tested[index], labels[index] != label))
                there.remove(best)
                taken.append(best)
    train, valid = (np.array(taken, dtype=np.intp) for taken in found.values())
    return Restored(train=train, valid=valid, is_whole=len(train) + len(valid) == wanted)


def gather(splits: Splits, numbers: npt.NDArray[np.intp]) -> Faces:
    """Return the faces at `numbers`, counted over all splits, in that order."""
    parts = list(splits.named().values())
    images = join([part.images for part in parts], numbers)
    labels, ids = (np.concatenate([getattr(part, name) for part in parts])[numbers] for name in ("labels", "ids"))
    return Faces(images=images, labels=labels, ids=ids)


def _drop_known(
    rows: npt.NDArray[np.void], extra: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.bool_]]:
    """Return `rows` without those `extra` ones whose picture stands in the same place, or one that matters more.

    And which of those that are left are extra.
    """
    best: dict[bytes, int] = {}
    kept = []
    for row, place, is_extra in zip(rows["digest"].tolist(), rows["place"].tolist(), extra.tolist(), strict=True):
        kept.append(not (is_extra and best.get(row, len(PLACES)) <= place))
        best[row] = min(best.get(row, len(PLACES)), place)
    left: npt.NDArray[np.void] = rows[np.array(kept, dtype=bool)]
    return left, extra[np.array(kept, dtype=bool)]


def _drop_left_out(rows: npt.NDArray[np.void], extra: npt.NDArray[np.bool_]) -> npt.NDArray[np.void]:
    """Return `rows` without faces that the first run left beside and a later one used: each counts once."""
    used = Counter(rows["digest"][extra].tolist())
    beside = (rows["place"] == PLACES.index("beside")) & ~extra
    kept = np.ones(len(rows), dtype=bool)
    for index in np.flatnonzero(beside).tolist():
        digest = rows["digest"][index]
        if used[digest]:
            used[digest] -= 1
            kept[index] = False
    left: npt.NDArray[np.void] = rows[kept]
    return left


def have_same_labels(parts: Sequence[SeenFaces | None]) -> bool:
    """Say whether several runs wrote down the same label for each picture that they share: by votes it is another."""
    known: dict[bytes, int] = {}
    for part in parts:
        if part is None:
            return False
        used = part.labels != UNLABELLED
        own = dict(zip(part.digests[used].tolist(), part.labels[used].tolist(), strict=True))
        if any(known.get(digest, label) != label for digest, label in own.items()):
            return False
        known |= own
    return True


def _pack(seen: SeenFaces) -> npt.NDArray[np.void]:
    rows = np.empty(len(seen), dtype=_ROW)
    rows["digest"], rows["label"], rows["place"] = seen.digests, seen.labels, seen.places
    return rows


def _no_places() -> npt.NDArray[np.uint8]:
    return np.empty(0, np.uint8)
