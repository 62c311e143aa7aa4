"""Perceptual hashes. In: grey images. Out: 64 bits a picture that hardly change when it is saved again or resized.

Each bit says whether one of the lowest frequencies of the cosine transform lies above their median (Zauner 2010,
"Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2.1): two matrix products a picture.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mien.faces import BLOCK_BYTES, Images, cut_blocks

BITS = 64
SIDE = 8

Hashes = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float32]


def hash_frequencies(images: Images) -> Hashes:
    """Return uint64 (N,): whether each of the 64 lowest frequencies lies above the median of all but the mean.

    >>> faces = np.random.default_rng(0).integers(0, 200, (3, 16, 16), dtype=np.uint8)
    >>> (hash_frequencies(faces) == hash_frequencies(faces + np.uint8(50))).tolist()
    [True, True, True]
    """
    height, width = images.shape[1:]
    rows, columns = cosines(height, SIDE), cosines(width, SIDE)
    parts = [_compare_median(rows @ block @ columns.T) for block in read_blocks(images)]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def count_bits(values: Hashes) -> npt.NDArray[np.uint8]:
    """Return how many bits of each are set.

    >>> count_bits(np.array([0, 7, 2**64 - 1], dtype=np.uint64)).tolist()
    [0, 3, 64]
    """
    octets = np.ascontiguousarray(values).view(np.uint8).reshape(*values.shape, 8)
    counts: npt.NDArray[np.uint8] = np.unpackbits(octets, axis=-1).sum(axis=-1, dtype=np.uint8)
    return counts


def cosines(pixels: int, count: int) -> Floats:
    """Return (count, pixels): the lowest frequencies of the cosine transform (DCT-II)."""
    places = (np.arange(pixels) + 0.5) / pixels
    return np.cos(np.pi * np.arange(count)[:, None] * places).astype(np.float32)


def read_blocks(images: Images) -> Iterator[Floats]:
    """Yield all images as float32, so many at a time that memory stays bounded, however many there are."""
    for block in cut_blocks(images, BLOCK_BYTES // 4):
        yield block.astype(np.float32)


def _compare_median(waves: Floats) -> Hashes:
    flat = waves.reshape(len(waves), BITS)
    bits = flat > np.median(flat[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64).reshape(len(flat))
