"""Write files so that nobody ever sees half of one: aside first, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mien.errors import MienError, RunError


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Yield a path to write to; on success it replaces `path` at once, on failure `path` stays as it was.

    Raises:
        MienError: the disk is full, or the folder is missing or may not be written.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with write_aside(target) as aside:
    ...     _ = aside.write_text("1 2 3")
    >>> target.read_text()
    '1 2 3'
    """
    aside = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        aside.touch()
        mode = aside.stat().st_mode  # some libraries write files that nobody else may read
        aside.unlink()
        yield aside
        aside.chmod(mode)
        _flush(aside)
        aside.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise MienError(f"{path}: cannot be written ({reason}); what stood there before stays") from error
    finally:
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


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, all of it or nothing."""
    with write_aside(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


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


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
