"""Pictures from anywhere. In: a path, bytes, a file, an array, … Out: uint8 (H, W, 3), RGB, upright.

Everything bad ends in a `DataError` of one line; a picture with several frames gives its first, and says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.data.formats import UNREAD_SUFFIXES
from mien.data.images import (
    BROKEN,
    MAX_PIXELS,
    OddPixelsError,
    make_opaque,
    open_picture,
    scale_fractions,
    turn_upright,
)
from mien.errors import DataError, NotAPictureError, TooLargeError, join_lines
from mien.recognition.face import Box
from mien.recognition.inputs import MAX_BYTES, Held, Source, hold, name_source

Picture: TypeAlias = npt.NDArray[np.uint8]
"""uint8 (H, W, 3), RGB, upright."""

ROWS_AT_ONCE = 64
"""Rows that are copied at a time, which stay in the cache: 15 instead of 44 ms for 12 megapixels."""

_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations of a camera that was turned by a quarter."""

FINE = 1.5
"""A face of a JPEG that was decoded smaller has to be so many times as long as what the network takes. Cut from half
the sides, 97 % of 71 faces in photographs that long get the same expression, of 48 that are 1 to 1.5 times as long
94 %, of 35 of 0.75 to 1 times 91 %, below 60 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePicture:
    """A picture that was read, and how large it is where it came from.

    Attributes:
        pixels: uint8 (H, W, 3), RGB, upright; of a large JPEG perhaps a half, a quarter or an eighth of its sides.
        width: of the upright picture itself.
        height: likewise.
        decode_more: returns the picture with all the pixels that can be had; None: these are they.
    """

    pixels: Picture
    width: int
    height: int
    decode_more: Callable[[], WholePicture] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the pixels are all of the picture's."""
        return self.pixels.shape[:2] == (self.height, self.width)

    def enlarge(self, boxes: Iterable[Box]) -> list[Box]:
        """Return boxes that were found in `pixels` in pixels of the picture itself."""
        height, width = self.pixels.shape[:2]
        return [_move(box, (width, height), (self.width, self.height)) for box in boxes]

    def shrink(self, boxes: Iterable[Box]) -> list[Box]:
        """Return boxes of the picture itself in pixels of `pixels`."""
        height, width = self.pixels.shape[:2]
        return [_move(box, (self.width, self.height), (width, height)) for box in boxes]


def read_picture(
    source: Source,
    *,
    max_pixels: int = MAX_PIXELS,
    where: str | None = None,
    on_remark: Callable[[str], None] = warnings.warn,
) -> Picture:
    """Return a picture as uint8 (H, W, 3), RGB, upright.

    Args:
        source: a path; the bytes of a file; a file that was opened, such as an upload; a data URL; an array (H, W)
            grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8, or floats up to 1 or up to 255; a tensor, its channels first
            or last; a Pillow image. The orientation that a camera noted is honoured. What is transparent becomes black,
            16 bits become 8.
        max_pixels: width times height at most; a file's header is asked before anything is decoded. A larger JPEG comes
            out at a half, a quarter or an eighth of its sides.
        where: what the picture is called in errors; a path calls itself.
        on_remark: is told, in one line, where only the first of several frames was read, or how numbers of more than 8
            bits were understood.

    Raises:
        DataError: the file is missing or cannot be read, is no picture, broken or too large; or the array is of another
            shape or type, or holds NaN.
    """
    return read_whole(source, max_pixels=max_pixels, where=where, on_remark=on_remark).pixels


def read_whole(
    source: Source,
    *,
    max_pixels: int = MAX_PIXELS,
    where: str | None = None,
    on_remark: Callable[[str], None] = warnings.warn,
    enough: int | None = None,
) -> WholePicture:
    """Return a picture as `read_picture` reads it, together with its own size.

    With `enough` pixels of the longer side that are needed a larger JPEG is decoded smaller, but never below that.

    Raises:
        DataError: as `read_picture`.
    """
    held: Held = hold(source, where)
    if isinstance(held, np.ndarray):
        return _keep_size(_check_array(held, where or "array", max_pixels))
    if isinstance(held, Image.Image):
        return _keep_size(_take_image(held, where or "image", max_pixels, on_remark))
    if isinstance(held, bytes):
        return _decode(held, where or name_source(source) or "bytes", max_pixels, on_remark, enough)
    return _decode(_read_file(held), where or str(held), max_pixels, on_remark, enough)


def _keep_size(pixels: Picture) -> WholePicture:
    return WholePicture(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0])


def _move(box: Box, source: tuple[int, int], target: tuple[int, int]) -> Box:
    """Return a box of a picture of one (width, height) in a picture of another."""
    if source == target:
        return box
    across, down = target[0] / source[0], target[1] / source[1]
    left, top = min(round(box.left * across), target[0] - 1), min(round(box.top * down), target[1] - 1)
    right = min(max(round((box.left + box.width) * across), left + 1), target[0])
    bottom = min(max(round((box.top + box.height) * down), top + 1), target[1])
    return replace(box, left=left, top=top, width=right - left, height=bottom - top)


def _read_file(path: Path) -> bytes:
    if path.suffix.lower() in UNREAD_SUFFIXES:  # some hold a small preview, which is not the picture
        problem = f"found {path.suffix.lower()}, which is not read: save it as JPEG or PNG"
        raise NotAPictureError(path, f"expected a picture, {problem}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(path, f"expected a picture of at most {MAX_BYTES >> 20} MiB, found {path.stat().st_size:,}")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(path, "expected a picture, but the file does not exist") from None
    except IsADirectoryError:
        raise DataError(path, "expected a picture, found a folder") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise DataError(path, f"cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _decode(
    data: bytes, where: str, max_pixels: int, on_remark: Callable[[str], None], enough: int | None = None
) -> WholePicture:
    with open_picture(data, where, max_pixels=max_pixels, enough=enough) as opened:
        image, sides = opened.image, (opened.width, opened.height)
        if getattr(image, "is_animated", False):
            on_remark(f"{where}: holds several frames: only the first was looked at")
        is_smaller = image.size != sides
        if opened.most != sides:
            shown = f"{sides[0]}x{sides[1]} pixels are looked at as {opened.most[0]}x{opened.most[1]}"
            on_remark(f"{where}: {shown}; places are told in its own")
        is_spared = image.size != opened.most
        if is_smaller and image.getexif().get(0x0112) in _SIDEWAYS:
            sides = (sides[1], sides[0])
        pixels = _make_colour(turn_upright(image), lambda remark: on_remark(f"{where}: {remark}"))
    if not is_smaller:
        return _keep_size(pixels)
    more = partial(_decode, data, where, max_pixels, _say_nothing) if is_spared else None
    return WholePicture(pixels=pixels, width=sides[0], height=sides[1], decode_more=more)


def _say_nothing(remark: str) -> None:
    """Take no notice of what was remarked before."""


def _take_image(image: Image.Image, where: str, max_pixels: int, on_remark: Callable[[str], None]) -> Picture:
    _check_size(image.width, image.height, where, max_pixels)
    try:
        return _make_colour(turn_upright(image), lambda remark: on_remark(f"{where}: {remark}"))
    except OddPixelsError as error:
        raise DataError(where, str(error)) from error
    except BROKEN as error:  # Pillow decodes late: a broken file shows here
        raise DataError(where, f"expected a whole picture, found a broken one ({join_lines(str(error))})") from error


def _make_colour(image: Image.Image, on_remark: Callable[[str], None] = lambda remark: None) -> Picture:
    opaque = make_opaque(image, on_remark)
    return _copy_out(opaque if opaque.mode == "RGB" else opaque.convert("RGB"))  # which would copy what is RGB


def _copy_out(image: Image.Image) -> Picture:
    """Return the pixels of an RGB image; np.asarray, which goes through `bytes`, takes three times as long."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, ROWS_AT_ONCE):
        rows = image.crop((0, top, image.width, min(top + ROWS_AT_ONCE, image.height)))
        pixels[top : top + ROWS_AT_ONCE] = np.asarray(rows)
    return pixels


def _check_array(array: npt.NDArray[Any], where: str, max_pixels: int) -> Picture:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or not array.size:
        first = array.ndim == 3 and array.shape[0] in (1, 3, 4)
        advice = "channels first are turned by .transpose(1, 2, 0)" if first else "give several as a list"
        advice = advice if array.size else "it has no pixel"
        raise DataError(where, f"expected (H, W), (H, W, 3) or (H, W, 4), found {array.shape}: {advice}")
    _check_size(array.shape[1], array.shape[0], where, max_pixels)
    pixels = _check_values(array, where)
    if channels == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return pixels if channels == 3 else _make_colour(Image.fromarray(pixels))


def _check_values(array: npt.NDArray[Any], where: str) -> npt.NDArray[np.uint8]:
    if array.dtype.kind == "f":
        try:
            return scale_fractions(array)  # no remark: this is how arrays of floats are defined
        except OddPixelsError as error:
            raise DataError(where, str(error)) from None
    if array.dtype != np.uint8:
        problem = f"found {array.dtype}: scale it and use .astype('uint8')"
        raise DataError(where, f"expected uint8 from 0 to 255 or floats from 0 to 1, {problem}")
    return array


def _check_size(width: int, height: int, where: str, max_pixels: int) -> None:
    if not width or not height:
        raise DataError(where, f"expected a picture, found one of {width}x{height} pixels")
    if width * height > max_pixels:
        side = int(max_pixels**0.5)
        raise TooLargeError(where, f"expected a picture of at most {side}x{side} pixels, found {width}x{height}")
