"""Decoded data that is read once: a path goes in, memory-mapped `Splits` come out, or None.

An entry is found in two steps. A stamp (path, size, times and number of every file; no file is opened) leads to a key;
the key is a digest of the contents, and names the entry. So a second load costs a look at the folder, and a file that
was moved, copied or touched is hashed, not decoded, again. A file that changed within the last two seconds gets no
stamp, because a further change might not show in its times. Entries are written aside and renamed: two processes that
start at once both write, the last one wins, and both are right. The folder may be deleted at any time.

An entry of a source that has changed since goes when the new one comes, and the entries that were not used for longest
go beyond a limit (`mien.data.cache_entries`). What somebody else may have written is neither read nor replaced.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mien.data.archives import is_beside, is_wanted, list_folder, name_damage
from mien.data.cache_entries import (
    LIMIT_VARIABLE,
    MAX_KEY_LETTERS,
    UNFINISHED,
    hold_limit,
    is_key,
    make_cache,
    note_source,
    read_limit,
    write_size,
)
from mien.data.entry import read_entry, write_entry
from mien.data.space import Space
from mien.errors import MienError
from mien.faces import Splits, fits_memory
from mien.files import OWN_FILE, find_cache, is_own, make_folder, write_text

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
        state: the same without path and options.
        files: their paths inside the source; "" is the source itself.
        size_bytes: of all files together.
        is_settled: False if one changed so recently that its next change may not show.
    """

    digest: str
    state: str
    files: tuple[str, ...]
    size_bytes: int
    is_settled: bool


def stamp_source(path: Path, options: str) -> Stamp:
    """Return the stamp of a file, or of a folder with all that a reader could use in it, for these `options`.

    Raises:
        DataError: it may not be looked into.
    """
    with name_damage(str(path)):
        entries: list[_Status] = sorted(_list_status(path), key=lambda entry: entry[0])
    state = hashlib.blake2b(digest_size=16)
    size_bytes = newest = 0
    for name, status in entries:
        state.update(os.fsencode(name))
        if status is not None:
            newest = max(newest, status.st_mtime_ns, status.st_ctime_ns)
            size_bytes += status.st_size
            state.update(b"%d %d %d %d" % (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
        state.update(b"\0")
    known = f"{READER_VERSION} {path.resolve()} {options}\0{state.hexdigest()}"
    return Stamp(
        digest=hashlib.blake2b(os.fsencode(known), digest_size=16).hexdigest(),
        state=state.hexdigest(),
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
    key = _read_stamp(root / "stamps" / stamp.digest)
    known = None if key is None else _use_entry(root / key)
    if known is not None:
        return known  # otherwise it was never seen, or something else stands there: the contents decide
    if not any(root.glob(f"{_name_family(stamp, options)}-*")):
        return None  # spares hashing 300 MB where nothing can be found
    key = _name_entry(path, stamp, options)
    known = _use_entry(root / key)
    if known is not None:
        _note(root, path, stamp, options, key)
    return known


def remember(path: Path, stamp: Stamp, options: str, splits: Splits) -> Splits:
    """Keep `splits` for the next time, and return them; those that memory does not hold as a map of the cache.

    Raises:
        MienError: the cache cannot be written.
    """
    root, limit = make_cache(find_cache()), read_limit()
    size_bytes = sum(faces.images.nbytes for faces in splits.named().values())
    if size_bytes > limit:
        raise MienError(f"{write_size(size_bytes)} are more than {LIMIT_VARIABLE} ({write_size(limit)})")
    key = _name_entry(path, stamp, options)
    if stamp_source(path, options).digest != stamp.digest:
        return splits  # it changed while it was read: nobody knows which state the faces show
    write_entry(root / key, splits)
    _note(root, path, stamp, options, key)
    hold_limit(root, limit, newest=root / key)
    return splits if fits_memory(size_bytes) else read_entry(root / key) or splits


def find_space(stamp: Stamp) -> Space:
    """Return where a reading of the source keeps what it has; one that was cut off left it there."""
    try:
        return Space(make_folder(make_cache(find_cache()) / UNFINISHED), stamp.digest)
    except MienError:  # the reading says what cannot be kept
        return Space()


def _use_entry(path: Path) -> Splits | None:
    """Return the splits of an entry, and note that it was used now."""
    known = read_entry(path)
    if known is not None:
        with suppress(OSError):  # a cache on a medium that cannot be written
            os.utime(path)
    return known


def _read_stamp(path: Path) -> str | None:
    """Return the key that a stamp leads to; None where there is none, or one that others may have written."""
    try:
        with path.open(encoding="ascii") as file:
            key = file.read(MAX_KEY_LETTERS) if is_own(os.fstat(file.fileno())) else ""
    except (OSError, ValueError):
        return None
    return key if is_key(key) else None


def _note(root: Path, path: Path, stamp: Stamp, options: str, key: str) -> None:
    """Write down which entry the source has now; those of its earlier states go."""
    with suppress(MienError):  # costs a hash next time
        if stamp.is_settled:
            write_text(root / "stamps" / stamp.digest, key, mode=OWN_FILE)
        note_source(root, path, state=stamp.state, options=options, key=key)


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
