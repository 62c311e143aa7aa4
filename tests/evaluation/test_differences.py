"""Paired differences and their intervals, against slow twins and known truths."""

from __future__ import annotations

import numpy as np
import pytest

from mien.evaluation.differences import BY_RIGHT, TITLES, Difference, Pair, compare_pairs
from mien.evaluation.metrics import rate

WRONG = 3
"""An answer that no face has as its label."""


def make_pairs(rng: np.random.Generator, *, seeds: int, faces: int, gain: float = 0.0, luck: float = 0.0) -> list[Pair]:
    """Return pairs whose variant is right more often by `gain`, give or take the `luck` of each training."""
    labels, hard = rng.integers(0, 3, faces), rng.random(faces)
    pairs = []
    for _ in range(seeds):
        base, variant = (hard * 0.6 + rng.random(faces) * 0.4 for _ in range(2))
        edge = 0.6 + gain + luck * rng.standard_normal()
        pairs.append(answer(labels, base < 0.6, variant < edge))
    return pairs


def answer(labels: np.ndarray, base: np.ndarray, variant: np.ndarray) -> Pair:
    """Return answers that are right where `base` and `variant` are true."""
    return Pair(labels=labels, base=np.where(base, labels, WRONG), variant=np.where(variant, labels, WRONG))


def compare(pairs: list[Pair], *, same_faces: bool = True, resamples: int = 2000) -> dict[str, Difference]:
    """Return the differences of answers of four classes."""
    return compare_pairs(pairs, classes=4, same_faces=same_faces, resamples=resamples)


def test_drawing_alike_faces_together_is_drawing_them_one_by_one() -> None:
    """The ends of every rate's interval, against a bootstrap that draws faces by their number."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], (60, 30, 6))
    base, variant = (np.where(rng.random(96) < share, labels, rng.integers(0, 3, 96)) for share in (0.4, 0.6))
    found = compare_pairs([Pair(labels=labels, base=base, variant=variant)], classes=3, metrics=tuple(TITLES))
    slow = []
    for picked in rng.integers(0, len(labels), (4_000, len(labels))):
        one, other = (rate(labels[picked], answers[picked], 3) for answers in (base, variant))
        slow.append([getattr(other, metric) - getattr(one, metric) for metric in TITLES])
    expected = np.quantile(slow, (0.025, 0.975), axis=0).T
    assert expected == pytest.approx(np.array([(each.low, each.high) for each in found.values()]), abs=0.012)


def test_what_a_wrong_answer_was_makes_no_difference_to_accuracy() -> None:
    """Three seeds: the same intervals, to the noise of the draws, from the answers as from who alone was right."""
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 3, 300)
    pairs = [Pair(labels=labels, base=rng.integers(0, 3, 300), variant=rng.integers(-1, 3, 300)) for _ in range(3)]
    fast = compare_pairs(pairs, classes=3, resamples=20_000)
    slow = compare_pairs(pairs, classes=3, metrics=tuple(TITLES), resamples=20_000)
    for metric in BY_RIGHT:
        assert slow[metric].values == fast[metric].values
        ends = (slow[metric].low, slow[metric].high)
        assert ends == pytest.approx((fast[metric].low, fast[metric].high), abs=0.003)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """No true difference, three seeds of some luck: zero lies inside in about 95 of 100 studies."""
    rng = np.random.default_rng(1)
    inside = [
        compare(make_pairs(rng, seeds=3, faces=400, luck=0.02), resamples=400)["accuracy"].is_noise for _ in range(150)
    ]
    assert 0.88 <= np.mean(inside) <= 0.99


def test_a_large_difference_is_no_noise_and_a_small_one_is() -> None:
    """Means are exact, whatever the bootstrap draws."""
    rng = np.random.default_rng(2)
    large, small = (make_pairs(rng, seeds=3, faces=500, gain=gain) for gain in (0.1, 0.0))
    found = compare(large)["accuracy"]
    expected = np.mean([np.mean(pair.variant == pair.labels) - np.mean(pair.base == pair.labels) for pair in large])
    assert expected == pytest.approx(found.value)
    assert found.low < found.value < found.high
    assert (False, True) == (found.is_noise, compare(small)["accuracy"].is_noise)


def test_shared_luck_of_faces_does_not_average_away_over_seeds() -> None:
    """Ten seeds that agree on every face know no more than one; ten seeds with faces of their own do."""
    [pair] = make_pairs(np.random.default_rng(3), seeds=1, faces=300)
    one = compare([pair])["accuracy"]
    shared = compare([pair] * 10)["accuracy"]
    own = compare([pair] * 10, same_faces=False)["accuracy"]
    assert one.high - one.low == pytest.approx(shared.high - shared.low, rel=0.1)
    assert own.high - own.low < 0.6 * (one.high - one.low)


def test_equal_answers_differ_by_nothing() -> None:
    """The interval is a point."""
    [pair] = make_pairs(np.random.default_rng(4), seeds=1, faces=50)
    same = Pair(labels=pair.labels, base=pair.base, variant=pair.base)
    found = compare([same, same])["balanced_accuracy"]
    assert (0.0, 0.0, 0.0, True) == (found.value, found.low, found.high, found.is_noise)


def test_the_same_pairs_always_have_the_same_interval() -> None:
    """The bootstrap has a seed."""
    pairs = make_pairs(np.random.default_rng(5), seeds=2, faces=80)
    assert compare(pairs) == compare(pairs)


def test_balanced_accuracy_weighs_expressions_alike() -> None:
    """One face of a rare expression weighs as much as all of a common one; no answer is a wrong one."""
    labels, answers = np.array([0] * 9 + [1]), np.array([0] * 9 + [-1])
    found = rate(labels, answers, 2)
    assert (0.9, 0.5) == (found.accuracy, found.balanced_accuracy)
