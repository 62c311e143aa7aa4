"""A recognition in progress. In: what became of file after file. Out: rows in a table, counts, and what to tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, final

from mien.beliefs.base_rates import BaseRates
from mien.errors import DataError
from mien.recognition import Recogniser
from mien.recognition.videos.watching import Frame
from mien.stream.pictures import Outcome
from mien.stream.request import Request
from mien.stream.results import ResultsFile
from mien.stream.rows import make_rows
from mien.stream.tally import Tally
from mien.stream.timeline import Timeline

SHOWN = 5
"""Files that could not be read, and remarks, that are told at the end; the others are counted."""


class Teller(Protocol):
    """Shows a recognition to somebody, as the command line does."""

    def advance(self, description: str, total: int | None, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        """Return what yields a function that takes how many more are done."""
        ...

    def tell_picture(self, outcome: Outcome, expressions: Sequence[str], *, bars: bool, sets: bool) -> None:
        """Show the faces of a picture; every probability where `bars` are wanted, and which it may show by `sets`."""
        ...

    def tell_video(self, name: str, timeline: Timeline) -> None:
        """Show what was seen in a video."""
        ...

    def show_live(self, name: str) -> AbstractContextManager[tuple[Callable[[Frame], object], Callable[[], bool]]]:
        """Return what yields two functions: one shows a frame, the other tells whether somebody asked to stop."""
        ...

    def tell_rates(self, found: BaseRates) -> None:
        """Show base rates that were estimated, and are taken as prior."""
        ...

    def warn(self, text: str) -> None:
        """Tell what is worth knowing."""
        ...


@final
@dataclass(slots=True, kw_only=True)
class Session:
    """Where results go, what was counted, what is to be told at the end.

    Attributes:
        request: what was asked for.
        recogniser: recognises.
        results: the table; None: each picture is told.
        tally: counts.
        teller: shows it to somebody.
        alone: there is one file: every probability is shown.
        bad: the first files that could not be read.
        damaged: the first videos that were read in part.
        remarks: the first things that are worth knowing.
        done: files of this session.
    """

    request: Request
    recogniser: Recogniser
    results: ResultsFile | None
    tally: Tally
    teller: Teller
    alone: bool = False
    bad: list[DataError] = field(default_factory=list)
    damaged: list[DataError] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    done: int = 0

    def is_new(self, file: str) -> bool:
        """Tell whether a file is still to be looked at."""
        return self.results is None or not self.results.is_done(file)

    def finish_picture(self, outcome: Outcome) -> None:
        """Note what became of a picture."""
        if outcome.problem is not None:
            self.finish_bad(DataError(outcome.file, outcome.problem))
            return
        self.remark(outcome.remark)
        self.tally.add_picture(outcome.rows)
        if self.results is None:
            sets = self.request.coverage is not None
            self.teller.tell_picture(outcome, self.recogniser.expressions, bars=self.alone, sets=sets)
        else:
            self.results.add(outcome.rows)
        self.finish(outcome.file)

    def add_frame(self, name: str, frame: Frame) -> None:
        """Note the faces of a frame that was looked at."""
        rows = make_rows(name, frame.numbered, frame=(frame.number, frame.seconds))
        self.tally.add("frames")
        self.tally.add_rows(rows)
        if self.results is not None:
            self.results.add(rows)

    def finish_bad(self, error: DataError) -> None:
        """Note that a file cannot be read."""
        self.tally.add("bad")
        if len(self.bad) < SHOWN:
            self.bad.append(error)
        self.finish(error.where, error.problem)

    def finish_damaged(self, error: DataError) -> None:
        """Note that a video was read in part: its rows are kept, and it is named among the files with errors."""
        self.tally.add("damaged")
        if len(self.damaged) < SHOWN:
            self.damaged.append(error)
        self.finish(error.where, error.problem)

    def finish(self, file: str, problem: str | None = None) -> None:
        """Note that a file is done."""
        self.done += 1
        if self.results is not None:
            self.results.finish(file, problem)

    def remark(self, text: str | None) -> None:
        """Note what is worth knowing."""
        if text and len(self.remarks) < SHOWN:
            self.remarks.append(text)

    @property
    def nothing_read(self) -> bool:
        """Whether no file at all could be read, and no camera was looked at."""
        good = sum(self.tally[kind] for kind in ("pictures", "videos", "frames"))
        return bool(self.tally["bad"]) and not good

    @property
    def nothing_whole(self) -> bool:
        """Whether all that was given could not be read, or in part alone."""
        whole = self.tally["pictures"] + self.tally["videos"] - self.tally["damaged"]
        return bool(self.tally["bad"] + self.tally["damaged"]) and whole <= 0
