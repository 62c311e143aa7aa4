"""Write files so that nobody ever sees half of one: aside first, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.errors import MienError


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
