"""`hold_out_valid`: exact in number, fair to every class, never an exact copy on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.data.copies import hash_images
from mien.data.split import hold_out_valid
from mien.errors import ConfigError, DataError
from mien.faces import Faces, Splits

FER2013_COUNTS = (3995, 436, 4097, 7215, 4830, 3171, 4965)


def make_splits(labels: np.ndarray, pictures: np.ndarray) -> Splits:
    """Return a train split; faces of the same picture number are exact copies."""
    images = (np.asarray(pictures)[:, None, None] >> np.array([[0, 8], [16, 24]])).astype(np.uint8)
    ids = np.arange(len(labels)).astype(np.str_)
    train = Faces(images=images, labels=np.asarray(labels, dtype=np.int64), ids=ids)
    classes = tuple("abcdefg"[: int(max(labels)) + 1])
    return Splits(expressions=classes, source="made", kind="made", train=train)


def draw(labels: np.ndarray, pictures: np.ndarray, **options: object) -> tuple[Faces, Faces]:
    """Return train and valid."""
    splits = hold_out_valid(make_splits(labels, pictures), **options)  # type: ignore[arg-type]
    assert splits.train is not None
    assert splits.valid is not None
    return splits.train, splits.valid


@pytest.mark.parametrize("stratify", [True, False])
def test_twelve_percent_of_fer2013_leave_25264_though_one_face_in_twenty_is_a_copy(stratify: bool) -> None:
    """Copies stay together, some of them with another label, and the number is exact all the same."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(7), FER2013_COUNTS))
    pictures = np.arange(len(labels))
    copies = rng.choice(len(labels), 1500, replace=False)
    pictures[copies] = pictures[rng.choice(len(labels), 1500)]
    train, valid = draw(labels, pictures, fraction=0.12, seed=1, stratify=stratify)
    assert (25264, 3445) == (len(train), len(valid))
    assert not np.isin(hash_images(valid.images), hash_images(train.images)).any()
    if stratify:
        np.testing.assert_allclose(np.array(FER2013_COUNTS) * 0.12, np.bincount(valid.labels), atol=1)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("stratify", [True, False])
def test_no_copy_ever_stands_on_both_sides(seed: int, stratify: bool) -> None:
    """Whatever is copied how often; every face is in train or in valid, never in both."""
    rng = np.random.default_rng(seed)
    labels, pictures = rng.integers(0, 3, 60), rng.integers(0, rng.integers(15, 90), 60)
    fraction = rng.uniform(0.2, 0.6)
    train, valid = draw(labels, pictures, fraction=fraction, seed=seed, stratify=stratify)
    assert not np.isin(hash_images(valid.images), hash_images(train.images)).any()
    assert set(range(60)) == {int(face) for face in (*train.ids, *valid.ids)}
    assert 0 < len(valid) <= round(fraction * 60)


def test_equal_seeds_give_equal_splits_and_others_do_not() -> None:
    """The drawing depends on nothing else."""
    labels, pictures = np.arange(200) % 4, np.arange(200)
    first, again, other = (draw(labels, pictures, fraction=0.2, seed=seed)[1].ids.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_even_a_small_class_is_held_out() -> None:
    """Recall of a class without a face in valid cannot be measured."""
    labels = np.repeat([0, 1, 2], [100, 50, 3])
    _, valid = draw(labels, np.arange(153), fraction=0.1, seed=0)
    assert 15 == len(valid)
    assert 1 == (valid.labels == 2).sum()


def test_a_class_of_one_face_cannot_be_split_by_class() -> None:
    """Nor can it be overlooked; without stratifying it goes where chance puts it."""
    labels = np.repeat([0, 1], [20, 1])
    message = "made: train, class b: expected at least 2 faces to split, found 1: add some, or do not stratify"
    with pytest.raises(DataError, match=message):
        draw(labels, np.arange(21), fraction=0.2, seed=0)
    assert 4 == len(draw(labels, np.arange(21), fraction=0.2, seed=0, stratify=False)[1])


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_is_a_part(fraction: float) -> None:
    """More than nothing, less than everything."""
    with pytest.raises(ConfigError, match="valid_fraction: expected more than 0 and less than 1"):
        draw(np.arange(20) % 2, np.arange(20), fraction=fraction, seed=0)


def test_both_sides_need_faces() -> None:
    """One in a thousand of twenty is none; copies of one face cannot be parted."""
    for pictures, fraction in ((np.arange(20), 0.001), (np.zeros(20, dtype=int), 0.5)):
        with pytest.raises(DataError, match="expected faces in train and valid, found 0 of 20 faces held out"):
            draw(np.arange(20) % 2, pictures, fraction=fraction, seed=0)


def test_without_train_there_is_nothing_to_hold_out() -> None:
    """The splits that are there are named."""
    splits = make_splits(np.arange(4) % 2, np.arange(4))
    with pytest.raises(DataError, match="made: expected a train split, found test"):
        hold_out_valid(replace(splits, train=None, test=splits.train), fraction=0.5, seed=0)
