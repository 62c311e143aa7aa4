"""`mien cache`: what is kept of earlier work, how large it is, and less of it."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from mien.errors import ConfigError
from mien.hints import suggest

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

    from mien.data.cache_entries import choose_entries, list_entries, parse_size, read_limit, remove_entries
    from mien.data.show_cache import show_entries, tell_removed
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
        show_entries(console, root, entries, allowed)
        return
    going = entries if action == "clear" else choose_entries(entries, allowed, older_than, now=time.time())
    gone, stay = (going, []) if dry_run else remove_entries(root, going)
    tell_removed(console, root, gone, stay, len(entries) - len(gone), dry_run=dry_run)
