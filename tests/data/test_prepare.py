"""The splits that a recipe trains on."""

from __future__ import annotations

import numpy as np

from mien.config import DataConfig
from mien.data.prepare import fingerprint, prepare_splits


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
