"""`Evaluation`: what a run answered on one split, and its files.

In: an `Evaluation`. Out: evaluation.json (what was evaluated, and every figure) and predictions.csv (one line a face);
`read_evaluation` makes an equal `Evaluation` of them again. Every figure is derived, none is stored in the value.
"""

from __future__ import annotations

import csv
import json
import platform
from dataclasses import asdict, dataclass, fields, replace
from html import escape
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import mien
from mien.beliefs.base_rates import TRAINING, shift_rates
from mien.beliefs.sets import SetRule
from mien.errors import MienError, MissingExtraError, RunError
from mien.evaluation.answer_rows import list_rows
from mien.evaluation.metrics import LEVEL, RESAMPLES, Scores, score
from mien.evaluation.rules import ARGMAX, Rule, decide
from mien.evaluation.set_scores import SetScores, score_sets
from mien.files import make_folder, write_rows, write_text
from mien.labels import tell_columns_apart
from mien.runs.temperatures import scale_probabilities

FIGURES = "evaluation.json"
PREDICTIONS = "predictions.csv"
FORMAT = 1
SEED = 0
"""Seed of the bootstrap of differences between decision rules: the same evaluation always has the same ones."""

LEADING_COLUMNS = ("id", "label", "predicted", "copy")
FACTS = ("expressions", "split", "source", "trained_on", "copies_sought_in", "synthetic", "recipe", "epoch", "views")
LATER_FACTS = ("members", "temperature", "labelled_by", "about_data", "prior", "rates_before", "rates")
"""Facts that older files lack: their defaults are what held then."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Evaluation:
    """Labels and probabilities of N faces of one split, K expressions. Prints its figures.

    Attributes:
        labels: int64 (N,), the true classes, 0 to K − 1.
        probabilities: float32 (N, K), rows that sum to 1.
        ids: str (N,), where each face came from.
        copies: bool (N,), True where an exact copy of the face stands in train or valid of `copies_sought_in`.
        expressions: K class names.
        split: its name.
        source: the data, as the user named it.
        trained_on: the data that the network was trained on.
        copies_sought_in: the same, or `source` where that could not be read any more.
        synthetic: True if the faces, or those trained on, are drawn.
        recipe: name of the recipe.
        epoch: the epoch whose weights were evaluated.
        views: how each face was shown; the probabilities are the mean over them.
        members: names of the runs of an ensemble; empty for a single network.
        temperature: what the probabilities were scaled by (`mien.runs.temperatures`); 1: as the network gave them.
        rule: how probabilities become answers.
        labelled_by: who gave the labels: "own" (the data itself), the majority of FER+ taggers ("ferplus", "ferplus8"),
            or "people" (the data itself, of faces with such a majority).
        prior: the base rates that were assumed, as they were asked for: "training" leaves the network's own.
        rates_before: (K,) those that the network assumes; empty where that is all there is.
        rates: (K,) those of `prior`, to which the probabilities were shifted; empty likewise.
        sets: how expressions are named together; None: not at all.
        about_data: in one line how the data differs from what the run was trained on; empty where it does not.
    """

    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    ids: npt.NDArray[np.str_]
    copies: npt.NDArray[np.bool_]
    expressions: tuple[str, ...]
    split: str
    source: str
    trained_on: str
    copies_sought_in: str
    synthetic: bool
    recipe: str
    epoch: int
    views: tuple[str, ...]
    members: tuple[str, ...] = ()
    temperature: float = 1.0
    rule: Rule = ARGMAX
    labelled_by: str = "own"
    about_data: str = ""
    prior: str = "training"
    rates_before: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    sets: SetRule | None = None

    def __post_init__(self) -> None:
        expected = (len(self.labels), len(self.expressions))
        if self.probabilities.shape != expected:
            raise MienError(f"probabilities: expected {expected}, found {self.probabilities.shape}")
        if not np.allclose(self.probabilities.sum(axis=1), 1.0, atol=1e-3):
            raise MienError("probabilities: expected finite rows that sum to 1: are the network's weights sound?")
        if not np.isin(self.labels, np.arange(expected[1])).all():
            raise MienError(f"labels: expected 0 to {expected[1] - 1}, found {sorted(set(self.labels.tolist()))}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evaluation):
            return NotImplemented
        return all(np.array_equal(getattr(self, entry.name), getattr(other, entry.name)) for entry in fields(self))

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The answer to each face, (N,): the most probable class, unless another rule decides; −1 for none."""
        return decide(self.probabilities, self.rule)

    @property
    def accuracy(self) -> float:
        """The part of the answered faces that is right."""
        return self.score().accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        interval = self.score().interval
        return interval.low, interval.high

    @property
    def confusion_matrix(self) -> npt.NDArray[np.int64]:
        """Counts (K, K): rows are true expressions, columns predicted ones."""
        return np.array(self.score().confusion, dtype=np.int64)

    def to_frame(self) -> Any:
        """Return a pandas `DataFrame`: a row a face, with id, label, predicted, copy, and a probability a class.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("pandas", "frames") from None
        names = (*LEADING_COLUMNS, *tell_columns_apart(self.expressions, LEADING_COLUMNS))
        known = np.array((*self.expressions, ""))  # the last one, at −1: no answer
        columns = (self.ids, known[self.labels], known[self.predicted], self.copies, *self.probabilities.T)
        return pandas.DataFrame(dict(zip(names, columns, strict=True)))

    def plot(self, *, ax: Any = None, normalize: str | None = "true") -> Any:
        """Draw the confusion matrix and return scikit-learn's `ConfusionMatrixDisplay`.

        Args:
            ax: matplotlib's axes; None: new ones.
            normalize: "true" (each row adds up to 1), "pred", "all" or None (counts).
        """
        from sklearn.metrics import ConfusionMatrixDisplay

        answered = self.predicted >= 0
        names = np.array(self.expressions)
        return ConfusionMatrixDisplay.from_predictions(
            names[self.labels[answered]],
            names[self.predicted[answered]],
            labels=names,
            normalize=normalize,
            values_format=None if normalize is None else ".0%",
            cmap="Blues",
            colorbar=False,
            xticks_rotation=45,
            ax=ax,
        )

    def __repr__(self) -> str:
        scores, (low, high) = self.score(), self.interval
        drawn = ", synthetic faces" if self.synthetic else ""
        lines = [
            f"Evaluation of {self.recipe} (epoch {self.epoch}) on {self.split} of {self.source}{drawn}",
            f"  accuracy {scores.accuracy:.1%}  (95% interval {low:.1%} to {high:.1%}, n = {scores.n:,})",
            f"  balanced accuracy {scores.balanced_accuracy:.1%}, macro F1 {scores.macro_f1:.3f}, "
            f"log loss {scores.log_loss:.3f}, calibration error {scores.calibration.ece:.3f}",
        ]
        lines += [
            f"  {entry.expression:10} recall {entry.recall:.0%} of {entry.support:,}" for entry in scores.classes[:12]
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        scores = self.score()
        head = "".join(f"<th>{escape(name)}</th>" for name in ("true \\ predicted", *self.expressions, "recall"))
        rows = "".join(
            f"<tr><th>{escape(entry.expression)}</th>{''.join(f'<td>{count:,}</td>' for count in counts)}"
            f"<td>{entry.recall:.0%}</td></tr>"
            for entry, counts in zip(scores.classes, scores.confusion, strict=True)
        )
        told = "<br>".join(escape(line) for line in repr(self).split("\n")[:3])
        return f"<p>{told}</p><table><tr>{head}</tr>{rows}</table>"

    def score(self) -> Scores:
        """Return every figure."""
        return self._score(np.ones(len(self), dtype=bool))

    def choose_sets(self) -> npt.NDArray[np.bool_]:
        """Return which expressions each face may show, bool (N, K): chosen at the network's own base rates."""
        if self.sets is None:
            raise MienError("sets: expected an evaluation with thresholds, found none: the run has no valid split")
        chosen = self.sets.apply(self.at_own_rates().probabilities)
        chosen[np.arange(len(self)), self.probabilities.argmax(axis=1)] = True
        return chosen

    def score_sets(self) -> SetScores:
        """Return how the sets fare: coverage overall and of each expression, mean size."""
        return score_sets(self.labels, self.choose_sets(), self.expressions)

    def score_without_copies(self) -> Scores | None:
        """Return every figure of the faces with no exact copy in train or valid; None if none of them is answered."""
        kept = ~self.copies
        return self._score(kept) if (self.predicted[kept] >= 0).any() else None

    def uncalibrated(self) -> Evaluation:
        """Return the same with the probabilities as the network gave them, at its own base rates."""
        own = self.at_own_rates()
        raw = scale_probabilities(own.probabilities, 1.0 / self.temperature)
        return replace(own, probabilities=raw, temperature=1.0)

    def at_own_rates(self) -> Evaluation:
        """Return the same at the base rates of the network's training."""
        if not self.rates:
            return self
        own = shift_rates(self.probabilities, self.rates, self.rates_before)
        return replace(self, probabilities=own, prior=TRAINING, rates=(), rates_before=())

    def _score(self, kept: npt.NDArray[np.bool_]) -> Scores:
        labels, probabilities, predicted = self.labels[kept], self.probabilities[kept], self.predicted[kept]
        return score(labels, probabilities, expressions=self.expressions, predicted=predicted)


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write evaluation.json and predictions.csv into `folder`, which is made where missing.

    Raises:
        MienError: a file cannot be written; what stood there before stays.
    """
    figures = json.dumps(describe_evaluation(evaluation), indent=2, ensure_ascii=False)
    make_folder(folder)
    heading = (*LEADING_COLUMNS, *tell_columns_apart(evaluation.expressions, LEADING_COLUMNS))
    facts, answers = (evaluation.ids, evaluation.copies), (evaluation.labels, evaluation.predicted)
    rows = list_rows(facts, answers, evaluation.probabilities, evaluation.expressions)
    write_rows(folder / PREDICTIONS, chain([heading], rows))
    write_text(folder / FIGURES, figures + "\n")


def describe_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """Return what evaluation.json holds: what was evaluated, and every figure, as plain values."""
    without = evaluation.score_without_copies()
    return {
        "format": FORMAT,
        **{name: getattr(evaluation, name) for name in (*FACTS, *LATER_FACTS)},
        "rule": asdict(evaluation.rule),
        "n": len(evaluation),
        "copies_in_train_or_valid": int(evaluation.copies.sum()),
        "interval": {"method": "wilson", "level": LEVEL},
        "bootstrap": {"seed": SEED, "resamples": RESAMPLES, "level": LEVEL},
        "scores": _describe(evaluation.score()),
        "scores_without_copies": None if without is None else _describe(without),
        "scores_before_scaling": None if evaluation.temperature == 1.0 else _describe_raw(evaluation.uncalibrated()),
        "sets": None if evaluation.sets is None else asdict(evaluation.sets),
        "set_scores": None if evaluation.sets is None else asdict(evaluation.score_sets()),
        "scores_at_own_rates": _describe_raw(evaluation.at_own_rates()) if evaluation.rates else None,
        "versions": {"python": platform.python_version(), "mien": mien.__version__, **_find_versions()},
    }


def read_evaluation(folder: Path) -> Evaluation:
    """Return the evaluation that `write_evaluation` wrote into `folder`.

    Raises:
        RunError: a file is missing, damaged or of another version.
    """
    facts = _read_facts(folder / FIGURES)
    path = folder / PREDICTIONS
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        names = facts["expressions"]
        known = (tuple(names), tell_columns_apart(names, LEADING_COLUMNS))  # the first one is that of older files
        if tuple(header) not in ((*LEADING_COLUMNS, *columns) for columns in known) or len(rows) != facts["n"]:
            raise ValueError(f"expected {facts['n']} rows of the {len(names)} expressions in {FIGURES}")
        ids, labels, _, copies, *columns = zip(*rows, strict=True)
        return Evaluation(
            labels=np.array([names.index(name) for name in labels], dtype=np.int64),
            probabilities=np.array(columns, dtype=np.float32).T,
            ids=np.array(ids, dtype=np.str_),
            copies=np.array(copies) == "1",
            **_pick_facts(facts),
        )
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror or error}): run `mien evaluate` again") from None
    except (ValueError, KeyError, TypeError, MienError) as error:
        raise RunError(f"{path}: does not fit {FIGURES} ({error}): run `mien evaluate` again") from None


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{path}: cannot be read ({reason}): `mien evaluate RUN` writes it") from None
    except ValueError as error:
        raise RunError(f"{path}: expected JSON, found a damaged file ({error})") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise RunError(f"{path}: expected an evaluation of format {FORMAT}: run `mien evaluate` again")
    return facts


def _pick_facts(facts: dict[str, Any]) -> dict[str, Any]:
    names = (*FACTS, *(name for name in LATER_FACTS if name in facts))
    picked = {name: tuple(facts[name]) if isinstance(facts[name], list) else facts[name] for name in names}
    if facts.get("sets") is not None:
        picked["sets"] = SetRule(**{**facts["sets"], "thresholds": tuple(facts["sets"]["thresholds"])})
    if "rule" in facts:
        picked["rule"] = Rule(**{**facts["rule"], "weights": tuple(facts["rule"]["weights"])})
    return picked


def _describe(scores: Scores) -> dict[str, Any]:
    return {**asdict(scores), "most_confused": [asdict(pair) for pair in scores.most_confused()]}


def _describe_raw(evaluation: Evaluation) -> dict[str, Any]:
    """Return the figures that a temperature or other base rates change, as they were without them."""
    scores = evaluation.score()
    return {"accuracy": scores.accuracy, "log_loss": scores.log_loss, "calibration": asdict(scores.calibration)}


def _find_versions() -> dict[str, str]:
    found = {}
    for package in ("numpy", "scikit-learn", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
