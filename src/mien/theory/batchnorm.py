"""Batch normalisation: forward, each gradient by name, the identity, and the running statistics.

In: x (B, C) or (B, C, …), normalised per channel over the m = B·… values of axis 1; γ, β (C,). Out: arrays of the same
shapes. Source: Ioffe and Szegedy, Batch Normalization (2015), algorithm 1 and section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.theory.arrays import Array, ShapeError, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm:
    """What the forward step computes: `y` and `x_hat` shaped as x, `mean` μ and `variance` σ² (C,).

    See docs/theory.md, section 2.1.
    """

    y: Array
    x_hat: Array
    mean: Array
    variance: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNormGradients:
    """∂L/∂x̂, ∂L/∂σ², ∂L/∂μ, ∂L/∂x, ∂L/∂γ and ∂L/∂β, each shaped as what it belongs to.

    See docs/theory.md, section 2.2.
    """

    x_hat: Array
    variance: Array
    mean: Array
    x: Array
    gamma: Array
    beta: Array


def batch_axes(x: Array) -> tuple[int, ...]:
    """Return the axes over which a channel is normalised: all but axis 1. See docs/theory.md, section 2.1.

    >>> batch_axes(np.zeros((2, 3, 5, 5)))
    (0, 2, 3)
    """
    return (0, *range(2, x.ndim))


def batchnorm(x: Array, gamma: Array, beta: Array, epsilon: float = 1e-5) -> BatchNorm:
    """Normalise each channel over the batch.

        μ   = (1/m) Σ x_i                 σ²  = (1/m) Σ (x_i − μ)²
        x̂_i = (x_i − μ) / √(σ² + ε)       y_i = γ x̂_i + β

    See docs/theory.md, section 2.1.
    """
    mean = x.mean(axis=batch_axes(x))
    variance = np.square(x - spread(mean, x)).mean(axis=batch_axes(x))
    x_hat = (x - spread(mean, x)) / spread(np.sqrt(variance + epsilon), x)
    return BatchNorm(y=spread(gamma, x) * x_hat + spread(beta, x), x_hat=x_hat, mean=mean, variance=variance)


def batchnorm_backward(grad_y: Array, x: Array, gamma: Array, epsilon: float = 1e-5) -> BatchNormGradients:
    """Return every gradient of a batch normalisation, given ∂L/∂y shaped as x.

    From the end to the start, each line using those above it:

        ∂L/∂γ   = Σ ∂L/∂y_i · x̂_i
        ∂L/∂β   = Σ ∂L/∂y_i
        ∂L/∂x̂_i = ∂L/∂y_i · γ
        ∂L/∂σ²  = Σ ∂L/∂x̂_i · (x_i − μ) · (−½) (σ² + ε)^(−3/2)
        ∂L/∂μ   = Σ ∂L/∂x̂_i · (−1) / √(σ² + ε)
                  + ∂L/∂σ² · (1/m) Σ −2 (x_i − μ)
        ∂L/∂x_i = ∂L/∂x̂_i / √(σ² + ε)
                  + ∂L/∂σ² · 2 (x_i − μ) / m  +  ∂L/∂μ / m

    x_i acts on L in three ways: through x̂_i, through σ² and through μ; the last line adds them up. The second half of
    ∂L/∂μ is zero, as deviations from a mean are; it stays, because the proof has it. See docs/theory.md, section 2.2.
    """
    axes = batch_axes(x)
    forward = batchnorm(x, gamma, np.zeros_like(gamma), epsilon)
    m = x.size / x.shape[1]
    deviation, sigma = x - spread(forward.mean, x), np.sqrt(forward.variance + epsilon)
    grad_x_hat = grad_y * spread(gamma, x)
    grad_variance = (grad_x_hat * deviation).sum(axis=axes) * -0.5 * sigma**-3
    grad_mean = -grad_x_hat.sum(axis=axes) / sigma + grad_variance * (-2 * deviation).sum(axis=axes) / m
    grad_x = grad_x_hat / spread(sigma, x) + spread(grad_variance, x) * 2 * deviation / m + spread(grad_mean, x) / m
    grad_gamma, grad_beta = (grad_y * forward.x_hat).sum(axis=axes), grad_y.sum(axis=axes)
    return BatchNormGradients(
        x_hat=grad_x_hat, variance=grad_variance, mean=grad_mean, x=grad_x, gamma=grad_gamma, beta=grad_beta
    )


def identity_parameters(x: Array, epsilon: float = 1e-5) -> tuple[Array, Array]:
    """Return the γ and β with which batch normalisation gives back x: the layer can undo itself.

        y_i = γ x̂_i + β   with   γ = √(σ² + ε),  β = μ
            = √(σ² + ε) · (x_i − μ) / √(σ² + ε) + μ = x_i

    See docs/theory.md, section 2.3.

    >>> x = np.array([[1.0], [4.0], [7.0]])
    >>> np.allclose(batchnorm(x, *identity_parameters(x)).y, x)
    True
    """
    mean = x.mean(axis=batch_axes(x))
    variance = np.square(x - spread(mean, x)).mean(axis=batch_axes(x))
    return np.sqrt(variance + epsilon), mean


def update_running(mean: Array, variance: Array, x: Array, momentum: float = 0.1) -> tuple[Array, Array]:
    """Return the running mean and variance (C,) after a batch, as torch keeps them.

        r ← (1 − momentum) r + momentum · (statistic of the batch)

    with the unbiased variance σ² m / (m − 1), though the forward step divides by m. See docs/theory.md, section 2.4.

    Raises:
        ShapeError: if a channel has a single value, which has no unbiased variance.
    """
    m = x.size // x.shape[1]
    if m < 2:
        raise ShapeError(f"expected at least 2 values per channel for a variance, found {m} in {x.shape}")
    unbiased = x.var(axis=batch_axes(x), ddof=1)
    new_mean = (1 - momentum) * mean + momentum * x.mean(axis=batch_axes(x))
    return new_mean, (1 - momentum) * variance + momentum * unbiased


def batchnorm_frozen(x: Array, gamma: Array, beta: Array, mean: Array, variance: Array, epsilon: float = 1e-5) -> Array:
    """Return y = γ (x − r_μ) / √(r_σ² + ε) + β: evaluation, with the running statistics.

    See docs/theory.md, section 2.5.
    """
    return (x - spread(mean, x)) * spread(gamma / np.sqrt(variance + epsilon), x) + spread(beta, x)


def batchnorm_frozen_backward(
    grad_y: Array, x: Array, gamma: Array, mean: Array, variance: Array, epsilon: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Return ∂L/∂x, ∂L/∂γ and ∂L/∂β in evaluation, where the statistics are constants and y is linear in x.

        ∂L/∂x_i = ∂L/∂y_i · γ / √(r_σ² + ε)
        ∂L/∂γ   = Σ ∂L/∂y_i · (x_i − r_μ) / √(r_σ² + ε)
        ∂L/∂β   = Σ ∂L/∂y_i

    See docs/theory.md, section 2.5.
    """
    sigma = np.sqrt(variance + epsilon)
    x_hat = (x - spread(mean, x)) / spread(sigma, x)
    axes = batch_axes(x)
    return grad_y * spread(gamma / sigma, x), (grad_y * x_hat).sum(axis=axes), grad_y.sum(axis=axes)
