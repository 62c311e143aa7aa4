"""The data of today as a run knows it: what it was trained on, what it held out, and what has changed since.

`know_splits` is the one way to train and valid of a run: whoever speaks of them asks here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.data.copies import hash_images, subtract
from mien.data.loading import SYNTHETIC
from mien.data.prepare import fingerprint, label, prepare_loaded, prepare_splits, read_data
from mien.errors import ConfigError, DataError
from mien.faces import UNLABELLED, Faces, Labels, Splits, join
from mien.recipes.heads import BOTH
from mien.recipes.schema import DataConfig
from mien.runs.run import Member, Run
from mien.runs.seen import SeenFaces, describe_faces, gather, hash_whole, have_same_labels, mark_tested, restore

MOST = 0.5
"""Other data that holds more than this part of a run's pictures is taken for the run's own, moved and changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Data, and what a run knows of it.

    Attributes:
        splits: train and valid are the faces that the run was trained on and held out; None where there are none left,
            or where nobody knows which they are.
        seen: all pictures that the run has seen, whether they are still there or not.
        sought_in: where copies of faces can be looked for: the name of the data that `seen` comes from.
        is_own: whether it is the data that the run was trained on, so that valid is no copy of itself.
        is_certain: whether the run wrote down what it has seen, so that it was not just read again.
        change: in one line what has changed since training; empty where nothing has.
        changed: the splits that are no longer what they were.
    """

    splits: Splits
    seen: SeenFaces
    sought_in: str
    is_own: bool = True
    is_certain: bool = True
    change: str = ""
    changed: tuple[str, ...] = ()

    def tell(self) -> str:
        """Return the change with the name of the data, for a line of its own; empty where nothing has changed."""
        return f"{self.splits.source}: {self.change}" if self.change else ""

    def require(self, *names: str) -> None:
        """Refuse to go on without one of these splits, where a change of the data has taken it.

        Raises:
            DataError: with what has changed.
        """
        there = self.splits.named()
        if self.changed and any(name in ("train", "valid") and name not in there for name in names):
            raise DataError(self.splits.source, self.change)


def know_splits(
    run: Run, *, source: str | Splits | None = None, skip_bad: bool = False, config: DataConfig | None = None
) -> Known:
    """Return the data that `run` was trained on, as it is today.

    Unchanged, it is what `prepare_splits` gives; otherwise train and valid are the faces of then, by their pixels.

    Args:
        run: a trained network.
        source: where the data stands today, or the data itself; None: where it stood then.
        skip_bad: leave out what cannot be read.
        config: whose labels count, where it is not those of training.

    Raises:
        DataError: the data is gone or cannot be read, or is not known to be unchanged while members need that.
    """
    source = run.source if source is None else source
    if run.seen is None:
        return _hold_against_fingerprints(run, source, skip_bad, config or run.recipe.data)
    # A head answers by labels of its own; what was seen was written down by those of the whole training.
    own, seen, config = _tell_training(run), run.seen, config or run.recipe.data
    whole = read_data(source, own, skip_bad=skip_bad)
    if any(faces.images.shape[1] != run.size for faces in whole.named().values()):
        # Pictures of another size came: it is the run's that counts.
        whole = read_data(source, own, size=run.size, skip_bad=skip_bad)
    prepared = _try_to_prepare(whole, run)
    found = None if prepared is None else describe_faces(prepared, whole)  # hashing is what costs: once for all
    if prepared is not None and found is not None and seen.is_same(found):
        more, less = count_changes(seen.digests, found.digests)
        splits = prepared if config == own else prepare_loaded(whole, config, seed=run.recipe.train.seed)
        about = Change(more=more, less=less, held=len(seen.valid), left=len(seen.valid), train=len(seen.train))
        test = () if not more + less else ("test",)
        return Known(splits=splits, seen=seen, sought_in=whole.source, change=about.tell(run.path), changed=test)
    return _restore_splits(run, seen, whole, hash_whole(whole), config)


def _tell_training(run: Run) -> DataConfig:
    """Return how the data of the training was prepared: for a head of a network, that of the whole network."""
    return (run.whole or run).recipe.data


def _try_to_prepare(whole: Splits, run: Run) -> Splits | None:
    try:
        return prepare_loaded(whole, _tell_training(run), seed=run.recipe.train.seed)
    except (DataError, ConfigError):  # too few faces of a class to draw from, a list that names others: it has changed
        return None


def _restore_splits(run: Run, seen: SeenFaces, whole: Splits, now: npt.NDArray[np.bytes_], config: DataConfig) -> Known:
    """Return the faces of then, found by their pixels among those of today, and what has changed."""
    more, less = count_changes(seen.digests, now)
    labels = np.concatenate([_match(faces.labels, whole, run.expressions) for faces in whole.named().values()])
    found = restore(seen, now, labels, mark_tested(whole))
    train, valid = found.train, found.valid
    is_trained = np.isin(now[valid], seen.train)
    told = Change(more=more, less=less, held=len(seen.valid), left=len(valid), train=len(seen.train))
    if more or less or not found.is_whole:  # otherwise they only have other names, and all is as it was
        valid = valid[~is_trained]
        told = replace(told, left=len(valid), twice=int(is_trained.sum()))
    splits = replace(whole, train=_pick(whole, train), valid=_pick(whole, valid))
    splits = _name_classes(label(splits, config), run.expressions)
    trained = _tell_training(run).labels
    is_same = config.labels in (trained, "own" if trained == BOTH else trained)  # of both, the data's own were kept
    if is_same and (not run.members or have_same_labels([member.seen for member in run.members])):
        others = (
            _count_others(seen, part, split) for part, split in (("train", splits.train), ("valid", splits.valid))
        )
        in_train, in_valid = others
        told = replace(told, relabelled=in_valid, relabelled_train=in_train)
    tested = now[:0] if whole.test is None else hash_images(whole.test.images)
    new_there = subtract(tested, seen.test)
    told = replace(told, in_test=int(np.isin(new_there, np.concatenate([seen.train, seen.valid])).sum()))
    change = told.tell(run.path)
    changed = ("train", "valid", "test") if change else ()
    return Known(splits=splits, seen=seen, sought_in=splits.source, change=change, changed=changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How data differs from what it was when a run was trained: so many pictures of each kind."""

    more: int
    less: int
    held: int
    left: int
    train: int
    twice: int = 0
    relabelled: int = 0
    relabelled_train: int = 0
    in_test: int = 0

    def tell(self, run: Path) -> str:
        """Return it in a line; empty where nothing differs.

        >>> Change(more=3, less=1, held=413, left=412, train=3000).tell(Path("RUN"))
        '3 pictures more, 1 less than when RUN was trained: valid is the 412 of 413 faces that were held out then'
        """
        if not (self.more or self.less or self.relabelled or self.relabelled_train or self.in_test):
            return ""
        than = f"{self.more:,} picture{'s' * (self.more != 1)} more, {self.less:,} less than when {run} was trained"
        if not self.held:
            valid = "there is no valid split that it held out"
        elif not self.left:
            valid = f"none of the {self.held:,} faces that were held out then is left, so there is no valid split"
        else:
            valid = f"valid is the {self.left:,} of {self.held:,} faces that were held out then"
        further = {
            "that were held out, too, but were also trained on are left out": self.twice,
            "of them have another label today": self.relabelled if self.left else 0,
            "of train have another label today": self.relabelled_train,
            "that were trained on or held out stand in test today and count as copies there": self.in_test,
        }
        return "; ".join([f"{than}: {valid}", *(f"{count:,} {words}" for words, count in further.items() if count)])


def count_changes(then: npt.NDArray[np.bytes_], now: npt.NDArray[np.bytes_]) -> tuple[int, int]:
    """Return how many pictures are more and how many less now than then; a copy counts like any other."""
    if np.array_equal(np.sort(then), np.sort(now)):
        return 0, 0
    return len(subtract(now, then)), len(subtract(then, now))


def know_other(run: Run, splits: Splits, own: Known | None) -> Known:
    """Return what `run` knows of data that it was not trained on: copies are sought in all that it has seen.

    Args:
        run: a trained network.
        splits: the other data.
        own: the data that it was trained on; None where that cannot be read any more.
    """
    if run.seen is not None:
        return Known(splits=splits, seen=run.seen, sought_in=run.source, is_own=False)
    if own is not None:
        return Known(splits=splits, seen=own.seen, sought_in=own.sought_in, is_own=False, is_certain=own.is_certain)
    return Known(splits=splits, seen=describe_faces(splits), sought_in=splits.source, is_certain=False)


def is_moved(run: Run, splits: Splits) -> bool:
    """Tell whether `splits` are the faces that `run` was trained on, in another place: most of them are there."""
    if run.seen is None or run.synthetic:
        return False
    mine = np.unique(np.concatenate([run.seen.train, run.seen.valid]))
    return bool(np.isin(mine, hash_whole(splits)).mean() > MOST)


def _hold_against_fingerprints(run: Run, source: str | Splits, skip_bad: bool, config: DataConfig) -> Known:
    """Return the data as it is read today, once it is known, as far as it can be, that it has not changed."""
    whole = read_data(source, config, skip_bad=skip_bad)
    splits = prepare_loaded(whole, config, seed=run.recipe.train.seed)
    changed = _find_changed(run, splits, whole, config)
    if changed:
        why = (
            f"{' and '.join(changed)} not as they were when {run.path} was trained, and that run did not keep "
            "which faces it held out: train it again, or bring back the data of then"
        )
        seen = describe_faces(splits)
        left = replace(splits, train=None, valid=None)
        return Known(
            splits=left, seen=seen, sought_in=splits.source, is_certain=False, change=why, changed=tuple(changed)
        )
    held_out = fingerprint(splits.valid)
    is_certain = bool(run.fingerprints)
    for member in run.members:
        other = _read_member(member, run, skip_bad)
        is_certain = bool(member.fingerprints or member.seen)
        if fingerprint(other.valid) != held_out:
            splits = replace(splits, train=_join(splits.train, splits.valid), valid=None)
            break
    # Nothing is certain of weights that stand alone: the same recipe draws the same faces only from the same data.
    alone = "" if is_certain else f"nobody wrote down what {run.path} was trained on: taken for the data as it is today"
    return Known(
        splits=splits, seen=describe_faces(splits), sought_in=splits.source, is_certain=is_certain, change=alone
    )


def _find_changed(run: Run, splits: Splits, whole: Splits, config: DataConfig) -> list[str]:
    if not run.fingerprints:
        return []
    own = splits
    if config != _tell_training(run):
        own = prepare_loaded(whole, _tell_training(run), seed=run.recipe.train.seed)
    return [name for name, digest in run.fingerprints.items() if fingerprint(own.named().get(name)) != digest]


def _read_member(member: Member, run: Run, skip_bad: bool) -> Splits:
    """Return what a member of an ensemble was trained on, at the size of the whole.

    Raises:
        DataError: it has changed.
    """
    data, seed = member.recipe.data, member.recipe.train.seed
    own = prepare_splits(member.source, data, seed=seed, skip_bad=skip_bad)
    prints = {name: fingerprint(own.named().get(name)) for name in member.fingerprints}
    if prints != dict(member.fingerprints) or (member.seen is not None and not member.seen.is_same(own)):
        raise DataError(member.source, f"not what {member.name} was trained on: bring back the data of then")
    return prepare_splits(member.source, replace(data, size=run.recipe.data.size), seed=seed, skip_bad=skip_bad)


def _join(first: Faces | None, second: Faces | None) -> Faces | None:
    if first is None or second is None:
        return first or second
    columns = ((getattr(first, name), getattr(second, name)) for name in ("labels", "ids"))
    labels, ids = (np.concatenate(pair) for pair in columns)
    return Faces(images=join([first.images, second.images]), labels=labels, ids=ids)


def _pick(whole: Splits, numbers: npt.NDArray[np.intp]) -> Faces | None:
    return gather(whole, numbers) if len(numbers) else None


def _match(labels: Labels, splits: Splits, expressions: Sequence[str]) -> Labels:
    """Return `labels` as indices into `expressions`; `UNLABELLED` for a class that is not among them."""
    known = [expressions.index(name) if name in expressions else UNLABELLED for name in splits.expressions]
    return np.array([*known, UNLABELLED], dtype=np.int64)[labels]


def _name_classes(splits: Splits, expressions: tuple[str, ...]) -> Splits:
    """Return `splits` with labels that index into `expressions`, followed by the classes that are not among them."""
    if splits.expressions[: len(expressions)] == expressions:
        return splits
    names = (*expressions, *(name for name in splits.expressions if name not in expressions))
    parts = {name: replace(faces, labels=_match(faces.labels, splits, names)) for name, faces in splits.named().items()}
    return replace(splits, expressions=names, **parts)  # type: ignore[arg-type]


def _count_others(seen: SeenFaces, place: str, faces: Faces | None) -> int:
    """Return how many of `faces` have a label that no face with their pixels had in `place` then."""
    if faces is None:
        return 0
    known = describe_faces(Splits(expressions=(), source="", kind="", **{place: faces}))  # type: ignore[arg-type]
    then, now = (
        Counter(zip(one.digests[rows].tolist(), one.labels[rows].tolist(), strict=True))
        for one in (seen, known)
        for rows in [one.places == (0 if place == "train" else 1)]
    )
    return (now - then).total()


def is_gone(source: str) -> bool:
    """Tell whether the data that a run names is no longer in its place."""
    return source != SYNTHETIC and not Path(source).exists()
