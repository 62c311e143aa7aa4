"""How large one file of faces may be, packed or not: the same limit, told in the same words, for every container.

A zip or tar archive states the size of an entry, which is looked at before it is read. A gzip file states nothing
that can be believed, so its bytes are counted while they are read.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, final

from mien.errors import DataError

MAX_ENTRY_BYTES = 1 << 32


def check_size(size: int, where: str) -> None:
    """Refuse an entry that states a size beyond the limit.

    Raises:
        DataError: it does.
    """
    if size > MAX_ENTRY_BYTES:
        raise DataError(where, f"expected at most {MAX_ENTRY_BYTES:,} bytes, found {size:,}")


def list_members(archive: tarfile.TarFile, name: str) -> Iterator[tarfile.TarInfo]:
    """Yield the entries of a tar archive called `name`.

    Raises:
        DataError: an entry is too large; in a packed archive, where finding the next one means to unpack it, any entry
            counts, whether or not somebody wants it.
    """
    is_packed = not isinstance(archive.fileobj, io.BufferedReader)
    for member in archive:
        if member.isreg() and (is_packed or member.issparse()):
            check_size(member.size, f"{name}: {member.name.removeprefix('./')}")
        yield member


def open_member(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> BinaryIO:
    """Return the bytes of a regular entry of a tar archive called `name`.

    Raises:
        DataError: it is too large.
    """
    check_size(member.size, f"{name}: {member.name.removeprefix('./')}")
    stream = archive.extractfile(member)
    assert stream is not None  # a regular file
    return stream  # type: ignore[return-value]


def limit_stream(stream: Any, where: str) -> BinaryIO:
    """Return a stream of the same bytes that raises DataError once there are more of them than the limit."""
    return io.BufferedReader(_Limited(stream, where), 1 << 20)


@final
class _Limited(io.RawIOBase):
    """Counts what is read of a stream."""

    def __init__(self, stream: Any, where: str) -> None:
        self._stream, self._where = stream, where

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._stream.seekable())

    def readinto(self, buffer: Any, /) -> int:
        count: int = self._stream.readinto(buffer)
        if self._stream.tell() > MAX_ENTRY_BYTES:
            raise DataError(self._where, f"expected at most {MAX_ENTRY_BYTES:,} bytes, found more")
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def close(self) -> None:
        self._stream.close()
        super().close()
