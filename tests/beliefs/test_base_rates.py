"""Base rates: Bayes' rule, what users write, and what pictures tell of themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.beliefs.base_rates import (
    LEAST_FACES,
    choose_rates,
    count_rates,
    estimate_rates,
    find_rates,
    parse_prior,
    shift_rates,
)
from mien.errors import ConfigError, DataError
from mien.evaluation.fit_beliefs import fit_rates

NAMES = ("happy", "sad", "neutral")
TRAINED = (0.2, 0.2, 0.6)


def draw_faces(count: int, rates: tuple[float, ...], *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and likelihoods (N, 3) of faces whose class a noisy measurement tells, exactly."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, count, p=rates)
    measured = labels + rng.normal(0.0, 0.7, count)
    return labels, np.exp(-((measured[:, None] - np.arange(3)) ** 2) / (2 * 0.7**2))


def answer(likelihoods: np.ndarray, rates: tuple[float, ...]) -> np.ndarray:
    """Return what a network answers that learnt at these rates, perfectly."""
    joint = likelihoods * np.array(rates)
    return (joint / joint.sum(axis=1, keepdims=True)).astype(np.float32)


def test_a_shift_is_what_a_network_of_those_rates_would_have_answered() -> None:
    """Bayes' rule, to the last digits of float32."""
    _, likelihoods = draw_faces(500, TRAINED)
    other = (0.5, 0.4, 0.1)
    np.testing.assert_allclose(
        answer(likelihoods, other), shift_rates(answer(likelihoods, TRAINED), TRAINED, other), atol=1e-6
    )


@given(st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3), st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3))
def test_a_shift_there_and_back_changes_nothing(first: list[float], second: list[float]) -> None:
    """Up to rounding."""
    before, after = np.array(first) / sum(first), np.array(second) / sum(second)
    rows = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)
    np.testing.assert_allclose(rows, shift_rates(shift_rates(rows, before, after), after, before), atol=1e-4)


def test_an_expression_that_never_occurs_is_never_answered() -> None:
    """A rate of 0 is a statement; rows still sum to 1, even where all else was impossible."""
    rows = shift_rates(np.array([[1.0, 0.0, 0.0], [0.3, 0.3, 0.4]]), TRAINED, (0.0, 0.5, 0.5))
    assert [0.0, 0.0] == rows[:, 0].tolist()
    np.testing.assert_allclose(1.0, rows.sum(axis=1), atol=1e-6)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_of_nothing_or_all_can_be_taken_back(rate: float) -> None:
    """It decides every answer, and yet what the network said is not lost."""
    rows = np.array([[0.7, 0.2, 0.1], [1e-6, 0.1, 0.899999], [0.999998, 1e-6, 1e-6]], np.float32)
    rates = choose_rates({"happy": rate}, NAMES, TRAINED)
    shifted = shift_rates(rows, TRAINED, rates)
    assert [rate == 1.0] * 3 == (shifted.argmax(axis=1) == 0).tolist()
    assert [round(rate)] * 3 == shifted[:, 0].round(4).tolist()
    np.testing.assert_allclose(rows, shift_rates(shifted, rates, TRAINED), rtol=1e-5)


def test_what_are_no_probabilities_of_these_expressions_is_refused() -> None:
    """Neither another number of classes nor what is no probability is taken for rates."""
    for rows, told in (
        (np.full((60, 4), 0.25), r"expected probabilities \(N, 3\) of happy, sad, neutral, found an array \(60, 4\)"),
        (np.full(180, 0.3), "found an array"),
        (np.full((60, 3), np.nan), "expected rows of probabilities from 0 to 1 that sum to 1, found others"),
        (np.tile([-1.0, 1.0, 1.0], (60, 1)), "from 0 to 1 that sum to 1, found others"),
        (np.zeros((60, 3)), "from 0 to 1 that sum to 1, found others"),
    ):
        with pytest.raises(DataError, match=told):
            estimate_rates(rows, TRAINED, NAMES)


def test_rates_that_are_not_named_are_shared_as_in_training() -> None:
    """happy=0.5 leaves half, of which neutral gets three quarters."""
    assert (0.5, 0.125, 0.375) == choose_rates({"happy": 0.5}, NAMES, TRAINED)
    assert pytest.approx((0.5, 0.25, 0.25)) == choose_rates("happy=0.5,sad=.25,neutral=.25", NAMES, TRAINED)
    assert pytest.approx((1 / 3,) * 3) == choose_rates("uniform", NAMES, TRAINED)
    assert choose_rates("training", NAMES, TRAINED) == TRAINED


@pytest.mark.parametrize(
    ("prior", "told"),
    [
        ("unifrom", "did you mean uniform"),
        ("happy", "expected training, uniform, estimate, or rates"),
        ("", "expected training, uniform, estimate, or rates"),
        ("happy=", "expected a rate from 0 to 1 for happy"),
        ("happy=40%", "expected a rate from 0 to 1 for happy, found 40%"),
        ("happy=-0.1", "expected a rate from 0 to 1"),
        ("happy=nan", "expected a rate from 0 to 1"),
        ("happy=0.7,sad=0.6", "expected rates that sum to at most 1, found 1.3"),
        ("happy=0.7,happy=0.1", "found happy twice"),
        ("hapy=0.4", "did you mean happy"),
        ("happy=0.1,sad=0.1,neutral=0.1", "expected rates of all expressions to sum to 1, found 0.3"),
        ("estimate", "expected pictures"),
        ({"happy": "much"}, "expected a rate from 0 to 1 for happy, found much"),
        ({}, "expected training, uniform, estimate, or rates"),
        (0.4, "expected training, uniform, estimate, or rates"),
    ],
)
def test_an_impossible_prior_is_refused_in_one_line(prior: object, told: str) -> None:
    """With what was expected and what was found."""
    with pytest.raises(ConfigError, match=told):
        choose_rates(prior, NAMES, TRAINED)  # type: ignore[arg-type]


def test_a_class_without_faces_counts_as_one_face() -> None:
    """No probability is exactly 0, so no rate is, either."""
    assert (0.75, 0.25) == count_rates([3, 0])


@pytest.mark.parametrize("seed", range(3))
def test_pictures_tell_their_own_rates(seed: int) -> None:
    """A network that learnt 60 % neutral sees 2,000 faces of which half are happy; the intervals hold the truth."""
    true = (0.5, 0.4, 0.1)
    _, likelihoods = draw_faces(2000, true, seed=seed)
    found = estimate_rates(answer(likelihoods, TRAINED), TRAINED, NAMES)
    assert pytest.approx(true, abs=0.04) == tuple(found.rates.values())
    assert pytest.approx(1.0) == sum(found.rates.values())
    assert all(low < rate < high for rate, (low, high) in zip(true, found.intervals.values(), strict=True))
    assert "base rates of 2,000 faces: happy" in str(found)


def test_estimated_rates_are_the_same_from_wherever_they_are_sought() -> None:
    """Answers that were shifted before tell the same, but for the faces that are drawn in."""
    _, likelihoods = draw_faces(1000, (0.3, 0.3, 0.4))
    found = [find_rates(answer(likelihoods, rates), rates, drawn_in=0.0) for rates in (TRAINED, (0.6, 0.2, 0.2))]
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_intervals_of_more_faces_are_narrower() -> None:
    """With the root of their number, also beyond the faces that a resample draws."""
    widths = []
    for count in (500, 8000):
        _, likelihoods = draw_faces(count, TRAINED)
        low, high = estimate_rates(answer(likelihoods, TRAINED), TRAINED, NAMES).intervals["happy"]
        widths.append(high - low)
    assert pytest.approx(4.0, rel=0.3) == widths[0] / widths[1]


def test_too_few_faces_are_refused() -> None:
    """One less than enough; the message says what else to do."""
    rows = answer(draw_faces(LEAST_FACES, TRAINED)[1], TRAINED)
    with pytest.raises(DataError, match="expected at least 50 faces to estimate base rates from, found 49: give rates"):
        estimate_rates(rows[1:], TRAINED, NAMES)
    assert LEAST_FACES == estimate_rates(rows, TRAINED, NAMES).faces


def test_valid_tells_which_rates_probabilities_assume() -> None:
    """Of a perfect network they are those of its training, whatever the rates of valid."""
    labels, likelihoods = draw_faces(8000, (0.4, 0.3, 0.3))
    found = fit_rates(labels, answer(likelihoods, TRAINED), (1 / 3, 1 / 3, 1 / 3))
    assert pytest.approx(TRAINED, abs=0.02) == found
    soft = np.eye(3)[labels]
    assert pytest.approx(found) == fit_rates(soft, answer(likelihoods, TRAINED), (1 / 3, 1 / 3, 1 / 3))


def test_a_network_that_overstates_a_class_assumes_a_higher_rate_of_it() -> None:
    """So that shifting to the true rates mends it, where the counts of training would have left it."""
    labels, likelihoods = draw_faces(8000, TRAINED)
    biased = answer(likelihoods, (0.4, 0.2, 0.4))
    found = fit_rates(labels, biased, TRAINED)
    assert pytest.approx((0.4, 0.2, 0.4), abs=0.02) == found
    np.testing.assert_allclose(answer(likelihoods, TRAINED), shift_rates(biased, found, TRAINED), atol=0.03)


def test_few_faces_of_valid_leave_the_rates_of_training() -> None:
    """Five faces prove nothing."""
    labels, likelihoods = draw_faces(5, TRAINED)
    assert pytest.approx(TRAINED, abs=0.08) == fit_rates(labels, answer(likelihoods, TRAINED), TRAINED)


def test_kinds_and_rates_are_told_apart() -> None:
    """A name is a kind, what holds an equals sign are rates."""
    assert parse_prior("uniform") == "uniform"
    assert {"happy": 0.4, "sad": 0.1} == parse_prior(" happy = 0.4 , sad=0.1,")
    assert {"happy": 0.4} == parse_prior({"happy": 0.4})
