"""`mien cache`: what is kept of earlier work, how large it is, and less of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.errors import ConfigError
from mien.hints import suggest

if TYPE_CHECKING:
    from rich.console import Console

    from mien.data.cache_entries import Entry

ACTIONS = ("show", "prune", "clear")
DAY_SECONDS = 86_400.0


def cache(
    action: Annotated[str, typer.Argument(help="show, prune or clear.")] = "show",
    limit: Annotated[
        str | None, typer.Option(help="prune: the most that may stay, as 2GB; none: MIEN_CACHE_LIMIT, or 4GB.")
    ] = None,
    older_than: Annotated[
        float | None, typer.Option(help="prune: also what was not used for so many days.", min=0.0)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and remove nothing.")] = False,
) -> None:
    """Show what the cache keeps (decoded faces, compiled loops, face detectors), or remove some or all of it.

    Everything in it can be made again. prune removes what was made of data that is gone or cannot be read, and beyond
    the limit what was not used for longest; loading data does the latter by itself. What a process uses stays.
    """
    from rich.console import Console

    from mien.data.cache_entries import list_entries, parse_size, read_limit, remove_entries
    from mien.files import find_cache

    if action not in ACTIONS:
        raise ConfigError(f"cache {action}: expected show, prune or clear{suggest(action, ACTIONS)}")
    if action != "prune" and (limit is not None or older_than is not None):
        raise ConfigError(f"cache {action}: expected --limit and --older-than with prune alone")
    if action == "show" and dry_run:
        raise ConfigError("cache show: expected --dry-run with prune or clear alone")
    root, console = find_cache(), Console(highlight=False)
    allowed = read_limit() if limit is None else parse_size(limit, "--limit")
    entries = list_entries(root)
    if action == "show":
        _show(console, root, entries, allowed)
        return
    going = entries if action == "clear" else choose_entries(entries, allowed, older_than, now=time.time())
    gone, stay = (going, []) if dry_run else remove_entries(root, going)
    _tell(console, root, gone, stay, len(entries) - len(gone), dry_run=dry_run)


def choose_entries(entries: Sequence[Entry], limit: int, older_than: float | None, *, now: float) -> list[Entry]:
    """Return the entries that prune removes.

    Args:
        entries: the one that was used last first.
        limit: bytes that may stay.
        older_than: days without use; None: any.
        now: seconds since 1970.
    """
    from mien.data.cache_entries import choose_beyond, choose_useless

    useless = choose_useless(entries)
    old = [entry for entry in entries if older_than is not None and now - entry.used > older_than * DAY_SECONDS]
    rest = [entry for entry in entries if entry not in useless and entry not in old]
    beyond = choose_beyond(rest, limit)
    return [entry for entry in entries if entry in useless or entry in old or entry in beyond]


def _show(console: Console, root: Path, entries: Sequence[Entry], limit: int) -> None:
    from mien.data.cache_entries import LIMIT_VARIABLE, write_size

    console.print(f"cache: {root}", markup=False, soft_wrap=True)
    _list(console, entries)
    total = write_size(sum(entry.size_bytes for entry in entries))
    console.print(f"{_count(len(entries))}, {total} of at most {write_size(limit)} ({LIMIT_VARIABLE})", soft_wrap=True)


def _tell(
    console: Console, root: Path, gone: Sequence[Entry], stay: Sequence[Entry], left: int, *, dry_run: bool
) -> None:
    from mien.data.cache_entries import write_size

    _list(console, gone)
    total = write_size(sum(entry.size_bytes for entry in gone))
    done = "would be removed" if dry_run else "removed"
    console.print(f"{root}: {_count(len(gone))} {done}, {total}; {left:,} left", markup=False, soft_wrap=True)
    for entry in stay:
        console.print(f"{entry.path}: in use by a process, or not yours: it stays", markup=False, soft_wrap=True)


def _list(console: Console, entries: Sequence[Entry]) -> None:
    from mien.data.cache_entries import write_size

    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        of = f" of {', '.join(entry.sources)}" if entry.sources else f" ({entry.path.name})"
        line = f"  {write_size(entry.size_bytes):>10}  last used {used}  {entry.about}{of}"
        console.print(line, markup=False, soft_wrap=True)


def _count(number: int) -> str:
    return f"{number:,} entr{'y' if number == 1 else 'ies'}"
