"""Join runs into one that answers with the mean of their probabilities: paths go in, a saved run comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import ConfigError, DataError
from mien.evaluation.ensemble import (
    METRICS,
    Selection,
    average_weights,
    check_each_once,
    choose_members,
    find_snapshots,
    mix_runs,
    save_ensemble,
)
from mien.evaluation.known import Known, know_splits
from mien.evaluation.predict import calibrate_run, pick_device, predict_valid
from mien.hints import suggest
from mien.models.views import parse_views
from mien.runs.folder import RunFolder
from mien.runs.run import Run, load_run

HOWS = ("greedy", "all", "weights")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Runs that have become one.

    Attributes:
        run: the one, saved.
        runs: those that it was made of, or picked from.
        selection: what greedy selection picked; None where nothing was picked.
        metric: that it looked at.
        known: the data, and what has changed of it since training.
    """

    run: Run
    runs: tuple[Run, ...]
    selection: Selection | None
    metric: str
    known: Known

    @property
    def split(self) -> str:
        """The split to evaluate it on: the best that the data has."""
        there = self.known.splits.named()
        return next((name for name in ("test", "valid") if name in there), "train")

    def list_picks(self) -> list[tuple[str, str, str]]:
        """Return a line for each run: where it is, its figure on valid, its share; the last line is their mean."""
        found = self.selection
        if found is None:
            return []
        total = sum(found.picks)
        rows = [
            (str(run.path), f"{abs(score):.4f}", f"{picks / total:.0%}" if picks else "–")
            for run, score, picks in zip(self.runs, found.scores, found.picks, strict=True)
        ]
        return [*rows, ("their mean", f"{abs(found.score):.4f}", "")]


def join_runs(
    paths: Sequence[Path],
    folder: RunFolder,
    *,
    how: str | None = None,
    metric: str = "loss",
    last: int | None = None,
    views: str = "plain",
    data: str | None = None,
    device: str = "auto",
) -> Joined:
    """Write a run that needs none of those it was made of; test is never looked at.

    Args:
        paths: run folders, or weights files of epochs.
        folder: of the new run.
        how: "greedy" (members picked on valid), "all" (the mean of all), "weights" (one network with the mean weights);
            None: greedy, or weights where `last` is given.
        metric: what greedy looks at: "loss", "accuracy" or "balanced-accuracy".
        last: take so many of the newest epochs that each run has kept.
        views: how greedy shows the faces of valid.
        data: what the runs were trained on, where it has moved.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ConfigError: no such way, metric, view or device.
        DataError: there is no valid split that none of the runs has trained on.
        RunError: a run is missing or does not fit the others, or `folder` holds one already.
    """
    how = how or ("greedy" if last is None else "weights")
    _check_choice("how", how, HOWS)
    _check_choice("metric", metric, METRICS)
    shown, target, draft = parse_views(views), pick_device(device), folder.weights
    folder.refuse_overwriting()
    runs = [load_run(path) for path in _list_files(paths, last)]
    check_each_once(runs)
    mixed = average_weights(runs, path=draft) if how == "weights" else mix_runs(runs, path=draft)
    known, selection = know_splits(mixed, source=data), None
    valid = known.splits.valid
    if how == "greedy":
        known.require("valid")
        if valid is None:
            found = "the runs held out different faces: use `how` all"
            raise DataError(mixed.source, f"expected a valid split that no run has trained on, found none: {found}")
        answers = [predict_valid(run, valid, views=shown, device=target) for run in runs]
        selection = choose_members(valid.labels, answers, metric=metric)
        mixed = _mix_picked(runs, selection, draft)
    saved = save_ensemble(mixed, folder, known.splits, seen=known.seen if known.is_certain else None)
    if valid is not None:
        saved = calibrate_run(saved, valid, views=shown, device=target)
    return Joined(run=saved, runs=tuple(runs), selection=selection, metric=metric, known=known)


def _list_files(paths: Sequence[Path], last: int | None) -> list[Path]:
    return list(paths) if last is None else [path for run in paths for path in find_snapshots(run, last)]


def _mix_picked(runs: Sequence[Run], found: Selection, path: Path) -> Run:
    picked = [(run, picks / sum(found.picks)) for run, picks in zip(runs, found.picks, strict=True) if picks]
    return mix_runs([run for run, _ in picked], [share for _, share in picked], path=path)


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ConfigError(f"`{name}` {value}: expected one of {', '.join(choices)}{suggest(value, choices)}")
