"""Measure a study. In: a `Plan` and the evaluations of its runs. Out: `Results`: a row a variant, plain values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev
from typing import Any

import numpy as np

from mien.errors import RunError
from mien.evaluation.differences import BY_RIGHT, TITLES, Difference, Pair, compare_pairs
from mien.evaluation.evaluation import FIGURES, Evaluation, read_evaluation
from mien.evaluation.metrics import rate
from mien.runs.info import read_info
from mien.studies.folder import StudyFolder
from mien.studies.jobs import evaluation_folder
from mien.studies.plan import BASE, Plan, Variant

TITLED = tuple((name, TITLES[name]) for name in BY_RIGHT)
METRICS = tuple(title for _, title in TITLED)
"""What a study compares, as its files and tables name it."""

Evaluations = dict[int, Evaluation]
"""Seed -> what the run of that seed answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One metric of one variant: mean, standard deviation (None for fewer than two) and one value a seed."""

    mean: float
    sd: float | None
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One variant.

    Attributes:
        name: of the variant.
        seeds: of the runs that are finished; a figure has a value for each.
        figures: metric -> figure; an ensemble has one value.
        differences: metric -> variant minus base, over `paired`; empty for the base and where nothing pairs.
        paired: the seeds that both have.
        minutes: training time of a run, the mean over the seeds; of an ensemble, the sum.
        is_ensemble: True if this is the mean over the seeds of another variant.
    """

    name: str
    seeds: tuple[int, ...]
    figures: dict[str, Figure]
    differences: dict[str, Difference]
    paired: tuple[int, ...]
    minutes: float
    is_ensemble: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a study found.

    Attributes:
        data: the faces, as the user named them.
        synthetic: True if they are drawn.
        recipe: name of the base recipe.
        changes: assignments that hold for all variants.
        split: the faces measured on.
        faces: how many (of the first seed).
        same_faces: False if each seed holds out valid faces of its own.
        keeps_best: some variant keeps the best epoch, chosen on valid.
        rows: the base first; variants without a finished run are left out.
        missing: runs that are not finished.
    """

    data: str
    synthetic: bool
    recipe: str
    changes: tuple[str, ...]
    split: str
    faces: int
    same_faces: bool
    keeps_best: bool
    rows: tuple[Row, ...]
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def read_results(values: Mapping[str, Any]) -> Results:
    """Return the results that `Results.to_dict` wrote, from JSON or not."""
    return Results(
        **{
            **values,
            "changes": tuple(values["changes"]),
            "missing": tuple(values["missing"]),
            "rows": tuple(_read_row(row) for row in values["rows"]),
        }
    )


def measure_study(plan: Plan, folder: StudyFolder) -> Results | None:
    """Return what the finished runs show, or None while no run of the base is finished.

    Raises:
        RunError: an evaluation is damaged, or runs of one seed were measured on different faces.
    """
    trained = {variant.name: _read_seeds(plan, folder, variant) for variant in plan.trained}
    if not trained[BASE]:
        return None
    _check_faces(trained)
    first = next(iter(trained[BASE].values()))
    same = all(np.array_equal(first.ids, found.ids) for found in trained[BASE].values())
    minutes = {name: _sum_minutes(folder, name, found) for name, found in trained.items()}
    rows = [_make_row(variant, trained, minutes, same) for variant in plan.variants]
    missing = [(name, seed) for name, found in trained.items() for seed in plan.seeds if seed not in found]
    return Results(
        data=plan.data,
        synthetic=first.synthetic,
        recipe=plan.recipe,
        changes=plan.changes,
        split=plan.split,
        faces=len(first),
        same_faces=same,
        keeps_best=any(plan.recipe_of(variant).train.keep == "best" for variant in plan.trained),
        rows=tuple(row for row in rows if row is not None),
        missing=tuple(f"{name}, seed {seed}" for name, seed in missing),
    )


def _read_seeds(plan: Plan, folder: StudyFolder, variant: Variant) -> Evaluations:
    """Return the evaluations of the finished runs of a variant."""
    found = {}
    for seed in plan.seeds:
        run = folder.run(variant.name, seed)
        place, info = evaluation_folder(run, plan.split), read_info(run)
        if info is not None and info.outcome and (place / FIGURES).exists():
            found[seed] = read_evaluation(place)
    return found


def _check_faces(trained: Mapping[str, Evaluations]) -> None:
    """Raise RunError unless all runs of a seed answered the same faces, shown in the same way."""
    ways = {(found.views, found.rule) for seeds in trained.values() for found in seeds.values()}
    if len(ways) > 1:
        raise RunError("the runs were evaluated with different views or rules: run `mien evaluate` alike for all")
    for name, seeds in trained.items():
        for seed, found in seeds.items():
            base = trained[BASE].get(seed, found)
            if not (np.array_equal(base.ids, found.ids) and np.array_equal(base.labels, found.labels)):
                raise RunError(f"{name}, seed {seed}: measured on other faces than the base: has the data changed?")


def _make_row(
    variant: Variant, trained: Mapping[str, Evaluations], minutes: Mapping[str, Sequence[float]], same_faces: bool
) -> Row | None:
    """Return the row of a variant; None where no run of it is finished, or too few for an ensemble."""
    name, base = variant.members or variant.name, trained[BASE]
    found, spent = trained[name], minutes[name]
    if not found or (variant.members and len(found) < 2):
        return None
    shown = dict.fromkeys(base, _average(found)) if variant.members else found
    paired = tuple(seed for seed in shown if seed in base and variant.name != BASE)
    pairs = [_pair(base[seed], shown[seed]) for seed in paired]
    distinct = list(shown.values())[: 1 if variant.members else None]
    rates = [rate(entry.labels, entry.predicted, len(entry.expressions)) for entry in distinct]
    classes = len(distinct[0].expressions)
    differences = compare_pairs(pairs, classes=classes, same_faces=same_faces) if pairs else {}
    return Row(
        name=variant.name,
        seeds=tuple(found),
        figures={metric: _sum_up([getattr(each, name) for each in rates]) for name, metric in TITLED},
        differences={metric: differences[name] for name, metric in TITLED if pairs},
        paired=paired,
        minutes=sum(spent) if variant.members else fmean(spent),
        is_ensemble=variant.members is not None,
    )


def _average(found: Evaluations) -> Evaluation:
    """Return the answers of all seeds together: the mean of their probabilities."""
    first = next(iter(found.values()))
    members = np.stack([entry.probabilities for entry in found.values()])
    return replace(first, probabilities=members.mean(axis=0, dtype=np.float32))


def _pair(base: Evaluation, variant: Evaluation) -> Pair:
    return Pair(labels=base.labels, base=base.predicted, variant=variant.predicted)


def _sum_up(values: Sequence[float]) -> Figure:
    return Figure(mean=fmean(values), sd=stdev(values) if len(values) > 1 else None, values=tuple(values))


def _sum_minutes(folder: StudyFolder, name: str, found: Evaluations) -> list[float]:
    infos = [read_info(folder.run(name, seed)) for seed in found]
    return [info.outcome.seconds / 60.0 for info in infos if info is not None and info.outcome is not None]


def _read_row(values: Mapping[str, Any]) -> Row:
    figures = {name: Figure(**{**entry, "values": tuple(entry["values"])}) for name, entry in values["figures"].items()}
    differences = {name: _read_difference(entry) for name, entry in values["differences"].items()}
    sides = {name: tuple(values[name]) for name in ("seeds", "paired")}
    return Row(**{**values, **sides, "figures": figures, "differences": differences})


def _read_difference(values: Mapping[str, Any]) -> Difference:
    """Return a difference; older files call its value the mean."""
    value = values["value"] if "value" in values else values["mean"]
    return Difference(value=value, low=values["low"], high=values["high"], values=tuple(values["values"]))
