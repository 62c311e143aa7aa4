"""`decode_face`: every kind of picture becomes a grey face, or one line that says why not."""

from __future__ import annotations

import io
import warnings
import zlib

import numpy as np
import pytest
from benchmarks.bad_files import encode_bomb
from PIL import Image

from mien.data.images import decode_face, resize_faces
from mien.errors import DataError

GREY = np.random.default_rng(0).integers(0, 256, (9, 12)).astype(np.uint8)


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return a picture as a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_grey_pixels_come_through_unchanged(kind: str) -> None:
    """In every format that keeps them."""
    np.testing.assert_array_equal(GREY, decode_face(encode(Image.fromarray(GREY), kind), "here"))


def test_colour_becomes_the_luma_of_itu_r_601() -> None:
    """Green is bright, blue is dark."""
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    expected = np.rint([[0.299 * 255, 0.587 * 255, 0.114 * 255, 255.0]])
    np.testing.assert_allclose(expected, decode_face(encode(Image.fromarray(colours)), "here"), atol=1)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    """65535 is white; nothing is clipped."""
    deep = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(GREY, decode_face(encode(Image.fromarray(deep)), "here"))


def test_what_is_transparent_becomes_black() -> None:
    """Whatever colour stands below."""
    pixels = np.full((4, 4, 4), 255, dtype=np.uint8)
    pixels[:2, :, 3] = 0
    assert [0, 0, 255, 255] == decode_face(encode(Image.fromarray(pixels)), "here")[:, 0].tolist()


@pytest.mark.parametrize("mode", ["P", "1", "LA", "CMYK"])
def test_other_modes_are_read_too(mode: str) -> None:
    """Palettes, black and white, grey with transparency, printing colours."""
    image = Image.fromarray(np.where(GREY > 99, np.uint8(255), np.uint8(0))).convert(mode)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    np.testing.assert_allclose(np.where(GREY > 99, 255, 0), decode_face(encode(image, kind), "here"), atol=1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_the_orientation_that_a_camera_noted_is_honoured(kind: str) -> None:
    """Orientation 6: the camera was turned by a quarter."""
    image = Image.fromarray(np.kron(GREY, np.ones((8, 8), dtype=np.uint8)))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = np.rot90(np.asarray(image), k=-1).astype(int)
    found = decode_face(encode(image, kind, exif=exif), "here")
    assert upright.shape == found.shape
    assert 12 > np.abs(upright - found).mean()


def test_a_picture_is_resized_to_the_side_asked_for() -> None:
    """Smoothly: the mean brightness stays."""
    found = decode_face(encode(Image.fromarray(GREY)), "here", side=6)
    assert (6, 6) == found.shape
    assert GREY.mean() == pytest.approx(found.mean(), abs=6)


def test_arrays_are_resized_like_pictures() -> None:
    """A table of pixels and a folder of the same faces come to the same."""
    expected = decode_face(encode(Image.fromarray(GREY)), "here", side=6)
    np.testing.assert_array_equal(expected, resize_faces(np.stack([GREY, GREY]), 6)[1])


def cut(kind: str) -> bytes:
    """Return the first half of a picture's file."""
    data = encode(Image.fromarray(np.kron(GREY, np.ones((9, 9), dtype=np.uint8))), kind)
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "here: expected a picture, found an empty file"),
        (b"Dear diary", "here: expected a picture, found 10 bytes that are none"),
        (cut("JPEG"), "here: expected a whole picture, found a broken one"),
        (cut("PNG"), "here: expected a whole picture, found a broken one"),
        (cut("TIFF"), "here: expected a whole picture, found a broken one"),
        (encode_bomb(), "here: expected a picture of at most 8192x8192 pixels, found "),
    ],
)
def test_what_cannot_be_decoded_is_refused_in_one_line(data: bytes, message: str) -> None:
    """The place, the expected and the found."""
    with pytest.raises(DataError) as caught:
        decode_face(data, "here")
    assert str(caught.value).startswith(message)


def test_a_large_picture_is_refused_before_it_is_decoded() -> None:
    """10,000 x 10,000 pixels are fewer than Pillow refuses, and more than a face needs."""
    data = bytearray(encode_bomb())
    data[16:24] = (10_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as `read_pictures` has it
        with pytest.raises(DataError, match="found 10000x10000"):
            decode_face(bytes(data), "here")
