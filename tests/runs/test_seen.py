"""Which faces a run has seen, found again among those of today."""

from __future__ import annotations

import numpy as np

from mien.data.copies import hash_images
from mien.runs.seen import PLACES, SeenFaces, restore


def test_a_copy_in_test_does_not_take_the_place_of_a_face_of_train() -> None:
    """Although its label is the one that was written down: that may have come from votes."""
    pictures = np.stack([np.full((4, 4), grey, np.uint8) for grey in (10, 20, 10)])
    digests = hash_images(pictures)
    seen = SeenFaces(digests=digests[:2], labels=np.array([6, 1]), places=np.full(2, PLACES.index("train"), np.uint8))
    labels, tested = np.array([3, 1, 6]), np.array([False, False, True])
    assert [0, 1] == restore(seen, digests, labels, tested).train.tolist()
    assert [2, 1] == restore(seen, digests, labels, np.zeros(3, bool)).train.tolist()
    assert restore(seen, digests[1:], labels[1:], tested[1:]).is_whole  # where nothing else is left, test will do
