"""Which faces a run has seen, found again among those of today."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.data.copies import hash_images
from mien.runs.seen import PLACES, SeenFaces, have_same_labels, merge_seen, restore


def test_a_copy_in_test_does_not_take_the_place_of_a_face_of_train() -> None:
    """Although its label is the one that was written down: that may have come from votes."""
    pictures = np.stack([np.full((4, 4), grey, np.uint8) for grey in (10, 20, 10)])
    digests = hash_images(pictures)
    seen = SeenFaces(digests=digests[:2], labels=np.array([6, 1]), places=np.full(2, PLACES.index("train"), np.uint8))
    labels, tested = np.array([3, 1, 6]), np.array([False, False, True])
    assert [0, 1] == restore(seen, digests, labels, tested).train.tolist()
    assert [2, 1] == restore(seen, digests, labels, np.zeros(3, bool)).train.tolist()
    assert restore(seen, digests[1:], labels[1:], tested[1:]).is_whole  # where nothing else is left, test will do


def describe(train: range, valid: range, beside: range = range(0)) -> SeenFaces:
    """Return faces by the grey of their pictures."""
    greys = [*train, *valid, *beside]
    digests = hash_images(np.stack([np.full((4, 4), grey, np.uint8) for grey in greys]))
    places = [PLACES.index("train")] * len(train) + [PLACES.index("valid")] * len(valid)
    places += [PLACES.index("beside")] * len(beside)
    return SeenFaces(digests=digests, labels=np.zeros(len(greys), np.int64), places=np.array(places, np.uint8))


def test_runs_by_other_labels_hold_out_the_same_faces_although_votes_leave_some_out() -> None:
    """What one left beside and the other held out was trained on by none."""
    by_votes, own = describe(range(9), range(10, 18), range(18, 20)), describe(range(10), range(10, 20))
    for parts in ((by_votes, own), (own, by_votes)):
        merged = merge_seen(parts)
        assert merged is not None
        assert (set(own.train), set(own.valid)) == (set(merged.train), set(merged.valid))
        assert 20 == len(merged)  # each once


def test_what_one_run_was_trained_on_the_mean_has_not_held_out() -> None:
    """Then nothing counts as held out: the two were split by different chance."""
    merged = merge_seen([describe(range(8), range(8, 10)), describe(range(2, 10), range(2))])
    assert merged is not None
    assert (10, 0) == (len(merged.train), len(merged.valid))


def test_labels_of_votes_are_told_from_those_of_the_data() -> None:
    """Where the same picture has another one; pictures that only one run knows do not matter."""
    one, more = describe(range(8), range(8, 10)), describe(range(4, 12), range(12, 14))
    assert have_same_labels([one, more])
    assert not have_same_labels([one, replace(more, labels=more.labels + 1)])
    assert not have_same_labels([one, None])
