"""Where a run came from and how it was trained. In: its folder and its weights. Out: `Origin` and `TrainingPart`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mien.reports.data import Absent, Origin, TrainingPart
from mien.runs.run import Run
from mien.training import RunFolder

Record = dict[str, float]


def read_facts(run: Run) -> dict[str, Any]:
    """Return what run.json holds; nothing where there is none, because weights can be used without it.

    Raises:
        RunError: run.json is damaged.
    """
    folder = RunFolder(run.path)
    return folder.read_facts() if (run.path / "run.json").exists() else {}


def tell_origin(run: Run, facts: dict[str, Any]) -> Origin:
    """Return where `run` came from, as far as its weights and its run.json `facts` tell."""
    outcome = facts.get("outcome") or {}
    return Origin(
        name=run.path.resolve().name,
        recipe=run.recipe.to_dict(),
        data=Path(run.source).name,
        members=tuple(f"{member.name} ({member.share:.0%})" for member in run.members),
        synthetic=run.synthetic,
        expressions=run.expressions,
        size=run.size,
        epoch=run.epoch,
        faces=dict(facts.get("faces", {})),
        fingerprints={
            name: facts[f"{name}_fingerprint"] for name in ("train", "valid") if f"{name}_fingerprint" in facts
        },
        versions=dict(facts.get("versions") or run.details.get("versions") or {}),
        hardware=str(facts.get("hardware", "")),
        started=str(facts.get("started", "")),
        finished=str(outcome.get("finished", "")),
        seconds=outcome.get("seconds"),
    )


def tell_training(run: Run, facts: dict[str, Any]) -> TrainingPart | Absent:
    """Return the epochs of `run`; Absent where its folder holds no sound history."""
    history = read_history(run.path / "history.jsonl")
    if isinstance(history, Absent):
        return history
    outcome = facts.get("outcome") or {}
    kept = next((record for record in history if record["epoch"] == run.epoch), {})
    planned = run.recipe.train.epochs
    return TrainingPart(
        history=history,
        best_epoch=run.epoch,
        stopped=str(outcome.get("stopped", "")),
        stopped_early=bool(outcome) and len(history) < planned,
        kept_accuracy=kept.get("valid_accuracy"),
        last_accuracy=history[-1].get("valid_accuracy"),
        train_accuracy=kept.get("train_accuracy"),
    )


def read_history(path: Path) -> tuple[Record, ...] | Absent:
    """Return the records of history.jsonl, at least one."""
    try:
        history = tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    except OSError:
        return Absent(reason="no-history", detail={"file": path.name})
    except ValueError:
        return Absent(reason="damaged", detail={"file": path.name})
    needed = {"epoch", "lr", "train_loss", "train_accuracy"}
    if not all(isinstance(record, dict) and needed <= set(record) for record in history):
        return Absent(reason="damaged", detail={"file": path.name})
    return history or Absent(reason="no-history", detail={"file": path.name})
