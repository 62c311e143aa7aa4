"""Finished runs for tests of what comes after training: their files are real, their answers are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.evaluation.evaluation import Evaluation, write_evaluation
from mien.labels import EXPRESSIONS
from mien.recipes.schema import override
from mien.runs.info import Ending, RunInfo
from mien.studies.folder import StudyFolder
from mien.studies.plan import Plan, Variant

FACES = 140


def answer(*, right: float, seed: int) -> Evaluation:
    """Return answers to the same faces, of which about the fraction `right` is right."""
    labels = np.arange(FACES) % len(EXPRESSIONS)
    rng = np.random.default_rng(seed)
    mistaken = (labels + rng.integers(1, len(EXPRESSIONS), FACES)) % len(EXPRESSIONS)
    chosen = np.where(rng.random(FACES) < right, labels, mistaken)
    probabilities = np.full((FACES, len(EXPRESSIONS)), 0.1, dtype=np.float32)
    probabilities[np.arange(FACES), chosen] = 0.4
    return Evaluation(
        labels=labels.astype(np.int64),
        probabilities=probabilities,
        ids=np.array([f"{number}.png" for number in range(FACES)]),
        copies=np.zeros(FACES, dtype=bool),
        expressions=EXPRESSIONS,
        split="valid",
        source="synthetic",
        trained_on="synthetic",
        copies_sought_in="synthetic",
        synthetic=True,
        recipe="small",
        epoch=1,
        views=("plain",),
    )


def write_run(
    folder: StudyFolder, plan: Plan, variant: Variant, seed: int, *, answers: Evaluation | None, seconds: float = 60.0
) -> Path:
    """Write the folder of a run, with its evaluation or, where `answers` is None, as a run that is half done."""
    run = folder.run(variant.name, seed)
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.safetensors").touch()
    recipe = override(plan.recipe_of(variant), [f"train.seed={seed}"])
    outcome = None if answers is None else Ending(seconds=seconds)
    RunInfo(recipe=recipe, source=plan.data, expressions=EXPRESSIONS, outcome=outcome).write(run)
    if answers is not None:
        write_evaluation(replace(answers, split=plan.split), run / plan.split)
    return run


def finish(folder: StudyFolder, plan: Plan, *, right: dict[str, float]) -> None:
    """Write every run of `plan`, whose variants are right about as often as told."""
    for variant in plan.trained:
        for seed in plan.seeds:
            write_run(folder, plan, variant, seed, answers=answer(right=right[variant.name], seed=seed))
