"""The files of an audit: a page with the pictures, a table and, where something is dropped, a clean list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mien.auditing.clean import COPIES, Kept, choose_kept
from mien.auditing.examine import Audit
from mien.auditing.table import write_table
from mien.data.only import write_list
from mien.errors import ConfigError
from mien.files import make_folder
from mien.reports.audit_page import write_page

CLEAN_LIST, PAGE, TABLE = "clean.txt", "index.html", "audit.csv"


def save_audit(found: Audit, out: Path, kinds: Sequence[str] = (), losing: Sequence[str] = ("train",)) -> list[str]:
    """Write the files of an audit; return in words what the clean list leaves out, nothing where there is none.

    Args:
        found: the audit.
        out: the folder.
        kinds: of findings that the list leaves out.
        losing: the splits that may lose faces.

    Raises:
        ConfigError: no face of train would be left, or nobody looked for a kind.
        MienError: the folder cannot be written.
    """
    kept = choose_kept(found, kinds, drop_from=losing)
    if "train" in kept and not kept["train"].any():
        raise ConfigError(f"`drop` {','.join(kinds)}: no face of train would be left: drop less")
    make_folder(out)
    notes = _tell_dropped(found, kept, kinds, losing) if kinds else []
    write_table(found, out / TABLE)
    if kinds:
        write_list(out / CLEAN_LIST, found.splits, kept, remarks=[f"{found.splits.source}, mien audit", *notes])
    write_page(found, out / PAGE, notes=notes)
    return notes


def _tell_dropped(found: Audit, kept: Kept, kinds: Sequence[str], losing: Sequence[str]) -> list[str]:
    """Return in words what the clean list leaves out, and what it does not."""
    lost = {name: int((~split).sum()) for name, split in kept.items()}
    sizes = {name: len(faces) for name, faces in found.splits.named().items()}
    parts = [f"{count:,} of {sizes[name]:,} of {name}" for name, count in lost.items() if name in losing and count]
    spared = [name for name in lost if name not in losing and name != "unlabelled"]
    notes = [f"{CLEAN_LIST} leaves out {', '.join(parts) or 'nothing'} for {', '.join(kinds)}"]
    if spared:
        copies = "; of copies across splits, theirs stay" if {*kinds} & {*COPIES} else ""
        notes.append(f"Every face of {' and '.join(spared)} is kept{copies}")
    return notes
