"""Muon: momentum, made orthogonal. What its iteration does, told by singular values.

In: a gradient as a matrix (M, N), or a kernel (C_out, C_in, k1, k2) with its gradient and memory. Out: the same shapes.
Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mien.theory.arrays import Array
from mien.theory.optimisers import Memory

QUINTIC = (3.4445, -4.7750, 2.0315)
"""a, b, c of the polynomial p(σ) = aσ + bσ³ + cσ⁵."""

ITERATIONS, EPSILON = 5, 1e-7


def drive_to_one(singular_values: Array) -> Array:
    """Return p(p(…p(σ))), five times, for σ in [0, 1]: what lies above 0.002 comes to lie within [0.68, 1.21].

    See docs/theory.md, section 4.5.
    """
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        singular_values = a * singular_values + b * singular_values**3 + c * singular_values**5
    return singular_values


def orthogonalise(matrix: Array) -> Array:
    """Return U p⁵(Σ / (‖G‖ + ε)) Vᵀ of G = U Σ Vᵀ, where p⁵ is p five times: nearly U Vᵀ, the nearest orthogonal one.

    Newton-Schulz iterates X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X from X = G / (‖G‖ + ε), with Frobenius' norm. Put
    X = U Σ Vᵀ into it: as X Xᵀ = U Σ² Uᵀ,

        a X + b (X Xᵀ) X + c (X Xᵀ)² X = U (a Σ + b Σ³ + c Σ⁵) Vᵀ

    so the singular vectors stay, and each singular value goes its own way by p. See docs/theory.md, section 4.5.
    """
    u, values, v = np.linalg.svd(matrix, full_matrices=False)
    return np.asarray(u * drive_to_one(values / (np.linalg.norm(matrix) + EPSILON)) @ v)


@dataclass(frozen=True, slots=True, kw_only=True)
class Muon:
    """Nesterov's momentum, orthogonalised; kernels are scaled to the norm √C_out before each step.

        m_t = μ m_(t−1) + g_t
        w_t = √C_out w_(t−1) / (‖w_(t−1)‖ + ε) − η orthogonalise(g_t + μ m_t)

    where a kernel is the matrix (C_out, C_in k1 k2). Source: Jordan et al. (2024); the scaling is that of Jordan's
    airbench94. See docs/theory.md, section 4.5.
    """

    learning_rate: float = 0.04
    momentum: float = 0.6

    def step(self, w: Array, g: Array, memory: Memory) -> tuple[Array, Memory]:
        """Return the weights and the memory after one step."""
        m = self.momentum * memory.first + g
        move = orthogonalise((g + self.momentum * m).reshape(len(g), -1)).reshape(g.shape)
        w = np.sqrt(len(w)) * w / (np.linalg.norm(w) + EPSILON)
        return w - self.learning_rate * move, replace(memory, steps=memory.steps + 1, first=m)
