"""What a network says of faces, together: how each looks, and whether it is one that can be read at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import final

import numpy as np
import numpy.typing as npt

READABLE = 0.5
"""A face with less is none, or none that can be read: so files are written that tell `readability` (see the guide)."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Answers about N faces; `answers[2:5]` are those about three of them.

    Attributes:
        probabilities: float32 (N, K).
        readability: float32 (N,), 0 to 1, whether it is a face that can be read; None: the network does not tell.
    """

    probabilities: npt.NDArray[np.float32]
    readability: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.probabilities)

    def __getitem__(self, part: slice) -> Answers:
        readability = None if self.readability is None else self.readability[part]
        return Answers(probabilities=self.probabilities[part], readability=readability)

    def split(self, counts: Sequence[int]) -> Iterator[Answers]:
        """Yield the answers about the first of `counts` faces, then about the next.

        >>> [len(part) for part in Answers(probabilities=np.zeros((5, 7), np.float32)).split([3, 0, 2])]
        [3, 0, 2]
        """
        for start, end in pairwise(accumulate(counts, initial=0)):
            yield self[start:end]
