"""The corruptions by name, each with five severities. In: uint8 faces, a name, a severity, a seed. Out: uint8 faces.

The protocol is Hendrycks and Dietterich's (2019, section 3); the severities are set for faces of 48 pixels: the third
is what a poor camera or an ordinary web page does, the fifth is where people begin to guess, too.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import ConfigError, DataError
from mien.faces import Images
from mien.hints import suggest
from mien.robustness import covering, filters, geometry, tones

SEVERITIES = (1, 2, 3, 4, 5)
CHUNK = 256
"""Faces that are in memory as floats at a time. A block of faces starts at a multiple of it."""

Distort = Callable[[Images, float, np.random.Generator], Images]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """One way in which a picture of a face goes wrong.

    Attributes:
        name: as a user asks for it.
        about: what it is, in a few words.
        amounts: of the five severities.
        unit: how an amount is written: a format.
        distort: what does it, to uint8 (N, H, W), by an amount, with random numbers.
    """

    name: str
    about: str
    amounts: tuple[float, float, float, float, float]
    unit: str
    distort: Distort

    def tell(self, severity: int) -> str:
        """Return the amount of a severity in words.

        >>> CORRUPTIONS["gaussian-noise"].tell(3)
        'σ 10'
        """
        return self.unit.format(self.amounts[severity - 1])


_ALL = (
    ("gaussian-blur", "out of focus", (0.5, 0.75, 1, 1.5, 2), "σ {:g} px", filters.blur),
    ("motion-blur", "moved while taken", (2, 3.5, 5, 7, 9), "{:g} px", geometry.smear),
    ("gaussian-noise", "noise of a sensor", (3, 6, 10, 16, 25), "σ {:g}", tones.add_noise),
    ("shot-noise", "few photons", (3600, 900, 325, 125, 50), "{:g} photons", tones.count_photons),
    ("dark", "too little light", (0.8, 0.6, 0.4, 0.25, 0.15), "×{:g}", tones.scale_light),
    ("bright", "too much light", (1.15, 1.3, 1.5, 1.8, 2.2), "×{:g}", tones.scale_light),
    ("contrast", "little contrast", (0.75, 0.55, 0.4, 0.25, 0.15), "×{:g}", tones.flatten_contrast),
    ("gamma", "wrong gamma", (1.3, 1.6, 2, 2.7, 3.5), "{:g} or its inverse", tones.bend_tones),
    ("uneven-light", "light from one side", (0.2, 0.4, 0.6, 0.8, 1), "±{:.0%}", tones.light_from_one_side),
    ("jpeg", "JPEG of low quality", (70, 40, 20, 10, 5), "quality {:g}", filters.compress),
    ("low-resolution", "shown with fewer pixels", (36, 30, 24, 20, 16), "{:g} px", filters.lower_resolution),
    ("rotation", "turned left or right", (7, 15, 30, 45, 60), "{:g}°", geometry.turn),
    ("shift", "off the middle", (0.04, 0.08, 0.12, 0.18, 0.25), "{:.0%} of the side", geometry.move),
    ("tight-crop", "cut too tightly", (0.92, 0.85, 0.75, 0.65, 0.55), "{:.0%} of the side", geometry.frame_tightly),
    ("wide-crop", "cut too widely", (0.9, 0.8, 0.7, 0.6, 0.5), "{:.0%} of the side", filters.frame_widely),
    ("cover", "a band of it covered", (1 / 8, 1 / 5, 1 / 3, 0.45, 0.6), "{:.0%} of it", covering.cover),
    ("mask", "mouth and nose covered", (0.25, 0.32, 0.4, 0.46, 0.52), "{:.0%} of it", covering.put_on_mask),
    ("glasses", "eyes covered", (0.08, 0.14, 0.2, 0.26, 0.34), "{:.0%} of it", covering.put_on_glasses),
)

CORRUPTIONS: dict[str, Corruption] = {
    name: Corruption(name=name, about=about, amounts=amounts, unit=unit, distort=distort)
    for name, about, amounts, unit, distort in _ALL
}
"""Name -> corruption, in the order to show."""


def corrupt(images: Images, name: str, severity: int, *, seed: int = 0) -> Images:
    """Return faces under one corruption; the given ones stay as they are.

    The severities of a corruption share their random numbers: a face that is turned to the left by 7 degrees is turned
    to the left by 15, so that severities differ by nothing but their amount.

    Args:
        images: uint8 (N, H, W).
        name: one of `CORRUPTIONS`.
        severity: 1 to 5.
        seed: of all chance: the same seed gives the same pixels.

    Raises:
        ConfigError: no such corruption or severity.
        DataError: another shape or type.
    """
    (corruption,), (severity,) = choose_corruptions([name]), choose_severities(severity)
    if not isinstance(images, np.ndarray) or images.ndim != 3 or images.dtype != np.uint8:
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise DataError("faces", f"expected uint8 (N, H, W), found {found}")
    return distort(images, corruption, severity, start_chance(corruption, seed))


def distort(images: Images, corruption: Corruption, severity: int, rng: np.random.Generator) -> Images:
    """Return faces under a corruption, computed some at a time; `rng` goes on where it stood."""
    shown = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        shown[part] = corruption.distort(np.asarray(images[part]), corruption.amounts[severity - 1], rng)
    return shown


def start_chance(corruption: Corruption, seed: int) -> np.random.Generator:
    """Return the random numbers of a corruption: others for each corruption, the same for each severity."""
    return np.random.default_rng([zlib.crc32(corruption.name.encode()), seed])


def choose_corruptions(only: str | Sequence[str] | None) -> tuple[Corruption, ...]:
    """Return the corruptions of these names, in the order of `CORRUPTIONS`; of None, all.

    Args:
        only: a list of names, or one text with commas between them.

    Raises:
        ConfigError: no such corruption, or none at all.
    """
    if only is None:
        return tuple(CORRUPTIONS.values())
    asked = [name.strip() for name in (only.split(",") if isinstance(only, str) else only)]
    for name in asked:
        if name not in CORRUPTIONS:
            known = ", ".join(CORRUPTIONS)
            raise ConfigError(f"`only` {name!r}: expected some of {known}{suggest(name, CORRUPTIONS)}")
    if not asked:
        raise ConfigError(f"`only`: expected some of {', '.join(CORRUPTIONS)}, found none")
    return tuple(corruption for name, corruption in CORRUPTIONS.items() if name in asked)


def choose_severities(severity: int | str | Sequence[int] | None) -> tuple[int, ...]:
    """Return the severities asked for, in order; of None, all five.

    Args:
        severity: a number, several, or a text: "3", "1,3,5".

    Raises:
        ConfigError: something else than 1 to 5, or none at all.
    """
    if severity is None:
        return SEVERITIES
    asked: Sequence[object] = severity.split(",") if isinstance(severity, str) else np.atleast_1d(severity).tolist()
    found = {_read_severity(one) for one in asked}
    if not found:
        raise ConfigError("`severity`: expected some of 1 to 5, found none")
    return tuple(sorted(found))


def _read_severity(value: object) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or text not in map(str, SEVERITIES):
        raise ConfigError(f"`severity` {text}: expected a whole number from 1 to 5, or several: 1,3,5")
    return int(text)
