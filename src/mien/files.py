"""Write files so that nobody ever sees half of one: aside first, then renamed."""

from __future__ import annotations

import csv
import errno
import functools
import hashlib
import os
import platform
import re
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from mien.errors import MienError, RunError

OWN_FILE = 0o600
"""Permissions of a file that nobody else may read or write."""

_ASIDE = re.compile(r"\.mien-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{12}\.tmp")
_DAY_SECONDS = 86_400.0

_WRITING = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS))
"""What an open file says when it cannot be written on, without its name."""

_PROBE_BYTES = 1 << 20


@contextmanager
def write_aside(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Yield a path to write to; on success it replaces `path` at once, on failure `path` stays as it was.

    Any number of threads and processes may write the same path: the last one to finish wins, and nobody ever sees a
    mixture. An error of the block that has nothing to do with the file comes out as it is.

    Args:
        path: of the file.
        mode: its permissions; None: those that a new file has here.

    Raises:
        MienError: the disk is full, or the folder is missing or may not be written.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with write_aside(target) as aside:
    ...     _ = aside.write_text("1 2 3")
    >>> target.read_text()
    '1 2 3'
    """
    aside = name_aside(path)
    try:
        with _name_trouble(path):
            found = _find_mode(aside)
        try:
            yield aside
        except OSError as error:
            trouble = _find_trouble(error, aside)
            if trouble is None:
                raise
            raise _refuse(path, trouble) from error
        with _name_trouble(path):
            aside.chmod(found if mode is None else mode)
            _flush(aside)
            aside.replace(path)
    finally:
        with suppress(OSError):  # where it never came to be, as in a folder that is none
            aside.unlink(missing_ok=True)


@contextmanager
def lock_folder(folder: Path, taken: str) -> Iterator[int | None]:
    """Keep a second process out of `folder`; yield the open file, for processes that inherit the lock.

    Where the system or the file system has no such locks, nothing is held. The lock ends with the process.

    Args:
        folder: made where it is missing.
        taken: what to say where another process is at work there.

    Raises:
        RunError: another process is.
        MienError: the folder cannot be made or written.
    """
    make_folder(folder)
    try:
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise MienError(f"{folder}: cannot be written ({error.strerror or error})") from None
    with file:
        if not take_lock(file):
            raise RunError(f"{folder}: {taken}")
        yield file.fileno()


def take_lock(file: IO[Any]) -> bool:
    """Return False where another process holds the lock of an open file; it is let go when the file is closed."""
    try:
        import fcntl
    except ModuleNotFoundError:  # a system without such locks
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


def write_text(path: Path, text: str, *, mode: int | None = None, errors: str = "backslashreplace") -> None:
    """Write `text` as UTF-8 to `path`, all of it or nothing.

    Args:
        path: of the file.
        text: may hold names of files that are no text: what cannot be written in UTF-8 is treated as `errors` says.
        mode: as in `write_aside`.
        errors: a name that Python knows; in JSON a backslash and what follows is read back as it was.
    """
    with write_aside(path, mode=mode) as aside:
        aside.write_text(text, encoding="utf-8", errors=errors, newline="\n")


def write_rows(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """Write rows, the heading first, as CSV in UTF-8 to `path`, all of it or nothing."""
    with (
        write_aside(path) as aside,
        aside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows(rows)


def is_own(status: os.stat_result) -> bool:
    """Tell whether nobody but this user (and root, who may do anything) can have written a file."""
    if not hasattr(os, "geteuid"):
        return True  # where files have no owners that could be told so
    return status.st_uid in (os.geteuid(), 0) and not status.st_mode & 0o022


def hold_file(descriptor: int) -> None:
    """Mark an open file as in use, by a lock that others may share, for as long as it, or a map of it, is open.

    Python keeps a descriptor of its own for a map, and a lock goes with the last descriptor, or with the process. Where
    the system has no such locks, or somebody is just removing the file, nothing happens.
    """
    fcntl = _find_locks()
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def remove_unused(path: Path) -> bool:
    """Remove a file unless somebody holds it as in use; tell whether it is gone."""
    fcntl = _find_locks()
    try:
        with path.open("rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def make_folder(path: Path) -> Path:
    """Return `path` as a folder that exists.

    Raises:
        MienError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"{path}: the folder cannot be made ({error.strerror or error})") from error
    return path


def name_aside(path: Path) -> Path:
    """Return a name beside `path` that no thread of any process has, with the same suffix: it tells the format.

    The name of `path` itself is not in it: one of 250 letters would leave no room.

    Raises:
        MienError: `path` has no name, as "." and "/".
    """
    if not path.name:
        raise MienError(f"{path}: expected the name of a file to write, found a folder")
    return path.with_name(f".mien-{_name_host()}-{os.getpid()}-{secrets.token_hex(6)}.tmp{path.suffix}")


def remove_leftovers(folder: Path) -> int:
    """Remove the files right in `folder` that killed processes left half-written; return how many bytes they took.

    Those of a process that is there still stay, and those of another machine until they are a day old.
    """
    freed = 0
    for path in folder.glob(".mien-*.tmp*"):
        with suppress(OSError):  # gone already, or somebody else's
            if _is_left_over(path):
                size = path.stat().st_size
                path.unlink()
                freed += size
    return freed


def _find_locks() -> Any:
    """Return the module of locks; None on Windows, which lets nobody remove a file that is in use anyway."""
    try:
        import fcntl
    except ModuleNotFoundError:
        return None
    return fcntl


def _is_left_over(path: Path) -> bool:
    named = _ASIDE.match(path.name)
    if named is None or not path.is_file():
        return False
    if named["host"] == _name_host() and not _is_running(int(named["process"])):
        return True
    return time.time() - path.stat().st_mtime > _DAY_SECONDS


def _is_running(process: int) -> bool:
    if sys.platform == "win32":
        return True  # where signal 0 would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # of another user
    return True


@functools.cache
def _name_host() -> str:
    """Return what tells this machine from others that may write to the same folder."""
    return hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()


def _find_mode(aside: Path) -> int:
    """Return the mode that a new file has here: some libraries write files that nobody else may read."""
    aside.touch(exist_ok=False)
    try:
        return aside.stat().st_mode
    finally:
        aside.unlink()


@contextmanager
def _name_trouble(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refuse(path, error) from error


def _refuse(path: Path, error: OSError) -> MienError:
    reason = error.strerror or error
    return MienError(f"{path}: cannot be written ({reason}); what stood there before stays")


def _find_trouble(error: OSError, aside: Path) -> OSError | None:
    """Return why `aside` cannot be written if an error of the block came of that; None for an error of its own."""
    named = {os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes | Path)}
    if named:
        return error if str(aside) in named else None
    if error.errno is not None:
        return error if error.errno in _WRITING else None
    return _try_to_grow(aside)


def _try_to_grow(aside: Path) -> OSError | None:
    """Return what the system says to more bytes: NumPy and Pillow do not pass on why theirs were not taken."""
    try:
        with aside.open("r+b", buffering=0) as file:
            file.seek(0, os.SEEK_END)
            file.write(bytes(_PROBE_BYTES))
            os.fsync(file.fileno())
    except FileNotFoundError:
        return None
    except OSError as trouble:
        return trouble
    return None


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def find_cache() -> Path:
    """Return the folder of decoded data: `$MIEN_CACHE`, or `mien` in the user's cache folder of this platform."""
    if os.environ.get("MIEN_CACHE"):
        return Path(os.environ["MIEN_CACHE"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mien"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "mien" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mien"
