"""Decoded data that is read once: a path goes in, memory-mapped `Splits` come out, or None.

An entry is found in two steps. A stamp (path, size, times and number of every file; no file is opened) leads to a key;
the key is a digest of the contents, and names the entry. So a second load costs a look at the folder, and a file that
was moved, copied or touched is hashed, not decoded, again. A file that changed within the last two seconds gets no
stamp, because a further change might not show in its times. Entries are written aside and renamed: two processes that
start at once both write, the last one wins, and both are right. The folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mien.data.archives import is_beside, is_wanted, list_folder, name_damage
from mien.data.entry import read_entry, write_entry
from mien.errors import MienError
from mien.faces import Splits
from mien.files import make_folder, write_text

READER_VERSION = 2
"""Raise it when the readers make other faces of the same bytes."""

_SETTLED_NANOSECONDS = 2_000_000_000
_CHUNK_BYTES = 1 << 20

_Status = tuple[str, os.stat_result | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The outside of a source.

    Attributes:
        digest: changes with the path, size, times and number of any file, and with the options of the reading.
        files: their paths inside the source; "" is the source itself.
        size_bytes: of all files together.
        is_settled: False if one changed so recently that its next change may not show.
    """

    digest: str
    files: tuple[str, ...]
    size_bytes: int
    is_settled: bool


def find_cache() -> Path:
    """Return the folder of decoded data: `$MIEN_CACHE`, or `mien` in the user's cache folder of this platform."""
    if os.environ.get("MIEN_CACHE"):
        return Path(os.environ["MIEN_CACHE"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mien"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "mien" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mien"


def stamp_source(path: Path, options: str) -> Stamp:
    """Return the stamp of a file, or of a folder with all that a reader could use in it, for these `options`.

    Raises:
        DataError: it may not be looked into.
    """
    with name_damage(str(path)):
        entries: list[_Status] = sorted(_list_status(path), key=lambda entry: entry[0])
    digest = hashlib.blake2b(f"{READER_VERSION} {path.resolve()} {options}\0".encode(), digest_size=16)
    size_bytes = newest = 0
    for name, status in entries:
        digest.update(name.encode("utf-8", errors="surrogateescape"))
        if status is not None:
            newest = max(newest, status.st_mtime_ns, status.st_ctime_ns)
            size_bytes += status.st_size
            digest.update(b"%d %d %d %d" % (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
        digest.update(b"\0")
    return Stamp(
        digest=digest.hexdigest(),
        files=tuple(name for name, status in entries if status is not None),
        size_bytes=size_bytes,
        is_settled=time.time_ns() - newest > _SETTLED_NANOSECONDS,
    )


def _list_status(path: Path) -> Iterator[_Status]:
    if path.is_dir():
        for name, entry in list_folder(path):
            if entry.is_dir():
                yield name, None
            elif is_wanted(name) or is_beside(name):
                # a link that leads nowhere is told by whoever opens it
                leads = not entry.is_symlink() or Path(entry.path).exists()
                yield name, entry.stat(follow_symlinks=leads)
    else:
        yield "", path.stat()


def recall(path: Path, stamp: Stamp, options: str) -> Splits | None:
    """Return what was remembered of the source, or None."""
    root = find_cache()
    try:
        key = (root / "stamps" / stamp.digest).read_text()
        known = read_entry(root / key)
        if known is not None:
            return known
    except (OSError, ValueError):
        pass  # never seen, or something else stands there: the contents decide
    if not any(root.glob(f"{_name_family(stamp, options)}-*")):
        return None  # spares hashing 300 MB where nothing can be found
    key = _name_entry(path, stamp, options)
    known = read_entry(root / key)
    if known is not None and stamp.is_settled:
        _write_stamp(root, stamp, key)
    return known


def remember(path: Path, stamp: Stamp, options: str, splits: Splits) -> None:
    """Keep `splits` for the next time.

    Raises:
        MienError: the cache cannot be written.
    """
    root = find_cache()
    make_folder(root / "stamps")
    key = _name_entry(path, stamp, options)
    if stamp_source(path, options).digest != stamp.digest:
        return  # it changed while it was read: nobody knows which state the faces show
    write_entry(root / key, splits)
    if stamp.is_settled:
        _write_stamp(root, stamp, key)


def _write_stamp(root: Path, stamp: Stamp, key: str) -> None:
    with suppress(MienError):  # costs a hash next time
        write_text(root / "stamps" / stamp.digest, key)


def _name_family(stamp: Stamp, options: str) -> str:
    known = f"{READER_VERSION} {options} {len(stamp.files)} {stamp.size_bytes}"
    return hashlib.blake2b(known.encode(), digest_size=6).hexdigest()


def _name_entry(path: Path, stamp: Stamp, options: str) -> str:
    """Return the key of the contents: names count, because they tell splits and classes; the place does not."""
    digest = hashlib.sha256(f"{path.resolve().name}\0{options}\0".encode())
    for name in stamp.files:
        digest.update(name.encode("utf-8", errors="surrogateescape") + b"\0")
        with name_damage(str(path / name)), (path / name if name else path).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return f"{_name_family(stamp, options)}-{digest.hexdigest()[:32]}"
