"""The torch side of training, held against its NumPy twins in `mien.theory`: loss, moving average, learning rates."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mien.theory import averaging, crossentropy, schedules
from mien.training.ema import rate_of_average, start_average, update_average
from mien.training.losses import cross_entropy
from mien.training.schedules import Plateau, scale_rate


@given(st.integers(1, 9), st.integers(2, 8), st.floats(0.0, 0.9), st.booleans(), st.integers(0, 2**16))
def test_the_loss_and_its_gradient_are_those_of_the_derivation(
    count: int, classes: int, smoothing: float, weighted: bool, seed: int
) -> None:
    """With smoothing and class weights, in float64."""
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(0, 3, (count, classes)), rng.integers(0, classes, count)
    weights = rng.uniform(0.1, 3, classes) if weighted else None
    logits = torch.tensor(scores, requires_grad=True)
    given_weights = None if weights is None else torch.tensor(weights)
    loss = cross_entropy(logits, torch.tensor(labels), weights=given_weights, smoothing=smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    expected = crossentropy.cross_entropy(scores, labels, weights, smoothing)
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-12, atol=1e-12)
    gradient = crossentropy.cross_entropy_gradient(scores, labels, weights, smoothing)
    np.testing.assert_allclose(logits.grad.numpy(), gradient, rtol=1e-11, atol=1e-13)


@given(st.integers(1, 9), st.integers(2, 8), st.floats(0.0, 0.9), st.booleans(), st.integers(0, 2**16))
def test_a_target_that_is_certain_gives_the_loss_of_its_index(
    count: int, classes: int, smoothing: float, weighted: bool, seed: int
) -> None:
    """Distributions and indices are one loss, with smoothing and class weights."""
    rng = np.random.default_rng(seed)
    logits, labels = torch.tensor(rng.normal(0, 3, (count, classes))), torch.tensor(rng.integers(0, classes, count))
    weights = torch.tensor(rng.uniform(0.1, 3, classes)) if weighted else None
    expected = cross_entropy(logits, labels, weights=weights, smoothing=smoothing)
    certain = nn.functional.one_hot(labels, classes).double()
    found = cross_entropy(logits, certain, weights=weights, smoothing=smoothing)
    assert expected.item() == pytest.approx(found.item(), rel=1e-12)


def test_the_loss_of_a_distribution_is_the_mean_over_it() -> None:
    """Of the losses of its classes, each weighted by its share and its class weight."""
    logits, target = torch.tensor([[0.3, -1.0, 2.0]]).double(), torch.tensor([[0.5, 0.3, 0.2]]).double()
    weights = torch.tensor([1.0, 2.0, 4.0]).double()
    each = np.array([cross_entropy(logits, torch.tensor([label])).item() for label in range(3)])
    assert (each * [0.5, 0.3, 0.2]).sum() == pytest.approx(cross_entropy(logits, target).item())
    shares = np.array([0.5, 0.6, 0.8]) / 1.9
    assert (each * shares).sum() == pytest.approx(cross_entropy(logits, target, weights=weights).item())


def test_the_loss_is_finite_for_logits_of_ten_thousand() -> None:
    """Large logits, right and wrong."""
    logits = torch.tensor([[1e4, -1e4], [1e4, -1e4]], dtype=torch.float64)
    loss = cross_entropy(logits, torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(crossentropy.cross_entropy(logits.numpy(), np.array([0, 1])))


def test_half_precision_logits_are_scored_in_float32() -> None:
    """bfloat16 has three digits: a loss computed in it would have three, too."""
    logits = torch.tensor([[2.0, 1.0, 0.5]], dtype=torch.bfloat16)
    loss = cross_entropy(logits, torch.tensor([1]))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(crossentropy.cross_entropy(logits.double().numpy(), np.array([1])), abs=1e-6)


def test_the_moving_average_is_the_closed_form() -> None:
    """Twenty steps of moving weights, warm decay included."""
    network = nn.Linear(3, 2, bias=False).double()
    average = start_average(network)
    start, weights = network.weight.detach().numpy().copy(), []
    for step in range(20):
        with torch.no_grad():
            network.weight += torch.randn(2, 3, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
        weights.append(network.weight.detach().numpy().copy())
        update_average(average, network, rate_of_average(0.6, step))
    decays = np.array([averaging.warm_decay(step, 0.6) for step in range(20)])
    expected = averaging.average_weights(start, np.array(weights), decays)
    np.testing.assert_allclose(average.weight.detach().numpy(), expected, rtol=1e-12)


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.9))
def test_the_learning_rates_are_those_of_their_twins(progress: float, warmup: float) -> None:
    """Constant, cosine and one-cycle at any moment."""
    twins = {
        "constant": schedules.constant_factor(progress),
        "cosine": schedules.cosine_factor(progress, warmup),
        "one-cycle": schedules.one_cycle_factor(progress, warmup),
    }
    for name, expected in twins.items():
        found = scale_rate(name, progress, warmup_fraction=warmup)  # type: ignore[arg-type]
        assert found == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(0, 4))
def test_plateau_reduces_when_its_twin_does(scores: list[int], patience: int) -> None:
    """Any run of scores."""
    state = Plateau()
    for score in scores:
        state = state.after(float(score), plateau_factor=0.5, patience=patience)
    assert state.factor == schedules.plateau_factor([float(score) for score in scores], patience, 0.5)
