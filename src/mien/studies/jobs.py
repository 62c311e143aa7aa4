"""What is left to do. In: a `Plan` and its folder. Out: a `Job` for each run that is not trained and measured yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from mien.data.prepare import resolve_files
from mien.errors import RunError
from mien.evaluation.evaluation import FIGURES
from mien.recipes.schema import override
from mien.runs.folder import RunFolder
from mien.runs.info import RunInfo, read_info
from mien.studies.folder import StudyFolder
from mien.studies.job import Job
from mien.studies.plan import SEED_FIELD, Plan, Variant
from mien.training.teachers import resolve_runs


def list_jobs(plan: Plan, folder: StudyFolder, *, device: str) -> list[Job]:
    """Return what is left, seed by seed: a study that is stopped early has compared all variants on some seeds.

    Raises:
        RunError: a run folder holds another recipe than the plan has for it.
    """
    jobs = [_make_job(plan, folder, variant, seed, device) for seed in plan.seeds for variant in plan.trained]
    return [job for job in jobs if not job.is_done]


def evaluation_folder(run: Path, split: str) -> Path:
    """Return where the evaluation of a split of the run's own data lies."""
    return run if split == "test" else run / split


def look_again(job: Job) -> Job:
    """Return what is left of a job whose process has died."""
    training = _find_training(job.run, read_info(job.run))
    return replace(job, training=training, is_measured=_is_measured(job.run, job.split))


def _make_job(plan: Plan, folder: StudyFolder, variant: Variant, seed: int, device: str) -> Job:
    run = folder.run(variant.name, seed)
    recipe = override(plan.recipe_of(variant), [f"{SEED_FIELD}={seed}"])
    info = read_info(run)
    if info is not None and info.recipe != resolve_runs(replace(recipe, data=resolve_files(recipe.data))):
        raise RunError(f"{run}: holds a run of another recipe than {variant.name} of this study: choose another folder")
    return Job(
        name=f"{variant.name}, seed {seed}",
        run=run,
        log=folder.log(variant.name, seed),
        recipe=recipe,
        data=plan.data,
        split=plan.split,
        training=_find_training(run, info),
        is_measured=_is_measured(run, plan.split),
        skip_bad=plan.skip_bad,
        device=device,
    )


def _find_training(run: Path, info: RunInfo | None) -> Literal["new", "begun", "done"]:
    """Return whether there is nothing yet, a checkpoint to go on from, or nothing left to train."""
    if info is not None and info.outcome is not None:
        return "done"
    return "begun" if RunFolder(run).last.exists() else "new"


def _is_measured(run: Path, split: str) -> bool:
    return (evaluation_folder(run, split) / FIGURES).exists()
