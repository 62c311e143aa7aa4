"""What `mien stress` left in a run's folder, for its report. In: a run, a `Robustness`. Out: part, words and table."""

from __future__ import annotations

from mien.errors import RunError
from mien.reports.data import Absent
from mien.reports.numbers import Say, write_interval, write_percent
from mien.reports.table import Row, Table, write_row
from mien.robustness import Robustness
from mien.robustness.kept import FIGURES, FOLDER, read_robustness
from mien.runs.run import Run


def tell_robustness(run: Run) -> Robustness | Absent:
    """Return what was measured on valid of the run's data; a report corrupts no faces itself, which takes minutes."""
    folder = run.folder / FOLDER
    if not (folder / FIGURES).exists():
        return Absent(reason="not-stressed", detail={})
    try:
        found = read_robustness(folder)
    except RunError as error:
        return Absent(reason="robustness-damaged", detail={"problem": str(error)})
    is_current = (found.mark, found.expressions) == (run.mark, run.expressions)
    return found if is_current and found.conditions else Absent(reason="robustness-stale", detail={})


def tell_mean(found: Robustness, say: Say) -> list[str]:
    """Return the one number with its interval, and where the network is most too sure of itself."""
    several = {"corruptions": len(found.group()), "severities": len(found.severities)}
    worst = max(found.conditions, key=lambda one: one.confidence - one.accuracy)
    return [
        say(
            "robustness.mean",
            mean=write_percent(found.accuracy),
            interval=write_interval(found.interval, say),
            clean=write_percent(found.clean.accuracy),
            **several,
        ),
        say(
            "robustness.worst",
            corruption=say(f"corruption.{worst.corruption}"),
            severity=worst.severity,
            confidence=write_percent(worst.confidence),
            accuracy=write_percent(worst.accuracy),
        ),
    ]


def tabulate_robustness(found: Robustness, say: Say) -> Table:
    """Return accuracy under each corruption and severity; the rest at the middle severity."""
    middle, least = found.middle, f"{found.answer_from:g}"
    rows = [_write_row(found, name, say) for name in found.group()]
    names = ("confidence", "ece", "answered")
    return Table(
        caption=say(
            "robustness.table", split=say(f"split.{found.split}"), n=f"{found.n:,}", seed=found.seed, least=least
        ),
        headings=(
            say("robustness.corruption"),
            say("robustness.amount", severity=middle),
            *(str(severity) for severity in found.severities),
            say("robustness.mean-word"),
            *(say(f"robustness.{name}", severity=middle) for name in names),
        ),
        words=(True, True, *(False,) * (len(found.severities) + 4)),
        rows=tuple(rows),
        look="dense",
    )


def _write_row(found: Robustness, name: str, say: Say) -> Row:
    conditions = found.group()[name]
    there = next(one for one in conditions if one.severity == found.middle)
    return write_row(
        say(f"corruption.{name}"),
        there.amount,
        *(write_percent(one.accuracy, 0) for one in conditions),
        write_percent(sum(one.accuracy for one in conditions) / len(conditions)),
        write_percent(there.confidence, 0),
        f"{there.ece:.3f}",
        write_percent(there.answered, 0),
    )
