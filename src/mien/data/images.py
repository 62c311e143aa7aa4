"""One picture, safely: the bytes of a file go in, a grey face (`decode_face`) or an open picture comes out.

Nothing is decoded whose header promises too much; the orientation that a camera noted is honoured.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from mien.errors import DataError, NotAPictureError, TooLargeError

MAX_PIXELS = 1 << 26
"""8192 x 8192: no face needs more, and a header may promise anything."""

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
BROKEN = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, struct.error)
"""What Pillow's readers raise at damaged files; struct.error came out of fuzzing, at the second frame of a GIF."""

_WHITE_16_BIT = 65535
_SCALE_16_BIT = 257


Cut = Callable[[int, int], tuple[int, int, int, int]]


def decode_face(data: bytes, where: str, *, side: int | None = None, cut: Cut | None = None) -> npt.NDArray[np.uint8]:
    """Return a picture as uint8 (H, W), grey by the luma of ITU-R 601, resized to `side` x `side` where one is given.

    A picture that is not square is stretched. What is transparent becomes black. Of a picture of W x H pixels, `cut`
    (W, H) gives left, top, right and bottom of what is returned; None: all of it.

    Raises:
        DataError: it is no picture, broken, or larger than `MAX_PIXELS`.
    """
    with open_picture(data, where) as image:
        grey = _make_grey(turn_upright(image))
        if cut is not None:
            grey = grey.crop(cut(*grey.size))
        if side is not None and grey.size != (side, side):
            grey = grey.resize((side, side), Image.Resampling.BILINEAR)
        return np.asarray(grey)


@contextmanager
def open_picture(data: bytes, where: str, *, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Yield the picture, its header read but nothing decoded; what goes wrong inside of the block is told as here.

    Raises:
        NotAPictureError: it is no picture.
        TooLargeError: it is larger than `max_pixels`.
        DataError: it is broken.
    """
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise _refuse_size(where, f"{image.width}x{image.height}", max_pixels)
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        pixels = re.search(r"\d+", str(error))  # Pillow refuses before it tells the sides
        raise _refuse_size(where, f"{int(pixels[0]):,} pixels" if pixels else str(error), max_pixels) from error
    except UnidentifiedImageError as error:
        raise NotAPictureError(where, f"expected a picture, found {_name_content(data)}") from error
    except BROKEN as error:
        raise DataError(where, f"expected a whole picture, found a broken one ({error})") from error


def resize_faces(images: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return uint8 (N, side, side) of uint8 (N, H, W), with Pillow's antialiased bilinear filter."""
    if images.shape[1:] == (side, side):
        return images
    resized = np.empty((len(images), side, side), dtype=np.uint8)
    for index, image in enumerate(images):
        resized[index] = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
    return resized


def _refuse_size(where: str, found: str, max_pixels: int) -> TooLargeError:
    side = int(max_pixels**0.5)
    return TooLargeError(where, f"expected a picture of at most {side}x{side} pixels, found {found}")


def turn_upright(image: Image.Image) -> Image.Image:
    """Return the picture as its EXIF orientation says; looking for one costs as much as decoding, hence the test."""
    if "exif" in image.info or image.format == "TIFF":
        return ImageOps.exif_transpose(image)
    return image


def _make_grey(image: Image.Image) -> Image.Image:
    if image.mode == "L" and "transparency" not in image.info:
        image.load()
        return image
    return make_opaque(image).convert("L")


def make_opaque(image: Image.Image) -> Image.Image:
    """Return the picture in 8 bits a channel; what is transparent becomes black.

    Raises:
        ValueError: whole numbers outside of 16 bits.
    """
    if image.mode.startswith("I"):
        return _scale_16_bit(image)
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        colour = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colour.size, "black"), colour)
    return image


def _scale_16_bit(image: Image.Image) -> Image.Image:
    """Return the 8-bit picture of a 16-bit one: 65535 is white. Pillow itself would clip at 255."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > _WHITE_16_BIT:
        raise ValueError(f"values from {values.min()} to {values.max()}, outside of 16 bits")
    return Image.fromarray(((values + _SCALE_16_BIT // 2) // _SCALE_16_BIT).astype(np.uint8))


def _name_content(data: bytes) -> str:
    return f"{len(data):,} bytes that are none" if data else "an empty file"
