"""Reading pictures from anywhere, and refusing what is none."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from mien.errors import DataError, TooLargeError
from mien.recognition import Box, Recogniser, read_picture
from mien.recognition.pictures import read_whole

RED = np.zeros((30, 40, 3), np.uint8)
RED[..., 0] = 200


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return an image as the bytes of a file."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def quiet(source: object, **options: object) -> np.ndarray:
    """Read a picture that must not be remarked upon."""
    remarks: list[str] = []
    picture = read_picture(source, on_remark=remarks.append, **options)
    assert [] == remarks
    return picture


def test_a_picture_is_the_same_from_path_bytes_array_and_image(tmp_path):
    """uint8 (H, W, 3), RGB."""
    image = Image.fromarray(RED)
    image.save(tmp_path / "red.png")
    for source in (tmp_path / "red.png", str(tmp_path / "red.png"), encode(image), RED, image, image.convert("RGBA")):
        np.testing.assert_array_equal(RED, quiet(source))


def test_grey_and_transparent_arrays_become_colour():
    """(H, W) and (H, W, 1) get three equal channels; what is transparent becomes black."""
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    expected = np.stack([grey] * 3, axis=2)
    np.testing.assert_array_equal(expected, quiet(grey))
    np.testing.assert_array_equal(expected, quiet(grey[..., None]))
    see_through = np.dstack([RED, np.full((30, 40), 0, np.uint8)])
    assert quiet(see_through).max() == 0


def test_the_orientation_of_the_camera_is_honoured(tmp_path):
    """Orientation 6: the camera was turned, the picture is 30 wide and 40 high; from files and from images."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(Image.fromarray(RED), "JPEG", exif=exif)
    assert quiet(data).shape == (40, 30, 3)
    assert quiet(Image.open(BytesIO(data))).shape == (40, 30, 3)


def test_an_animation_gives_its_first_frame_and_says_so():
    """A red frame, then a black one."""
    data = encode(Image.fromarray(RED), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 30))])
    remarks: list[str] = []
    picture = read_picture(data, where="cat.gif", on_remark=remarks.append)
    assert ["cat.gif: holds several frames: only the first was looked at"] == remarks
    assert picture[0, 0].tolist() == pytest.approx([200, 0, 0], abs=4)
    with pytest.warns(UserWarning, match="only the first"):
        read_picture(data)


def test_sixteen_bits_become_eight():
    """65535 is white, not everything above 255."""
    values = np.linspace(0, 65535, 40 * 30).reshape(30, 40).astype(np.uint16)
    picture = quiet(encode(Image.fromarray(values)))
    np.testing.assert_array_equal(np.round(values / 257).astype(np.uint8), picture[..., 1])


def test_colours_for_print_become_red_green_and_blue():
    """A CMYK JPEG of pure red is red."""
    picture = quiet(encode(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG", quality=95))
    assert picture.shape == (30, 40, 3)
    assert picture[15, 20].tolist() == pytest.approx([255, 0, 0], abs=10)


def bomb() -> bytes:
    """Return a PNG whose header promises 20,000 x 20,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


BAD = {
    "text called .jpg": (b"dear diary, today", "expected a picture, found 17 bytes that are none"),
    "zero bytes": (b"", "expected a picture, found an empty file"),
    "truncated JPEG": (encode(Image.effect_noise((64, 64), 90), "JPEG")[:-400], "expected a whole picture"),
    "bomb": (bomb(), "expected a picture of at most 8192x8192 pixels, found 400,000,000 pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_told_in_one_line_that_names_it(name: str, tmp_path: Path):
    """The same line from the file and from its bytes."""
    data, expected = BAD[name]
    path = tmp_path / "holiday.jpg"
    path.write_bytes(data)
    for source, where in ((path, "holiday.jpg"), (data, "bytes")):
        with pytest.raises(DataError) as caught:
            read_picture(source)
        assert expected in str(caught.value)
        assert where in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    """As is a path that cannot be one."""
    with pytest.raises(DataError, match=r"nothing\.jpg: expected a picture, but the file does not exist"):
        read_picture(tmp_path / "nothing.jpg")
    with pytest.raises(DataError, match="found a folder"):
        read_picture(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_picture("null\0byte.jpg")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((8, 8), np.nan), "found float64 with NaN"),
        (
            np.full((8, 8), 300.0),
            "expected pixels from 0 to 1 or from 0 to 255, found float64 with 300 to 300: scale it",
        ),
        (np.full((8, 8), -1.0), "found float64 with -1 to -1"),
        (np.zeros((3, 8, 8), np.uint8), "found (3, 8, 8): channels first are turned by .transpose(1, 2, 0)"),
        (np.zeros((8, 8), np.int64), "found int64"),
        (np.zeros((2, 8, 8, 3), np.uint8), "give several as a list"),
        (np.zeros((8, 8, 2), np.uint8), "found (8, 8, 2)"),
        (np.zeros((0, 8), np.uint8), "found (0, 8): it has no pixel"),
        (np.zeros(8, np.uint8), "found (8,)"),
        (None, "expected a path, bytes, a file, a data URL, an array, a tensor or a Pillow image, found NoneType"),
        (3.5, "found float"),
    ],
)
def test_what_is_no_picture_is_refused(array: object, expected: str):
    """Each with what was expected and what was found."""
    with pytest.raises(DataError) as caught:
        read_picture(array)
    assert expected in str(caught.value)


def test_a_limit_of_pixels_holds_for_files_arrays_and_images():
    """It is the caller's to set."""
    for source in (RED, Image.fromarray(RED), encode(Image.fromarray(RED))):
        with pytest.raises(TooLargeError, match="at most 31x31 pixels, found 40x30"):
            read_picture(source, max_pixels=1000)


PHOTOGRAPH = ROOT / "docs" / "astronaut.jpg"


def enlarge(times: int, **options: object) -> bytes:
    """Return the portrait that the docs show, enlarged, as a JPEG."""
    with Image.open(PHOTOGRAPH) as image:
        return encode(image.resize((image.width * times, image.height * times)), "JPEG", quality=95, **options)


@pytest.mark.parametrize(("enough", "shape"), [(None, (120, 160)), (81, (120, 160)), (80, (60, 80)), (20, (15, 20))])
def test_a_jpeg_is_decoded_no_larger_than_is_enough(enough: int | None, shape: tuple[int, int]):
    """At a half, a quarter or an eighth, never below; nothing is said, and all the pixels can be had."""
    data = encode(Image.linear_gradient("L").resize((160, 120)), "JPEG")
    whole = read_whole(data, enough=enough, on_remark=pytest.fail)
    assert (shape, 160, 120) == (whole.pixels.shape[:2], whole.width, whole.height)
    if shape == (120, 160):
        assert whole.decode_more is None
    else:
        assert whole.decode_more is not None
        np.testing.assert_array_equal(read_picture(data), whole.decode_more().pixels)


def test_other_formats_and_arrays_come_whole_whatever_is_enough():
    """Only a JPEG's decoder can spare pixels."""
    for source in (encode(Image.fromarray(RED)), RED, Image.fromarray(RED)):
        whole = read_whole(source, enough=4)
        assert (RED.shape, None) == (whole.pixels.shape, whole.decode_more)


def test_a_limit_of_pixels_and_what_is_enough_go_together():
    """The remark tells what the limit leaves; from there all the pixels that the limit allows can be had."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(Image.linear_gradient("L").resize((640, 480)), "JPEG", exif=exif)
    remarks: list[str] = []
    whole = read_whole(data, max_pixels=160 * 1000, enough=80, on_remark=remarks.append)
    assert ((80, 60, 3), 480, 640) == (whole.pixels.shape, whole.width, whole.height)
    assert ["bytes: 640x480 pixels are looked at as 320x240; places are told in its own"] == remarks
    assert whole.decode_more is not None
    more = whole.decode_more()
    assert ((320, 240, 3), 480, 640, None) == (more.pixels.shape, more.width, more.height, more.decode_more)


def test_answers_of_large_jpegs_are_those_of_all_their_pixels():
    """A large face is cut from the smaller picture, a small one from all; places agree to 1 % of the picture."""
    recogniser = Recogniser(threads=1)
    assert recogniser.read(enlarge(6)).decode_more is not None
    for data in (enlarge(6), paste_small(enlarge(1))):
        (spared,) = recogniser.recognise(data)
        (whole,) = recogniser.recognise(read_picture(data))
        assert whole.expression == spared.expression
        assert list(whole.probabilities.values()) == pytest.approx(list(spared.probabilities.values()), abs=0.06)
        for side in ("left", "top", "width", "height"):
            assert getattr(whole.box, side) == pytest.approx(getattr(spared.box, side), abs=30)


def paste_small(portrait: bytes) -> bytes:
    """Return a JPEG of 3072x3072 pixels with the portrait small in it."""
    large = Image.new("RGB", (3072, 3072), (90, 90, 90))
    large.paste(Image.open(BytesIO(portrait)), (600, 800))
    return encode(large, "JPEG", quality=95)


def test_a_small_face_is_cut_from_all_the_pixels():
    """It would have fewer in the smaller picture than the network takes."""
    recogniser, data = Recogniser(threads=1), paste_small(enlarge(1))
    spared = recogniser.read(data)
    ((box,), (crop,)) = recogniser.look(spared)
    assert spared.decode_more is not None
    np.testing.assert_array_equal(recogniser.cut(read_picture(data), [box])[0], crop)
    shown_smaller = recogniser.cut(spared.pixels, spared.shrink([box]))[0]
    assert np.abs(shown_smaller.astype(int) - crop).max() > 0


def test_a_detector_of_ones_own_sees_all_pixels_unless_it_tells_what_it_needs():
    """By its attribute `longest_side`."""
    seen: list[tuple[int, ...]] = []

    class Own:
        def __call__(self, picture: np.ndarray) -> list[Box]:
            seen.append(picture.shape[:2])
            return []

    class Modest(Own):
        longest_side = 100

    for detector in (Own(), Modest()):
        Recogniser(detector=detector, threads=1).recognise(encode(Image.new("L", (640, 480)), "JPEG"))
    assert [(480, 640), (120, 160)] == seen
