"""Learning-rate schedules: their shape, and plateau's patience."""

import math

import pytest

from mien.training.schedules import Plateau, grow_side, scale_rate


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
def test_a_cycle_rises_to_one_at_the_end_of_warm_up_and_falls_to_zero(schedule: str) -> None:
    """The peak rate is reached once."""
    rates = [scale_rate(schedule, step / 100, warmup_fraction=0.2) for step in range(101)]  # type: ignore[arg-type]
    assert rates.index(max(rates)) == 20
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)


def test_without_warm_up_a_cycle_starts_at_the_peak() -> None:
    """No division by zero."""
    assert scale_rate("one-cycle", 0.0) == 1.0


def test_cosine_is_half_a_cosine_after_warm_up() -> None:
    """Loshchilov and Hutter 2017, equation 5, without restarts."""
    assert scale_rate("cosine", 0.25) == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.25)))


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_constant_stays(progress: float) -> None:
    """As its name says, warm-up or not."""
    assert scale_rate("constant", progress, warmup_fraction=0.5) == 1.0


def test_plateau_acts_after_more_than_its_patience_and_then_waits_again() -> None:
    """Scores: one rise, then three epochs without; patience 1 lets one pass."""
    state, factors = Plateau(), []
    for score in (0.5, 0.5, 0.5, 0.5, 0.5):
        state = state.after(score, plateau_factor=0.1, patience=1)
        factors.append(state.factor)
    assert factors == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01])


def test_plateau_forgives_after_an_improvement() -> None:
    """A new best resets the waiting."""
    state = Plateau()
    for score in (0.5, 0.4, 0.6, 0.5):
        state = state.after(score, plateau_factor=0.1, patience=1)
    assert state.factor == 1.0


def test_faces_grow_in_equal_spans_and_reach_their_full_side() -> None:
    """24, 36, 48: two spans of half the growing part each, then the full side for the rest."""
    sides = [grow_side(step / 100, start=24, full=48, grow_fraction=0.8) for step in range(100)]
    assert sides == [24] * 40 + [36] * 40 + [48] * 20


@pytest.mark.parametrize("start", [None, 48, 64])
def test_faces_that_start_at_their_full_side_never_change(start: int | None) -> None:
    """No growth asked for, or none possible."""
    assert {grow_side(step / 10, start=start, full=48, grow_fraction=0.7) for step in range(10)} == {48}


def test_the_last_span_may_be_shorter_than_a_step() -> None:
    """A full side that is no multiple of the step from the start is reached all the same."""
    assert grow_side(1.0, start=32, full=40, grow_fraction=0.7) == 40
