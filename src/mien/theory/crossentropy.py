"""Softmax with cross-entropy: the Jacobian, the gradient ŷ − y, label smoothing and class weights.

In: logits z (B, C), any size up to ±1e4 and beyond; labels (B,) in 0 … C − 1; class weights (C,) of at least 0. Out:
probabilities (B, C), the loss as one number, and its gradient (B, C).
"""

from __future__ import annotations

import numpy as np

from mien.theory.arrays import Array, Integers, ShapeError


def log_softmax(z: Array) -> Array:
    """Return log ŷ along the last axis, without overflow for any finite z.

        log ŷ_i = z_i − log Σ_k e^(z_k)
                = (z_i − M) − log Σ_k e^(z_k − M),   M = max z

    The shift M cancels in the quotient; after it every exponent is at most 0 and one is 0, so the sum lies in [1, C].
    See docs/theory.md, section 3.1.

    >>> log_softmax(np.array([1e4, 0.0, -1e4])).tolist()
    [0.0, -10000.0, -20000.0]
    """
    shifted = z - z.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def softmax(z: Array) -> Array:
    """Return ŷ_i = e^(z_i) / Σ_k e^(z_k) along the last axis. See docs/theory.md, section 3.1.

    >>> softmax(np.zeros(4)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    return np.asarray(np.exp(log_softmax(z)))


def softmax_jacobian(y_hat: Array) -> Array:
    """Return J[…, i, j] = ∂ŷ_i/∂z_j from the probabilities ŷ (…, C).

    With S = Σ_k e^(z_k) the quotient rule gives

        i = j:  ∂ŷ_i/∂z_i = (e^(z_i) S − e^(z_i) e^(z_i)) / S²
                          = ŷ_i (1 − ŷ_i)
        i ≠ j:  ∂ŷ_i/∂z_j = (0 − e^(z_i) e^(z_j)) / S² = −ŷ_i ŷ_j

    and both at once: ∂ŷ_i/∂z_j = ŷ_i (δ_ij − ŷ_j). Source: Bridle (1990), Training stochastic model recognition
    algorithms, section 3. See docs/theory.md, section 3.2.
    """
    return y_hat[..., :, None] * (np.eye(y_hat.shape[-1]) - y_hat[..., None, :])


def spread_targets(labels: Integers, weights: Array, smoothing: float = 0.0) -> Array:
    """Return the weighted, smoothed targets q (B, C) whose cross-entropy with ŷ is the loss of each face.

        q_nc = w_c ((1 − s) δ(c, label_n) + s / C)

    Weights of one and no smoothing leave the one-hot targets y. Source: Szegedy et al., Rethinking the Inception
    Architecture (2016), section 7, for the smoothing. See docs/theory.md, section 3.4.

    Raises:
        ShapeError: if a label is outside 0 … C − 1 or the smoothing outside [0, 1].

    >>> spread_targets(np.array([1]), np.ones(4), smoothing=0.2).round(2).tolist()
    [[0.05, 0.85, 0.05, 0.05]]
    """
    classes = len(weights)
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= classes or not 0 <= smoothing <= 1:
        raise ShapeError(f"expected labels in 0-{classes - 1} and smoothing in 0-1, found {labels} and {smoothing}")
    return weights * ((1 - smoothing) * np.eye(classes)[labels] + smoothing / classes)


def cross_entropy(logits: Array, labels: Integers, weights: Array | None = None, smoothing: float = 0.0) -> float:
    """Return the mean cross-entropy of a batch, as torch.nn.functional.cross_entropy defines it.

        L = −Σ_n Σ_c q_nc log ŷ_nc / Σ_n w_(label_n)

    The weighted mean divides by the weights of the labels, so equal weights of any size leave the plain mean. See
    docs/theory.md, section 3.3.

    >>> bool(np.isclose(cross_entropy(np.zeros((5, 7)), np.arange(5)), np.log(7)))
    True
    """
    weights = np.ones(logits.shape[1]) if weights is None else weights
    targets = spread_targets(labels, weights, smoothing)
    return float(-(targets * log_softmax(logits)).sum() / weights[labels].sum())


def cross_entropy_gradient(
    logits: Array, labels: Integers, weights: Array | None = None, smoothing: float = 0.0
) -> Array:
    """Return ∂L/∂z (B, C) of `cross_entropy`.

    For one face with targets q: L = −Σ_i q_i log ŷ_i, so ∂L/∂ŷ_i = −q_i / ŷ_i, and through the Jacobian of the softmax

        ∂L/∂z_j = Σ_i (−q_i / ŷ_i) · ŷ_i (δ_ij − ŷ_j)
                = −q_j + ŷ_j Σ_i q_i

    One-hot targets sum to one: ∂L/∂z = ŷ − y. In general the sum stays, and the weighted mean divides by Σ_n
    w_(label_n). See docs/theory.md, section 3.3.

    >>> cross_entropy_gradient(np.zeros((1, 4)), np.array([2])).tolist()
    [[0.25, 0.25, -0.75, 0.25]]
    """
    weights = np.ones(logits.shape[1]) if weights is None else weights
    targets = spread_targets(labels, weights, smoothing)
    return np.asarray(
        (softmax(logits) * targets.sum(axis=1, keepdims=True) - targets) / weights[labels].sum(), dtype=np.float64
    )
