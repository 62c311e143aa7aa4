"""`mien.compare`: a recipe and what varies go in; what the variants bring, with intervals, comes out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mien.data.loading import SYNTHETIC
from mien.errors import RunError
from mien.recipes.schema import Recipe, list_changes
from mien.studies.engine import Engine
from mien.studies.folder import StudyFolder
from mien.studies.plan import plan_study
from mien.studies.results import Results
from mien.studies.study import run_study


def compare(
    recipe: str | Recipe,
    vary: Sequence[str],
    *,
    out: str | os.PathLike[str],
    data: str | os.PathLike[str] = SYNTHETIC,
    seeds: int = 3,
    split: str = "valid",
    grid: bool = False,
    engine: str = "local",
    workers: int | None = None,
    cpus: int | None = None,
    gpus: float | None = None,
    device: str = "auto",
) -> Results:
    """Train variants of a recipe, each on several seeds, and return what they bring; a folder that was begun goes on.

    Args:
        recipe: the base, or its name.
        vary: "augmentation", "early-stopping", "class-weights", "sampling", "ensemble" or "section.field=V1,V2".
        out: the folder of the study.
        data: labelled faces.
        seeds: trainings of each variant.
        split: the faces to measure on.
        grid: every combination of all that varies, instead of one change at a time.
        engine: where to train: "local", in processes here, or "ray", on the cluster of $RAY_ADDRESS, whose machines
            have to share the file system that the folder and the data lie in; without one, on this machine by Ray.
        workers: trainings at a time; None: one here, on a cluster as many as it has room for.
        cpus: cores of each training on a cluster; None: one.
        gpus: GPUs of each training on a cluster; None: one where there are any.
        device: of all of them.

    Raises:
        ConfigError: nothing varies, or a name or value is impossible.
        DataError: the data cannot be read.
        MienError: there is no cluster, or a machine of it does not see the folder and the data.
        RunError: the folder holds another study, or trainings failed.
    """
    name, changes = (recipe, ()) if isinstance(recipe, str) else (recipe.name, _list_assignments(recipe))
    plan = plan_study(name, vary, data=os.fspath(data), seeds=seeds, changes=changes, grid=grid, split=split)
    where = Engine(name=engine, workers=workers, cpus=cpus, gpus=gpus)
    results, failures = run_study(plan, StudyFolder(Path(out)), engine=where, device=device)
    if failures:
        raise RunError(f"{out}: {len(failures)} trainings failed, the first: {failures[0].reason}")
    return results


def _list_assignments(recipe: Recipe) -> tuple[str, ...]:
    """Return what a recipe changes of the named one it came from, as `section.field=value`."""
    from mien.recipes.named import find_recipe

    named = list_changes(find_recipe(recipe.name))
    mine = list_changes(recipe)
    plain = list_changes(Recipe(name="", about=""))
    names = [name for name in {**named, **mine} if named.get(name, plain.get(name)) != mine.get(name, plain.get(name))]
    values = {name: getattr(getattr(recipe, name.partition(".")[0]), name.partition(".")[2]) for name in names}
    return tuple(f"{name}={'none' if value is None else value}" for name, value in values.items())
