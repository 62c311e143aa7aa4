"""Ways of showing a face to a network when it is measured. In: (B, 1, S, S). Out: one or more pictures of each face.

The probability of a view is the mean over its pictures, and that of several views the mean over the views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.errors import ConfigError
from mien.hints import suggest
from mien.models.network import WHITE

SHIFT = 1 / 24
"""Of the side: two pixels of 48."""

MARGIN = 1 / 12
"""Of the side: a crop of `tencrop` leaves out four pixels of 48."""


def parse_views(text: str) -> tuple[str, ...]:
    """Return the views that a comma-separated list names.

    Raises:
        ConfigError: a name that is not in `VIEWS`, or one twice.

    >>> parse_views("plain, mirror")
    ('plain', 'mirror')
    """
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= set(VIEWS) or len(set(names)) < len(names):
        hint = next((suggest(name, list(VIEWS)) for name in names if name not in VIEWS), "")
        raise ConfigError(f"`views` {text}: expected some of {','.join(VIEWS)}, each once, separated by commas{hint}")
    return names


def name_views(views: tuple[str, ...]) -> str:
    """Return one name for a set of views, whatever their order.

    >>> name_views(("plain", "mirror")) == name_views(("mirror", "plain"))
    True
    """
    return "+".join(view for view in VIEWS if view in views)


def _shift(faces: Tensor) -> Iterator[Tensor]:
    """Yield the face moved up, down, left and right; its edge is repeated where it leaves a gap."""
    side = faces.shape[-1]
    step, place = max(1, round(SHIFT * side)), torch.arange(side, device=faces.device)
    for pixels in (-step, step):
        moved = (place + pixels).clamp(0, side - 1)
        yield faces[..., moved, :]
        yield faces[..., moved]


def _crop(faces: Tensor) -> Iterator[Tensor]:
    """Yield the four corners and the middle, enlarged to the whole side, each as is and mirrored."""
    pixels = faces.float() / WHITE if faces.dtype == torch.uint8 else faces
    side = pixels.shape[-1]
    margin = max(2, round(MARGIN * side))
    inner = side - margin
    for top, left in ((0, 0), (0, margin), (margin, 0), (margin, margin), (margin // 2, margin // 2)):
        crop = pixels[..., top : top + inner, left : left + inner]
        whole = F.interpolate(crop, (side, side), mode="bilinear", align_corners=False)
        yield whole
        yield whole.flip(-1)


VIEWS: dict[str, Callable[[Tensor], Iterator[Tensor]]] = {
    "plain": lambda faces: iter((faces,)),
    "mirror": lambda faces: iter((faces.flip(-1),)),
    "shift": _shift,
    "tencrop": _crop,
}
"""Name -> function from (B, 1, S, S), uint8 or float in [0, 1], to 1, 1, 4 and 10 pictures of the same shape."""
