"""Decision rules side by side."""

import json
from dataclasses import replace

import numpy as np
import pytest

from conftest import SHAPES, draw_shapes
from mien.errors import DataError
from mien.evaluation.compare_rules import (
    choose_all_rules,
    choose_rule_for,
    compare_rules,
    describe_trades,
    summarise_trades,
)
from mien.evaluation.differences import Pair, compare_pairs
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.metrics import rate
from mien.evaluation.rules import ARGMAX, Rule, parse_decision
from mien.faces import Splits
from mien.runs.run import load_run

ABSTAIN = Rule(name="abstain:0.9", about="", confidence=0.9)
TOWARDS_LAST = Rule(name="prior:1", about="", weights=(0.1, 0.1, 1.0))


@pytest.fixture(scope="module")
def evaluation():
    """Return an evaluation of 900 faces, few of the last class, answered well but too seldom with that class."""
    rng = np.random.default_rng(0)
    counts = np.array([0.6, 0.35, 0.05])
    labels = rng.choice(3, size=900, p=counts)
    joint = np.exp(1.3 * ((labels[:, None] == np.arange(3)) + rng.normal(0.0, 0.6, (900, 3)))) * counts
    return Evaluation(
        labels=labels,
        probabilities=(joint / joint.sum(axis=1, keepdims=True)).astype(np.float32),
        ids=np.array([str(index) for index in range(900)]),
        copies=np.zeros(900, dtype=bool),
        expressions=SHAPES,
        split="test",
        source="faces",
        trained_on="faces",
        copies_sought_in="faces",
        synthetic=False,
        recipe="small",
        epoch=3,
        views=("plain",),
    )


@pytest.fixture
def splits():
    """Return the splits that a run may have been trained on."""
    train, valid = draw_shapes(12), draw_shapes(8, seed=1)
    return Splits(expressions=SHAPES, source="shapes", kind="drawn", train=train, valid=valid)


def test_differences_are_those_of_the_rates(evaluation):
    """Each is the rate of the rule minus that of argmax, inside its interval."""
    plain, other = compare_rules(evaluation, (ARGMAX, TOWARDS_LAST))
    assert plain.differences == {}
    for name, difference in other.differences.items():
        assert getattr(other.rates, name) - getattr(plain.rates, name) == pytest.approx(difference.value)
        assert difference.low < difference.value < difference.high


def test_the_interval_of_a_difference_is_that_of_resampling_faces(evaluation):
    """Drawing whole faces 2,000 times gives the same interval to half a point."""
    rng, labels = np.random.default_rng(1), evaluation.labels
    first, second = evaluation.predicted, (evaluation.probabilities * TOWARDS_LAST.weights).argmax(axis=1)
    drawn = []
    for _ in range(2000):
        index = rng.integers(0, len(labels), len(labels))
        pair = [rate(labels[index], answers[index], 3).balanced_accuracy for answers in (first, second)]
        drawn.append(pair[1] - pair[0])
    expected = np.quantile(drawn, (0.025, 0.975))
    pair = Pair(labels=labels, base=first, variant=second)
    found = compare_pairs([pair], classes=3)["balanced_accuracy"]
    assert expected == pytest.approx((found.low, found.high), abs=0.005)


def test_equal_answers_differ_by_nothing_and_that_is_noise(evaluation):
    """A rule that changes no answer."""
    same = Rule(name="prior:0", about="", weights=(1.0, 1.0, 1.0))
    trade = compare_rules(evaluation, (same,))[0]
    assert {(0.0, 0.0, 0.0)} == {(each.value, each.low, each.high) for each in trade.differences.values()}
    assert all(each.is_noise for each in trade.differences.values())


def test_a_rule_that_abstains_is_more_often_right_on_the_rest(evaluation):
    """Its rates are those of the faces that it answers; it is not held against argmax, which answers all."""
    plain, careful = compare_rules(evaluation, (ARGMAX, ABSTAIN))
    assert 0.0 < careful.coverage < plain.coverage == 1.0
    assert plain.rates.accuracy < careful.rates.accuracy
    assert careful.differences == {}


def test_a_rule_that_answers_no_face_has_no_rates(evaluation):
    """Coverage 0 tells it."""
    trade = compare_rules(evaluation, (replace(ABSTAIN, confidence=1.0),))[0]
    assert (0.0, 0.0) == (trade.coverage, trade.rates.accuracy)


def test_one_sentence_says_what_helps_what(evaluation):
    """Balanced accuracy gains, and accuracy loses, beyond noise; nothing else is claimed."""
    sentence = summarise_trades(compare_rules(evaluation, (ARGMAX, TOWARDS_LAST, ABSTAIN)))
    accuracy, balanced, _ = sentence.split(";")
    assert "accuracy −" in accuracy
    assert "balanced accuracy +" in balanced
    assert "by prior:1" in balanced
    assert "abstain" not in sentence


def test_differences_within_noise_are_called_that(evaluation):
    """A rule that changes next to nothing."""
    barely = Rule(name="prior:0.01", about="", weights=(1.0, 1.0, 1.001))
    assert 3 == summarise_trades(compare_rules(evaluation, (ARGMAX, barely))).count("no difference beyond noise")


def test_trades_are_plain_values(evaluation):
    """They go into a file as they are."""
    described = describe_trades(compare_rules(evaluation, (ARGMAX, TOWARDS_LAST)))
    assert ["argmax", "prior:1"] == [entry["rule"]["name"] for entry in json.loads(json.dumps(described))]


def test_all_rules_are_chosen_on_the_valid_split_of_the_run(trained, splits, tmp_path):
    """Argmax comes first; each has the name by which it can be asked for again."""
    run = replace(load_run(trained), path=tmp_path)
    names = [rule.name for rule in choose_all_rules(run, splits, views=("plain",))]
    assert "argmax" == names[0]
    assert names == [choose_rule_for(run, parse_decision(name), splits, views=("plain",)).name for name in names]


@pytest.mark.parametrize(
    ("decision", "lost", "message"),
    [("prior:1", ("train", "valid"), "cannot be read"), ("thresholds", ("valid",), "expected a valid split")],
)
def test_a_rule_whose_faces_are_missing_says_so(trained, splits, decision, lost, message):
    """And names rules that need none."""
    left = None if len(lost) == 2 else replace(splits, valid=None)
    with pytest.raises(DataError, match=message + ".*abstain:P"):
        choose_rule_for(load_run(trained), parse_decision(decision), left, views=("plain",))
