"""Ensembles. In: several runs. Out: one `Run` that answers with the mean of their probabilities, or of their weights.

`mix_runs` makes it in memory, `choose_members` picks the members on valid, `average_weights` turns checkpoints of one
network into one network, `save_ensemble` makes a run folder of it that needs nothing else.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

import mien
from mien.errors import ConfigError, RunError
from mien.evaluation.metrics import rate
from mien.faces import Splits
from mien.files import make_folder
from mien.models import build_model
from mien.models.mixture import mix_networks
from mien.runs.beliefs_file import read_beliefs
from mien.runs.folder import RunFolder
from mien.runs.info import Ending, RunInfo
from mien.runs.run import WEIGHTS, Facts, Member, Run, describe_members, load_run, save_tensors
from mien.runs.seen import SeenFaces, merge_seen, write_seen
from mien.runs.temperatures import LEAST, read_temperatures

ROUNDS = 20
"""Picks of the greedy selection: shares are multiples of 1/20 or coarser."""

METRICS = ("loss", "accuracy", "balanced-accuracy")
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What greedy selection chose.

    Attributes:
        picks: how often each candidate was picked; their shares are picks / sum.
        scores: the metric of each candidate alone, higher is better (the loss is negative).
        score: that of the chosen mean.
    """

    picks: tuple[int, ...]
    scores: tuple[float, ...]
    score: float


def name_run(run: Run) -> str:
    """Return a short name: of the folder, or of the file where it is not a run's own weights."""
    path = run.path.resolve()
    if path.is_dir():
        return path.name
    if path.parent.name == "epochs":
        return f"{path.parent.parent.name}-{path.stem}"
    return path.parent.name if path.name == WEIGHTS else path.stem


def mix_runs(runs: Sequence[Run], shares: Sequence[float] | None = None, *, path: Path) -> Run:
    """Return a run that answers with the mean of the runs' probabilities; a member that is an ensemble is unfolded.

    Args:
        runs: at least one; of the same expressions.
        shares: positive, one a run, with sum 1; None: all alike.
        path: of the weights file that the run would have; calibration and cache lie beside it.

    Raises:
        RunError: the expressions of two runs differ.
    """
    for run in runs:
        check_same_expressions(runs[0], run)
    shares = shares or [1.0 / len(runs)] * len(runs)
    members = tuple(member for run, share in zip(runs, shares, strict=True) for member in _unfold(run, share))
    network = mix_networks([member.network for member in members], [member.share for member in members]).eval()
    first, same_size = runs[0], len({run.recipe.data.size for run in runs}) == 1
    data = replace(first.recipe.data, size=first.recipe.data.size if same_size else network.size)
    about = f"the mean of {len(members)} networks: {', '.join(member.name for member in members)}"
    heads = {run.head_name for run in runs}
    head = heads.pop() if len(heads) == 1 else ""  # of one head all is kept under its name, as of a single run
    named = [run.mark if head else f"{run.mark}{run.head_name}" for run in runs]
    marks = "/".join(f"{name}:{share:.6f}" for name, share in zip(named, shares, strict=True))
    mixed = Run(
        path=path,
        recipe=replace(first.recipe, name="ensemble", about=about, data=data),
        expressions=first.expressions,
        network=network,
        size=network.size,
        source=first.source,
        synthetic=any(run.synthetic for run in runs),
        epoch=0,
        details={"checksum": zlib.crc32(marks.encode())},
        members=members,
        seen=merge_seen([run.seen for run in runs]) if len({run.size for run in runs}) == 1 else None,
        fingerprints=first.fingerprints,
        head_name=head,
    )
    beliefs = read_beliefs(mixed.folder, mixed.mark)
    return replace(mixed, temperatures=read_temperatures(mixed.folder, mixed.mark), beliefs=beliefs)


def _unfold(run: Run, share: float) -> list[Member]:
    if run.members:
        return [replace(member, share=share * member.share) for member in run.members]
    known: dict[str, Any] = {"recipe": run.recipe, "source": run.source, "epoch": run.epoch}
    known |= {"seen": run.seen, "fingerprints": run.fingerprints}
    return [Member(network=run.network, share=share, name=name_run(run), **known)]


def check_each_once(runs: Sequence[Run]) -> None:
    """Raise ConfigError where a run is given twice: its mean with itself is itself."""
    places = [(run.path.resolve(), run.head_name) for run in runs]
    twice = next((run.path for run, place in zip(runs, places, strict=True) if places.count(place) > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice}: expected each run once, found it twice")


def check_same_expressions(first: Run, second: Run) -> None:
    """Raise RunError where two runs do not answer with the same expressions in the same order."""
    if first.expressions != second.expressions:
        expected, found = ", ".join(first.expressions), ", ".join(second.expressions)
        raise RunError(f"{second.path}: expected the classes of {first.path} ({expected}), found {found}")


def choose_members(
    labels: npt.NDArray[np.int64], answers: Sequence[Probabilities], *, metric: str = "loss", rounds: int = ROUNDS
) -> Selection:
    """Return the greedy selection with replacement (Caruana et al. 2004, section 2) on the faces of valid.

    Each round adds the candidate whose addition to the mean scores best; the best of all rounds counts, the earliest of
    equals. Like theirs it may pick one several times, so that a strong member weighs more.

    Args:
        labels: (N,) true classes.
        answers: probabilities (N, K) of each candidate.
        metric: one of `METRICS`.
        rounds: picks at most.
    """
    picks, total = [0] * len(answers), np.zeros(answers[0].shape)
    best: tuple[float, tuple[int, ...]] = (-np.inf, ())
    for done in range(rounds):
        scores = [score_by(labels, (total + answer) / (done + 1), metric) for answer in answers]
        chosen = int(np.argmax(scores))
        picks[chosen] += 1
        total += answers[chosen]
        best = max(best, (scores[chosen], tuple(picks)), key=lambda found: found[0])
    alone = tuple(score_by(labels, answer, metric) for answer in answers)
    return Selection(picks=best[1], scores=alone, score=best[0])


def score_by(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.floating], metric: str) -> float:
    """Return a metric with the sign that makes higher better.

    >>> round(score_by(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]]), "loss"), 3)
    -0.693
    """
    if metric == "loss":
        return float(np.log(np.maximum(probabilities[np.arange(len(labels)), labels], LEAST)).mean())
    rates = rate(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    return float(getattr(rates, metric.replace("-", "_")))


def find_snapshots(folder: Path, last: int) -> list[Path]:
    """Return the weights of the last epochs of a run, oldest first.

    Raises:
        RunError: it kept fewer.
    """
    found = RunFolder(folder).snapshots()
    if len(found) < last:
        advice = f"train with `set` train.keep_last={last}"
        raise RunError(f"{folder}: expected the weights of its last {last} epochs, found {len(found)}: {advice}")
    return found[-last:]


def average_weights(runs: Sequence[Run], *, path: Path) -> Run:
    """Return one network whose weights are the mean of the runs' (stochastic weight averaging, Izmailov et al. 2018).

    The statistics of batch norm are averaged, too, as `mien.training.ema` does; integers are those of the last run.

    Raises:
        RunError: the runs are not of one network and the same expressions.
    """
    first, last = runs[0], runs[-1]
    for run in runs:
        check_same_expressions(first, run)
        if run.members or run.recipe.model != first.recipe.model or run.size != first.size:
            expected = f"{first.recipe.model.name} for {first.size} pixels, as in {first.path}"
            raise RunError(f"{run.path}: weights are averaged of one network only: expected {expected}")
    states = [run.network.state_dict() for run in runs]
    mean = {
        name: torch.stack([state[name] for state in states]).mean(dim=0) if value.is_floating_point() else value
        for name, value in last.network.state_dict().items()
    }
    network = build_model(first.recipe.model, classes=len(first.expressions), size=first.size)
    network.load_state_dict(mean)
    seen = merge_seen([run.seen for run in runs])
    averaged = [f"{name_run(run)}, epoch {run.epoch}" for run in runs]
    return replace(last, path=path, network=network.eval(), details={"averaged": averaged}, temperatures={}, seen=seen)


def save_ensemble(run: Run, folder: RunFolder, splits: Splits, *, seen: SeenFaces | None = None) -> Run:
    """Write a run folder that needs nothing else, and return the run that it holds.

    Args:
        run: of `mix_runs` or `average_weights`.
        folder: new.
        splits: that the members were trained on.
        seen: the faces that they have seen together, where that is known.

    Raises:
        RunError: a run is there already.
    """
    folder.refuse_overwriting()
    make_folder(folder.path)
    facts: Facts = {
        "recipe": run.recipe.to_dict(),
        **{name: getattr(run, name) for name in ("source", "synthetic", "epoch", "size")},
        "expressions": list(run.expressions),
        "versions": {"mien": mien.__version__, "torch": torch.__version__},
    }
    details = {name: run.details[name] for name in ("averaged",) if name in run.details}
    if run.members:
        details["members"] = describe_members(run.members)
    save_tensors(folder.weights, run.network.state_dict(), {**facts, **details})
    if seen is not None:
        write_seen(folder.path, seen)
    finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    kind = f"ensemble of {len(run.members)} networks" if run.members else "mean of weights"
    info = RunInfo(
        recipe=run.recipe,
        source=run.source,
        expressions=run.expressions,
        outcome=Ending(stopped=kind, best_epoch=run.epoch, epochs=run.epoch, finished=finished),
        synthetic=run.synthetic,
        labels=run.recipe.data.labels,
        faces={name: len(split) for name, split in splits.named().items()},
        versions=facts["versions"],
        rest={"epoch": run.epoch, "size": run.size, **details},
    )
    folder.write_info(info)
    return load_run(folder.path)
