"""The twins of weight averaging and of the learning-rate curves agree with their definitions and with torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.theory.averaging import average_step, average_weights, warm_decay
from mien.theory.schedules import cosine_factor, one_cycle_factor, plateau_factor


def make_optimiser() -> torch.optim.Optimizer:
    """Return an optimiser whose rate is the factor itself."""
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


@settings(max_examples=40, deadline=None)
@given(steps=st.integers(0, 30), decay=st.floats(0, 1), seed=st.integers(0, 99))
def test_the_closed_average_is_that_of_the_recursion(steps: int, decay: float, seed: int) -> None:
    """With a decay that warms up, over any number of steps, none included."""
    rng = np.random.default_rng(seed)
    start, weights = rng.normal(size=3), rng.normal(size=(steps, 3))
    decays = np.array([warm_decay(step, decay) for step in range(steps)])
    expected = start
    for w, d in zip(weights, decays, strict=True):
        expected = average_step(expected, w, d)
    np.testing.assert_allclose(average_weights(start, weights, decays), expected, atol=1e-12)


def test_cosine_without_warmup_is_torchs() -> None:
    """Over 20 steps."""
    optimiser = make_optimiser()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=20)
    for step in range(21):
        assert schedule.get_last_lr()[0] == pytest.approx(cosine_factor(step / 20), abs=1e-12)
        optimiser.step()
        schedule.step()


@pytest.mark.parametrize("curve", [cosine_factor, one_cycle_factor])
@pytest.mark.parametrize("warmup", [0.1, 0.5])
def test_curves_rise_to_one_and_fall_to_nothing(curve, warmup: float) -> None:  # type: ignore[no-untyped-def]
    """The peak of 1 stands where the warm-up ends."""
    factors = [curve(step / 100, warmup) for step in range(101)]
    assert factors[0] == 0.0
    assert round(100 * warmup) == int(np.argmax(factors))
    assert max(factors) == 1.0
    assert factors[-1] == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(scores=st.lists(st.integers(0, 5), min_size=1, max_size=30), patience=st.integers(0, 4))
def test_plateaus_are_those_of_torch(scores: list[int], patience: int) -> None:
    """Any history of scores with ties."""
    optimiser = make_optimiser()
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, mode="max", factor=0.5, patience=patience, threshold=0.0, eps=0.0
    )
    for score in scores:
        schedule.step(score)
    assert schedule.get_last_lr()[0] == pytest.approx(plateau_factor(scores, patience, 0.5), rel=1e-12)
