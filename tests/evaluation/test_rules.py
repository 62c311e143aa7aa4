"""Decision rules."""

import numpy as np
import pytest

from mien.errors import ConfigError
from mien.evaluation.metrics import rate
from mien.evaluation.rules import ABSTAINED, ARGMAX, Rule, Wish, choose_rule, decide, parse_decision

COUNTS = np.array([900, 90, 10])


def draw(n=3000, seed=0):
    """Return labels of three classes as rare as `COUNTS`, and the true probabilities of each face."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, size=n, p=COUNTS / COUNTS.sum())
    seen = labels[:, None] == np.arange(3)
    likelihood = np.exp(1.5 * (seen + rng.normal(0.0, 0.7, (n, 3))))
    joint = likelihood * COUNTS
    return labels, joint / joint.sum(axis=1, keepdims=True)


def rate_rule(rule, labels, probabilities):
    """Return the rates of a rule."""
    return rate(labels, decide(probabilities, rule), 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("argmax", Wish(kind="argmax")),
        ("prior", Wish(kind="prior", target="balanced-accuracy")),
        ("prior:0.5", Wish(kind="prior", number=0.5)),
        ("prior:macro-f1", Wish(kind="prior", target="macro-f1")),
        ("thresholds", Wish(kind="thresholds", target="balanced-accuracy")),
        ("thresholds:accuracy", Wish(kind="thresholds", target="accuracy")),
        (" abstain:0.6 ", Wish(kind="abstain", number=0.6)),
    ],
)
def test_rules_are_read_as_they_are_written(text, expected):
    """Kind, then a number or a target."""
    assert expected == parse_decision(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("treshold", "did you mean thresholds"),
        ("", "expected one of argmax, prior"),
        ("prior:", "number from 0 to 2"),
        ("prior:-1", "number from 0 to 2"),
        ("prior:nan", "number from 0 to 2"),
        ("prior:recall", "number from 0 to 2"),
        ("thresholds:0.5", "balanced-accuracy, macro-f1"),
        ("abstain", "abstain:0.5"),
        ("abstain:7", "number from 0 to 1"),
        ("argmax:1", "argmax alone"),
    ],
)
def test_a_rule_that_is_none_is_refused(text, message):
    """The message says what there is."""
    with pytest.raises(ConfigError, match=message):
        parse_decision(text)


def test_dividing_by_the_prior_undoes_it():
    """With power 1, the true probabilities ÷ prior are the likelihoods: the best rule for balanced accuracy."""
    labels, probabilities = draw()
    rule = choose_rule(parse_decision("prior:1"), COUNTS, None)
    expected = (probabilities / COUNTS).argmax(axis=1)
    assert np.array_equal(expected, decide(probabilities, rule))
    plain, divided = (rate_rule(each, labels, probabilities) for each in (ARGMAX, rule))
    assert plain.balanced_accuracy + 0.1 < divided.balanced_accuracy
    assert plain.accuracy > divided.accuracy


def test_power_zero_is_argmax():
    """Nothing is divided by nothing."""
    _, probabilities = draw(200)
    rule = choose_rule(parse_decision("prior:0"), COUNTS, None)
    assert np.array_equal(decide(probabilities, ARGMAX), decide(probabilities, rule))


def test_a_class_that_train_lacks_does_not_take_every_face():
    """It counts as one face, not as none."""
    rule = choose_rule(parse_decision("prior:1"), np.array([5, 0]), None)
    assert (0.2, 1.0) == rule.weights


@pytest.mark.parametrize("target", ["accuracy", "balanced-accuracy", "macro-f1"])
@pytest.mark.parametrize("kind", ["prior", "thresholds"])
def test_what_valid_chooses_is_at_least_as_good_there_as_argmax(kind, target):
    """In the target asked for; thresholds, which are free, reach at least as much as one power."""
    valid = draw(600, seed=1)
    reached = [
        getattr(rate_rule(choose_rule(Wish(kind=each, target=target), COUNTS, valid), *valid), target.replace("-", "_"))
        for each in (kind, "prior")
    ]
    plain = getattr(rate_rule(ARGMAX, *valid), target.replace("-", "_"))
    assert plain <= reached[1] <= reached[0] + 1e-9


def test_the_power_chosen_on_valid_helps_other_faces():
    """Balanced accuracy on faces that chose nothing."""
    rule = choose_rule(parse_decision("prior"), COUNTS, draw(3000, seed=1))
    other = draw(3000, seed=2)
    assert rate_rule(ARGMAX, *other).balanced_accuracy + 0.1 < rate_rule(rule, *other).balanced_accuracy
    assert "chosen on valid" in rule.about


def test_no_answer_is_given_below_a_confidence():
    """A confidence of just the threshold is enough."""
    rule = choose_rule(parse_decision("abstain:0.6"), None, None)
    assert [0, ABSTAINED, 1] == decide(np.array([[0.6, 0.4], [0.55, 0.45], [0.1, 0.9]]), rule).tolist()


def test_only_some_wishes_need_faces():
    """A number that the user gives needs no valid, argmax and abstain not even train."""
    needs = {text: (parse_decision(text).needs_data, parse_decision(text).needs_valid) for text in ("prior:1", "prior")}
    assert {"prior:1": (True, False), "prior": (True, True)} == needs
    assert not parse_decision("abstain:0.5").needs_data


def test_a_rule_travels_by_its_name():
    """Asking by the name of a rule gives the rule again."""
    valid = draw(300, seed=3)
    rule = choose_rule(parse_decision("thresholds"), COUNTS, valid)
    assert rule == choose_rule(parse_decision(rule.name), COUNTS, valid)
    assert Rule() == choose_rule(parse_decision("argmax"), None, None)
