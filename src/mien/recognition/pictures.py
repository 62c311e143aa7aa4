"""Pictures from anywhere. In: a path, bytes, an array or a Pillow image. Out: uint8 (H, W, 3), RGB, upright.

Everything bad ends in a `DataError` of one line; a picture with several frames gives its first, and says so.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.data.images import BROKEN, MAX_PIXELS, make_opaque, open_picture, turn_upright
from mien.errors import DataError, TooLargeError

Picture: TypeAlias = npt.NDArray[np.uint8]
"""uint8 (H, W, 3), RGB, upright."""

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | npt.NDArray[Any] | Image.Image
"""What can be read as a picture."""

MAX_BYTES = 1 << 28


def read_picture(
    source: Source,
    *,
    max_pixels: int = MAX_PIXELS,
    where: str | None = None,
    on_remark: Callable[[str], None] = warnings.warn,
) -> Picture:
    """Return a picture as uint8 (H, W, 3), RGB, upright.

    Args:
        source: a path; the bytes of a file; uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA; a Pillow image. The
            orientation that a camera noted is honoured. What is transparent becomes black, 16 bits become 8.
        max_pixels: width times height at most; a file's header is asked before anything is decoded.
        where: what the picture is called in errors; a path calls itself.
        on_remark: is told, in one line, where only the first of several frames was read.

    Raises:
        DataError: the file is missing or cannot be read, is no picture, broken or too large; or the array is of another
            shape or type, or holds NaN.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source, where or "array", max_pixels)
    if isinstance(source, Image.Image):
        return _take_image(source, where or "image", max_pixels)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(bytes(source), where or "bytes", max_pixels, on_remark)
    try:
        path = Path(source)
    except TypeError:
        found = type(source).__name__
        problem = f"expected a path, bytes, a uint8 array or a Pillow image, found {found}"
        raise DataError(where or "picture", problem) from None
    return _decode(_read_file(path), where or str(path), max_pixels, on_remark)


def _read_file(path: Path) -> bytes:
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


def _decode(data: bytes, where: str, max_pixels: int, on_remark: Callable[[str], None]) -> Picture:
    with open_picture(data, where, max_pixels=max_pixels) as image:
        if getattr(image, "is_animated", False):
            on_remark(f"{where}: holds several frames: only the first was looked at")
        return _make_colour(turn_upright(image))


def _take_image(image: Image.Image, where: str, max_pixels: int) -> Picture:
    _check_size(image.width, image.height, where, max_pixels)
    try:
        return _make_colour(turn_upright(image))
    except BROKEN as error:  # Pillow decodes late: a broken file shows here
        raise DataError(where, f"expected a whole picture, found a broken one ({error})") from error


def _make_colour(image: Image.Image) -> Picture:
    opaque = make_opaque(image)
    return np.asarray(opaque.convert("L").convert("RGB") if opaque.mode == "F" else opaque.convert("RGB"))


def _check_array(array: npt.NDArray[Any], where: str, max_pixels: int) -> Picture:
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise DataError(where, f"expected uint8 from 0 to 255, found {array.dtype} with NaN")
    if array.dtype != np.uint8:
        raise DataError(where, f"expected uint8 from 0 to 255, found {array.dtype}: scale it and use .astype('uint8')")
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or not array.size:
        raise DataError(where, f"expected (H, W), (H, W, 3) or (H, W, 4), found {array.shape}: give several as a list")
    _check_size(array.shape[1], array.shape[0], where, max_pixels)
    if channels == 1:
        return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    return array if channels == 3 else _make_colour(Image.fromarray(array))


def _check_size(width: int, height: int, where: str, max_pixels: int) -> None:
    if not width or not height:
        raise DataError(where, f"expected a picture, found one of {width}x{height} pixels")
    if width * height > max_pixels:
        side = int(max_pixels**0.5)
        raise TooLargeError(where, f"expected a picture of at most {side}x{side} pixels, found {width}x{height}")
