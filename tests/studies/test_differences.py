"""Paired differences and their intervals, against slow twins and known truths."""

from __future__ import annotations

import numpy as np
import pytest

from mien.studies.differences import METRICS, Pair, compare_pairs, draw_faces, measure


def make_pairs(rng: np.random.Generator, *, seeds: int, faces: int, gain: float = 0.0, luck: float = 0.0) -> list[Pair]:
    """Return pairs whose variant is right more often by `gain`, give or take the `luck` of each training."""
    labels, hard = rng.integers(0, 3, faces), rng.random(faces)
    pairs = []
    for _ in range(seeds):
        base, variant = (hard * 0.6 + rng.random(faces) * 0.4 for _ in range(2))
        edge = 0.6 + gain + luck * rng.standard_normal()
        pairs.append(Pair(labels=labels, base=base < 0.6, variant=variant < edge))
    return pairs


def test_drawing_alike_faces_together_is_drawing_them_one_by_one() -> None:
    """Mean and spread of both metrics, against a bootstrap that draws faces by their number."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], (60, 30, 6))
    gains = rng.integers(-1, 2, (2, len(labels))).astype(np.int8)
    fast = draw_faces(labels, gains, rng=rng, resamples=20_000)
    slow = {metric: [] for metric in METRICS}
    for picked in rng.integers(0, len(labels), (4_000, len(labels))):
        sums = [gains[:, picked[labels[picked] == label]] for label in range(3)]
        slow["accuracy"].append(gains[:, picked].mean(axis=1))
        slow["balanced accuracy"].append(np.mean([part.mean(axis=1) for part in sums if part.size], axis=0))
    for metric in METRICS:
        expected = np.array(slow[metric])
        assert expected.mean(axis=0) == pytest.approx(fast[metric].mean(axis=0), abs=0.01)
        assert expected.std(axis=0) == pytest.approx(fast[metric].std(axis=0), rel=0.05)
        assert np.corrcoef(expected.T)[0, 1] == pytest.approx(np.corrcoef(fast[metric].T)[0, 1], abs=0.07)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """No true difference, three seeds of some luck: zero lies inside in about 95 of 100 studies."""
    rng = np.random.default_rng(1)
    inside = [
        compare_pairs(make_pairs(rng, seeds=3, faces=400, luck=0.02), same_faces=True, resamples=400)[
            "accuracy"
        ].is_noise
        for _ in range(150)
    ]
    assert 0.88 <= np.mean(inside) <= 0.99


def test_a_large_difference_is_no_noise_and_a_small_one_is() -> None:
    """Means are exact, whatever the bootstrap draws."""
    rng = np.random.default_rng(2)
    large, small = (make_pairs(rng, seeds=3, faces=500, gain=gain) for gain in (0.1, 0.0))
    found = compare_pairs(large, same_faces=True)["accuracy"]
    expected = np.mean([pair.variant.mean() - pair.base.mean() for pair in large])
    assert expected == pytest.approx(found.mean)
    assert found.low < found.mean < found.high
    assert (False, True) == (found.is_noise, compare_pairs(small, same_faces=True)["accuracy"].is_noise)


def test_shared_luck_of_faces_does_not_average_away_over_seeds() -> None:
    """Ten seeds that agree on every face know no more than one; ten seeds with faces of their own do."""
    [pair] = make_pairs(np.random.default_rng(3), seeds=1, faces=300)
    one = compare_pairs([pair], same_faces=True)["accuracy"]
    shared = compare_pairs([pair] * 10, same_faces=True)["accuracy"]
    own = compare_pairs([pair] * 10, same_faces=False)["accuracy"]
    assert one.high - one.low == pytest.approx(shared.high - shared.low, rel=0.1)
    assert own.high - own.low < 0.6 * (one.high - one.low)


def test_equal_answers_differ_by_nothing() -> None:
    """The interval is a point."""
    [pair] = make_pairs(np.random.default_rng(4), seeds=1, faces=50)
    same = Pair(labels=pair.labels, base=pair.base, variant=pair.base)
    found = compare_pairs([same, same], same_faces=True)["balanced accuracy"]
    assert (0.0, 0.0, 0.0, True) == (found.mean, found.low, found.high, found.is_noise)


def test_the_same_pairs_always_have_the_same_interval() -> None:
    """The bootstrap has a seed."""
    pairs = make_pairs(np.random.default_rng(5), seeds=2, faces=80)
    assert compare_pairs(pairs, same_faces=True) == compare_pairs(pairs, same_faces=True)


def test_balanced_accuracy_weighs_expressions_alike() -> None:
    """One face of a rare expression weighs as much as all of a common one."""
    labels, right = np.array([0] * 9 + [1]), np.array([True] * 9 + [False])
    assert {"accuracy": 0.9, "balanced accuracy": 0.5} == measure(labels, right)
