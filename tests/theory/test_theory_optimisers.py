"""Optimisers go torch's way, and Adam's limit is Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.theory.optimisers import (
    Adagrad,
    Adam,
    Optimiser,
    Sgd,
    adam_moments,
    follow_adagrad,
    follow_adam,
    minimise,
    start_memory,
)
from mien.theory.page import fit_order, measure_convergence

PAIRS = [
    (Sgd(learning_rate=0.05), "SGD", {"lr": 0.05}),
    (
        Sgd(learning_rate=0.05, momentum=0.9, weight_decay=0.1),
        "SGD",
        {"momentum": 0.9, "weight_decay": 0.1, "lr": 0.05},
    ),
    (Sgd(learning_rate=0.05, momentum=0.8, nesterov=True), "SGD", {"momentum": 0.8, "nesterov": True, "lr": 0.05}),
    (Adam(learning_rate=0.1), "Adam", {"lr": 0.1}),
    (Adam(learning_rate=0.1, beta1=0.5, beta2=0.9), "Adam", {"lr": 0.1, "betas": (0.5, 0.9)}),
    (Adam(learning_rate=0.1, weight_decay=0.2), "AdamW", {"lr": 0.1, "weight_decay": 0.2}),
    (Adagrad(learning_rate=0.3), "Adagrad", {"lr": 0.3}),
]


@pytest.mark.parametrize(("mine", "name", "options"), PAIRS)
def test_a_hundred_steps_are_those_of_torch(mine: Optimiser, name: str, options: dict[str, Any]) -> None:
    """On a bowl of ten weights, one of which never has a gradient, every step is torch's."""
    curvature = np.append(np.linspace(0.1, 3, 9), 0.0)
    start = np.random.default_rng(0).normal(size=10)
    w = torch.tensor(start, requires_grad=True)
    optimiser = getattr(torch.optim, name)([w], **options)
    expected = [start]
    for _ in range(100):
        w.grad = torch.tensor(curvature) * w.detach()
        optimiser.step()
        expected.append(w.detach().numpy().copy())
    path = minimise(mine, start, lambda w: curvature * w, steps=100)
    np.testing.assert_allclose(path, np.stack(expected), rtol=0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    gradients=st.lists(st.floats(-100, 100), min_size=1, max_size=40),
    beta1=st.floats(0, 0.999),
    beta2=st.floats(0, 0.9999),
)
def test_closed_moments_are_those_of_the_recursion(gradients: list[float], beta1: float, beta2: float) -> None:
    """Any sequence and any β, zero among them."""
    g, memory = np.array(gradients)[:, None], start_memory(np.zeros(1))
    for g_t in g:
        _, memory = Adam(beta1=beta1, beta2=beta2).step(np.zeros(1), g_t, memory)
    for expected, closed in zip((memory.first, memory.second), adam_moments(g, beta1, beta2), strict=True):
        np.testing.assert_allclose(closed, expected, rtol=1e-9, atol=1e-9)


def test_constant_gradients_move_adam_by_its_rate() -> None:
    """The bias correction makes the very first step as long as all others."""
    path = minimise(Adam(learning_rate=0.1, epsilon=0.0), np.zeros(1), lambda w: np.array([-5.0]), steps=4)
    np.testing.assert_allclose([0.0, 0.1, 0.2, 0.3, 0.4], path[:, 0], atol=1e-12)


@pytest.mark.parametrize("optimiser", [Adam(epsilon=0.0), Adagrad(epsilon=0.0), Sgd(learning_rate=1.0)])
def test_weights_without_a_gradient_stay(optimiser: Optimiser) -> None:
    """Zero gradients are no division by zero, not even without ε."""
    assert [[1.0, 2.0]] * 4 == minimise(optimiser, np.array([1.0, 2.0]), np.zeros_like, steps=3).tolist()


def test_adam_comes_to_adagrad_in_proportion() -> None:
    """The difference falls as the first power of 1 − β2, by the factor that the derivation gives."""
    points = measure_convergence()
    assert fit_order(points) == pytest.approx(1.0, abs=1e-3)
    for _, apart, first_order in points[4:]:
        assert first_order == pytest.approx(apart, rel=5e-3)


@settings(max_examples=40, deadline=None)
@given(gradients=st.lists(st.sampled_from([-3.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=20))
def test_at_the_limit_adam_is_adagrad_for_any_gradients(gradients: list[float]) -> None:
    """With 1 − β2 = 1e-8 no weight differs by more than 1e-6, zero gradients included."""
    g = np.array(gradients)[:, None]
    expected = follow_adagrad(np.ones(1), g, rate=0.1)
    np.testing.assert_allclose(follow_adam(np.ones(1), g, rate=0.1, beta2=1 - 1e-8), expected, atol=1e-6)
