"""`Robustness`: how one network answers the same faces clean and under each corruption. Prints in one screen."""

from __future__ import annotations

from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MissingExtraError
from mien.evaluation.metrics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLEAN = "clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a network answers under one corruption of one severity.

    Attributes:
        corruption: its name; `CLEAN` for the faces as they are.
        severity: 1 to 5; 0 for clean.
        amount: of the severity, in words.
        accuracy: the part of all faces that is right.
        interval: Wilson's 95 % interval of it.
        balanced_accuracy: mean recall of the expressions that have faces.
        confidence: mean probability of the answer. Far above accuracy, it misleads.
        ece: expected calibration error, 15 bins (`mien.evaluation.reliability`).
        answered: answer rate, the part of the faces answered with a confidence of at least `Robustness.answer_from`.
        answered_accuracy: the part of those that is right; None where there are none.
    """

    corruption: str
    severity: int
    amount: str
    accuracy: float
    interval: Interval
    balanced_accuracy: float
    confidence: float
    ece: float
    answered: float
    answered_accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Robustness:
    """Accuracy, confidence, calibration error and answer rate of one network under corruptions.

    Attributes:
        network: as the user named it.
        mark: what tells its weights from others; "" where nobody knows.
        recipe: name of its recipe.
        expressions: its classes.
        source: the data, as the user named it.
        split: of the data.
        labelled_by: whose labels count: "own", or FER+ taggers ("ferplus").
        n: faces, the same under each corruption.
        synthetic: True if the faces, or those trained on, are drawn.
        seed: of all chance.
        answer_from: confidence from which an answer counts in the answer rate.
        clean: the faces as they are.
        conditions: each corruption and severity, in the order of `CORRUPTIONS`.
        interval: 95 % interval of `accuracy`, over faces.
        views: how each face was shown.
    """

    network: str
    mark: str
    recipe: str
    expressions: tuple[str, ...]
    source: str
    split: str
    labelled_by: str
    n: int
    synthetic: bool
    seed: int
    answer_from: float
    clean: Condition
    conditions: tuple[Condition, ...]
    interval: Interval
    views: tuple[str, ...] = ("plain",)

    def __len__(self) -> int:
        return len(self.conditions)

    @property
    def accuracy(self) -> float:
        """Mean corruption accuracy: over all corruptions and severities measured, each of the same weight."""
        return sum(one.accuracy for one in self.conditions) / len(self.conditions)

    @property
    def ece(self) -> float:
        """Mean expected calibration error over the same."""
        return sum(one.ece for one in self.conditions) / len(self.conditions)

    @property
    def severities(self) -> tuple[int, ...]:
        """The severities measured."""
        return tuple(sorted({one.severity for one in self.conditions}))

    @property
    def middle(self) -> int:
        """The middle one of them: 3, unless others were asked for."""
        return self.severities[len(self.severities) // 2]

    def group(self) -> dict[str, tuple[Condition, ...]]:
        """Return name of a corruption -> its conditions, the weakest first."""
        names = dict.fromkeys(one.corruption for one in self.conditions)
        return {name: tuple(one for one in self.conditions if one.corruption == name) for name in names}

    def find(self, corruption: str, severity: int) -> Condition:
        """Return one condition.

        Raises:
            KeyError: it was not measured.
        """
        for one in self.conditions:
            if (one.corruption, one.severity) == (corruption, severity):
                return one
        raise KeyError(f"{corruption} of severity {severity} was not measured")

    def to_frame(self) -> Any:
        """Return a pandas `DataFrame`: a row for clean, and one for each corruption and severity.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("pandas", "frames") from None
        return pandas.DataFrame(self.list_records())

    def plot(self, path: Path | str | None = None) -> Figure:
        """Draw accuracy over severity, a panel a corruption, and return matplotlib's figure.

        Args:
            path: .svg or .png to write it to; None: nothing is written.
        """
        from mien.robustness.picture import draw_robustness

        return draw_robustness(self, None if path is None else Path(path))

    def list_records(self) -> list[dict[str, Any]]:
        """Return a row for clean, and one for each corruption and severity, as plain values by name."""
        return [describe_condition(one) for one in (self.clean, *self.conditions)]

    def tell(self) -> list[str]:
        """Return what was measured and the figures to see first, in three lines."""
        drawn = ", synthetic faces" if self.synthetic else ""
        labels = "" if self.labelled_by == "own" else f", labels {self.labelled_by}"
        shown = "" if self.views == ("plain",) else f", views {' + '.join(self.views)}"
        several = _count(len(self.group()), "corruption") + " × " + _count(len(self.severities), "severit", "y", "ies")
        low, high = self.interval.low, self.interval.high
        clean = self.clean
        sure = f"confidence {clean.confidence:.1%}, ECE {clean.ece:.3f}, answered {clean.answered:.1%}"
        within = f"95% interval {clean.interval.low:.1%} to {clean.interval.high:.1%}"
        return [
            f"Robustness of {self.network} on {self.split} of {self.source} "
            f"(n = {self.n:,}, seed {self.seed}{labels}{shown}{drawn})",
            f"clean: accuracy {clean.accuracy:.1%} ({within}), {sure}",
            f"mean corruption accuracy {self.accuracy:.1%} (95% interval {low:.1%} to {high:.1%}), "
            f"mean ECE {self.ece:.3f}: {several}",
        ]

    def tabulate(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return headings and rows: a corruption a row, its accuracy at each severity, the rest at the middle one."""
        middle = self.middle
        at = f"at {middle}"
        headings = ("corruption", f"severity {middle}", *(str(one) for one in self.severities), "mean")
        rows = []
        for name, conditions in self.group().items():
            there = next(one for one in conditions if one.severity == middle)
            mean = sum(one.accuracy for one in conditions) / len(conditions)
            told = (f"{one.accuracy:.1%}" for one in conditions)
            more = (f"{there.confidence:.1%}", f"{there.ece:.3f}", f"{there.answered:.1%}")
            rows.append((name, there.amount, *told, f"{mean:.1%}", *more))
        return (*headings, f"confidence {at}", f"ECE {at}", f"answered {at}"), rows

    def __repr__(self) -> str:
        headings, rows = self.tabulate()
        widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in (headings, *rows)
        ]
        first, *rest = self.tell()
        return "\n".join([first, *(f"  {line.rstrip()}" for line in (*rest, *lines))])

    def _repr_html_(self) -> str:
        headings, rows = self.tabulate()
        told = "<br>".join(escape(line) for line in self.tell())
        head = "".join(f"<th>{escape(name)}</th>" for name in headings)
        body = "".join(
            f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in rest)}</tr>"
            for first, *rest in rows
        )
        return f"<p>{told}</p><table><tr>{head}</tr>{body}</table>"


def _count(number: int, stem: str, one: str = "", more: str = "s") -> str:
    return f"{number} {stem}{one if number == 1 else more}"


def describe_condition(condition: Condition) -> dict[str, Any]:
    """Return a condition as plain values, its interval as two of them."""
    values = {entry.name: getattr(condition, entry.name) for entry in fields(condition) if entry.name != "interval"}
    values["low"], values["high"] = condition.interval.low, condition.interval.high
    return values
