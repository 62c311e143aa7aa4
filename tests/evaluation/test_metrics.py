"""The figures of an evaluation."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mien.errors import MienError
from mien.evaluation.metrics import Interval, rate, score, wilson_interval
from mien.labels import EXPRESSIONS

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 2])
PREDICTED = np.array([0, 0, 1, 2, 1, 1, 2, 2, 2, 0])


def draw(seed, n, classes):
    """Return labels of the lower two thirds of the classes, and probabilities over all: some classes have no face."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, max(1, classes * 2 // 3), n)
    return labels, rng.dirichlet(np.full(classes, 0.4), n).astype(np.float32)


def score_certain(labels, predicted, expressions=("a", "b", "c")):
    """Return the scores of predictions made with certainty."""
    return score(labels, np.eye(len(expressions))[predicted], expressions=expressions)


def divide(part, whole):
    """Return a quotient, and 0 where there is nothing to divide by."""
    return part / whole if whole else 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 60), classes=st.integers(2, 9))
def test_every_figure_is_that_of_its_definition(seed, n, classes):
    """Counted face by face in plain Python: recalls, precisions, F1, log loss, confusion, classes without faces too."""
    labels, probabilities = draw(seed, n, classes)
    ours = score(labels, probabilities, expressions=[str(index) for index in range(classes)])
    pairs = list(zip(labels.tolist(), probabilities.argmax(axis=1).tolist(), strict=True))
    counts = [[pairs.count((true, given)) for given in range(classes)] for true in range(classes)]
    support, given = [sum(row) for row in counts], [sum(column) for column in zip(*counts, strict=True)]
    right = [counts[index][index] for index in range(classes)]
    recalls = [divide(hit, total) for hit, total in zip(right, support, strict=True)]
    f1 = [divide(2 * right[index], support[index] + given[index]) for index in range(classes)]
    named = [index for index in range(classes) if support[index] + given[index]]
    assert counts == [list(row) for row in ours.confusion]
    assert pytest.approx(recalls) == [entry.recall for entry in ours.classes]
    assert pytest.approx([divide(*each) for each in zip(right, given, strict=True)]) == [
        entry.precision for entry in ours.classes
    ]
    assert pytest.approx(f1) == [entry.f1 for entry in ours.classes]
    assert pytest.approx(sum(true == answer for true, answer in pairs) / n) == ours.accuracy
    assert pytest.approx(sum(recalls) / sum(total > 0 for total in support)) == ours.balanced_accuracy
    assert pytest.approx(sum(f1[index] for index in named) / len(named)) == ours.macro_f1
    smallest = float(np.finfo(np.float64).eps)
    rows = [[float(value) for value in row] for row in probabilities]
    surprise = [-math.log(max(smallest, row[true] / sum(row))) for row, true in zip(rows, labels, strict=True)]
    assert pytest.approx(sum(surprise) / n, abs=1e-9) == ours.log_loss


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 60), classes=st.integers(2, 9))
def test_our_balanced_accuracy_is_scikit_learn_s(seed, n, classes):
    """The one figure that we compute ourselves; the others are scikit-learn's functions."""
    labels, probabilities = draw(seed, n, classes)
    ours = score(labels, probabilities, expressions=[str(index) for index in range(classes)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of classes without faces
        expected = sk.balanced_accuracy_score(labels, probabilities.argmax(axis=1))
    assert expected == pytest.approx(ours.balanced_accuracy, abs=1e-12)


def test_figures_of_ten_faces_are_those_counted_by_hand():
    """Seven of ten are right; recalls are 2/4, 2/2 and 3/4, precisions 2/3, 2/3 and 3/4."""
    scores = score_certain(LABELS, PREDICTED)
    assert (10, 0.7) == (scores.n, scores.accuracy)
    assert pytest.approx([2 / 4, 2 / 2, 3 / 4], abs=1e-12) == [entry.recall for entry in scores.classes]
    assert pytest.approx([2 / 3, 2 / 3, 3 / 4], abs=1e-12) == [entry.precision for entry in scores.classes]
    assert [4, 2, 4] == [entry.support for entry in scores.classes]
    assert pytest.approx(0.75, abs=1e-12) == scores.balanced_accuracy
    assert ((2, 1, 1), (0, 2, 0), (1, 0, 3)) == scores.confusion


def test_log_loss_is_the_mean_surprise_at_the_true_class():
    """Probabilities 1/2 and 1/4 of the true class cost ln 2 and ln 4."""
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25]])
    expected = (math.log(2) + math.log(4)) / 2
    assert expected == pytest.approx(score(np.array([0, 1]), probabilities, expressions=("a", "b")).log_loss)


def test_log_loss_of_a_certain_error_is_finite():
    """A probability of zero is clipped at the spacing of float64."""
    assert -math.log(np.finfo(np.float64).eps) == pytest.approx(score_certain(np.array([0]), np.array([1])).log_loss)


def test_classes_without_faces_count_neither_for_nor_against_balanced_accuracy():
    """Only `a` has faces and all are found: balanced accuracy is 1, and nothing warns."""
    scores = score_certain(np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.int64))
    assert (1.0, 1.0) == (scores.balanced_accuracy, scores.macro_f1)
    assert [5, 0, 0] == [entry.support for entry in scores.classes]


def test_scoring_no_faces_says_so():
    """An empty split has no figures."""
    with pytest.raises(MienError, match="at least one labelled face"):
        score_certain(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def test_most_confused_pairs_come_by_their_part_of_the_true_class():
    """One of four `a` for `b` ranks before nothing at all: pairs without a count are left out."""
    pairs = score_certain(np.array([0] * 4 + [1] * 10), np.array([0, 0, 0, 1] + [2, 2] + [1] * 8)).most_confused()
    assert [("a", "b", 1, 4), ("b", "c", 2, 10)] == [(p.true, p.predicted, p.count, p.support) for p in pairs]


def test_most_confused_pairs_are_limited_in_number():
    """Asked for one, one comes."""
    assert 1 == len(score_certain(LABELS, PREDICTED).most_confused(1))


@pytest.mark.parametrize(
    ("right", "total", "low", "high"), [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (1, 1, 0.2065, 1.0)]
)
def test_few_faces_that_are_all_right_leave_room_for_doubt(right, total, low, high):
    """Ten of ten give 72 % to 100 %: drawing these ten again, however often, would never show a mistake."""
    scores = score_certain(np.zeros(total, dtype=np.int64), (np.arange(total) >= right).astype(np.int64))
    assert (low, high) == pytest.approx((scores.interval.low, scores.interval.high), abs=5e-5)


def test_the_interval_of_fer2013_at_70_percent_is_one_and_a_half_points_either_way():
    """The number of test faces, 3,589, sets how much an accuracy can be trusted."""
    scores = score_certain(np.zeros(3589, dtype=np.int64), (np.arange(3589) >= 2512).astype(np.int64))
    assert (0.685, 0.715) == pytest.approx((scores.interval.low, scores.interval.high), abs=0.001)


def test_the_interval_of_many_faces_is_that_of_resampling_them():
    """Drawing 400 faces with replacement 4,000 times gives the same interval to half a point."""
    rng = np.random.default_rng(1)
    right = rng.random(400) < 0.7
    resampled = right[rng.integers(0, 400, (4000, 400))].mean(axis=1)
    low, high = np.quantile(resampled, (0.025, 0.975))
    found = score_certain(np.ones(400, dtype=np.int64), right.astype(np.int64)).interval
    assert (low, high) == pytest.approx((found.low, found.high), abs=0.005)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 60), classes=st.integers(2, 9))
def test_an_interval_of_accuracy_is_the_recall_interval_of_all_faces_together(seed, n, classes):
    """One formula for every proportion; it holds the proportion itself."""
    labels, probabilities = draw(seed, n, classes)
    scores = score(labels, probabilities, expressions=[str(index) for index in range(classes)])
    assert scores.interval == wilson_interval(round(scores.accuracy * n), n)
    assert scores.interval.low <= scores.accuracy <= scores.interval.high


def test_wilson_intervals_are_those_of_the_literature():
    """81 of 263 gives 0.2553 to 0.3662 (Newcombe 1998, table I), none of 20 gives 0 to 0.1611."""
    many, none = wilson_interval(81, 263), wilson_interval(0, 20)
    assert (0.2553, 0.3662) == pytest.approx((many.low, many.high), abs=5e-5)
    assert (0.0, 0.1611) == pytest.approx((none.low, none.high), abs=5e-5)


def test_recall_without_faces_could_be_anything():
    """No faces: all of [0, 1]."""
    assert Interval(low=0.0, high=1.0) == wilson_interval(0, 0)


def test_seven_expressions_keep_their_order():
    """Classes come as the expressions were given."""
    labels, probabilities = draw(0, 50, 7)
    scores = score(labels, probabilities, expressions=EXPRESSIONS)
    assert EXPRESSIONS == tuple(entry.expression for entry in scores.classes)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 60), classes=st.integers(2, 9))
def test_quick_rates_are_those_of_the_scores(seed, n, classes):
    """Classes without faces included."""
    labels, probabilities = draw(seed, n, classes)
    scores = score(labels, probabilities, expressions=[str(index) for index in range(classes)])
    rates = rate(labels, probabilities.argmax(axis=1), classes)
    expected = (scores.accuracy, scores.balanced_accuracy, scores.macro_f1)
    assert expected == pytest.approx((rates.accuracy, rates.balanced_accuracy, rates.macro_f1), abs=1e-12)


def test_faces_without_an_answer_count_in_coverage_alone():
    """The three that were wrong are left out: the seven others are right."""
    answers = np.where(LABELS == PREDICTED, PREDICTED, -1)
    scores = score(LABELS, np.eye(3)[PREDICTED], expressions=("a", "b", "c"), predicted=answers)
    assert (7, 0.7) == (scores.n, scores.coverage)
    assert 1.0 == scores.accuracy


def test_scoring_without_any_answer_says_so():
    """It is told apart from having no faces."""
    with pytest.raises(MienError, match="found 10 without an answer"):
        score(LABELS, np.eye(3)[PREDICTED], expressions=("a", "b", "c"), predicted=np.full(10, -1))
