"""The other layers, at their edges: ties, kinks, masks of nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mien.theory import layers
from mien.theory.arrays import ShapeError


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(3, 7), st.integers(3, 7)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 2**16),
)
def test_max_pool_is_that_of_torch_ties_included(shape, kernel, stride, seed) -> None:  # type: ignore[no-untyped-def]
    """Values from 0 to 2 tie everywhere; the gradient still goes to the cell that torch chooses."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, shape).astype(np.float64)
    leaf = torch.tensor(x, requires_grad=True)
    expected = F.max_pool2d(leaf, kernel, stride)
    y, winners = layers.max_pool(x, kernel, stride)
    grad_y = rng.normal(size=y.shape)
    expected.backward(torch.tensor(grad_y))
    np.testing.assert_array_equal(expected.detach().numpy(), y)
    gradient = layers.max_pool_backward(grad_y, x, winners, kernel, stride)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), atol=1e-12)


def test_a_window_larger_than_the_image_is_refused() -> None:
    """As a kernel that fits nowhere."""
    with pytest.raises(ShapeError, match="at most 2 cells, found 3"):
        layers.max_pool(np.zeros((1, 1, 2, 2)), (3, 3))


def test_the_kink_of_relu_has_the_slope_that_torch_gives_it() -> None:
    """At 0 the slope is 0, at negative zero too."""
    x = np.array([-1.0, -0.0, 0.0, 1.0])
    leaf = torch.tensor(x, requires_grad=True)
    leaf.relu().sum().backward()
    assert leaf.grad.tolist() == layers.relu_backward(np.ones(4), x).tolist()


def test_rrelu_in_training_is_torchs_once_its_slopes_are_known() -> None:
    """The slopes that torch drew, read off its output, give its output and gradient, and lie in [1/8, 1/3]."""
    x = np.random.default_rng(0).normal(size=(50, 40))
    leaf = torch.tensor(x, requires_grad=True)
    expected = F.rrelu(leaf, training=True)
    expected.sum().backward()
    slopes = expected.detach().numpy() / x
    assert ((slopes[x < 0] >= 1 / 8) & (slopes[x < 0] <= 1 / 3)).all()
    np.testing.assert_allclose(layers.rrelu(x, slopes), expected.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(layers.rrelu_backward(np.ones(x.shape), x, slopes), leaf.grad.numpy(), atol=1e-12)


def test_drawn_slopes_and_masks_have_the_means_of_evaluation() -> None:
    """Over 100,000 draws the mean slope is 11/48 and the mean of the mask is 1."""
    rng = np.random.default_rng(0)
    assert layers.mean_slope() == pytest.approx(layers.draw_slopes((100_000,), rng).mean(), abs=1e-3)
    assert layers.draw_mask((100_000,), rng, 0.5).mean() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("drop_fraction", "expected"), [(0.0, [1.0]), (1.0, [0.0]), (0.75, [0.0, 4.0])])
def test_a_mask_holds_nothing_or_the_scale(drop_fraction: float, expected: list[float]) -> None:
    """Kept numbers grow by 1 / (1 − p); p = 1 keeps none."""
    assert expected == np.unique(layers.draw_mask((1000,), np.random.default_rng(0), drop_fraction)).tolist()


def test_a_linear_layer_names_the_inputs_that_it_wants() -> None:
    """Five inputs wanted, four given."""
    with pytest.raises(ShapeError, match=r"expected \(B, 5\), found \(2, 4\)"):
        layers.linear(np.zeros((2, 4)), np.zeros((3, 5)), np.zeros(3))


def test_flatten_runs_through_the_channels_as_torch_does() -> None:
    """The weights of the first linear layer depend on it."""
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    assert torch.tensor(x).flatten(1).tolist() == layers.flatten(x).tolist()
