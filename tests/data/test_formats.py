"""Every format that cameras and telephones write is read, decoded smaller, or named in one line."""

from __future__ import annotations

import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from conftest import run_mien
from mien.data.formats import PICTURE_SUFFIXES, find_extra
from mien.data.headers import is_sequential_jpeg, list_icon_sizes, read_jpeg_xl_size
from mien.data.images import decode_face, open_picture
from mien.errors import DataError, NotAPictureError, TooLargeError
from mien.recognition.face import Box
from mien.recognition.pictures import WholePicture, read_picture, read_whole
from mien.stream.sources import Sources

RAMP = np.tile(np.linspace(0, 255, 64).round().astype(np.uint8), (48, 1))
WITHOUT_HEIF = "import sys; sys.modules['pillow_heif'] = None; "


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return a picture as a file."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def encode_heic(pixels: np.ndarray = RAMP) -> bytes:
    """Return the ramp as a telephone would write it."""
    heif = pytest.importorskip("pillow_heif", reason="needs mien[heic]")
    stream = BytesIO()
    heif.from_pillow(Image.fromarray(pixels).convert("RGB")).save(stream, quality=95)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["ICO", "PPM", "AVIF", "HEIC"])
def test_pictures_of_cameras_and_telephones_are_read(kind: str) -> None:
    """By their bytes, whatever they are called."""
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("needs Pillow 11.3 with AVIF")
    size = {"sizes": [(64, 48)]} if kind == "ICO" else {}
    data = encode_heic() if kind == "HEIC" else encode(Image.fromarray(RAMP).convert("RGB"), kind, **size)
    assert 6 > np.abs(read_picture(data)[..., 0].astype(int) - RAMP).mean()
    assert 6 > np.abs(decode_face(data, "here").astype(int) - RAMP).mean()


@pytest.mark.parametrize("kind", ["AVIF", "HEIC"])
def test_a_damaged_file_of_a_newer_format_is_told_in_one_line(kind: str) -> None:
    """Wherever it ends or is changed; libavif raises RuntimeError, libheif ends its messages with a line break."""
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    whole = encode_heic(noise) if kind == "HEIC" else encode(Image.fromarray(noise), kind)
    lines = []
    for place in range(16, len(whole), len(whole) // 60):
        for damaged in (whole[:place], whole[:place] + bytes(9) + whole[place + 9 :]):
            try:
                read_picture(damaged)
            except DataError as error:
                lines.append(str(error))
    assert [] == [line for line in lines if "\n" in line]
    assert any("expected a whole picture, found a broken one" in line for line in lines)


def test_without_its_package_heic_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    """In a process where that package cannot be imported; among others it is counted, and named in the list."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.HEIC").write_bytes(encode_heic())
    Image.fromarray(RAMP).save(tmp_path / "in" / "2.jfif", "JPEG")
    script = WITHOUT_HEIF + "sys.argv[0] = 'mien'; from mien.cli import main; main()"
    command = [sys.executable, "-c", script, "recognise", str(tmp_path / "in"), "--out", str(tmp_path / "h.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    line = "1.HEIC: expected a picture, found HEIC, which mien cannot read yet: pip install 'mien[heic]'"
    assert (0, True) == (done.returncode, line in done.stderr)
    assert "1.HEIC" in (tmp_path / "h.csv.errors.csv").read_text()
    assert "2.jfif" in (tmp_path / "h.csv").read_text()


def test_raw_photographs_of_a_folder_are_told(tmp_path: Path) -> None:
    """Their small preview is not taken for the picture."""
    (tmp_path / "1.NEF").write_bytes(encode(Image.fromarray(RAMP), "TIFF"))
    Image.fromarray(RAMP).save(tmp_path / "2.png")
    result = run_mien("recognise", tmp_path, "--out", tmp_path / "h.csv")
    assert (0, True) == (result.status, "1.NEF: expected a picture, found .nef, which is not read" in result.err)


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_every_suffix_of_a_picture_counts_in_folders(suffix: str, tmp_path: Path) -> None:
    """In whatever case; there is one list of them."""
    (tmp_path / f"A{suffix.upper()}").touch()
    assert (1, 0) == Sources(names=[str(tmp_path)]).count()


def test_an_address_on_the_command_line_is_one_line() -> None:
    """It is no path."""
    result = run_mien("recognise", "https://a.example/b.jpg")
    assert (2, 1) == (result.status, result.err.count("\n"))
    assert "found an address: mien fetches nothing" in result.err


@pytest.mark.parametrize("progressive", [False, True])
def test_a_large_jpeg_is_decoded_smaller_and_says_so(progressive: bool) -> None:
    """At the largest of a half, a quarter and an eighth that fits; a progressive one only up to twice the limit."""
    data = encode(Image.fromarray(RAMP).resize((640, 480)), "JPEG", progressive=progressive)
    remarks: list[str] = []
    whole = read_whole(data, max_pixels=160 * 1000, on_remark=remarks.append)
    assert ((240, 320, 3), 640, 480) == (whole.pixels.shape, whole.width, whole.height)
    assert ["bytes: 640x480 pixels are looked at as 320x240; places are told in its own"] == remarks
    if progressive:
        with pytest.raises(TooLargeError, match="found 640x480, progressive"):
            read_picture(data, max_pixels=10_000)
    else:
        assert (60, 80, 3) == read_picture(data, max_pixels=10_000, on_remark=remarks.append).shape
    with pytest.raises(TooLargeError, match="at most 31x31 pixels, found 640x480"):
        read_picture(data, max_pixels=1000)


def test_a_telephone_of_200_megapixels_is_read() -> None:
    """16,320 x 12,240, turned by the camera: a quarter of the sides, upright, places in those of the picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(Image.new("L", (16_320, 12_240), 128), "JPEG", exif=exif)
    whole = read_whole(data, on_remark=lambda _: None)
    assert ((8160, 6120, 3), 12_240, 16_320) == (whole.pixels.shape, whole.width, whole.height)
    with pytest.raises(TooLargeError):
        read_picture(encode(Image.new("L", (20_000, 16_000)), "JPEG"))


def test_boxes_of_a_smaller_picture_are_told_in_pixels_of_the_whole_one() -> None:
    """There and back, and never beyond its edges."""
    whole = WholePicture(pixels=np.zeros((25, 50, 3), np.uint8), width=99, height=50)
    (box,) = whole.enlarge([Box(left=10, top=5, width=40, height=20, score=0.5)])
    assert Box(left=20, top=10, width=79, height=40, score=0.5) == box
    assert [Box(left=10, top=5, width=40, height=20, score=0.5)] == whole.shrink([box])


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_fractions_of_a_tiff_are_not_black(white: float) -> None:
    """From 0 to 1, which is said, or from 0 to 255."""
    data = encode(Image.fromarray((RAMP / 255 * white).astype(np.float32)), "TIFF")
    remarks: list[str] = []
    np.testing.assert_array_equal(RAMP, read_picture(data, on_remark=remarks.append)[..., 1])
    np.testing.assert_array_equal(RAMP, decode_face(data, "here"))
    assert (["bytes: fractions from 0 to 1 are read as black to white"] if white == 1 else []) == remarks


@pytest.mark.parametrize("values", [[-1.0, 1.0], [0.0, 300.0], [0.0, float("nan")]])
def test_fractions_without_a_meaning_are_refused(values: list[float]) -> None:
    """Normalised ones, say."""
    data = encode(Image.fromarray(np.array([values] * 2, np.float32)), "TIFF")
    with pytest.raises(DataError, match=r"^here: expected pixels from 0 to 1 or from 0 to 255, found float32 with "):
        decode_face(data, "here")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_that_hold_eight_are_not_black(kind: str) -> None:
    """Which is said; those that hold twelve come out dark, which is said, too."""
    remarks: list[str] = []
    eight = encode(Image.fromarray(RAMP.astype(np.uint16)), kind)
    np.testing.assert_array_equal(RAMP, decode_face(eight, "here", on_remark=remarks.append))
    decode_face(encode(Image.fromarray(RAMP.astype(np.uint16) * 16), kind), "here", on_remark=remarks.append)
    assert "16 bits a pixel that hold 8: 255 is read as white" == remarks[0]
    assert "16 bits a pixel, 65535 is read as white, but the brightest is 4080: it comes out dark" == remarks[1]


def test_headers_that_promise_too_much_are_refused_before_anything_is_decoded() -> None:
    """An icon with a huge PNG in it, a JPEG XL of a billion pixels."""
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 30_000, 30_000) + bytes(9)
    icon = struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(png), 22) + png
    assert [(30_000, 30_000)] == list_icon_sizes(icon)
    with pytest.raises(TooLargeError, match="found 30000x30000"):
        decode_face(icon, "here")
    bits = 0 | (3 << 1) | (39_999 << 3) | (1 << 33)  # 30 bits of height, the width is the same
    stream = b"\xff\x0a" + bits.to_bytes(12, "little")
    assert (40_000, 40_000) == read_jpeg_xl_size(stream)
    boxed = b"\0\0\0\x0cJXL \r\n\x87\n" + struct.pack(">I4s", 8 + len(stream), b"jxlc") + stream
    assert (40_000, 40_000) == read_jpeg_xl_size(boxed)


def test_a_jpeg_of_one_pass_is_told_from_a_progressive_one() -> None:
    """Grey and colour; garbage is neither."""
    for mode in ("L", "RGB"):
        image = Image.fromarray(RAMP).convert(mode)
        assert (True, False) == (
            is_sequential_jpeg(encode(image, "JPEG")),
            is_sequential_jpeg(encode(image, "JPEG", progressive=True)),
        )
    assert not is_sequential_jpeg(b"\xff\xd8\xff")


def test_what_a_file_needs_is_told_by_its_first_bytes() -> None:
    """`mif1` alone says only that it is a picture."""
    boxes = {b"heic": "HEIC", b"avif": "AVIF", b"mif1": "HEIC", b"isom": None}
    for brand, expected in boxes.items():
        found = find_extra(struct.pack(">I4s4sI", 16, b"ftyp", brand, 0) + bytes(9))
        assert expected == (found and found.name)
    assert "AVIF" == find_extra(struct.pack(">I4s4sI4s", 20, b"ftyp", b"mif1", 0, b"avif")).name
    with pytest.raises(NotAPictureError), open_picture(b"\0\0\0\x10ftypisom\0\0\0\0", "film.mp4"):
        pass
