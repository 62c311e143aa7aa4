"""`mien evaluate`, as a user meets it."""

import csv
import json
import shutil

import numpy as np
import pytest

from conftest import SHAPES, run_mien, write_shapes
from mien.cli import main
from mien.evaluation.compare_rules import SIDE_BY_SIDE
from mien.evaluation.evaluation import read_evaluation
from mien.runs.run import WEIGHTS, load_tensors, save_tensors

FILES = {"evaluation.json", "predictions.csv", "confusion.svg", "confusion.png"}
FACES = 60


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder of three splits, two of whose test faces stand in train, too."""
    folder = write_shapes(tmp_path_factory.mktemp("shapes"))
    for shape in SHAPES[:2]:
        copied = min((folder / "test" / shape).iterdir())
        shutil.copy(copied, folder / "train" / shape / "copy.png")
    return folder


@pytest.fixture
def run(trained, data, tmp_path):
    """Return a run folder that says it was trained on `data`."""
    tensors, facts = load_tensors(trained / WEIGHTS)
    (tmp_path / "run").mkdir()
    save_tensors(tmp_path / "run" / WEIGHTS, tensors, {**facts, "source": str(data), "synthetic": False})
    return tmp_path / "run"


@pytest.fixture
def mien(monkeypatch, capsys):
    """Return a function that runs a command in this process and returns what it printed: output, errors."""

    def run_here(*arguments):
        monkeypatch.setattr("sys.argv", ["mien", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "100")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            main()
        return ending.value.code or 0, *capsys.readouterr()

    return run_here


def test_a_newcomer_is_told_every_figure_and_where_the_files_are(run):
    """One command, no option: headline, classes, confusion, pairs; nothing on standard error; status 0."""
    result = run_mien("evaluate", run)
    assert (0, "") == (result.status, result.err)
    for expected in ("Accuracy", "95% interval", f"n = {FACES}", "balanced accuracy", "macro F1", "log loss", *SHAPES):
        assert expected in result.out
    for name in FILES:
        assert str(run / name) in result.out
        assert (run / name).stat().st_size > 0


def test_figures_come_again_without_copies(run, mien):
    """Two of the test faces stand in train: the second column has 58 faces."""
    _, out, _ = mien("evaluate", run)
    assert "no copy in train or valid" in out
    figures = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    assert figures["copies_in_train_or_valid"] == 2
    assert (FACES, FACES - 2) == (figures["scores"]["n"], figures["scores_without_copies"]["n"])


def test_predictions_have_one_line_a_face(run, mien):
    """Each with the face's id, its label and the probability of every expression."""
    mien("evaluate", run)
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == FACES
    assert sum(float(rows[0][shape]) for shape in SHAPES) == pytest.approx(1.0, abs=1e-5)


def test_another_split_gets_a_folder_of_its_own(run, mien):
    """The figures of test, the headline of a run, are never overwritten by those of valid."""
    mien("evaluate", run, "--split", "valid")
    assert {path.name for path in (run / "valid").iterdir()} == FILES
    assert not (run / "evaluation.json").exists()


def test_two_views_are_written_down(run, mien):
    """An evaluation with mirrored faces says so, on the terminal and in its file."""
    _, out, _ = mien("evaluate", run, "--views", "plain,mirror")
    assert "views plain + mirror" in out
    assert read_evaluation(run).views == ("plain", "mirror")


def test_other_data_is_measured_beside_the_run_s_own(run, mien, tmp_path):
    """Its files go into a folder named after it."""
    write_shapes(tmp_path / "others", per_class=4, splits=("test",))
    status, out, _ = mien("evaluate", run, "--data", tmp_path / "others")
    assert status == 0
    assert "n = 12" in out
    assert {path.name for path in (run / "test-others").iterdir()} == FILES


def test_results_of_a_run_on_drawn_faces_say_so(trained, data, mien, tmp_path):
    """The run was trained on synthetic faces: whatever it is measured on, the headline tells; so does lost data."""
    shutil.copytree(trained, tmp_path / "run")
    _, out, _ = mien("evaluate", tmp_path / "run", "--data", data)
    assert "synthetic faces" in out
    assert "shapes cannot be read" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "exam"), "expected a split 'exam', found train"),
        (("--data", "/nowhere/faces"), "/nowhere/faces"),
        (("--device", "abacus"), "expected one of auto"),
        (("--views", "upside-down"), "plain,mirror"),
        (("--decision", "treshold"), "did you mean thresholds"),
    ],
)
def test_bad_input_ends_in_one_line(run, mien, arguments, message):
    """Status 2, one line on standard error that says what is wrong, and nothing written."""
    status, out, err = mien("evaluate", run, *arguments)
    assert (2, "", 1) == (status, out, err.count("\n"))
    assert message in err
    assert {path.name for path in run.iterdir()} == {WEIGHTS}


def test_a_folder_that_is_no_run_is_named(mien, tmp_path):
    """One line tells what was expected."""
    status, _, err = mien("evaluate", tmp_path)
    assert (2, 1) == (status, err.count("\n"))
    assert "expected a run folder" in err


def test_the_temperature_is_told_with_what_it_changed(run, mien):
    """Before and after; it is kept in the run's folder, and the second evaluation takes it from there."""
    _, out, _ = mien("evaluate", run)
    assert "Scaled by temperature" in out
    assert "calibration error" in out
    before = (run / "calibration.json").read_bytes()
    mien("evaluate", run)
    assert before == (run / "calibration.json").read_bytes()
    figures = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    assert figures["scores"]["log_loss"] != figures["scores_before_scaling"]["log_loss"]


def test_a_rule_decides_beside_the_headline(run, mien):
    """Its files lie in a folder named after it; predictions hold its answers, empty where it gives none."""
    mien("evaluate", run)
    headline = (run / "evaluation.json").read_bytes()
    confidence = np.sort(read_evaluation(run).probabilities.max(axis=1))
    rule = f"abstain:{float(confidence[:2].mean()):.8g}"
    _, out, _ = mien("evaluate", run, "--decision", rule)
    assert "of the faces answered" in " ".join(out.split())
    folder = run / rule.replace(":", "-")
    evaluation = read_evaluation(folder)
    assert (rule, headline) == (evaluation.rule.name, (run / "evaluation.json").read_bytes())
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        answers = [row["predicted"] for row in csv.DictReader(file)]
    assert (evaluation.predicted == -1).tolist() == [answer == "" for answer in answers]


def test_all_rules_come_side_by_side(run, mien):
    """A table, what each does, one sentence, and a file with the same."""
    _, out, _ = mien("evaluate", run, "--decision", "all", "--split", "valid")
    assert "Against argmax" in out
    assert "chosen on these very faces" in out
    held = json.loads((run / "valid" / "decisions.json").read_text(encoding="utf-8"))
    assert list(SIDE_BY_SIDE) == [entry["rule"]["name"] for entry in held["rules"]]


def test_several_runs_are_measured_as_their_mean(run, trained, mien, tmp_path):
    """The figures go into a folder of the first run; a single run's own are not touched."""
    shutil.copytree(run, tmp_path / "second")
    status, out, err = mien("evaluate", run, tmp_path / "second", "--views", "plain,mirror")
    assert (0, "") == (status, err)
    assert "ensemble of run, second" in " ".join(out.split())
    evaluation = read_evaluation(run / "with-second")
    assert (("run", "second"), ("plain", "mirror"), 0) == (evaluation.members, evaluation.views, evaluation.epoch)
    assert not (run / "evaluation.json").exists()


def test_faces_that_have_moved_leave_the_rules_that_need_none(trained, data, mien, tmp_path):
    """The rule that needs them says so in one line; the other one decides."""
    shutil.copytree(trained, tmp_path / "run")
    status, _, err = mien("evaluate", tmp_path / "run", "--data", data, "--decision", "prior")
    assert (2, 1) == (status, err.count("\n"))
    assert "needs the faces that the run was trained on" in err
    assert 0 == mien("evaluate", tmp_path / "run", "--data", data, "--decision", "abstain:0.3")[0]


def test_a_rule_that_answers_nothing_writes_nothing(run, mien):
    """Not even a folder."""
    status, _, err = mien("evaluate", run, "--decision", "abstain:1")
    assert (2, 1) == (status, err.count("\n"))
    assert "without an answer" in err
    assert not (run / "abstain-1").exists()
