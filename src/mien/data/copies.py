"""Find exact copies of faces. In: images. Out: one digest a face, equal where all pixels are equal.

16 bytes a face are all that this takes beside the pictures: they are read in blocks, and digests stay in arrays.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from mien.faces import Images, cut_blocks

DIGEST_BYTES = 16


def hash_images(images: Images) -> npt.NDArray[np.bytes_]:
    """Return a 16-byte digest of the pixels of each of (N, H, W) images, as an array (N,) that sorts and compares.

    >>> faces = np.zeros((3, 2, 2), dtype=np.uint8)
    >>> faces[1] = 1
    >>> digests = hash_images(faces)
    >>> bool(digests[0] == digests[2]), bool(digests[0] == digests[1])
    (True, False)
    """
    # The shape goes in, too: 2×8 and 4×4 pixels may hold the same bytes.
    key = repr(images.shape[1:]).encode()
    digests, start = np.empty(len(images), dtype=f"S{DIGEST_BYTES}"), 0
    for block in cut_blocks(images):
        found = [blake2b(image.tobytes(), digest_size=DIGEST_BYTES, key=key).digest() for image in block]
        digests[start : start + len(block)] = found
        start += len(block)
    return digests


def subtract(digests: npt.NDArray[np.bytes_], others: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bytes_]:
    """Return, sorted, the digests that are left when each of `others` takes one that equals it away.

    >>> subtract(np.array([b"b", b"a", b"b"]), np.array([b"b", b"c"])).tolist()
    [b'a', b'b']
    """
    values, counts = np.unique(digests, return_counts=True)
    taken, numbers = np.unique(others, return_counts=True)
    if len(taken):
        places = np.minimum(np.searchsorted(taken, values), len(taken) - 1)
        counts = counts - np.where(taken[places] == values, numbers[places], 0)
    return np.repeat(values, np.maximum(counts, 0))
