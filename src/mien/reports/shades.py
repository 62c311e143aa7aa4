"""Shades of a confusion matrix on light and dark pages. In: a part of a row, 0 to 1. Out: style rules, class names.

Eleven steps each from the page's colour to the strongest; the ink on a step is the one of higher contrast.
"""

from __future__ import annotations

from mien.plots import SHADES

STEPS = 11
NIGHT = ("#171d25", "#1a3346", "#1d577e", "#1f749d", "#2b92b8", "#5fb0cb", "#9bcbdc", "#cde3ec")
"""The dark page's ladder: more is lighter."""

INKS = ("#000000", "#ffffff")

Colour = tuple[float, ...]


def name_shade(share: float) -> str:
    """Return the class of a cell that is `share` of its row.

    >>> name_shade(0.0), name_shade(0.49), name_shade(1.0)
    ('h0', 'h5', 'h10')
    """
    return f"h{round(share * (STEPS - 1))}"


def write_shade_rules() -> str:
    """Return the style rules of all steps, for light pages and for dark ones."""
    light, dark = (" ".join(_write_rules(ladder)) for ladder in (SHADES, NIGHT))
    return f"{light}\n@media screen and (prefers-color-scheme:dark){{{dark}}}"


def pick_shades(ladder: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return (ground, ink) of each step of a ladder of colours."""
    grounds = [_mix(ladder, step / (STEPS - 1)) for step in range(STEPS)]
    return [(ground, max(INKS, key=lambda ink: measure_contrast(ink, ground))) for ground in grounds]


def measure_contrast(first: str, second: str) -> float:
    """Return the contrast of two colours #rrggbb, 1 to 21 (WCAG 2.2).

    >>> measure_contrast("#000000", "#ffffff")
    21.0
    """
    dark, light = sorted((_measure_light(first), _measure_light(second)))
    return round((light + 0.05) / (dark + 0.05), 2)


def _write_rules(ladder: tuple[str, ...]) -> list[str]:
    return [f".h{step}{{background:{ground};color:{ink}}}" for step, (ground, ink) in enumerate(pick_shades(ladder))]


def _mix(ladder: tuple[str, ...], place: float) -> str:
    """Return the colour at `place`, 0 to 1, along a ladder of evenly spaced colours."""
    at = place * (len(ladder) - 1)
    index = min(int(at), len(ladder) - 2)
    low, high, part = _read(ladder[index]), _read(ladder[index + 1]), at - index
    mixed = (round(255 * (a + (b - a) * part)) for a, b in zip(low, high, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _measure_light(color: str) -> float:
    """Return the relative luminance of a colour."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _read(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _read(color: str) -> Colour:
    return tuple(int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
