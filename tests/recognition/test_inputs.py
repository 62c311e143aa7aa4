"""A picture comes as people hold it: an upload, a data URL, a tensor; anything else is refused in one short line."""

from __future__ import annotations

import base64
import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO, StringIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shapes_model import SIDE, write_shapes_model

from mien import Recogniser, read_picture
from mien.errors import LONGEST_MESSAGE, ConfigError, DataError, shorten

RED = np.zeros((30, 40, 3), np.uint8)
RED[..., 0] = 200


def encode(kind: str = "PNG") -> bytes:
    """Return the red picture as a file."""
    stream = BytesIO()
    Image.fromarray(RED).save(stream, kind)
    return stream.getvalue()


PNG = encode()
CODED = base64.b64encode(PNG).decode()


class Upload:
    """An upload as Flask and Django hand it over: a name and `read`, and nothing to go back with."""

    filename = "holiday.png"

    def __init__(self, data: bytes | str) -> None:
        self._data = data

    def read(self) -> bytes | str:
        """Return everything."""
        return self._data


class AwaitedUpload:
    """An upload of FastAPI, whose `read` is a coroutine."""

    async def read(self) -> bytes:
        """Return everything."""
        return PNG


def test_files_and_uploads_are_read(tmp_path: Path) -> None:
    """From their start, wherever they stand, and they can be read once more."""
    (tmp_path / "red.png").write_bytes(PNG)
    at_its_end = BytesIO(PNG)
    at_its_end.seek(0, 2)
    with (tmp_path / "red.png").open("rb") as file:
        for source in (BytesIO(PNG), at_its_end, at_its_end, file, file, Upload(PNG), memoryview(PNG), bytearray(PNG)):
            np.testing.assert_array_equal(RED, read_picture(source))


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{CODED}",
        f"data:;base64,{CODED}",
        f"data:image/png;name=a.png;base64,{CODED.rstrip('=')}",
        "data:image/png;base64," + CODED.replace("+", "-").replace("/", "_"),
        "data:image/png;base64," + "\n".join(CODED[at : at + 76] for at in range(0, len(CODED), 76)),
        "data:image/png," + "".join(f"%{byte:02x}" for byte in PNG),
    ],
    ids=["plain", "no type", "no padding", "URL-safe", "lines", "percent"],
)
def test_data_urls_are_decoded(url: str) -> None:
    """In each spelling that is met."""
    np.testing.assert_array_equal(RED, read_picture(url))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_from_0_to_1_and_to_255_are_pixels(kind: type) -> None:
    """Grey, RGB and RGBA."""
    fractions = (RED / 255).astype(kind)
    opaque = np.dstack([fractions, np.ones((30, 40), kind)])
    for source in (fractions, opaque, RED.astype(kind)):
        np.testing.assert_array_equal(RED, read_picture(source))
    np.testing.assert_array_equal(RED[..., :1].repeat(3, axis=2), read_picture(fractions[..., 0]))


def test_tensors_have_their_channels_first_or_last() -> None:
    """uint8 or floats, with a gradient or without."""
    first = torch.tensor(RED).permute(2, 0, 1)
    grads = (first / 255).requires_grad_()
    for source in (first, grads, (first / 255), torch.tensor(RED), torch.tensor(RED).numpy()):
        np.testing.assert_array_equal(RED, read_picture(source))
    assert (30, 40, 3) == read_picture((first / 255).bfloat16()).shape
    np.testing.assert_array_equal(read_picture(RED[..., 0]), read_picture(first[:1]))
    with pytest.raises(DataError, match=r"^tensor: .*may be \(C, H, W\) or \(H, W, C\)"):
        read_picture(torch.zeros(3, 48, 3))
    with pytest.raises(DataError, match="give several as a list"):
        read_picture(torch.zeros(2, 3, 8, 8))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "https://a.example/b.jpg",
            "https://a.example/b.jpg: expected a picture, found an address: mien fetches nothing",
        ),
        ("s3://bucket/b.jpg", "found an address"),
        (Upload("text"), "holiday.png: expected a picture, found a file opened as text: open it with mode 'rb'"),
        (StringIO("text"), "file: expected a picture, found a file opened as text"),
        (AwaitedUpload(), "file: expected a picture, found AwaitedUpload, whose read() has to be awaited"),
        (BytesIO(b""), "bytes: expected a picture, found an empty file"),
        ("data:image/png;base64,###", "data URL: expected base64 or a data URL, found 'data:image"),
        ("data:text/plain;base64,aGVsbG8gdGhlcmU=", "data URL: expected a picture, found 11 bytes that are none"),
        (CODED * 90, "cannot be read (File name too long)"),
        (b"<!DOCTYPE html><html></html>", "bytes: expected a picture, found a web page: fetch the picture itself"),
        (b"version https://git-lfs.github.com/spec/v1", "found a pointer of Git LFS"),
        (
            object(),
            "picture: expected a path, bytes, a file, a data URL, an array, a tensor or a Pillow image, found obj",
        ),
    ],
)
def test_what_cannot_be_read_is_told_in_one_short_line(source: object, expected: str) -> None:
    """The place, the expected, the found, what to do; no message quotes more than a part of what it was given."""
    with pytest.raises(DataError) as caught:
        read_picture(source)
    assert expected in str(caught.value)
    assert LONGEST_MESSAGE >= len(str(caught.value))
    assert "\n" not in str(caught.value)


def test_every_error_is_short_and_keeps_both_ends() -> None:
    """Whatever a user gave."""
    assert str(ConfigError("word " * 999)).startswith("word word")
    assert {True} == {LONGEST_MESSAGE >= len(str(ConfigError(text))) for text in ("x" * 9999, "word " * 999)}
    assert "ab…ef" == shorten("abcdef", 5)


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    """Return a recogniser of whole pictures."""
    return Recogniser(write_shapes_model(tmp_path_factory.mktemp("model") / "thirds.onnx"), detector="none", threads=1)


def test_results_of_an_upload_can_draw_themselves(recogniser: Recogniser) -> None:
    """Though it can be read only once."""
    (found, again) = recogniser.recognise([BytesIO(PNG), f"data:image/png;base64,{CODED}"])
    assert [(30, 40, 3)] * 2 == [found.draw().shape, again.draw().shape]
    with pytest.raises(DataError, match=r"^picture 1: "):
        recogniser.recognise([PNG, "data:image/png;base64,###"])


def test_a_recogniser_is_copied_and_goes_to_other_processes(recogniser: Recogniser) -> None:
    """It opens its network there anew, and answers the same."""
    expected = recogniser.recognise(RED).to_dicts()
    for twin in (copy.copy(recogniser), copy.deepcopy(recogniser), pickle.loads(pickle.dumps(recogniser))):  # noqa: S301
        assert expected == twin.recognise(RED).to_dicts()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert [expected] * 2 == [faces.to_dicts() for faces in pool.map(recogniser.recognise, [RED, RED])]


def test_the_bundled_recogniser_with_its_detector_is_pickled() -> None:
    """While its network is still opening, too."""
    blank = np.zeros((SIDE, SIDE), np.uint8)
    assert [] == pickle.loads(pickle.dumps(Recogniser())).recognise(blank)  # noqa: S301
