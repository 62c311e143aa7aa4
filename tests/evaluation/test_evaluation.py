"""The files of an evaluation."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from mien.errors import MienError, RunError
from mien.evaluation.evaluation import Evaluation, read_evaluation, write_evaluation
from mien.evaluation.rules import Rule
from mien.evaluation.show import render_evaluation

EXPRESSIONS = ("happy", "sad, or so", "neutral")


def evaluate_at_random(n=40, **changes):
    """Return the evaluation of 40 random faces, with `changes`."""
    rng = np.random.default_rng(5)
    values = {
        "labels": rng.integers(0, 3, n),
        "probabilities": rng.dirichlet((1.0, 1.0, 1.0), n).astype(np.float32),
        "ids": np.array([f'test/face "{index}", grün.png' for index in range(n)]),
        "copies": rng.random(n) < 0.2,
        "expressions": EXPRESSIONS,
        "split": "test",
        "source": "faces.zip",
        "trained_on": "faces.zip",
        "copies_sought_in": "faces.zip",
        "synthetic": False,
        "recipe": "small",
        "epoch": 7,
        "views": ("plain", "mirror"),
    }
    return Evaluation(**values | changes)


def test_an_evaluation_read_back_is_equal(tmp_path):
    """Every label, every bit of every probability and every fact survives the files, commas and quotes included."""
    evaluation = evaluate_at_random()
    write_evaluation(evaluation, tmp_path / "run")
    assert evaluation == read_evaluation(tmp_path / "run")


@pytest.mark.parametrize(
    "change", [{"epoch": 8}, {"copies": np.zeros(40, dtype=bool)}, {"probabilities": np.full((40, 3), 1 / 3)}]
)
def test_evaluations_that_differ_are_not_equal(change):
    """One other fact, mask or probability is enough."""
    assert evaluate_at_random() != evaluate_at_random(**change)


def test_predictions_hold_a_line_a_face_in_the_order_of_the_data(tmp_path):
    """id, label, predicted, copy and one probability an expression."""
    evaluation = evaluate_at_random()
    write_evaluation(evaluation, tmp_path)
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert ["id", "label", "predicted", "copy", *EXPRESSIONS] == header
    assert evaluation.ids.tolist() == [row[0] for row in rows]
    assert [EXPRESSIONS[label] for label in evaluation.predicted] == [row[2] for row in rows]


def test_figures_in_the_json_agree_with_scikit_learn_on_the_csv(tmp_path):
    """Anybody can recompute them from predictions.csv, with and without the copies."""
    write_evaluation(evaluate_at_random(), tmp_path)
    figures = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, kept in (("scores", rows), ("scores_without_copies", [row for row in rows if row["copy"] == "0"])):
        true, predicted = [row["label"] for row in kept], [row["predicted"] for row in kept]
        assert len(kept) == figures[name]["n"]
        assert accuracy_score(true, predicted) == pytest.approx(figures[name]["accuracy"], abs=1e-12)
        assert balanced_accuracy_score(true, predicted) == pytest.approx(figures[name]["balanced_accuracy"], abs=1e-12)
        assert f1_score(true, predicted, average="macro") == pytest.approx(figures[name]["macro_f1"], abs=1e-12)


def test_the_json_says_what_was_evaluated_and_how(tmp_path):
    """Split, recipe, whether the faces are synthetic, the bootstrap's seed and the versions stand in it."""
    write_evaluation(evaluate_at_random(synthetic=True), tmp_path)
    figures = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert ("test", "small", True, 40) == tuple(figures[name] for name in ("split", "recipe", "synthetic", "n"))
    assert {"seed": 0, "resamples": 2000, "level": 0.95} == figures["bootstrap"]
    assert {"method": "wilson", "level": 0.95} == figures["interval"]
    assert {"python", "mien", "numpy", "scikit-learn", "torch"} == set(figures["versions"])


def test_writing_twice_gives_the_same_bytes(tmp_path):
    """Nothing in the files depends on when or where they were written."""
    for name in ("one", "two"):
        write_evaluation(evaluate_at_random(), tmp_path / name)
    for name in ("evaluation.json", "predictions.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_split_of_copies_alone_has_no_figures_without_them():
    """Nothing is left to score."""
    assert evaluate_at_random(copies=np.ones(40, dtype=bool)).score_without_copies() is None


def test_faces_without_a_copy_are_scored_on_their_own():
    """The figures are those of an evaluation that never had the copies."""
    evaluation = evaluate_at_random()
    kept = ~evaluation.copies
    rest = {name: getattr(evaluation, name)[kept] for name in ("labels", "probabilities", "ids", "copies")}
    assert replace(evaluation, **rest).score() == evaluation.score_without_copies()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": np.full((40, 3), np.nan)}, "finite rows that sum to 1"),
        ({"probabilities": np.full((40, 3), 0.5)}, "finite rows that sum to 1"),
        ({"probabilities": np.full((40, 2), 0.5)}, r"expected \(40, 3\), found \(40, 2\)"),
        ({"labels": np.full(40, -1)}, "expected 0 to 2"),
    ],
)
def test_impossible_values_are_refused(change, message):
    """A network with broken weights, or unlabelled faces, cannot become an evaluation."""
    with pytest.raises(MienError, match=message):
        evaluate_at_random(**change)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("evaluation.json", None, "mien evaluate RUN"),
        ("evaluation.json", lambda text: text[:100], "damaged"),
        ("evaluation.json", lambda text: text.replace('"format": 1', '"format": 9'), "format 1"),
        ("evaluation.json", lambda text: text.replace('"n": 40,', '"n": 41,', 1), "expected 41 rows"),
        ("evaluation.json", lambda text: text.replace('"epoch"', '"epok"'), "epoch"),
        ("predictions.csv", None, "mien evaluate"),
        ("predictions.csv", lambda _: "", "does not fit"),
        ("predictions.csv", lambda text: text.replace("neutral", "bored"), "does not fit"),
        ("predictions.csv", lambda text: text.rsplit("\n", 2)[0], "expected 40 rows"),
        ("predictions.csv", lambda text: text.replace("0.", "x."), "does not fit"),
    ],
)
def test_damaged_files_give_a_clear_error(tmp_path, name, damage, message):
    """Missing, cut short, of another version, or edited: the message names the file and what to do."""
    write_evaluation(evaluate_at_random(), tmp_path)
    path = tmp_path / name
    text = path.read_text(encoding="utf-8")
    path.unlink()
    if damage is not None:
        path.write_text(damage(text), encoding="utf-8")
    with pytest.raises(RunError, match=message):
        read_evaluation(tmp_path)


def test_rule_temperature_and_members_survive_the_files(tmp_path):
    """So that another reader derives the same answers."""
    rule = Rule(name="thresholds:macro-f1", about="weights", weights=(0.3, 1.0, 2.5))
    evaluation = evaluate_at_random(rule=rule, temperature=0.8, members=("one", "two"))
    write_evaluation(evaluation, tmp_path)
    assert evaluation == read_evaluation(tmp_path)
    assert evaluation != evaluate_at_random()


def test_files_of_an_earlier_version_are_still_read(tmp_path):
    """Without rule, temperature and members: argmax, 1, none."""
    write_evaluation(evaluate_at_random(), tmp_path)
    figures = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    for name in ("rule", "temperature", "members", "scores_before_scaling"):
        del figures[name]
    (tmp_path / "evaluation.json").write_text(json.dumps(figures), encoding="utf-8")
    assert evaluate_at_random() == read_evaluation(tmp_path)


def test_faces_without_an_answer_are_left_out_of_the_figures(tmp_path):
    """They have an empty cell in predictions.csv; coverage tells how many were answered."""
    evaluation = evaluate_at_random(rule=Rule(name="abstain:0.6", about="", confidence=0.6))
    answered = evaluation.probabilities.max(axis=1) >= 0.6
    write_evaluation(evaluation, tmp_path)
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        assert answered.tolist() == [row["predicted"] != "" for row in csv.DictReader(file)]
    right = evaluation.labels[answered] == evaluation.probabilities[answered].argmax(axis=1)
    scores = evaluation.score()
    assert (answered.sum(), right.mean(), answered.mean()) == (scores.n, scores.accuracy, scores.coverage)


def test_the_rates_follow_the_rule():
    """Who always answers one class has a recall of 1 there and 0 elsewhere."""
    scores = evaluate_at_random(rule=Rule(name="thresholds:accuracy", about="", weights=(1e9, 1.0, 1.0))).score()
    assert [1.0, 0.0, 0.0] == [entry.recall for entry in scores.classes]


def test_a_class_called_like_a_column_has_a_column_of_its_own(tmp_path):
    """Whoever reads the table by name finds both; read back, the evaluation is equal."""
    evaluation = evaluate_at_random(expressions=("label", "copy", "copy_probability"))
    write_evaluation(evaluation, tmp_path)
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert len(header) == len(set(header))
    assert ["label_probability", "copy_probability_probability", "copy_probability"] == header[4:]
    assert evaluation == read_evaluation(tmp_path)


def test_an_older_table_with_two_columns_of_one_name_is_still_read(tmp_path):
    """Their order told them apart."""
    evaluation = evaluate_at_random(expressions=("label", "happy", "sad"))
    write_evaluation(evaluation, tmp_path)
    path = tmp_path / "predictions.csv"
    path.write_text(path.read_text("utf-8").replace("label_probability", "label", 1), "utf-8")
    assert evaluation == read_evaluation(tmp_path)


@pytest.mark.parametrize(
    ("labelled_by", "told"),
    [
        ("ferplus8", "Labels: the majority of FER+ votes (ferplus8)"),
        ("people", "Labels: the data's own, of faces with a majority of FER+ votes (people)"),
    ],
)
def test_the_headline_says_whose_labels_count(labelled_by, told):
    """A network of half of each is measured by the data's labels, not by a majority."""
    headline = next(iter(render_evaluation(evaluate_at_random(labelled_by=labelled_by))))
    assert told in headline.plain.splitlines()
