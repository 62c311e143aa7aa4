"""Convolution: the size of its output, the convolution itself, and its gradients.

In: images (B, C_in, W, H), weights (C_out, C_in, k1, k2), bias (C_out,), laid out as torch has them; W and H are the
first and second spatial axis. Out: (B, C_out, W', H'). Shapes in `conv_output_shape` stand as the report writes them,
channels last.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mien.theory.arrays import Array, Pair, ShapeError


def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Return in how many places a kernel fits along one axis.

    Pad the axis on both sides: n + 2p cells. Dilated, the kernel reaches over d(k − 1) + 1 cells, so its first cell
    can stand at 0, s, 2s, …, the last at most at n + 2p − d(k − 1) − 1. Those are

        n' = ⌊(n + 2p − d(k − 1) − 1) / s⌋ + 1
           = ⌊(n + 2p − k) / s⌋ + 1                 for d = 1

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), relationships 6 and 15. See
    docs/theory.md, section 1.1.

    Raises:
        ShapeError: if the kernel fits nowhere, or a number is out of its range.

    >>> conv_output_size(64, 3, padding=1), conv_output_size(7, 3, stride=2), conv_output_size(7, 3, dilation=3)
    (64, 3, 1)
    """
    if min(size, kernel, stride, dilation) < 1 or padding < 0:
        found = f"size {size}, kernel {kernel}, stride {stride}, padding {padding}, dilation {dilation}"
        raise ShapeError(
            f"expected size, kernel, stride, dilation of at least 1 and padding of at least 0, found {found}"
        )
    reach = dilation * (kernel - 1) + 1
    if reach > size + 2 * padding:
        raise ShapeError(f"expected a kernel that reaches over at most {size + 2 * padding} cells, found {reach}")
    return (size + 2 * padding - reach) // stride + 1


def conv_output_shape(
    shape: tuple[int, int, int, int],
    channels: int,
    kernel: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
) -> tuple[int, int, int, int]:
    """Return (B, W', H', C_out) for an input (B, W, H, C_in) and `channels` = C_out kernels.

        W' = ⌊(W + 2 p1 − k1) / s1⌋ + 1
        H' = ⌊(H + 2 p2 − k2) / s2⌋ + 1        (dilation 1)

    Each kernel is as deep as the input, so C_in does not show in the result. See docs/theory.md, section 1.1.

    Raises:
        ShapeError: as `conv_output_size`, or if there is no image or no channel.

    >>> conv_output_shape((128, 64, 64, 1), 64, kernel=(3, 3), padding=(1, 1))
    (128, 64, 64, 64)
    """
    batch, width, height, channels_in = shape
    if min(batch, channels_in, channels) < 1:
        raise ShapeError(f"expected at least one image and channel, found {batch}, {channels_in} in, {channels} out")
    first, second = zip((width, height), kernel, stride, padding, dilation, strict=True)
    return batch, conv_output_size(*first), conv_output_size(*second), channels


def view_patches(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """Return what the kernel sees in each place, (B, C, W', H', k1, k2), as a view of the padded images.

    See docs/theory.md, section 1.2.

    Raises:
        ShapeError: if the kernel fits nowhere.
    """
    batch, channels, width, height = x.shape
    conv_output_shape((batch, width, height, channels), channels, kernel, stride, padding, dilation)
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    return sliding_window_view(padded, reach, axis=(2, 3))[
        :, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]
    ]


def convolve(
    x: Array,
    weight: Array,
    bias: Array,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
) -> Array:
    """Return the convolution (cross-correlation, as in every network) of images with kernels, (B, C_out, W', H').

        y[b, o, i, j] = bias[o]
            + Σ_c Σ_u Σ_v weight[o, c, u, v] · x̄[b, c, s1 i + d1 u, s2 j + d2 v]

    where x̄ is x padded with zeros. The patches that the kernels see are rows of a matrix, so all sums are one matrix
    product. See docs/theory.md, section 1.2.

    Raises:
        ShapeError: if the kernel fits nowhere or is not as deep as the images.
    """
    if weight.shape[1] != x.shape[1]:
        raise ShapeError(f"expected kernels as deep as the images ({x.shape[1]}), found {weight.shape[1]}")
    patches = view_patches(x, (weight.shape[2], weight.shape[3]), stride, padding, dilation)
    y = np.tensordot(patches, weight, axes=((1, 4, 5), (1, 2, 3)))
    return np.moveaxis(y, -1, 1) + bias.reshape(1, -1, 1, 1)


def convolve_backward(
    grad_y: Array,
    x: Array,
    weight: Array,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
) -> tuple[Array, Array, Array]:
    """Return ∂L/∂x, ∂L/∂weight and ∂L/∂bias, given ∂L/∂y (B, C_out, W', H').

    y is linear in each of the three, so each sum of the forward formula turns round:

        ∂L/∂bias[o] = Σ_b Σ_i Σ_j ∂L/∂y[b, o, i, j]
        ∂L/∂weight[o, c, u, v]
            = Σ_b Σ_i Σ_j ∂L/∂y[b, o, i, j] · x̄[b, c, s1 i + d1 u, s2 j + d2 v]
        ∂L/∂x̄[b, c, p, q]
            = Σ_o Σ_(i,u,j,v) ∂L/∂y[b, o, i, j] · weight[o, c, u, v]
              over all (i, u, j, v) with s1 i + d1 u = p and s2 j + d2 v = q

    and ∂L/∂x is ∂L/∂x̄ without the padding. See docs/theory.md, section 1.3.
    """
    patches = view_patches(x, (weight.shape[2], weight.shape[3]), stride, padding, dilation)
    grad_weight = np.tensordot(grad_y, patches, axes=((0, 2, 3), (0, 2, 3)))
    (s1, s2), (p1, p2), (d1, d2) = stride, padding, dilation
    places1, places2 = s1 * grad_y.shape[2], s2 * grad_y.shape[3]
    # Room for the last stride beyond the last place: those cells get no gradient and are cut away.
    reach = d1 * (weight.shape[2] - 1) + places1, d2 * (weight.shape[3] - 1) + places2
    padded = (max(x.shape[2] + 2 * p1, reach[0]), max(x.shape[3] + 2 * p2, reach[1]))
    grad_x = np.zeros((*x.shape[:2], *padded))
    for u, v in np.ndindex(*weight.shape[2:]):
        seen = (slice(None), slice(None), slice(d1 * u, d1 * u + places1, s1), slice(d2 * v, d2 * v + places2, s2))
        grad_x[seen] += np.moveaxis(np.tensordot(grad_y, weight[:, :, u, v], axes=(1, 0)), -1, 1)
    grad_x = grad_x[:, :, p1 : p1 + x.shape[2], p2 : p2 + x.shape[3]]
    return grad_x, grad_weight, grad_y.sum(axis=(0, 2, 3))
