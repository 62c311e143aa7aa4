"""Near copies. In: 64-bit hashes. Out: pairs of pictures whose hashes differ in few bits, found without looking at all.

The bits are cut into bands. Two hashes that differ in at most `MOST_BITS` places agree in all but so many bands, so
they share a key made of the others: sorting by each such key brings them together. Memory grows with the number of
pictures, not of pairs (Manku, Jain and Das Sarma 2007, "Detecting near-duplicates for web crawling", section 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from mien.auditing.hashes import BITS, Hashes, count_bits

MOST_BITS = 6
BANDS = 9
NEIGHBOURS = 100
"""Of equal keys, so many are compared with each; more alike pictures than that are one cluster anyway."""

Pairs = npt.NDArray[np.intp]


def find_near(hashes: Hashes, *, most_bits: int = MOST_BITS, bands: int = BANDS) -> Iterator[Pairs]:
    """Yield blocks (M, 2) of pairs that differ in at most `most_bits` bits; a pair may come more than once.

    >>> pairs = np.concatenate(list(find_near(np.array([0, 2**63, 3, 2**40 - 1], dtype=np.uint64))))
    >>> sorted({tuple(pair) for pair in np.sort(pairs, axis=1).tolist()})
    [(0, 1), (0, 2), (1, 2)]
    """
    places = np.linspace(0, BITS, bands + 1).astype(int)
    masks = [np.uint64(((1 << int(stop - start)) - 1) << int(start)) for start, stop in pairwise(places)]
    for chosen in combinations(masks, bands - most_bits):
        keys = hashes & np.bitwise_or.reduce(np.array(chosen))
        order = np.argsort(keys, kind="stable")
        yield from _compare_neighbours(hashes, order, keys[order], most_bits)


def _compare_neighbours(hashes: Hashes, order: npt.NDArray[np.intp], keys: Hashes, most_bits: int) -> Iterator[Pairs]:
    """Yield the pairs among equal keys, which stand side by side: those one place apart, two places apart and so on."""
    here = np.flatnonzero(keys[1:] == keys[:-1])
    for apart in range(1, NEIGHBOURS):
        if not len(here):
            return
        first, second = order[here], order[here + apart]
        close = count_bits(hashes[first] ^ hashes[second]) <= most_bits
        if close.any():
            yield np.stack([first[close], second[close]], axis=1)
        here = here[here + apart + 1 < len(keys)]
        here = here[keys[here] == keys[here + apart + 1]]


def join_pairs(pairs: Pairs, count: int) -> npt.NDArray[np.intp]:
    """Return (count,): the lowest index that each of `count` pictures is joined with, through any number of pairs.

    >>> join_pairs(np.array([[4, 2], [2, 0], [1, 3]]), 6)
    array([0, 1, 0, 1, 0, 5])
    """
    lowest = np.arange(count)
    first, second = pairs.reshape(-1, 2).T
    while True:
        least = np.minimum(lowest[first], lowest[second])
        before = lowest.copy()
        np.minimum.at(lowest, first, least)
        np.minimum.at(lowest, second, least)
        lowest = lowest[lowest]
        if (before == lowest).all():
            return lowest
