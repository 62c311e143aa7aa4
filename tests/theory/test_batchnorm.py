"""Batch normalisation is torch's for every shape, constant channels and batches of one included."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mien.theory.arrays import ShapeError
from mien.theory.batchnorm import batchnorm, batchnorm_backward, identity_parameters, update_running

shapes = st.one_of(
    st.tuples(st.integers(2, 5), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 4), st.integers(1, 4)),
)


@settings(max_examples=60, deadline=None)
@given(shape=shapes, seed=st.integers(0, 2**16), shift=st.floats(-100, 100), is_constant=st.booleans())
def test_output_gradients_and_statistics_are_those_of_torch(
    shape: tuple[int, ...], seed: int, shift: float, is_constant: bool
) -> None:
    """Vectors and images, shifted far from zero, one channel constant or not."""
    rng = np.random.default_rng(seed)
    x, grad_y = rng.normal(size=shape) + shift, rng.normal(size=shape)
    x[:, 0] = shift if is_constant else x[:, 0]
    gamma, beta = rng.normal(size=shape[1]), rng.normal(size=shape[1])
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, gamma, beta)]
    running = torch.zeros(shape[1], dtype=torch.float64), torch.ones(shape[1], dtype=torch.float64)
    expected = F.batch_norm(leaves[0], *running, leaves[1], leaves[2], training=True)
    expected.backward(torch.tensor(grad_y))
    grads = batchnorm_backward(grad_y, x, gamma)
    np.testing.assert_allclose(batchnorm(x, gamma, beta).y, expected.detach().numpy(), rtol=0, atol=1e-7)
    for leaf, gradient in zip(leaves, (grads.x, grads.gamma, grads.beta), strict=True):
        # A nearly constant channel is divided by √ε: rounding of the mean is 300 times larger there.
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-7, atol=1e-7)
    for mine, theirs in zip(update_running(np.zeros(shape[1]), np.ones(shape[1]), x), running, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-12, atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(shape=shapes, seed=st.integers(0, 2**16), scale=st.floats(1e-3, 1e3))
def test_the_right_parameters_undo_the_layer(shape: tuple[int, ...], seed: int, scale: float) -> None:
    """γ = √(σ² + ε) and β = μ give back x."""
    x = scale * np.random.default_rng(seed).normal(size=shape)
    np.testing.assert_allclose(x, batchnorm(x, *identity_parameters(x)).y, rtol=0, atol=1e-12 * max(scale, 1))


def test_a_constant_channel_becomes_beta() -> None:
    """Its variance is 0, ε keeps the quotient finite, and no gradient reaches γ."""
    x = np.full((4, 1, 3, 3), 7.0)
    assert (batchnorm(x, np.array([5.0]), np.array([2.0])).y == 2.0).all()
    assert [0.0] == batchnorm_backward(np.ones(x.shape), x, np.array([5.0])).gamma.tolist()


def test_the_gradient_by_x_adds_up_to_nothing() -> None:
    """A shift of the whole channel changes nothing, so neither does the loss."""
    rng = np.random.default_rng(1)
    x, grad_y = rng.normal(size=(5, 3, 2, 2)), rng.normal(size=(5, 3, 2, 2))
    np.testing.assert_allclose(np.zeros(3), batchnorm_backward(grad_y, x, np.ones(3)).x.sum(axis=(0, 2, 3)), atol=1e-12)


def test_a_single_value_has_no_running_variance() -> None:
    """One face of one pixel cannot update the statistics, and the message says what was found."""
    with pytest.raises(ShapeError, match=r"at least 2 values per channel .* found 1"):
        update_running(np.zeros(3), np.ones(3), np.zeros((1, 3, 1, 1)))
