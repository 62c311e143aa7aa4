"""The journal of a recognition: what is done, and how long the tables were then. In: a file. Out: a `Progress`.

The first line holds the settings, each other line a chunk of files; a line that a kill cut short does not count.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from mien.errors import RunError

KEY_BYTES = 8
"""Of a file's hash: among a million files, two share one with a probability of 3e-8."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Progress:
    """What is done.

    Attributes:
        settings: that it was done with.
        keys: uint64 (N,), sorted: a hash of each file that is done.
        rows: bytes of the table of results that count.
        errors: bytes of the table of errors that count.
        journal: bytes of the journal that count.
        tally: the counts of a `Tally`.
    """

    settings: Mapping[str, Any]
    keys: npt.NDArray[np.uint64]
    rows: int
    errors: int
    journal: int
    tally: Mapping[str, float]

    def holds(self, file: str) -> bool:
        """Tell whether a file is done."""
        key = _hash(name_file(file))
        place = int(np.searchsorted(self.keys, np.uint64(key)))
        return place < len(self.keys) and int(self.keys[place]) == key


NOTHING = Progress(settings={}, keys=np.empty(0, np.uint64), rows=0, errors=0, journal=0, tally={})


def name_file(file: str) -> str:
    """Return the name under which a file stands in a journal, whichever folder the command is started in."""
    return os.path.abspath(file)  # noqa: PTH100 (a Path costs ten times as much, and there may be a million)


def write_settings(settings: Mapping[str, Any]) -> bytes:
    """Return the first line of a journal."""
    return f"{json.dumps(settings)}\n".encode()


def write_chunk(files: list[str], *, rows: int, errors: int, tally: Mapping[str, float]) -> bytes:
    """Return the line of a chunk: its files, and the bytes of both tables and the counts that there are with it."""
    state = {"rows": rows, "errors": errors, "tally": tally, "files": [name_file(file) for file in files]}
    return f"{json.dumps(state)}\n".encode()


def read_journal(path: Path) -> Progress:
    """Return what a journal tells.

    Raises:
        RunError: it is missing, or its first line is not that of a journal.
    """
    entries = _read_entries(path)
    settings, length = next(entries, ({}, 0))
    if not settings or "files" in settings:
        raise RunError(f"{path}: expected the journal of a recognition, found another file; choose another `out`")
    last: Mapping[str, Any] = {"rows": 0, "errors": 0, "tally": {}}
    keys = [NOTHING.keys]
    for last, length in entries:  # noqa: B007 (the last one counts)
        keys.append(np.array([_hash(file) for file in last["files"]], np.uint64))
    lengths = {name: last[name] for name in ("rows", "errors", "tally")}
    return Progress(settings=settings, keys=np.sort(np.concatenate(keys)), journal=length, **lengths)


def _read_entries(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each whole line, and how many bytes of the file it ends at."""
    length = 0
    try:
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                length += len(line)
                yield json.loads(line), length
    except FileNotFoundError:
        raise RunError(f"{path}: expected the journal of what is done, but it does not exist") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: the journal cannot be read ({error}); choose another `out`") from error


def _hash(file: str) -> int:
    digest = hashlib.blake2b(file.encode("utf-8", errors="surrogateescape"), digest_size=KEY_BYTES).digest()
    return int.from_bytes(digest, "big")
