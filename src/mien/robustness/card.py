"""The table of a model card. In: a `Robustness`. Out: Markdown that says what was measured, on what and how."""

from __future__ import annotations

from mien.robustness.result import Robustness

SOURCE = "Hendrycks and Dietterich 2019 (ICLR), corruptions of five severities"


def write_card(robustness: Robustness) -> str:
    """Return the section on corruptions of a model card, as Markdown with a table.

    Confidence, calibration error and answer rate are those of the middle severity; the last row is the mean over every
    condition, clean left out.
    """
    headings, rows = robustness.tabulate()
    clean, middle = robustness.clean, robustness.middle
    blank = ["–"] * len(robustness.severities)
    first = ("clean", "–", *blank, f"{clean.accuracy:.1%}", f"{clean.confidence:.1%}")
    among = [one for one in robustness.conditions if one.severity == middle]
    means = [sum(getattr(one, name) for one in among) / len(among) for name in ("confidence", "ece", "answered")]
    by_severity = (
        sum(one.accuracy for one in there) / len(there)
        for severity in robustness.severities
        if (there := [one for one in robustness.conditions if one.severity == severity])
    )
    last = (
        *("**mean**", "–", *(f"{value:.1%}" for value in by_severity), f"**{robustness.accuracy:.1%}**"),
        *(f"{means[0]:.1%}", f"{means[1]:.3f}", f"{means[2]:.1%}"),
    )
    table = [headings, (*first, f"{clean.ece:.3f}", f"{clean.answered:.1%}"), *rows, last]
    lines = [_write_row(row) for row in table]
    lines.insert(1, "|---|---|" + "---:|" * (len(headings) - 2))
    return "\n".join([*_tell(robustness), "", *lines]) + "\n"


def _tell(robustness: Robustness) -> list[str]:
    low, high = robustness.interval.low, robustness.interval.high
    drawn = " Synthetic faces." if robustness.synthetic else ""
    labels = "the data's own labels" if robustness.labelled_by == "own" else f"labels {robustness.labelled_by}"
    return [
        f"Mean corruption accuracy **{robustness.accuracy:.1%}** (95 % interval over faces {low:.1%} to {high:.1%}), "
        f"clean {robustness.clean.accuracy:.1%}: {robustness.split} of {robustness.source}, n = {robustness.n:,}, "
        f"{labels}, seed {robustness.seed}.{drawn}",
        f"After {SOURCE}. Answered: with a confidence of at least {robustness.answer_from:g}.",
    ]


def _write_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
