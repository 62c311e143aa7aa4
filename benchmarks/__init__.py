"""Scripts that measure, `python -m benchmarks.NAME`; bad input ends them in one line and exit status 2, as in mien."""

from __future__ import annotations

import sys
from types import TracebackType

BAD_INPUT = 2


def end_in_one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell an error that the user can mend in one line; any other keeps its traceback."""
    from mien.errors import MienError

    if not isinstance(error, (MienError, FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)):
        sys.__excepthook__(kind, error, trace)
        return
    of_file = isinstance(error, OSError) and error.filename is not None
    told = f"{error.filename}: {error.strerror}" if of_file else str(error)  # type: ignore[attr-defined]
    print(f"benchmarks: {' '.join(told.split())}", file=sys.stderr)
    raise SystemExit(BAD_INPUT)


if "-m" in sys.orig_argv and any(word.startswith("benchmarks.") for word in sys.orig_argv):
    sys.excepthook = end_in_one_line  # a test that imports a script keeps its own
