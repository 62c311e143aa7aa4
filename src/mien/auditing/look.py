"""`mien.audit`: data goes in, as a path or a value; what is wrong with it comes out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mien.auditing.examine import Audit, examine
from mien.auditing.finding import Finding, call_roll
from mien.data.loading import load
from mien.data.votes import read_votes
from mien.faces import Splits

if TYPE_CHECKING:
    from mien.runs.run import Run


def audit(
    data: str | os.PathLike[str] | Splits,
    *,
    run: Run | str | os.PathLike[str] | None = None,
    votes: str | os.PathLike[str] | None = None,
) -> Audit:
    """Return everything that is wrong with a data set before anybody trains on it; the data is never changed.

    Args:
        data: a path in any form that `mien.load` reads, or `Splits`.
        run: a trained network that doubts labels, of faces alone that it was not trained on.
        votes: the file of FER+ votes, fer2013new.csv, if the faces are FER2013's.

    Raises:
        DataError: the data or the votes cannot be read.
        RunError: there is no such run.
    """
    splits = data if isinstance(data, Splits) else load(os.fspath(data))
    doubts = None if run is None else _ask(splits, run)
    return examine(splits, votes=None if votes is None else read_votes(Path(votes)), doubts=doubts)


def _ask(splits: Splits, run: Run | str | os.PathLike[str]) -> tuple[Finding, ...]:
    from mien.auditing.judge import report_doubts  # PyTorch comes with it
    from mien.runs.run import Run, load_run

    return tuple(report_doubts(call_roll(splits), run if isinstance(run, Run) else load_run(run), skip_bad=False))
