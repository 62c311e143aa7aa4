"""Which picture files are read: their suffixes, what Pillow calls them, and what a file is by its first bytes.

JPEG, PNG and the like come with Pillow. HEIC needs pillow-heif and JPEG XL pillow-jxl-plugin: `find_readers` asks for
them only when such a file is met, so that nobody else waits for their import.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass

PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".ico", ".avif", ".heic", ".heif", ".hif", ".jxl"),
)
"""Of files that are looked at in folders and archives; a file that is named may have any other."""

UNREAD_SUFFIXES = (
    *(".jp2", ".j2k", ".psd", ".xcf", ".tga", ".pcx", ".exr", ".hdr"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"),
)
"""Of photographs that cannot be read: in a folder of photographs they are told instead of passed over."""

READERS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "ICO")
"""What Pillow calls the formats that each of its versions reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A format that needs more than Pillow.

    Attributes:
        name: for people.
        reader: what Pillow calls it once it is there.
        module: the package that reads it; None where Pillow itself does, in newer versions.
        register: function of that package that has to be called; None: to import it is enough.
        advice: the command that installs it.
    """

    name: str
    reader: str
    module: str | None
    register: str | None
    advice: str


HEIC = Extra(
    name="HEIC",
    reader="HEIF",
    module="pillow_heif",
    register="register_heif_opener",
    advice="pip install 'mien[heic]'",
)
AVIF = Extra(name="AVIF", reader="AVIF", module=None, register=None, advice="pip install -U 'pillow>=11.3'")
JPEG_XL = Extra(
    name="JPEG XL", reader="JXL", module="pillow_jxl", register=None, advice="pip install pillow-jxl-plugin"
)

_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"), HEIC),
}
_KNOWN = (
    (rb"\xff\xd8\xff", "a JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "a PNG"),
    (rb"II\*\0|MM\0\*", "a TIFF"),
    (rb"GIF8[79]a", "a GIF"),
    (rb"RIFF....WEBP", "a WebP"),
    (rb"....ftyp", "a video"),
    (rb"\x1aE\xdf\xa3|RIFF....AVI ", "a video"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture, which is not read: save it as PNG or JPEG"),
    (rb"8BPS", "a Photoshop file, which is not read: save it as PNG or JPEG"),
    (rb"%PDF-", "a PDF, which is not read: save its picture as PNG or JPEG"),
    (rb"PK\x03\x04", "a zip archive: unpack it"),
    (rb"version https://git-lfs", "a pointer of Git LFS to a picture that was not fetched: run  git lfs pull"),
    (rb"(?i)(\xef\xbb\xbf)?\s*(<!--|<\?xml[^>]*>)?\s*<svg", "an SVG drawing, which is not read: save it as PNG"),
    (rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html)", "a web page: fetch the picture itself"),
    (rb"(?i)data:[a-z]+/", "a data URL: give it as text, or decode it"),
)


def find_extra(data: bytes) -> Extra | None:
    r"""Return what a file needs besides Pillow's usual readers, by its first bytes; None: nothing, or it is unknown.

    >>> find_extra(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").name
    'HEIC'
    """
    if data[:2] == b"\xff\x0a" or data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        return JPEG_XL
    if data[4:8] != b"ftyp":
        return None
    length = min(max(int.from_bytes(data[:4], "big"), 16), 256)
    brands = [data[8:12], *(data[start : start + 4] for start in range(16, length, 4))]
    # `mif1` says only that there is a picture: what follows says how it is packed.
    kinds = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    return AVIF if AVIF in kinds else next(iter(kinds), None)


def find_readers(extra: Extra | None) -> tuple[str, ...] | None:
    """Return the names of Pillow's readers for a file that needs `extra`; None if that is not installed."""
    from PIL import Image

    if extra is None:
        return READERS
    if extra.module is not None and extra.reader not in Image.OPEN:
        try:
            module = importlib.import_module(extra.module)
        except ImportError:
            return None
        if extra.register is not None:
            getattr(module, extra.register)()
    Image.init()  # AVIF is among the readers that Pillow brings in late
    return (extra.reader,) if extra.reader in Image.OPEN else None


def name_content(data: bytes) -> str:
    r"""Return what bytes are that no reader takes for a picture.

    >>> name_content(b""), name_content(b"dear diary")
    ('an empty file', '10 bytes that are none')
    >>> name_content(b"<!DOCTYPE html><html>")
    'a web page: fetch the picture itself'
    """
    known = next((words for signs, words in _KNOWN if re.match(signs, data[:256], re.DOTALL)), None)
    if known in ("a JPEG", "a PNG", "a TIFF", "a GIF", "a WebP"):
        return f"{known} whose header is damaged or whose kind of pixels is not read: save it anew, 8 bits a channel"
    return known or (f"{len(data):,} bytes that are none" if data else "an empty file")
