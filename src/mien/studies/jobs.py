"""What is left to do. In: a `Plan` and its folder. Out: a `Job` for each run that is not trained and measured yet."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mien.data.prepare import resolve_files
from mien.errors import RunError
from mien.evaluation.evaluation import FIGURES
from mien.recipes.schema import override, read_recipe
from mien.studies.folder import StudyFolder
from mien.studies.plan import SEED_FIELD, Plan, Variant
from mien.training.teachers import resolve_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run to train and measure.

    Attributes:
        name: of variant and seed, for people.
        run: its folder.
        log: what its process prints goes here.
        commands: of `mien`, without the word mien.
        epochs: at most.
    """

    name: str
    run: Path
    log: Path
    commands: tuple[tuple[str, ...], ...]
    epochs: int

    def count_epochs(self) -> int:
        """Return the epochs that are done, read from the run's history."""
        try:
            return (self.run / "history.jsonl").read_bytes().count(b"\n")
        except OSError:
            return 0


def list_jobs(plan: Plan, folder: StudyFolder, *, device: str) -> list[Job]:
    """Return what is left, seed by seed: a study that is stopped early has compared all variants on some seeds.

    Raises:
        RunError: a run folder holds another recipe than the plan has for it.
    """
    jobs = [_make_job(plan, folder, variant, seed, device) for seed in plan.seeds for variant in plan.trained]
    return [job for job in jobs if job.commands]


def evaluation_folder(run: Path, split: str) -> Path:
    """Return where `mien evaluate` leaves the evaluation of a split of the run's own data."""
    return run if split == "test" else run / split


def _make_job(plan: Plan, folder: StudyFolder, variant: Variant, seed: int, device: str) -> Job:
    run, recipe = folder.run(variant.name, seed), plan.recipe_of(variant)
    facts = read_run(run)
    seeded = override(recipe, [f"{SEED_FIELD}={seed}"])
    expected = resolve_runs(replace(seeded, data=resolve_files(seeded.data)))
    if facts is not None and read_recipe(facts["recipe"]) != expected:
        raise RunError(f"{run}: holds a run of another recipe than {variant.name} of this study: choose another -o")
    commands = []
    if facts is None or facts["outcome"] is None:
        begun = (run / "checkpoints" / "last.safetensors").exists()
        commands.append(("train", "--resume", str(run)) if begun else _start(plan, variant, seed, run))
    if not (evaluation_folder(run, plan.split) / FIGURES).exists():
        commands.append(("evaluate", str(run), "--split", plan.split, *_skip(plan)))
    return Job(
        name=f"{variant.name}, seed {seed}",
        run=run,
        log=folder.log(variant.name, seed),
        commands=tuple((*command, "--device", device) for command in commands),
        epochs=recipe.train.epochs,
    )


def _start(plan: Plan, variant: Variant, seed: int, run: Path) -> tuple[str, ...]:
    changes = (*plan.changes, *variant.changes, f"{SEED_FIELD}={seed}")
    options = [part for change in changes for part in ("--set", change)]
    return ("train", "--data", plan.data, "--recipe", plan.recipe, "--out", str(run), *options, *_skip(plan))


def _skip(plan: Plan) -> tuple[str, ...]:
    return ("--skip-bad",) if plan.skip_bad else ()


def read_run(run: Path) -> dict[str, Any] | None:
    """Return what run.json says, or None where no run was started.

    Raises:
        RunError: the file is damaged.
    """
    try:
        facts: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
        if not {"recipe", "outcome"} <= facts.keys():
            raise ValueError("recipe or outcome is missing")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{run / 'run.json'}: expected the facts of a run, found a damaged file ({error})") from None
    return facts
