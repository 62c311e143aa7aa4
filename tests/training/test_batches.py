"""The order of an epoch: complete, reproducible, another every time."""

import numpy as np
import pytest

from mien.training.batches import count_steps, derive_seed, order_epoch, pick_batch

LABELS = np.array([0] * 90 + [1] * 10)


def test_a_uniform_epoch_visits_every_face_once() -> None:
    """It is a permutation."""
    order = order_epoch(LABELS, sampling="uniform", seed=0, epoch=1)
    assert list(range(100)) == sorted(order.tolist())


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    """The same pair gives the same order; a change of either another."""
    first = order_epoch(LABELS, sampling="uniform", seed=0, epoch=1).tolist()
    assert first == order_epoch(LABELS, sampling="uniform", seed=0, epoch=1).tolist()
    assert first != order_epoch(LABELS, sampling="uniform", seed=0, epoch=2).tolist()
    assert first != order_epoch(LABELS, sampling="uniform", seed=1, epoch=1).tolist()


def test_a_balanced_epoch_shows_the_rare_class_as_often_as_the_frequent_one() -> None:
    """Over many epochs, half of the faces come from the class of ten."""
    drawn = [LABELS[order_epoch(LABELS, sampling="balanced", seed=0, epoch=epoch)].mean() for epoch in range(100)]
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("faces", "batch", "steps"), [(28709, 128, 224), (100, 128, 1), (128, 128, 1), (256, 128, 2)])
def test_an_epoch_has_only_full_batches_but_at_least_one(faces: int, batch: int, steps: int) -> None:
    """Batch norm does not like a last batch of one face."""
    assert steps == count_steps(faces, batch)


def test_batches_do_not_overlap() -> None:
    """Consecutive batches cut the order into pieces."""
    order = np.arange(10)
    assert [pick_batch(order, step, 3).tolist() for step in (0, 1)] == [[0, 1, 2], [3, 4, 5]]


def test_seeds_differ_by_purpose() -> None:
    """Ten thousand steps give ten thousand seeds."""
    assert len({derive_seed(0, "augment", 1, step) for step in range(10_000)}) == 10_000
