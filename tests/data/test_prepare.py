"""The splits that a recipe trains on."""

from __future__ import annotations

import numpy as np

from mien.data.loading import load
from mien.data.prepare import drop_copies, fingerprint, prepare_splits
from mien.recipes.schema import DataConfig


def test_a_part_of_train_is_drawn_by_the_seed_and_valid_stays() -> None:
    """A tenth of each expression; another seed draws another tenth; not a face of valid or test changes."""
    whole = prepare_splits("synthetic", DataConfig(size=16), seed=0)
    part, again, other = (
        prepare_splits("synthetic", DataConfig(size=16, train_fraction=0.1), seed=seed) for seed in (0, 0, 1)
    )
    assert [70] * 7 == np.bincount(part.train.labels).tolist()
    assert set(part.train.ids) <= set(whole.train.ids)
    assert fingerprint(part.train) == fingerprint(again.train) != fingerprint(other.train)
    assert fingerprint(whole.valid) == fingerprint(part.valid)
    assert fingerprint(whole.test) == fingerprint(part.test)


def test_one_of_several_exact_copies_is_trained_on() -> None:
    """The first of each group stays, in its order; valid and test keep every face."""
    splits = load("synthetic", size=16)
    assert splits.train is not None
    twice = splits.train.take(np.array([0, 1, 0, 2, 1, 3]))
    kept = drop_copies(twice)
    assert kept.ids.tolist() == splits.train.ids[:4].tolist()
    np.testing.assert_array_equal(splits.train.images[:4], kept.images)
