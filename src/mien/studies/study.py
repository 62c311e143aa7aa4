"""`run_study`: a plan and a folder go in; every run is trained and measured, and the folder holds the results.

A study that was stopped goes on where it was: finished runs are kept, half ones go on from their checkpoint. More seeds
or variants may be asked for later; those that are there are not trained again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import mien
from mien.data.prepare import fingerprint, prepare_splits
from mien.errors import ConfigError, DataError, Interrupted, RunError
from mien.files import write_text
from mien.studies.engine import Engine, start_executor
from mien.studies.folder import StudyFolder
from mien.studies.jobs import list_jobs
from mien.studies.picture import draw_comparison
from mien.studies.plan import Plan
from mien.studies.pool import Failure, Watcher, run_jobs
from mien.studies.results import Results, measure_study
from mien.studies.words import render_markdown

FIXED = ("data", "recipe", "changes", "split", "skip_bad")
"""What the plans of one study have in common; variants and seeds may be added."""


def run_study(
    plan: Plan,
    folder: StudyFolder,
    *,
    engine: Engine | None = None,
    device: str = "auto",
    watcher: Watcher | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Results, list[Failure]]:
    """Train and measure what is left, and write study.json, study.md and the pictures.

    Args:
        plan: what to compare.
        folder: new, or of the same study.
        engine: where runs are trained, each in a process of its own; None: here, one after the other.
        device: of every run.
        watcher: progress.
        should_stop: once True, runs save and end.

    Returns:
        The results of all runs that are finished, and those of this call that failed.

    Raises:
        Interrupted: `should_stop` said so; everything is saved.
        RunError: the folder holds another study, another process works in it, or no run of the base could be finished.
        DataError: the data cannot be read, or has changed.
        MienError: there is no cluster, or a machine of it does not see the folder and the data.
        ConfigError: seeds hold out faces of their own, and an ensemble of seeds is asked for.
    """
    watcher = watcher or Watcher()
    known = describe_data(plan)
    _check_same(plan, folder, known)
    with folder.lock() as lock:
        jobs = list_jobs(plan, folder, device=device)
        made, workers = start_executor(engine or Engine(), jobs, folder.path, lock)
        folder.write({**known, "plan": plan.to_dict(), "mien": mien.__version__, "results": None, "failures": []})
        watcher.on_plan(jobs)
        failures = run_jobs(jobs, made, workers=workers, watcher=watcher, should_stop=should_stop)
        left = list_jobs(plan, folder, device=device)
        if should_stop() and left:
            done = f"{len(jobs) - len(left)} of {len(jobs)} runs finished"
            raise Interrupted(f"{done}; everything is saved: go on with  mien compare --resume {folder.path}")
        results = measure_study(plan, folder)
        if results is None:
            told = f"{failures[0].name}: {failures[0].reason}" if failures else "none was finished"
            raise RunError(f"{folder.path}: no run of the base to compare with ({told})")
        _write(results, failures, folder)
    return results, failures


def describe_data(plan: Plan) -> dict[str, Any]:
    """Return what a study has to know of its data before it starts: kind, and a digest of the faces of the first seed.

    Raises:
        DataError: the data cannot be read, or has no such split.
        ConfigError: an ensemble over seeds is asked for, whose networks have trained on each other's valid faces.
    """
    recipe = plan.recipe_of(plan.variants[0])
    splits = prepare_splits(plan.data, recipe.data, seed=plan.seeds[0], skip_bad=plan.skip_bad)
    faces = splits.named()
    if plan.split not in faces:
        raise DataError(plan.data, f"expected a split {plan.split}, found {', '.join(faces)}: choose one with `split`")
    if plan.split == "valid" and any(variant.members for variant in plan.variants):
        other = prepare_splits(plan.data, recipe.data, seed=plan.seeds[-1], skip_bad=plan.skip_bad)
        if fingerprint(other.valid) != fingerprint(splits.valid):
            raise ConfigError(
                "`vary` ensemble: each seed holds out valid faces that the other seeds train on: "
                "use data with a valid split of its own, or leave the ensemble out"
            )
    digests = {name: fingerprint(faces[name]) for name in sorted({"train", plan.split})}
    return {"kind": splits.kind, "synthetic": splits.synthetic, "fingerprints": digests}


def _check_same(plan: Plan, folder: StudyFolder, known: dict[str, Any]) -> None:
    """Raise where the folder holds a study of another recipe, or of data that was another."""
    if not folder.exists():
        return
    facts = folder.read()
    old, new = facts["plan"], plan.to_dict()
    for name in FIXED:
        found, wanted = (list(value) if isinstance(value, tuple) else value for value in (old[name], new[name]))
        if found != wanted:
            raise RunError(f"{folder.path}: holds another study ({name} {found}, not {wanted}): choose another -o")
    if facts["fingerprints"] != known["fingerprints"]:
        raise DataError(plan.data, f"the faces are not those that {folder.path} was started on: start a new study")


def _write(results: Results, failures: list[Failure], folder: StudyFolder) -> None:
    facts = folder.read()
    told = [asdict(failure) for failure in failures]
    folder.write({**facts, "results": results.to_dict(), "failures": told})
    write_text(folder.path / "study.md", render_markdown(results))
    for kind in ("svg", "png"):
        draw_comparison(results, folder.path / f"comparison.{kind}")
