"""One picture, safely: the bytes of a file go in, a grey face (`decode_face`) or an open picture comes out.

Nothing is decoded whose header promises too much; the orientation that a camera noted is honoured. A JPEG that is too
large is decoded smaller, which costs no more than a small one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from mien.data.formats import JPEG_XL, find_extra, find_readers, name_content
from mien.data.headers import is_sequential_jpeg, list_icon_sizes, read_jpeg_xl_size
from mien.data.space import Space
from mien.errors import DataError, NotAPictureError, TooLargeError, join_lines

MAX_PIXELS = 1 << 26
"""8192 x 8192: no face needs more, and a header may promise anything."""

MAX_JPEG_PIXELS = 1 << 28
"""Of a JPEG that is decoded at a half, a quarter or an eighth of its sides: telephones take 200 million."""

MAX_TIMES_WHOLE = 2
"""A progressive JPEG, which the decoder keeps whole (up to 6 bytes a pixel), may have so many times the pixels."""

BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError),
    *(struct.error, RuntimeError),
)
"""What Pillow's readers raise at damaged files. Fuzzing brought struct.error, of the second frame of a GIF, and
RuntimeError, of AVIF whose planes of colour are damaged."""

_WHITE_16_BIT = 65535
_SCALE_16_BIT = 257
_DIM = 0.25
"""A 16-bit picture whose brightest pixel is darker than this may hold 10, 12 or 14 bits: that is worth a remark."""


Cut = Callable[[int, int], tuple[int, int, int, int]]


class OddPixelsError(ValueError):
    """Pixels in a range that has no meaning, such as -1 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPicture:
    """A picture whose header was read.

    Attributes:
        image: not yet decoded; perhaps set to be decoded smaller.
        width: of the picture as it is in the file, before it is turned upright.
        height: likewise.
        most: (width, height) at which it can be decoded within the limit of pixels.
    """

    image: Image.Image
    width: int
    height: int
    most: tuple[int, int]


def _ignore(remark: str) -> None:
    """Take no notice."""


def decode_face(
    data: bytes,
    where: str,
    *,
    side: int | None = None,
    cut: Cut | None = None,
    on_remark: Callable[[str], None] = _ignore,
) -> npt.NDArray[np.uint8]:
    """Return a picture as uint8 (H, W), grey by the luma of ITU-R 601, resized to `side` x `side` where one is given.

    A picture that is not square is stretched. What is transparent becomes black. Fractions from 0 to 1 and 16 bits are
    scaled to 8 bits; `on_remark` is told what was taken for what. Of a picture of W x H pixels, `cut` (W, H) gives
    left, top, right and bottom of what is returned; None: all of it.

    Raises:
        DataError: it is no picture, broken, or larger than `MAX_PIXELS`.
    """
    with open_picture(data, where) as opened:
        grey = _make_grey(turn_upright(opened.image), on_remark)
        if cut is not None:
            grey = grey.crop(cut(*grey.size))
        if side is not None and grey.size != (side, side):
            grey = grey.resize((side, side), Image.Resampling.BILINEAR)
        return np.asarray(grey)


@contextmanager
def open_picture(
    data: bytes, where: str, *, max_pixels: int = MAX_PIXELS, enough: int | None = None
) -> Iterator[OpenPicture]:
    """Yield the picture, its header read but nothing decoded; what goes wrong inside of the block is told as here.

    Args:
        data: the bytes of a file.
        where: what it is called in errors.
        max_pixels: width times height at most.
        enough: pixels of the longer side that the caller needs: a JPEG that has at least twice as many is set to be
            decoded at a half, a quarter or an eighth of its sides, which spares most of the time. None: all of them.

    Raises:
        NotAPictureError: it is no picture, or of a format whose reader is not installed.
        TooLargeError: it is larger than `max_pixels`, and cannot be decoded smaller.
        DataError: it is broken.
    """
    try:
        _check_promise(data, where, max_pixels)
        with _open(data, where) as image:
            width, height = image.size
            needed = 1 if width * height <= max_pixels else _find_factor(image, data, where, max_pixels)
            factor = max(needed, _spare_factor(image, enough))
            if factor > 1:
                image.draft(None, (width // factor, height // factor))
            yield OpenPicture(image=image, width=width, height=height, most=(-(-width // needed), -(-height // needed)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        pixels = re.search(r"\d+", str(error))  # Pillow refuses before it tells the sides
        raise _refuse_size(where, f"{int(pixels[0]):,} pixels" if pixels else str(error), max_pixels) from error
    except UnidentifiedImageError as error:
        raise NotAPictureError(where, f"expected a picture, found {name_content(data)}") from error
    except OddPixelsError as error:
        raise DataError(where, str(error)) from error
    except BROKEN as error:
        raise DataError(where, f"expected a whole picture, found a broken one ({join_lines(str(error))})") from error


def _open(data: bytes, where: str) -> Image.Image:
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImageFile(BytesIO(data))  # not Image.open, which refuses large ones that can be decoded smaller
    extra = find_extra(data)
    readers = find_readers(extra)
    if readers is None:
        assert extra is not None
        raise NotAPictureError(
            where, f"expected a picture, found {extra.name}, which mien cannot read yet: {extra.advice}"
        )
    return Image.open(BytesIO(data), formats=readers)


def _check_promise(data: bytes, where: str, max_pixels: int) -> None:
    """Refuse what Pillow would decode before it tells the size."""
    sizes: list[tuple[int, int]] = list_icon_sizes(data)
    if find_extra(data) is JPEG_XL:
        size = read_jpeg_xl_size(data)
        if size is None:
            raise DataError(where, "expected a whole picture, found a JPEG XL without its header")
        sizes = [size]
    for width, height in sizes:
        if width * height > max_pixels:
            raise _refuse_size(where, f"{width}x{height}", max_pixels)


def _find_factor(image: Image.Image, data: bytes, where: str, max_pixels: int) -> int:
    """Return by how many times smaller sides a JPEG has to be decoded: 2, 4 or 8.

    Raises:
        TooLargeError: that is not enough, or it is of another format.
    """
    width, height = image.size
    found = f"{width}x{height}"
    if not isinstance(image, JpegImageFile):
        raise _refuse_size(where, found, max_pixels)
    factor = next((by for by in (2, 4, 8) if -(-width // by) * -(-height // by) <= max_pixels), None)
    if factor is None or width * height > MAX_JPEG_PIXELS:
        raise _refuse_size(where, found, max_pixels)
    if width * height > MAX_TIMES_WHOLE * max_pixels and not is_sequential_jpeg(data):
        raise _refuse_size(
            where, f"{found}, progressive, which takes more memory: save it as baseline JPEG", max_pixels
        )
    return factor


def _spare_factor(image: Image.Image, enough: int | None) -> int:
    """Return by how many times smaller sides a JPEG may be decoded so that the longer one keeps `enough` pixels."""
    if enough is None or not isinstance(image, JpegImageFile):
        return 1
    return next((by for by in (8, 4, 2) if max(image.size) >= by * enough), 1)


def resize_faces(
    images: npt.NDArray[np.uint8], side: int, *, space: Space | None = None, name: str = ""
) -> npt.NDArray[np.uint8]:
    """Return uint8 (N, side, side) of uint8 (N, H, W), with Pillow's antialiased bilinear filter.

    Args:
        images: to resize.
        side: in pixels.
        space: where they lie if memory does not hold them; None: in a file without a name.
        name: of these faces among those of a reading.
    """
    if images.shape[1:] == (side, side):
        return images
    room = (space or Space()).make((len(images), side, side), f"{name} resized")
    for index in range(room.done, len(images)):
        image = Image.fromarray(images[index])
        room.images[index] = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
        room.fill(index + 1)
    return room.images


def _refuse_size(where: str, found: str, max_pixels: int) -> TooLargeError:
    side = int(max_pixels**0.5)
    return TooLargeError(where, f"expected a picture of at most {side}x{side} pixels, found {found}")


def turn_upright(image: Image.Image) -> Image.Image:
    """Return the picture as its EXIF orientation says; looking for one costs as much as decoding, hence the test."""
    if "exif" in image.info or image.format == "TIFF":
        return ImageOps.exif_transpose(image)
    return image


def _make_grey(image: Image.Image, on_remark: Callable[[str], None]) -> Image.Image:
    if image.mode == "L" and "transparency" not in image.info:
        image.load()
        return image
    return make_opaque(image, on_remark).convert("L")


def make_opaque(image: Image.Image, on_remark: Callable[[str], None] = _ignore) -> Image.Image:
    """Return the picture in 8 bits a channel; what is transparent becomes black.

    `on_remark` is told, in a few words, how numbers of more than 8 bits were understood.

    Raises:
        OddPixelsError: numbers outside of 16 bits, or fractions that are neither from 0 to 1 nor from 0 to 255.
    """
    if image.mode == "F":
        return Image.fromarray(scale_fractions(np.asarray(image), on_remark))
    if image.mode.startswith("I"):
        return _scale_16_bit(image, on_remark)
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        colour = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colour.size, "black"), colour)
    return image


def scale_fractions(values: npt.NDArray[Any], on_remark: Callable[[str], None] = _ignore) -> npt.NDArray[np.uint8]:
    """Return floating-point pixels in 8 bits: up to 1, 1 is white; up to 255, 255 is.

    Raises:
        OddPixelsError: they are in neither range, or not all are numbers.

    >>> scale_fractions(np.array([0.0, 0.5, 1.0])).tolist(), scale_fractions(np.array([0.0, 254.6])).tolist()
    ([0, 128, 255], [0, 255])
    """
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if not (low >= 0 and high <= 255):
        numbers = low == low and high == high
        found = f"{low:.4g} to {high:.4g}: scale it" if numbers else "NaN: put numbers in their place"
        raise OddPixelsError(f"expected pixels from 0 to 1 or from 0 to 255, found {values.dtype} with {found}")
    if 0 < high <= 1:
        on_remark("fractions from 0 to 1 are read as black to white")
        values = values * np.float32(255)
    scaled: npt.NDArray[np.uint8] = np.rint(values).astype(np.uint8)
    return scaled


def _scale_16_bit(image: Image.Image, on_remark: Callable[[str], None]) -> Image.Image:
    """Return the 8-bit picture of a 16-bit one: 65535 is white. Pillow itself would clip at 255."""
    values = np.asarray(image).astype(np.int64)
    low, high = values.min(), values.max()
    if low < 0 or high > _WHITE_16_BIT:
        raise OddPixelsError(f"expected pixels of 16 bits, found values from {low} to {high}")
    if 0 < high <= 255:  # read as 16 bits it would be black
        on_remark("16 bits a pixel that hold 8: 255 is read as white")
        return Image.fromarray(values.astype(np.uint8))
    if 0 < high < _DIM * _WHITE_16_BIT:
        on_remark(f"16 bits a pixel, 65535 is read as white, but the brightest is {high}: it comes out dark")
    return Image.fromarray(((values + _SCALE_16_BIT // 2) // _SCALE_16_BIT).astype(np.uint8))
