"""Convolution is held against torch over every small geometry, the impossible ones included."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mien.theory.arrays import ShapeError
from mien.theory.convolution import conv_output_shape, conv_output_size, convolve, convolve_backward

SIZES, KERNELS, STRIDES, PADDINGS, DILATIONS = range(1, 7), range(1, 6), range(1, 4), range(3), (1, 2)
GEOMETRIES = list(product(SIZES, KERNELS, STRIDES, PADDINGS, DILATIONS))


def ask_torch(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int | None:
    """Return the size of torch's output, None where torch refuses."""
    x, weight = torch.zeros(1, 1, size, dtype=torch.float64), torch.zeros(1, 1, kernel, dtype=torch.float64)
    try:
        return F.conv1d(x, weight, stride=stride, padding=padding, dilation=dilation).shape[2]
    except RuntimeError:
        return None


def test_every_output_size_is_that_of_torch_and_what_torch_refuses_is_an_error() -> None:
    """540 geometries along one axis agree with torch; those that cannot be raise a ShapeError."""
    refused = 0
    for geometry in GEOMETRIES:
        expected = ask_torch(*geometry)
        if expected is None:
            refused += 1
            with pytest.raises(ShapeError, match="reaches over at most"):
                conv_output_size(*geometry)
        else:
            assert expected == conv_output_size(*geometry), geometry
    assert refused > 50


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_output_and_gradients_are_those_of_torch_over_unequal_axes(stride: int, dilation: int) -> None:
    """Every pair of unequal sizes, kernels and paddings gives torch's numbers, and its shape is the formula's."""
    rng = np.random.default_rng(stride + 10 * dilation)
    for width, height, kernel, padding in product((5, 6), (7, 9), ((1, 2), (3, 2), (2, 3)), ((0, 1), (2, 0))):
        options = {"stride": (stride, 4 - stride), "padding": padding, "dilation": (dilation, 3 - dilation)}
        x, weight = rng.normal(size=(2, 3, width, height)), rng.normal(size=(4, 3, *kernel))
        expected = conv_output_shape((2, width, height, 3), 4, kernel, **options)
        y = compare_with_torch(x, weight, rng.normal(size=4), options, rng)
        assert expected == (y.shape[0], *y.shape[2:], y.shape[1])


def compare_with_torch(x, weight, bias, options, rng):  # type: ignore[no-untyped-def]
    """Assert that output and all three gradients are those of torch, and return the output."""
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, weight, bias)]
    expected = F.conv2d(*leaves, **options)
    grad_y = rng.normal(size=tuple(expected.shape))
    expected.backward(torch.tensor(grad_y))
    y = convolve(x, weight, bias, **options)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=0, atol=1e-12)
    for leaf, gradient in zip(leaves, convolve_backward(grad_y, x, weight, **options), strict=True):
        assert gradient.dtype == np.float64
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=0, atol=1e-12)
    return y


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    extra=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    seed=st.integers(0, 2**16),
)
def test_any_convolution_is_that_of_torch(batch, channels, kernel, extra, stride, padding, seed) -> None:  # type: ignore[no-untyped-def]
    """Batches of one, kernels as large as the image and strides beyond it included."""
    rng = np.random.default_rng(seed)
    size = [k + e for k, e in zip(kernel, extra, strict=True)]
    x, weight = rng.normal(size=(batch, channels[0], *size)), rng.normal(size=(channels[1], channels[0], *kernel))
    options = {"stride": stride, "padding": padding, "dilation": (1, 1)}
    y = compare_with_torch(x, weight, rng.normal(size=channels[1]), options, rng)
    assert batch == len(y)


def test_a_kernel_as_large_as_the_image_is_a_scalar_product() -> None:
    """The one output is the sum of all products."""
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(1, 2, 5, 4)), rng.normal(size=(1, 2, 5, 4))
    np.testing.assert_allclose([[[[(x * weight).sum() + 3]]]], convolve(x, weight, np.array([3.0])))


@pytest.mark.parametrize("geometry", [(0, 1), (5, 0), (5, 3, 0), (5, 3, 1, -1), (5, 3, 1, 0, 0)])
def test_numbers_out_of_range_are_named(geometry: tuple[int, ...]) -> None:
    """A size, kernel, stride or dilation of 0 and a negative padding are errors that tell what was found."""
    with pytest.raises(ShapeError, match=r"expected size, kernel, stride, dilation of at least 1 .* found size"):
        conv_output_size(*geometry)


def test_kernels_of_another_depth_than_the_images_are_refused() -> None:
    """The message has both depths."""
    with pytest.raises(ShapeError, match=r"as deep as the images \(3\), found 2"):
        convolve(np.zeros((1, 3, 4, 4)), np.zeros((1, 2, 3, 3)), np.zeros(1))


def test_a_batch_of_nothing_has_no_shape() -> None:
    """No image is an error, too."""
    with pytest.raises(ShapeError, match="at least one image"):
        conv_output_shape((0, 4, 4, 1), 1, (3, 3))
