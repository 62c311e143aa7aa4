"""What is left to do in a study, and who may do it."""

from __future__ import annotations

from pathlib import Path

import pytest
from finished import answer, write_run

from mien.errors import RunError
from mien.recipes.schema import override
from mien.studies import StudyFolder, find_study, plan_study
from mien.studies.jobs import list_jobs
from mien.studies.plan import Plan


@pytest.fixture
def plan() -> Plan:
    """Return a study of two variants and two seeds."""
    return plan_study("small", ["augmentation"], data="synthetic", seeds=2, changes=["train.epochs=5"])


def test_every_run_of_a_new_study_is_a_training_and_a_measurement(plan: Plan, tmp_path: Path) -> None:
    """Seed by seed, each with its own recipe, data, split and device."""
    jobs = list_jobs(plan, StudyFolder(tmp_path), device="cpu")
    names = ["base, seed 0", "augmentation=off, seed 0", "base, seed 1", "augmentation=off, seed 1"]
    assert names == [job.name for job in jobs]
    job = jobs[2]
    assert (tmp_path / "runs" / "base" / "seed-1", "synthetic", "valid", "cpu") == (
        job.run,
        job.data,
        job.split,
        job.device,
    )
    assert override(plan.recipe_of(plan.variants[0]), ["train.seed=1"]) == job.recipe
    assert [("new", False)] * 4 == [(job.training, job.is_measured) for job in jobs]
    assert [5] * 4 == [job.epochs for job in jobs]


def test_finished_runs_are_kept_and_half_ones_go_on(plan: Plan, tmp_path: Path) -> None:
    """What was trained but not measured is measured."""
    folder, (base, off) = StudyFolder(tmp_path), plan.variants
    write_run(folder, plan, base, 0, answers=answer(right=0.5, seed=0))
    write_run(folder, plan, base, 1, answers=None)
    trained = write_run(folder, plan, off, 0, answers=answer(right=0.5, seed=0))
    (trained / "valid" / "evaluation.json").unlink()
    left = {job.name: (job.training, job.is_measured) for job in list_jobs(plan, folder, device="cpu")}
    expected = {
        "augmentation=off, seed 0": ("done", False),
        "base, seed 1": ("begun", False),
        "augmentation=off, seed 1": ("new", False),
    }
    assert expected == left


def test_a_run_that_was_stopped_before_its_first_checkpoint_starts_again(plan: Plan, tmp_path: Path) -> None:
    """There is nothing to go on from."""
    folder = StudyFolder(tmp_path)
    run = write_run(folder, plan, plan.variants[0], 0, answers=None)
    (run / "checkpoints" / "last.safetensors").unlink()
    assert "new" == list_jobs(plan, folder, device="cpu")[0].training


def test_a_run_of_another_recipe_is_not_taken_for_one_of_the_study(plan: Plan, tmp_path: Path) -> None:
    """It is named, and nothing is overwritten."""
    folder = StudyFolder(tmp_path)
    base, off = plan.variants
    other = write_run(folder, plan, off, 0, answers=None)
    other.rename(folder.run(base.name, 0).parent.with_name("aside"))
    folder.run(base.name, 0).parent.mkdir()
    (tmp_path / "runs" / "aside").rename(folder.run(base.name, 0))
    with pytest.raises(RunError, match="holds a run of another recipe than base"):
        list_jobs(plan, folder, device="cpu")


def test_a_damaged_run_is_named(plan: Plan, tmp_path: Path) -> None:
    """With its file."""
    folder = StudyFolder(tmp_path)
    run = write_run(folder, plan, plan.variants[0], 0, answers=None)
    (run / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run\.json: expected JSON, found a damaged file"):
        list_jobs(plan, folder, device="cpu")


def test_two_studies_cannot_work_in_one_folder(tmp_path: Path) -> None:
    """The second is told so; when the first ends, the folder is free."""
    folder = StudyFolder(tmp_path / "study")
    with folder.lock(), pytest.raises(RunError, match="another mien compare is at work here"), folder.lock():
        pass
    with folder.lock() as held:
        assert held is not None


def test_a_run_knows_its_study(plan: Plan, tmp_path: Path) -> None:
    """A run elsewhere has none."""
    folder = StudyFolder(tmp_path)
    run = write_run(folder, plan, plan.variants[1], 0, answers=None)
    assert find_study(run) is None
    folder.write({"plan": plan.to_dict()})
    assert folder.path.resolve() == find_study(run).path
    assert find_study(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "message"), [(None, "found none"), ("{", "damaged"), ('{"format": 9}', "expected format 1")]
)
def test_a_folder_without_a_sound_study_is_one_clear_line(tmp_path: Path, text: str | None, message: str) -> None:
    """Missing, damaged, of another version."""
    if text is not None:
        (tmp_path / "study.json").write_text(text)
    with pytest.raises(RunError, match=message):
        StudyFolder(tmp_path).read()
