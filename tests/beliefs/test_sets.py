"""Sets of expressions: what they promise, how large they are, and a library that computes the same."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from mien.beliefs.sets import CLASSES, COVERAGES, LAC, METHODS, RAPS, SetRules, fit_sets, score_classes
from mien.errors import ConfigError

COUNT = 4000


def draw_faces(count: int, *, seed: int = 0, rates: tuple[float, ...] = (0.5, 0.3, 0.2)) -> tuple[np.ndarray, ...]:
    """Return labels and overconfident probabilities (N, 3): a network that is good at the first class alone."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, count, p=rates)
    logits = rng.normal(0.0, 1.2, (count, 3))
    logits[np.arange(count), labels] += np.array([3.0, 1.5, 1.0])[labels]
    exact = np.exp(1.5 * logits)
    return labels, (exact / exact.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_so_many_faces_as_promised_have_theirs_in_the_set(method: str, coverage: float) -> None:
    """On faces that the thresholds do not come from, however wrong the network's confidence is."""
    rule = fit_sets(*draw_faces(COUNT)).pick(coverage, method)
    labels, probabilities = draw_faces(COUNT, seed=1)
    chosen = rule.apply(probabilities)
    held = chosen[np.arange(COUNT), labels].mean()
    assert coverage - 0.02 <= held
    if chosen.sum(axis=1).mean() > 1.2:  # otherwise the most probable class alone does more than was asked for
        assert held <= coverage + 0.02


def test_a_threshold_for_each_class_keeps_the_promise_to_each() -> None:
    """Also where classes occur at other rates; one for all of them breaks it for those that are hard."""
    rules = fit_sets(*draw_faces(COUNT))
    labels, probabilities = draw_faces(COUNT, seed=1, rates=(0.1, 0.2, 0.7))
    held = {
        method: [rules.pick(0.9, method).apply(probabilities)[labels == one, one].mean() for one in range(3)]
        for method in (CLASSES, LAC)
    }
    assert pytest.approx([0.9] * 3, abs=0.03) != held[LAC]
    assert min(held[CLASSES]) > 0.85 > min(held[LAC])


def test_a_set_is_never_empty_and_grows_with_coverage() -> None:
    """The most probable class always belongs to it."""
    rules = fit_sets(*draw_faces(COUNT))
    _, probabilities = draw_faces(200, seed=2)
    for method in METHODS:
        sizes = [rules.pick(coverage, method).apply(probabilities).sum(axis=1) for coverage in (0.5, 0.8, 0.9, 0.99)]
        assert min(sizes[0]) >= 1
        assert all((small <= large).all() for small, large in pairwise(sizes))


def test_a_class_with_few_faces_takes_the_threshold_of_all() -> None:
    """Three faces cannot tell what nine of ten lie below."""
    labels, probabilities = draw_faces(COUNT)
    kept = np.concatenate([np.flatnonzero(labels != 2), np.flatnonzero(labels == 2)[:3]])
    rules = fit_sets(labels[kept], probabilities[kept])
    assert rules.faces[2] == 3
    assert rules.pick(0.9, LAC).thresholds[2] == rules.pick(0.9, CLASSES).thresholds[2]
    assert rules.pick(0.9, LAC).thresholds[0] != rules.pick(0.9, CLASSES).thresholds[0]


def test_thresholds_survive_json() -> None:
    """As they lie in beliefs.json and in exported files; other forms are refused."""
    rules = fit_sets(*draw_faces(300))
    held = json.loads(json.dumps(rules.to_dict()))
    assert rules == SetRules.of(held)
    assert 2 == len(rules.keep(2).pick(0.9).thresholds)
    for broken in ({**held, "lac": held["lac"][:3]}, {**held, "classes": 7}, {}):
        with pytest.raises((ValueError, TypeError, KeyError)):
            SetRules.of(broken)


def test_a_coverage_in_between_takes_the_next_higher() -> None:
    """So that the promise is kept."""
    rules = fit_sets(*draw_faces(COUNT))
    assert rules.pick(0.905).thresholds == rules.pick(0.91).thresholds
    assert 50 == len(COVERAGES)


@pytest.mark.parametrize(
    ("coverage", "method", "told"),
    [
        (0.3, LAC, "`coverage`: expected 0.5 to 0.99, found 0.3"),
        (90, LAC, "found 90"),
        (float("nan"), LAC, "found nan"),
        (0.9, "lca", "`sets` 'lca': expected one of classes, lac, raps; did you mean lac"),
    ],
)
def test_an_impossible_wish_is_refused(coverage: float, method: str, told: str) -> None:
    """In one line."""
    with pytest.raises(ConfigError, match=told):
        fit_sets(*draw_faces(50)).pick(coverage, method)


def test_raps_counts_what_is_more_probable_and_a_penalty() -> None:
    """By hand: ranks 1, 2 and 3, of which one is free."""
    found = score_classes(np.array([[0.6, 0.1, 0.3]]), RAPS, 0.1, 1)
    np.testing.assert_allclose([[0.0, 0.9 + 0.2, 0.6 + 0.1]], found)


def test_thresholds_are_those_of_mapie() -> None:
    """LAC to the rounding of thresholds; RAPS as large and as true as its randomised form, within 5 %."""
    pytest.importorskip("mapie", reason="MAPIE is not installed (pip install mapie)")
    from mapie.classification import SplitConformalClassifier
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):
        """A classifier whose features are its probabilities."""

        def fit(self, X: np.ndarray, y: np.ndarray) -> Given:
            self.classes_, self.n_features_in_ = np.unique(y), X.shape[1]
            return self

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            return np.asarray(X, dtype=np.float64)

        def predict(self, X: np.ndarray) -> np.ndarray:
            return np.asarray(X).argmax(axis=1)

    labels, probabilities = draw_faces(COUNT)
    truth, answers = draw_faces(COUNT, seed=1)
    exact, shown = (part.astype(np.float64) for part in (probabilities, answers))
    exact, shown = (part / part.sum(axis=1, keepdims=True) for part in (exact, shown))
    rules = fit_sets(labels, exact)
    for score, method in (("lac", LAC), ("raps", RAPS)):
        witness = SplitConformalClassifier(
            Given().fit(exact, labels), confidence_level=0.9, conformity_score=score, prefit=True, random_state=0
        )
        witness.conformalize(exact, labels)
        asked = {} if method == LAC else {"conformity_score_params": {"include_last_label": "randomized"}}
        _, sets = witness.predict_set(shown, **asked)
        theirs, ours = sets[:, :, 0], rules.pick(0.9, method).apply(shown)
        theirs[np.arange(COUNT), shown.argmax(axis=1)] = True
        if method == LAC:
            assert (theirs == ours).mean() > 0.999
        held = [one[np.arange(COUNT), truth].mean() for one in (theirs, ours)]
        sizes = [one.sum(axis=1).mean() for one in (theirs, ours)]
        assert pytest.approx(held[0], abs=0.03) == held[1]
        assert sizes[1] <= 1.05 * sizes[0]
