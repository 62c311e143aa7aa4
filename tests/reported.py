"""A run folder that was never trained, with answers made by hand: every figure of its report is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from conftest import SHAPES, tiny_recipe, write_shapes
from mien.data.prepare import fingerprint, prepare_splits
from mien.evaluation.evaluation import Evaluation, write_evaluation
from mien.models import build_model
from mien.runs.info import Ending, RunInfo
from mien.runs.run import save_tensors
from mien.training import RunFolder

PER_CLASS = {"train": 20, "valid": 20, "test": 20}
EPOCH = 2
HISTORY = [
    {"epoch": 1, "lr": 0.1, "train_loss": 1.2, "train_accuracy": 0.4, "valid_loss": 1.1, "valid_accuracy": 0.5},
    {"epoch": 2, "lr": 0.1, "train_loss": 0.9, "train_accuracy": 0.6, "valid_loss": 0.9, "valid_accuracy": 0.75},
    {"epoch": 3, "lr": 0.1, "train_loss": 0.7, "train_accuracy": 0.8, "valid_loss": 1.0, "valid_accuracy": 0.7},
]
BOTTOM, MIDDLE, TOP = range(3)


def make_run(folder: Path, *, evaluated: tuple[str, ...] = ("test", "valid")) -> Path:
    """Write a run of three shapes: training stopped early after three epochs, of which the second was kept."""
    data = write_shapes(folder / "shapes", PER_CLASS["train"])
    recipe = tiny_recipe("train.epochs=9", "train.patience=1")
    splits = prepare_splits(str(data), recipe.data, seed=0)
    run = RunFolder(folder / "run")
    run.create()
    torch.manual_seed(0)
    network = build_model(recipe.model, classes=3, size=16)
    known = {"expressions": list(SHAPES), "source": str(data), "synthetic": False, "versions": {"mien": "1.2.3"}}
    facts = {**known, "recipe": recipe.to_dict(), "size": 16, **HISTORY[EPOCH - 1]}
    save_tensors(run.weights, network.state_dict(), facts)
    ending = Ending(stopped="no better for 1 epoch (patience)", best_epoch=2, epochs=3, seconds=84.0)
    info = RunInfo(
        recipe=recipe,
        source=str(data),
        expressions=SHAPES,
        versions=known["versions"],
        fingerprints={name: fingerprint(getattr(splits, name)) for name in ("train", "valid")},
        faces=PER_CLASS,
        outcome=replace(ending, finished="2030-01-02T03:04:05Z"),
    )
    run.write_info(info)
    (run.path / "history.jsonl").write_text("".join(json.dumps(record) + "\n" for record in HISTORY))
    for split in evaluated:
        write_answers(run.path, split, str(data))
    return run.path


def write_answers(run: Path, split: str, data: str) -> Evaluation:
    """Write an evaluation: five of twenty bottoms are taken for tops, one top for a bottom; every middle is right."""
    faces = prepare_splits(data, tiny_recipe().data, seed=0).named()[split]
    answers = faces.labels.copy()
    answers[np.flatnonzero(faces.labels == BOTTOM)[:5]] = TOP
    answers[np.flatnonzero(faces.labels == TOP)[:1]] = BOTTOM
    sureness = np.linspace(0.5, 0.98, len(answers))
    probabilities = np.repeat(((1.0 - sureness) / 2.0)[:, None], 3, axis=1)
    probabilities[np.arange(len(answers)), answers] = sureness
    copies = np.zeros(len(answers), dtype=bool)
    copies[:6] = True
    evaluation = Evaluation(
        labels=faces.labels,
        probabilities=probabilities.astype(np.float32),
        ids=faces.ids,
        copies=copies,
        expressions=SHAPES,
        split=split,
        source=data,
        trained_on=data,
        copies_sought_in=data,
        synthetic=False,
        recipe="quick",
        epoch=EPOCH,
        views=("plain",),
    )
    write_evaluation(evaluation, run if split == "test" else run / split)
    return evaluation
