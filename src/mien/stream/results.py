"""A file of results that survives a kill: rows are appended in whole chunks, and what is done is written down.

In: rows, and the files that they came from. Out: the table; beside it `TABLE.errors.csv` for the files that could not
be read, and `TABLE.progress`, a journal. Whoever resumes cuts the tables to the length that it tells and leaves
out the files that it names: nothing is lost, nothing is there twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, final

from mien.errors import ConfigError, MienError, RunError
from mien.files import make_folder, take_lock
from mien.stream.journal import NOTHING, Progress, read_journal, write_chunk, write_settings
from mien.stream.rows import (
    Row,
    check_expressions,
    check_suffix,
    convert_to_parquet,
    list_columns,
    write_heading,
    write_lines,
)
from mien.stream.tally import Tally

ERROR_COLUMNS = ("file", "problem")
CHUNK_FILES = 256
CHUNK_SECONDS = 5.0
"""A chunk is made lasting after so many files or so long: each time costs three waits for the disk."""


@final
class ResultsFile:
    """The tables of one recognition; `open_results` opens it.

    Attributes:
        out: the table as the user named it.
        errors: the table of files that could not be read; it exists once there is one.
        journal: the list of what is done.
        before: what was done before.
        tally: counts of all that was done; a commit makes them lasting, too.
    """

    def __init__(self, out: Path, columns: Sequence[str], before: Progress) -> None:
        self.out, self.before = out, before
        self.errors, self.journal, self._rows = name_tables(out)
        self.tally = Tally(before.tally)
        self._columns = columns
        self._streams: dict[Path, IO[bytes]] = {}
        self._files: list[str] = []
        self._finished = {"rows": before.rows, "errors": before.errors}
        self._finished_tally: Mapping[str, float] = {}
        self._committed = time.monotonic()

    def is_done(self, file: str) -> bool:
        """Tell whether a file was recognised, or found bad, before."""
        return self.before.holds(file)

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows, which count once their file is finished and committed."""
        self._append(self._rows, write_lines(rows, self._columns, self._rows.suffix))

    def finish(self, file: str, problem: str | None = None) -> None:
        """Note that a file is done, all of its rows added; or that it cannot be read, and why."""
        if problem is not None:
            self._append(self.errors, write_lines([{"file": file, "problem": problem}], ERROR_COLUMNS, ".csv"))
        self._files.append(file)
        self._finished = {"rows": self._tell(self._rows), "errors": self._tell(self.errors)}
        self._finished_tally = dict(self.tally.counts)
        if len(self._files) >= CHUNK_FILES or time.monotonic() - self._committed > CHUNK_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Make lasting what was noted; a kill at any moment leaves it either wholly done or not done."""
        if self._files:
            chunk = write_chunk(self._files, **self._finished, tally=self._finished_tally)
            self._sync(self._rows)
            self._sync(self.errors)
            self._append(self.journal, chunk)
            self._sync(self.journal)
        self._files, self._committed = [], time.monotonic()

    def complete(self) -> None:
        """Commit what is left, and make the Parquet file where one was asked for."""
        self.commit()
        if self._rows != self.out:
            convert_to_parquet(self._rows, self.out, self._columns)

    def interrupt(self) -> None:
        """Commit what is finished, and cut off rows of a file that is not, as of a video halfway."""
        with suppress(MienError, OSError):  # the trouble that came first is the one to tell
            self.commit()
            self._streams[self._rows].flush()
            os.truncate(self._rows, self._finished["rows"])

    def close(self) -> None:
        """Close the files."""
        for stream in self._streams.values():
            with suppress(OSError):  # what a full disk did not take
                stream.close()

    def discard(self) -> None:
        """Remove the table and its journal, once closed: there is nothing in them. The list of errors stays."""
        for path in (self.out, self._rows, self.journal):
            path.unlink(missing_ok=True)

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Cut the tables to what counts, and head those that are new."""
        _lock(self._open(self.journal), self.out)
        self._cut(self.journal, self.before.journal)
        self._cut(self._rows, self.before.rows)
        self._cut(self.errors, self.before.errors)
        if not self.before.journal:
            self._append(self.journal, write_settings(settings))
            self._sync(self.journal)
        self.add([])
        self._finished["rows"] = self._tell(self._rows)

    def _append(self, path: Path, content: bytes) -> None:
        stream = self._open(path)
        with _name_trouble(path):
            if not stream.tell():
                stream.write(self._head(path))
            stream.write(content)

    def _head(self, path: Path) -> bytes:
        columns = ERROR_COLUMNS if path == self.errors else self._columns
        return b"" if path == self.journal or path.suffix != ".csv" else write_heading(columns)

    def _open(self, path: Path) -> IO[bytes]:
        if path not in self._streams:
            with _name_trouble(path):
                self._streams[path] = path.open("ab")
        return self._streams[path]

    def _cut(self, path: Path, length: int) -> None:
        with _name_trouble(path):
            found = path.stat().st_size if path.exists() else 0
            if found < length:
                raise RunError(f"{path}: expected {length:,} bytes or more, as {self.journal} tells, found {found:,}")
            if found:
                os.truncate(path, length)

    def _tell(self, path: Path) -> int:
        return self._streams[path].tell() if path in self._streams else self.before.errors

    def _sync(self, path: Path) -> None:
        if path in self._streams:
            with _name_trouble(path):
                self._streams[path].flush()
                os.fsync(self._streams[path].fileno())


@contextmanager
def open_results(
    out: Path, expressions: Sequence[str], settings: Mapping[str, Any], *, resume: bool
) -> Iterator[ResultsFile]:
    """Yield the file to add to; what is added is lasting when the block ends, whichever way it ends.

    Args:
        out: ends in .csv, .jsonl or .parquet.
        expressions: the columns of probabilities.
        settings: what the results depend on, as plain values; whoever resumes must have the same. With a "coverage" the
            table has a column of sets; with a "network" that tells it, one of readability.
        resume: go on with what is there; where nothing is there, begin.

    Raises:
        ConfigError: there is a file already and `resume` is not set, or the settings differ.
        RunError: the journal or the tables are damaged.
        MienError: a file cannot be written, or somebody else is writing it.
    """
    check_suffix(out)
    check_expressions(expressions)
    make_folder(out.parent)
    network = settings.get("network") or {}
    more = {"sets": settings.get("coverage") is not None, "readability": "readability" in network}
    results = ResultsFile(out, list_columns(expressions, **more), _read_progress(out, settings, resume))
    try:
        results.begin(settings)
        try:
            yield results
            results.complete()
        except BaseException:
            results.interrupt()
            raise
    finally:
        results.close()


def name_tables(out: Path) -> tuple[Path, Path, Path]:
    """Return where errors, the journal and the rows themselves stand: Parquet is made of lines when all is done.

    >>> [path.name for path in name_tables(Path("faces.parquet"))]
    ['faces.parquet.errors.csv', 'faces.parquet.progress', 'faces.parquet.rows.jsonl']
    """
    rows = out.with_name(f"{out.name}.rows.jsonl") if out.suffix == ".parquet" else out
    return out.with_name(f"{out.name}.errors.csv"), out.with_name(f"{out.name}.progress"), rows


def _read_progress(out: Path, settings: Mapping[str, Any], resume: bool) -> Progress:
    _, journal, rows = name_tables(out)
    there = next((path for path in (out, rows, journal) if path.exists()), None)
    if there is None:
        return NOTHING
    if not resume:
        raise ConfigError(f"{there} exists already: add `resume` to go on with it, or choose another name")
    if journal.exists() and not journal.stat().st_size and not (rows.exists() and rows.stat().st_size):
        return NOTHING  # killed before its first line
    progress = read_journal(journal)
    for name in settings:
        if progress.settings.get(name) != settings[name]:
            began, now = progress.settings.get(name), settings[name]
            raise ConfigError(f"`resume`: {out} was begun with {name} {began}, not {now}; choose another `out`")
    return progress


def _lock(stream: IO[bytes], out: Path) -> None:
    """Keep a second process from the same files, where the system can (it is let go when this one ends)."""
    if not take_lock(stream):
        raise MienError(f"{out}: another mien is writing it")


@contextmanager
def _name_trouble(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise MienError(f"{path}: cannot be written ({reason}); what is done stays: go on with `resume`") from error
