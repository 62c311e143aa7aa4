"""Where a run came from and how it was trained. In: its folder and its weights. Out: `Origin` and `TrainingPart`."""

from __future__ import annotations

import json
from pathlib import Path

from mien.reports.data import Absent, Origin, TrainingPart
from mien.runs.info import RunInfo
from mien.runs.run import Run
from mien.training.cost import count_multiply_adds

Record = dict[str, float]


def tell_origin(run: Run, info: RunInfo | None) -> Origin:
    """Return where `run` came from, as far as its weights and its run.json tell."""
    outcome = info.outcome if info else None
    return Origin(
        name=run.path.resolve().name,
        recipe=(run.whole or run).recipe.to_dict(),
        data=Path(run.source).name,
        members=tuple(f"{member.name} ({member.share:.0%})" for member in run.members),
        synthetic=run.synthetic,
        expressions=run.expressions,
        size=run.size,
        epoch=run.epoch,
        faces=dict(info.faces) if info else {},
        fingerprints=dict(info.fingerprints) if info else {},
        versions=dict((info.versions if info else None) or run.details.get("versions") or {}),
        hardware=info.hardware if info else "",
        started=info.started if info else "",
        finished=outcome.finished if outcome else "",
        seconds=outcome.seconds if outcome else None,
    )


def tell_training(run: Run, info: RunInfo | None) -> TrainingPart | Absent:
    """Return the epochs of `run`; Absent where its folder holds no sound history."""
    history = read_history(run.path / "history.jsonl")
    if isinstance(history, Absent):
        return history
    outcome = info.outcome if info else None
    kept = next((record for record in history if record["epoch"] == run.epoch), {})
    config, faces = run.recipe.train, info.faces.get("train") if info else None
    return TrainingPart(
        history=history,
        best_epoch=run.epoch,
        stopped=outcome.stopped if outcome else "",
        stopped_early=outcome is not None and len(history) < config.epochs,
        kept_accuracy=kept.get("valid_accuracy"),
        last_accuracy=history[-1].get("valid_accuracy"),
        train_accuracy=kept.get("train_accuracy"),
        multiply_adds=(
            count_multiply_adds(run.network, config, faces=faces, epochs=len(history)) if faces is not None else None
        ),
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
