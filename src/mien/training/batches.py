"""The order of faces in an epoch, and the seeds of everything random in it.

Every random number of a training follows from (seed, epoch, step) alone, so nothing random has to be stored: a run
that was stopped anywhere goes on exactly as it would have.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from mien.recipes.schema import Sampling
from mien.training.balance import weigh_faces


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a seed from 0 to 2**63 − 1 for one purpose: unrelated to the seed of every other purpose.

    >>> derive_seed(0, "augment", 3, 17) == derive_seed(0, "augment", 3, 17) != derive_seed(0, "augment", 3, 18)
    True
    """
    words = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "big") >> 1


def count_steps(faces: int, batch_size: int) -> int:
    """Return the batches of an epoch: full ones only, because batch norm needs them; at least one."""
    return max(1, faces // batch_size)


def order_epoch(labels: npt.NDArray[np.int64], *, sampling: Sampling, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Return (N,) indices of the faces in the order of this epoch.

    "uniform" visits every face once; "balanced" draws with replacement, every class equally often.
    """
    rng = np.random.default_rng(derive_seed(seed, "order", epoch))
    if sampling == "balanced":
        return rng.choice(len(labels), size=len(labels), p=weigh_faces(labels)).astype(np.int64)
    return rng.permutation(len(labels)).astype(np.int64)


def pick_batch(order: npt.NDArray[np.int64], step: int, batch_size: int) -> npt.NDArray[np.int64]:
    """Return the indices of batch `step` of an epoch."""
    return order[step * batch_size : (step + 1) * batch_size]
