"""Which faces are clear enough to be named where people see it. In: what the network is shown. Out: sharpness.

A face far back, of few pixels or out of focus, gets an answer of the network like any other, and it means little. It
stays in every table with its probabilities; in drawings and on the page it is framed and gets no name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from mien.errors import ConfigError

MIN_SIDE = 24
"""Pixels of the square that the network is shown. With half as many pixels as they have, 71 % of 146 faces in
photographs that come out with 12 to 24 keep their expression, 40 % of 104 with less, 75 % of 56 with 24 to 36."""

MIN_SHARPNESS = 0.5
"""Of 130 sharp faces of 72 to 120 pixels in photographs 95 % reach 0.85; of 490 checked by eye 3 % stay below 0.5, and
looked at one by one these show no features. A sharp face of 24 pixels, enlarged to 48, has about 0.5."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Clarity:
    """What a face needs to be named in drawings and on the page.

    Attributes:
        min_side: pixels of the square that was cut out of the picture; 0: any.
        min_sharpness: see `measure_sharpness`; 0: any.

    Raises:
        ConfigError: a number below 0.
    """

    min_side: float = MIN_SIDE
    min_sharpness: float = MIN_SHARPNESS

    def __post_init__(self) -> None:
        for name in ("min_side", "min_sharpness"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name}: expected 0 or more, found {getattr(self, name)}")

    def holds(self, side: float, sharpness: float | None) -> bool:
        """Return whether a face of this side in pixels, and sharpness where it is known, is clear enough.

        >>> Clarity().holds(120, 0.9), Clarity().holds(120, 0.3), Clarity().holds(20, 0.9), Clarity().holds(24, None)
        (True, False, False, True)
        """
        return side >= self.min_side and (sharpness is None or sharpness >= self.min_sharpness)


def measure_sharpness(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return float32 (N,) of grey faces, uint8 (N, H, W): mean second over mean first differences of neighbours.

    About 1 for a sharp photograph; what is blurred, or was enlarged from fewer pixels, changes evenly from pixel to
    pixel and comes out lower, whatever its contrast. A face without any change has 0.

    >>> ramp = np.arange(0, 96, 2, dtype=np.uint8)[None, None].repeat(48, axis=1)
    >>> float(measure_sharpness(ramp)[0])
    0.0
    """
    grey = crops.astype(np.float32)
    first, second = (
        sum(np.abs(np.diff(grey, order, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)) for order in (1, 2)
    )
    sharpness: npt.NDArray[np.float32] = (second / np.maximum(first, 1e-6)).astype(np.float32)
    return sharpness
