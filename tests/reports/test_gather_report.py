"""What a report says of a run, and what it says where something is missing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import SHAPES
from mien.errors import RunError
from mien.evaluation.evaluation import read_evaluation
from mien.reports.data import Absent, ReportData
from mien.reports.gather import gather_report
from mien.reports.recipe import write_command
from mien.reports.sentences import tell_lead
from mien.reports.training import read_history
from mien.reports.words import open_catalogue
from reported import EPOCH, make_run, write_answers


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run to copy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        return make_run(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def told(made: Path) -> ReportData:
    """Return the report of the whole run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_CACHE", str(made.parent / "cache"))
        return gather_report(made)


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """Return a run of this test's own; its data stays where it was."""
    return shutil.copytree(made, tmp_path / "run")


def reason(part: object) -> str:
    """Return why a part is missing."""
    assert isinstance(part, Absent)
    return part.reason


def test_the_figures_are_those_of_the_evaluation_in_the_folder(made: Path, told: ReportData) -> None:
    """The report counts nothing anew."""
    assert ["test", "valid"] == [entry.split for entry in told.evaluated]
    assert read_evaluation(made).score() == told.evaluated[0].scores
    assert () == told.unevaluated


def test_the_most_confused_pair_tells_both_directions(told: ReportData) -> None:
    """Five of twenty bottoms are taken for tops, one of twenty tops for a bottom."""
    first = told.pairs[0]
    assert ("bottom", "top", 5, 20, 1, 20) == (
        first.true,
        first.given,
        first.count,
        first.support,
        first.back,
        first.back_support,
    )
    assert 0.11 < first.interval.low < 0.25 < first.interval.high < 0.48
    assert 2 == len(told.pairs)


def test_the_faces_beside_a_pair_are_faces_of_that_pair(made: Path, told: ReportData) -> None:
    """Every picture shows a bottom that was taken for a top, the most confident first."""
    evaluation = read_evaluation(made)
    expected = {str(evaluation.ids[i]) for i in np.flatnonzero((evaluation.labels == 0) & (evaluation.predicted == 2))}
    shown = told.pairs[0].faces
    assert expected == {face.id for face in shown}
    assert sorted((face.probability for face in shown), reverse=True) == [face.probability for face in shown]


def test_the_wrong_answers_come_with_the_most_confident_first(told: ReportData) -> None:
    """All six of them, and no right one."""
    assert 6 == len(told.wrong)
    assert all(face.true != face.given for face in told.wrong)
    assert sorted((face.probability for face in told.wrong), reverse=True) == [face.probability for face in told.wrong]


def test_saliency_shows_a_right_answer_of_each_expression_and_wrong_ones_twice(told: ReportData) -> None:
    """Once for the answer and once for the label."""
    pytest.importorskip("captum")
    assert not isinstance(told.saliency, Absent)
    assert list(SHAPES) == [face.given for face in told.saliency.right]
    assert all({face.true, face.given} == set(face.saliency) for face in told.saliency.wrong)
    assert "layers.14.branch.3" == told.saliency.layer


def test_training_tells_the_kept_epoch_and_the_early_stop(told: ReportData) -> None:
    """Epoch 2 of 3 was kept, and nine were planned."""
    assert not isinstance(told.training, Absent)
    assert (EPOCH, True) == (told.training.best_epoch, told.training.stopped_early)
    assert (0.75, 0.7, 0.6) == (
        told.training.kept_accuracy,
        told.training.last_accuracy,
        told.training.train_accuracy,
    )


def test_calibration_is_better_after_scaling_on_the_faces_that_it_was_fitted_on(run: Path) -> None:
    """On valid itself, scaling cannot raise the log loss."""
    (run / "evaluation.json").unlink()
    found = gather_report(run).calibration
    assert not isinstance(found, Absent)
    assert found.loss_after is not None
    assert found.temperature is not None


def test_decision_rules_start_with_argmax_and_differ_from_it_in_pairs(told: ReportData) -> None:
    """Every rule that answers all faces has an interval for each metric."""
    assert not isinstance(told.rules, Absent)
    first, *others = told.rules.trades
    assert "argmax" == first.rule.name
    assert all(len(trade.differences) == 3 for trade in others if trade.coverage == 1.0)


def test_the_audit_tells_what_the_splits_share(told: ReportData) -> None:
    """The shapes were drawn with a seed for each split: nothing is shared."""
    assert not isinstance(told.audit, Absent)
    assert ("train", "valid", "test") == told.audit.splits
    assert {} == told.audit.shared


def test_a_report_without_its_data_says_so_and_makes_the_rest(run: Path, tmp_path: Path) -> None:
    """Figures, words and curves come from the run's folder alone."""
    facts = json.loads((run / "run.json").read_text())
    data = Path(facts["source"])
    moved = data.rename(tmp_path / "elsewhere")
    try:
        found = gather_report(run)
    finally:
        moved.rename(data)
    assert ["data-moved"] * 4 == [reason(part) for part in (found.saliency, found.balance, found.rules, found.audit)]
    assert "data-moved" == reason(found.pictured)
    assert 5 == found.pairs[0].count
    assert () == found.pairs[0].faces
    assert not isinstance(found.training, Absent)


def test_faces_of_data_that_has_changed_are_not_shown(run: Path) -> None:
    """They would be the wrong ones."""
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**facts, "train_fingerprint": "0" * 32}))
    found = gather_report(run)
    assert "data-changed" == reason(found.pictured)
    assert {"splits": "train"} == found.pictured.detail  # type: ignore[union-attr]
    assert () == found.wrong


def test_a_run_that_was_not_evaluated_is_evaluated_on_valid_and_never_on_test(run: Path) -> None:
    """Test is read by `mien evaluate` alone."""
    (run / "evaluation.json").unlink()
    shutil.rmtree(run / "valid")
    found = gather_report(run)
    assert ["valid"] == [entry.split for entry in found.evaluated]
    assert ["test-not-evaluated"] == [part.reason for part in found.unevaluated]


def test_the_first_sentence_on_valid_says_whether_an_epoch_was_chosen_by_it(run: Path) -> None:
    """A run that keeps its last epoch chose none; one that keeps its best, or stops at a figure, did."""
    (run / "evaluation.json").unlink()
    shutil.rmtree(run / "valid")
    found = gather_report(run)
    say = open_catalogue("en")
    for changes, expected in (
        ({"keep": "last", "stop_at": None, "patience": None}, "No epoch was chosen on these faces"),
        ({"keep": "last", "stop_at": 0.9, "patience": None}, "The epoch was chosen on these faces"),
        ({"keep": "best", "stop_at": None, "patience": None}, "The epoch was chosen on these faces"),
    ):
        recipe = {**found.origin.recipe, "train": {**found.origin.recipe["train"], **changes}}
        told = replace(found, origin=replace(found.origin, recipe=recipe))
        assert expected in tell_lead(told, say)[0]


def test_an_evaluation_of_other_weights_is_not_reported(run: Path) -> None:
    """It would tell the figures of another network."""
    facts = json.loads((run / "evaluation.json").read_text())
    (run / "evaluation.json").write_text(json.dumps({**facts, "epoch": 1}))
    found = gather_report(run)
    assert ["valid"] == [entry.split for entry in found.evaluated]
    assert ["evaluation-stale"] == [part.reason for part in found.unevaluated]


def test_a_damaged_evaluation_is_named_and_the_rest_is_made(run: Path) -> None:
    """The line says which file, and what to do."""
    (run / "predictions.csv").write_text("id,label\n")
    found = gather_report(run)
    assert ["evaluation-damaged"] == [part.reason for part in found.unevaluated]
    assert "predictions.csv" in found.unevaluated[0].detail["problem"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "no-history"), ("", "no-history"), ("{", "damaged"), ("[1]\n", "damaged"), ('{"epoch": 1}\n', "damaged")],
)
def test_curves_without_a_sound_history_are_missing(tmp_path: Path, content: str | None, expected: str) -> None:
    """One line in their place."""
    if content is not None:
        (tmp_path / "history.jsonl").write_text(content)
    assert expected == reason(read_history(tmp_path / "history.jsonl"))


def test_a_run_without_a_history_is_reported_without_its_curves(run: Path) -> None:
    """The rest is made."""
    (run / "history.jsonl").unlink()
    found = gather_report(run)
    assert "no-history" == reason(found.training)
    assert 6 == len(found.wrong)


def test_a_run_that_was_stopped_half_way_says_that_it_has_not_finished(run: Path) -> None:
    """It has weights and no outcome."""
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**facts, "outcome": None}))
    found = gather_report(run)
    assert not isinstance(found.training, Absent)
    assert ("", False, None) == (found.training.stopped, found.training.stopped_early, found.origin.seconds)


def test_a_run_without_run_json_is_reported_from_its_weights(run: Path) -> None:
    """Weights describe themselves."""
    (run / "run.json").unlink()
    found = gather_report(run)
    assert {"mien": "1.2.3"} == found.origin.versions
    assert 6 == len(found.wrong)


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("model.safetensors", None, "no epoch was finished here"),
        ("model.safetensors", b"nothing", "corrupt"),
        ("run.json", b"{", "run.json: expected JSON, found a damaged file"),
    ],
)
def test_half_a_run_or_a_damaged_one_is_refused_in_one_line(
    run: Path, file: str, content: bytes | None, expected: str
) -> None:
    """With the file that is to blame."""
    if content is None:
        (run / file).unlink()
    else:
        (run / file).write_bytes(content)
    with pytest.raises(RunError, match=expected) as error:
        gather_report(run)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "found"), [("model.safetensors", "a file"), ("nowhere", "nothing")])
def test_a_report_needs_a_folder(run: Path, name: str, found: str) -> None:
    """A weights file has no history beside it."""
    with pytest.raises(RunError, match=f"expected the folder of a run, found {found}"):
        gather_report(run / name)


def test_a_run_that_no_recipe_names_has_no_command_to_train_it_again(told: ReportData) -> None:
    """As an ensemble, which was not trained but put together."""
    assert write_command(told.origin).startswith("mien train --data shapes --recipe quick --out runs/quick-again --set")
    named = {**told.origin.recipe, "name": "ensemble"}
    assert "" == write_command(replace(told.origin, recipe=named))


def test_a_run_of_a_study_brings_its_results_along(run: Path, tmp_path: Path) -> None:
    """Unfinished and damaged studies say so."""
    place = shutil.copytree(run, tmp_path / "study" / "runs" / "base" / "seed-0")
    study = tmp_path / "study" / "study.json"
    assert "no-study" == reason(gather_report(run).study)
    study.write_text(json.dumps({"format": 1, "results": None}))
    assert "study-unfinished" == reason(gather_report(place).study)
    study.write_text(json.dumps({"format": 1, "results": {"rows": 3}}))
    assert "study-damaged" == reason(gather_report(place).study)


def test_a_face_in_another_order_of_the_data_is_noticed(run: Path) -> None:
    """Pictures are matched by where they came from, not by their position alone."""
    facts = json.loads((run / "run.json").read_text())
    evaluation = write_answers(run, "test", facts["source"])
    lines = (run / "predictions.csv").read_text().splitlines()
    (run / "predictions.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    found = gather_report(run)
    assert len(evaluation) == found.evaluated[0].scores.n
    assert "data-changed" == reason(found.pictured)
