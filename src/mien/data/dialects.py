r"""How a text table was written: the first bytes go in, encoding, delimiter and line ends come out.

Excel and other programs write semicolons, tabs, UTF-16 and the line ends of old Macs; readers here see UTF-8 and "\n".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

HEAD_BYTES = 1 << 16
DELIMITERS = (",", ";", "\t", "|")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a table was written.

    Attributes:
        encoding: of its text.
        is_old_mac: True where lines end with a carriage return alone.
    """

    encoding: str = "utf-8-sig"
    is_old_mac: bool = False

    @property
    def is_plain(self) -> bool:
        """Tell whether its bytes can be read as they are."""
        return self.encoding == "utf-8-sig" and not self.is_old_mac


def sniff(head: bytes) -> Dialect:
    r"""Return how a text that begins so was written.

    >>> sniff(b"a,b\r1,2\r").is_old_mac, sniff("a,b".encode("utf-16")).encoding, sniff(b"a,b\r\n").is_plain
    (True, 'utf-16', True)
    """
    encoding = "utf-16" if head.startswith(_UTF_16_MARKS) else "utf-8-sig"
    if encoding == "utf-8-sig" and len(head) > 8 and b"\0" in head[:64]:
        halves = (head[1:64:2].count(0), head[0:64:2].count(0))
        most = len(head[:64]) // 4
        encoding = (
            "utf-16-le" if halves[0] > most > halves[1] else "utf-16-be" if halves[1] > most > halves[0] else encoding
        )
    text = head.decode(encoding, errors="replace")
    return Dialect(encoding=encoding, is_old_mac="\n" not in text and "\r" in text.rstrip("\r"))


def is_text(head: bytes) -> bool:
    """Tell whether bytes that begin so are text: they hold no null byte, or are UTF-16."""
    return b"\0" not in head or sniff(head).encoding != "utf-8-sig"


def open_text(opener: Callable[[], BinaryIO]) -> BinaryIO:
    r"""Return what `opener` gives, as a stream of UTF-8 with "\n"; the stream itself where that is what it holds."""
    stream = opener()
    dialect = sniff(stream.read(HEAD_BYTES))
    stream.seek(0)
    return stream if dialect.is_plain else _Recoded(stream, dialect.encoding)  # type: ignore[return-value]


class _Recoded:
    r"""A text in any encoding, seen as UTF-8 with "\n"."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline=None)

    def read(self, size: int = -1) -> bytes:
        return self._text.read(size).encode()

    def readline(self, size: int = -1) -> bytes:
        return self._text.readline(size).encode()

    def __enter__(self) -> _Recoded:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()


def split_cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line, quotes and blanks around them removed.

    >>> split_cells('a, "b, c",d', ",")
    ['a', 'b, c', 'd']
    """
    rows = csv.reader([line.rstrip("\r\n")], delimiter=delimiter, skipinitialspace=True)
    try:
        return [cell.strip() for cell in next(rows, [])]
    except csv.Error:
        return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]


def find_delimiter(line: str) -> str:
    """Return the sign that divides the names of columns: the one that stands in the line most often.

    >>> find_delimiter("emotion;pixels;Usage"), find_delimiter("pixels")
    (';', ',')
    """
    return max(DELIMITERS, key=lambda sign: len(split_cells(line, sign)))
