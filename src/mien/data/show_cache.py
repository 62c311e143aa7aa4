"""The cache as lines: what it keeps, and what went."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mien.data.cache_entries import LIMIT_VARIABLE, Entry, write_size


def show_entries(console: Console, root: Path, entries: Sequence[Entry], limit: int) -> None:
    """Print all that is kept, and how much may be."""
    console.print(f"cache: {root}", markup=False, soft_wrap=True)
    _list(console, entries)
    total = write_size(sum(entry.size_bytes for entry in entries))
    console.print(f"{_count(len(entries))}, {total} of at most {write_size(limit)} ({LIMIT_VARIABLE})", soft_wrap=True)


def tell_removed(
    console: Console, root: Path, gone: Sequence[Entry], stay: Sequence[Entry], left: int, *, dry_run: bool
) -> None:
    """Print what went, or would go, and what could not."""
    _list(console, gone)
    total = write_size(sum(entry.size_bytes for entry in gone))
    done = "would be removed" if dry_run else "removed"
    console.print(f"{root}: {_count(len(gone))} {done}, {total}; {left:,} left", markup=False, soft_wrap=True)
    for entry in stay:
        console.print(f"{entry.path}: in use by a process, or not yours: it stays", markup=False, soft_wrap=True)


def _list(console: Console, entries: Sequence[Entry]) -> None:
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        of = f" of {', '.join(entry.sources)}" if entry.sources else f" ({entry.path.name})"
        line = f"  {write_size(entry.size_bytes):>10}  last used {used}  {entry.about}{of}"
        console.print(line, markup=False, soft_wrap=True)


def _count(number: int) -> str:
    return f"{number:,} entr{'y' if number == 1 else 'ies'}"
