"""What people hold when they have a picture. In: anything. Out: a path, bytes of a file, an array or a Pillow image.

File objects are read, data URLs decoded, tensors of any framework turned into arrays; nothing is fetched.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import unquote_to_bytes

import numpy as np
import numpy.typing as npt
from PIL import Image

from mien.errors import DataError

MAX_BYTES = 1 << 28


class Readable(Protocol):
    """A file that was opened: `BytesIO`, `open(…, "rb")`, an upload of Streamlit, Flask or Django."""

    def read(self) -> bytes:
        """Return its bytes."""
        ...


class ArrayLike(Protocol):
    """What NumPy can look into: a tensor of PyTorch, TensorFlow or JAX."""

    def __array__(self) -> npt.NDArray[Any]:
        """Return its values."""
        ...


Held: TypeAlias = Path | bytes | npt.NDArray[Any] | Image.Image
Source: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | npt.NDArray[Any] | Image.Image | Readable | ArrayLike
)
"""What can be read as a picture."""

DATA_URL = "data URL"
"""What a picture is called that came as one."""

_ACCEPTED = "a path, bytes, a file, a data URL, an array, a tensor or a Pillow image"
_DATA_URL = re.compile(r"\s*data:[\w.+-]*/?[\w.+-]*(;[^,]*)?,", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]+://")
_CHANNELS = (1, 3, 4)


def hold(source: Source, where: str | None = None) -> Held:
    """Return the picture as a path, the bytes of a file, an array (H, W) or (H, W, C), or a Pillow image.

    Args:
        source: see `Source`. A file is read from its start; a tensor may have its channels first.
        where: what it is called in errors.

    Raises:
        DataError: a web address, a data URL that cannot be decoded, a file in text mode, or something else altogether.
    """
    if isinstance(source, (np.ndarray, Image.Image)):
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, str):
        return _hold_text(source, where)
    if isinstance(source, os.PathLike):
        return Path(source)
    if callable(getattr(source, "read", None)):
        return _read_file_object(source, where or name_source(source) or "file")
    if hasattr(source, "__array__"):
        return _hold_tensor(source, where or "tensor")
    raise DataError(where or "picture", f"expected {_ACCEPTED}, found {type(source).__name__}")


def name_source(source: Source) -> str | None:
    """Return what a path or an upload calls itself; None for all else."""
    if isinstance(source, str):
        return DATA_URL if _DATA_URL.match(source) else source
    if isinstance(source, os.PathLike):
        return os.fspath(source)
    for attribute in ("filename", "name"):  # Flask's and Django's
        name = getattr(source, attribute, None)
        if isinstance(name, str) and name and hasattr(source, "read"):
            return name
    return None


def decode_text(text: str, where: str) -> bytes:
    """Return the bytes of a data URL, or of plain base64, in its usual or its URL-safe alphabet.

    Raises:
        DataError: it is neither.

    >>> decode_text("data:image/gif;base64,R0lGODlh", "body"), decode_text("R0lGODlh", "body")
    (b'GIF89a', b'GIF89a')
    """
    head = _DATA_URL.match(text[:256])
    if head and not (head[1] or "").lower().endswith(";base64"):
        return unquote_to_bytes(text[head.end() :])
    coded = text[head.end() :] if head else text
    try:
        # What a form made of "+" is put right, lines are joined; what is missing at the end is added.
        plain = coded.strip().translate({32: "+", 10: None, 13: None, 45: "+", 95: "/"})
        found = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if not found:
        shown = " ".join(text[:40].split())
        raise DataError(where, f"expected base64 or a data URL, found {shown!r}{'…' if len(text) > 40 else ''}")
    return found


def refuse_address(address: str) -> DataError:
    """Return the refusal of a web address, which nothing is fetched from."""
    return DataError(address, "expected a picture, found an address: mien fetches nothing, give it the file")


def is_address(text: str) -> bool:
    """Tell whether a text is an address such as https://…, rather than a path.

    >>> is_address("https://a.example/b.jpg"), is_address("C:/b.jpg"), is_address("photos/b.jpg")
    (True, False, False)
    """
    return _ADDRESS.match(text) is not None


def _hold_text(text: str, where: str | None) -> Path | bytes:
    if _DATA_URL.match(text[:256]):
        return decode_text(text, where or DATA_URL)
    if is_address(text):
        raise refuse_address(text)
    return Path(text)


def _read_file_object(source: Any, where: str) -> bytes:
    if inspect.iscoroutinefunction(source.read):  # an upload of FastAPI's
        kind = type(source).__name__
        raise DataError(where, f"expected a picture, found {kind}, whose read() has to be awaited: give its bytes")
    _rewind(source)
    try:
        data = source.read()
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise DataError(where, f"cannot be read ({error})") from error
    if isinstance(data, str):
        raise DataError(where, "expected a picture, found a file opened as text: open it with mode 'rb'")
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise DataError(where, f"expected bytes from read(), found {type(data).__name__}")
    if len(data) > MAX_BYTES:
        raise DataError(where, f"expected a picture of at most {MAX_BYTES >> 20} MiB, found {len(data):,} bytes")
    _rewind(source)  # so that it can be shown, or read once more
    return bytes(data)


def _rewind(source: Any) -> None:
    """Go to the start, as Pillow does: who wrote into a `BytesIO`, or read some of it, stands at its end."""
    seek: Callable[[int], Any] | None = getattr(source, "seek", None)
    if seek is not None:
        try:
            seek(0)
        except (OSError, ValueError, TypeError, AttributeError):
            return  # a pipe, say


def _hold_tensor(tensor: Any, where: str) -> npt.NDArray[Any]:
    """Return a tensor as (H, W) or (H, W, C); PyTorch's have their channels first."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        if "bfloat16" in str(tensor.dtype):  # which NumPy does not have
            tensor = tensor.float()
    array = np.asarray(tensor)
    if array.ndim != 3 or array.shape[0] not in _CHANNELS:
        return array
    if array.shape[2] in _CHANNELS and array.shape[1] not in _CHANNELS:
        problem = f"found {array.shape}, which may be (C, H, W) or (H, W, C): give a NumPy array (H, W, C)"
        raise DataError(where, f"expected the channels of a tensor at one end, {problem}")
    return np.ascontiguousarray(array.transpose(1, 2, 0))


def name_in_list(source: Source, position: int) -> str:
    """Return what a picture of a list is called: a file by its name, all else by its number."""
    name = name_source(source)
    return f"picture {position}" if name is None or name == DATA_URL else name
