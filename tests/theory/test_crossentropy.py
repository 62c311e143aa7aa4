"""The loss is torch's with every weight and smoothing, and stays finite where naive code overflows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mien.theory.arrays import ShapeError
from mien.theory.crossentropy import cross_entropy, cross_entropy_gradient, log_softmax, softmax, softmax_jacobian


@settings(max_examples=80, deadline=None)
@given(
    batch=st.integers(1, 5),
    classes=st.integers(2, 8),
    scale=st.sampled_from([0.0, 1.0, 50.0, 1e4]),
    smoothing=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    is_weighted=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_loss_and_gradient_are_those_of_torch(  # type: ignore[no-untyped-def]
    batch, classes, scale, smoothing, is_weighted, seed
) -> None:
    """All logits equal, logits of ±1e4, a batch of one, full smoothing: all agree."""
    rng = np.random.default_rng(seed)
    z, labels = scale * rng.uniform(-1, 1, (batch, classes)), rng.integers(0, classes, batch)
    weights = rng.uniform(0.1, 5, classes) if is_weighted else None
    leaf = torch.tensor(z, requires_grad=True)
    weight = None if weights is None else torch.tensor(weights)
    expected = F.cross_entropy(leaf, torch.tensor(labels), weight=weight, label_smoothing=smoothing)
    expected.backward()
    assert expected.item() == pytest.approx(cross_entropy(z, labels, weights, smoothing), rel=1e-12, abs=1e-12)
    gradient = cross_entropy_gradient(z, labels, weights, smoothing)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_equal_logits_share_the_probability() -> None:
    """Seven equal logits give 1/7 each, a loss of log 7, and the gradient ŷ − y."""
    z, label = np.full((1, 7), 3.0), np.array([4])
    np.testing.assert_allclose(np.full((1, 7), 1 / 7), softmax(z))
    assert np.log(7) == pytest.approx(cross_entropy(z, label))
    np.testing.assert_allclose(softmax(z) - np.eye(7)[label], cross_entropy_gradient(z, label))


def test_the_loss_of_a_confident_mistake_is_finite() -> None:
    """At ±1e4 the loss is the gap of 20,000 and the gradient is −1 at the label."""
    z = np.array([[1e4, -1e4]])
    assert cross_entropy(z, np.array([1])) == 20_000.0
    assert [[1.0, -1.0]] == cross_entropy_gradient(z, np.array([1])).tolist()
    assert [0.0, -20_000.0] == log_softmax(z)[0].tolist()


@settings(max_examples=40, deadline=None)
@given(z=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8))
def test_probabilities_stay_a_distribution_and_the_jacobian_keeps_their_sum(z: list[float]) -> None:
    """ŷ adds up to 1 for any logits; no change of a logit can change that sum."""
    y_hat = softmax(np.array(z))
    assert y_hat.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(np.zeros(len(z)), softmax_jacobian(y_hat).sum(axis=0), atol=1e-12)


@pytest.mark.parametrize(("labels", "smoothing"), [([7], 0.0), ([-1], 0.0), ([], 0.0), ([0], 1.5)])
def test_impossible_labels_and_smoothing_are_refused(labels: list[int], smoothing: float) -> None:
    """The message says the range and what was found."""
    with pytest.raises(ShapeError, match="expected labels in 0-6 and smoothing in 0-1"):
        cross_entropy(np.zeros((len(labels), 7)), np.array(labels, dtype=np.int64), smoothing=smoothing)
