"""What stands in the cache folder, and what goes from there. In: its folder. Out: a list of entries, or less of them.

    FAMILY-DIGEST       decoded faces, see `mien.data.entry`
    stamps/             one small file a source: from its outside to the key of its entry
    sources/            one small file a source: its path, and the entries of its present state
    native/             compiled loops
    detectors/          fetched face detectors
    reading/            faces of readings that were cut off, see `mien.data.space`

Only these are looked at: another file in the folder is somebody's, and stays. An entry that a process uses stays, too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.data.entry import describe_entry
from mien.data.space import PIXELS
from mien.errors import ConfigError, MienError
from mien.files import OWN_FILE, is_own, make_folder, remove_leftovers, remove_unused, write_text

LIMIT_VARIABLE = "MIEN_CACHE_LIMIT"
DEFAULT_LIMIT_BYTES = 4 * 10**9
"""FER2013 at one size takes 83 MB."""

MAX_KEY_LETTERS = 64
DAMAGED = "damaged: nobody can read it"
_KEY = re.compile(r"[0-9a-f]{12}-[0-9a-f]{32}")
_UNITS = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[kmgt]?)(?P<binary>i?)b?", re.IGNORECASE)
UNFINISHED = "reading"
_OTHER_FOLDERS = {
    "native": "compiled loops",
    "detectors": "a face detector",
    UNFINISHED: "faces of a reading that was cut off",
}
"""Folder -> what its files are."""


DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of the cache.

    Attributes:
        path: of the file.
        about: what it is, in words.
        sources: paths of the data that it was made of, as far as they are known.
        size_bytes: on the disk.
        used: when it was used last, in seconds since 1970.
    """

    path: Path
    about: str
    sources: tuple[str, ...]
    size_bytes: int
    used: float

    @property
    def is_damaged(self) -> bool:
        """True where nobody can read it."""
        return self.about == DAMAGED


def is_key(text: str) -> bool:
    """Tell whether a text is the name of decoded faces, and leads nowhere else.

    >>> is_key("0123456789ab-0123456789abcdef0123456789abcdef"), is_key("../../etc/passwd")
    (True, False)
    """
    return _KEY.fullmatch(text) is not None


def read_limit() -> int:
    """Return how many bytes the cache may take: `$MIEN_CACHE_LIMIT`, or 4 GB.

    Raises:
        ConfigError: the variable is no size.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    return parse_size(text, LIMIT_VARIABLE) if text else DEFAULT_LIMIT_BYTES


def parse_size(text: str, where: str) -> int:
    """Return a size in bytes; `where` names what was asked for, in a message.

    Raises:
        ConfigError: it is none.

    >>> parse_size("1.5 GB", "--limit"), parse_size("512MiB", "--limit"), parse_size("0", "--limit")
    (1500000000, 536870912, 0)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or (found["binary"] and not found["unit"]):
        raise ConfigError(f"{where} {text}: expected a size such as 500MB or 4GB, or 0 to keep nothing")
    unit = found["unit"].lower()
    factor = 1024 ** " kmgt".index(unit) if found["binary"] else _UNITS[unit]
    return int(float(found["number"]) * factor)


def write_size(size_bytes: int) -> str:
    """Return a size as people read it.

    >>> write_size(82_700_000), write_size(4_000_000_000), write_size(512)
    ('82.7 MB', '4.0 GB', '512 bytes')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} bytes"


def make_cache(root: Path) -> Path:
    """Return the cache folder, made where it is missing, for this user alone.

    Raises:
        MienError: it cannot be made.
    """
    if not root.exists():
        make_folder(root.parent)
        with suppress(FileExistsError):  # another process was quicker
            try:
                root.mkdir(mode=0o700)
            except PermissionError as error:
                raise MienError(f"{root}: the folder cannot be made ({error.strerror})") from error
    for name in ("stamps", "sources"):
        make_folder(root / name)
    return root


def list_entries(root: Path) -> list[Entry]:
    """Return every entry, the one that was used last first; nothing where there is no cache."""
    sources: dict[str, list[str]] = {}
    for record in _read_sources(root).values():
        for held in record["entries"]:
            sources.setdefault(held["key"], []).append(record["path"])
    found = []
    for path, about in _list_files(root):
        with suppress(OSError):
            status = path.stat()
            # Of what mien itself does not mark as used, the system says when it was read last.
            used = status.st_mtime if about is None else max(status.st_mtime, status.st_atime)
            told = about or describe_entry(path) or DAMAGED
            origin = tuple(dict.fromkeys(sources.get(path.name, ())))
            found.append(Entry(path=path, about=told, sources=origin, size_bytes=status.st_size, used=used))
    return sorted(found, key=lambda entry: -entry.used)


def remove_entries(root: Path, entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Remove entries, and what leads to them; return those that are gone, and those that are in use and stay."""
    gone: list[Entry] = []
    stay: list[Entry] = []
    for entry in entries:
        (gone if remove_unused(entry.path) else stay).append(entry)
    for entry in gone:
        if entry.path.suffix == PIXELS:  # its note tells of nothing now
            entry.path.with_suffix(".json").unlink(missing_ok=True)
    if gone:
        _forget_missing(root)
    for folder in (root, *(root / name for name in ("stamps", "sources", *_OTHER_FOLDERS))):
        remove_leftovers(folder)
    return gone, stay


def hold_limit(root: Path, limit: int, *, newest: Path | None = None) -> tuple[list[Entry], list[Entry]]:
    """Remove the entries that were not used for longest until no more than `limit` bytes are left.

    Args:
        root: the cache folder.
        limit: in bytes.
        newest: stays, whatever the clock says.

    Returns:
        The entries that are gone, and those that should be but are in use.
    """
    entries = [entry for entry in list_entries(root) if entry.path != newest]
    taken = newest.stat().st_size if newest is not None and newest.exists() else 0
    return remove_entries(root, choose_beyond(entries, limit - taken))


def choose_beyond(entries: Iterable[Entry], limit: int) -> list[Entry]:
    """Return what has no room in `limit` bytes, where `entries`, the one that was used last first, are let in."""
    beyond, room = [], limit
    for entry in entries:
        if entry.size_bytes > room:
            beyond.append(entry)
        else:
            room -= entry.size_bytes
    return beyond


def choose_useless(entries: Iterable[Entry]) -> list[Entry]:
    """Return what cannot be read, and what was made of data that is there no more, as far as that is known."""
    return [
        entry
        for entry in entries
        if entry.is_damaged or (entry.sources and not any(Path(source).exists() for source in entry.sources))
    ]


def note_source(root: Path, path: Path, *, state: str, options: str, key: str) -> None:
    """Write down that a source, in its present state, has the entry `key`; entries of other states of it go.

    An entry goes only if no other source has it: copies of a file share one.

    Raises:
        MienError: the note cannot be written.
    """
    place = str(path.resolve())
    note = root / "sources" / f"{hashlib.blake2b(os.fsencode(place), digest_size=16).hexdigest()}.json"
    before = _read_source(note)
    known = before["entries"] if before is not None else []
    kept = [held for held in known if held["state"] == state and held["options"] != options]
    entries = [*kept, {"state": state, "options": options, "key": key}]
    if known == entries:
        return
    make_folder(note.parent)
    text = json.dumps({"path": place, "entries": entries})
    write_text(note, text, mode=OWN_FILE)
    old = {held["key"] for held in known} - {held["key"] for held in entries}
    if old:
        _remove_old(root, old)


def _remove_old(root: Path, old: Collection[str]) -> None:
    needed = {held["key"] for record in _read_sources(root).values() for held in record["entries"]}
    for key in set(old) - needed:
        remove_unused(root / key)
    _forget_missing(root)


def _forget_missing(root: Path) -> None:
    """Remove the stamps and notes that lead to nothing any more."""
    for stamp in _list_folder(root / "stamps"):
        with suppress(OSError, ValueError):
            key = stamp.read_text(encoding="ascii")
            if not is_key(key) or not (root / key).exists():
                stamp.unlink()
    for note, record in _read_sources(root).items():
        if not any((root / held["key"]).exists() for held in record["entries"]):
            with suppress(OSError):
                note.unlink()


def _list_files(root: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the files that are entries, and what they are; None for decoded faces, which tell it themselves."""
    yield from ((path, None) for path in _list_folder(root) if is_key(path.name))
    for name, about in _OTHER_FOLDERS.items():
        yield from ((path, about) for path in _list_folder(root / name) if path.suffix in (".so", ".onnx", PIXELS))


def _list_folder(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []


def _read_sources(root: Path) -> dict[Path, dict[str, Any]]:
    """Return every sound note on a source, by its file."""
    notes = {path: _read_source(path) for path in _list_folder(root / "sources")}
    return {path: note for path, note in notes.items() if note is not None}


def _read_source(note: Path) -> dict[str, Any] | None:
    """Return a note on a source; None where it is missing, damaged, or others may have written it."""
    try:
        with note.open(encoding="utf-8") as file:
            record: Any = json.load(file) if is_own(os.fstat(file.fileno())) else None
        sound = isinstance(record["path"], str) and all(
            is_key(held["key"]) and isinstance(held["state"], str) and isinstance(held["options"], str)
            for held in record["entries"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(record) if sound else None


def choose_entries(entries: Sequence[Entry], limit: int, older_than: float | None, *, now: float) -> list[Entry]:
    """Return the entries that prune removes.

    Args:
        entries: the one that was used last first.
        limit: bytes that may stay.
        older_than: days without use; None: any.
        now: seconds since 1970.
    """
    useless = choose_useless(entries)
    old = [entry for entry in entries if older_than is not None and now - entry.used > older_than * DAY_SECONDS]
    rest = [entry for entry in entries if entry not in useless and entry not in old]
    beyond = choose_beyond(rest, limit)
    return [entry for entry in entries if entry in useless or entry in old or entry in beyond]
