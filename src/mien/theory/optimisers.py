"""SGD, Adam and Adagrad, Adam's moments in closed form, and Adam's limit, which is Adagrad.

In: weights w, gradients g of one shape. Out: the new weights. Optimisers are frozen values; their memory is a `Memory`
that goes in and comes out, so a step has no hidden state. Epsilon is added outside the root, as torch does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mien.theory.arrays import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What an optimiser remembers: the steps done, and a first and second moment shaped as the weights.

    See docs/theory.md, section 4.1.
    """

    steps: int
    first: Array
    second: Array


def start_memory(w: Array) -> Memory:
    """Return the memory before the first step: zeros. See docs/theory.md, section 4.1."""
    return Memory(steps=0, first=np.zeros_like(w), second=np.zeros_like(w))


class Optimiser(Protocol):
    """Anything that turns weights, a gradient and a memory into new weights and a new memory.

    See docs/theory.md, section 4.1.
    """

    def step(self, w: Array, g: Array, memory: Memory) -> tuple[Array, Memory]:
        """Return the weights and the memory after one step against the gradient `g`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgd:
    """Gradient descent with momentum μ, Nesterov's variant and weight decay λ.

        g_t ← g_t + λ w_(t−1)
        m_t = μ m_(t−1) + g_t
        w_t = w_(t−1) − η m_t        (Nesterov: − η (g_t + μ m_t))

    Source: Sutskever et al., On the importance of initialization and momentum (2013), section 2, in torch's form,
    which scales m by the present η. See docs/theory.md, section 4.1.
    """

    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def step(self, w: Array, g: Array, memory: Memory) -> tuple[Array, Memory]:
        """Return the weights and the memory after one step."""
        g = g + self.weight_decay * w
        m = self.momentum * memory.first + g
        direction = g + self.momentum * m if self.nesterov else m
        return w - self.learning_rate * direction, replace(memory, steps=memory.steps + 1, first=m)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam; with decoupled weight decay λ it is AdamW.

        m_t = β1 m_(t−1) + (1 − β1) g_t        v_t = β2 v_(t−1) + (1 − β2) g_t²
        m̂_t = m_t / (1 − β1^t)                 v̂_t = v_t / (1 − β2^t)
        w_t = (1 − η λ) w_(t−1) − η m̂_t / (√v̂_t + ε)

    Source: Kingma and Ba, Adam (2015), algorithm 1; Loshchilov and Hutter, Decoupled weight decay (2019), algorithm 2.
    See docs/theory.md, section 4.2.
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def step(self, w: Array, g: Array, memory: Memory) -> tuple[Array, Memory]:
        """Return the weights and the memory after one step."""
        t = memory.steps + 1
        m = self.beta1 * memory.first + (1 - self.beta1) * g
        v = self.beta2 * memory.second + (1 - self.beta2) * np.square(g)
        move = divide_known(m / (1 - self.beta1**t), np.sqrt(v / (1 - self.beta2**t)) + self.epsilon)
        w = (1 - self.learning_rate * self.weight_decay) * w
        return w - self.learning_rate * move, Memory(steps=t, first=m, second=v)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adagrad:
    """Adagrad: each weight's rate falls with the gradients that it has seen.

        G_t = G_(t−1) + g_t²
        w_t = w_(t−1) − η g_t / (√G_t + ε)

    Source: Duchi, Hazan and Singer, Adaptive subgradient methods (2011), figure 1, diagonal form. See docs/theory.md,
    section 4.3.
    """

    learning_rate: float = 1e-2
    epsilon: float = 1e-10

    def step(self, w: Array, g: Array, memory: Memory) -> tuple[Array, Memory]:
        """Return the weights and the memory after one step."""
        total = memory.second + np.square(g)
        move = divide_known(g, np.sqrt(total) + self.epsilon)
        return w - self.learning_rate * move, replace(memory, steps=memory.steps + 1, second=total)


def divide_known(g: Array, root: Array) -> Array:
    """Return g / root, and 0 where the root is 0: a weight that has seen no gradient stays where it is.

    Only ε = 0, as in the report's formulas, ever comes to 0 / 0. See docs/theory.md, section 4.3.
    """
    return np.divide(g, root, out=np.zeros_like(g), where=root != 0)


def minimise(optimiser: Optimiser, w: Array, gradient: Callable[[Array], Array], steps: int) -> Array:
    """Return the path (steps + 1, *w.shape) of weights from `w` on, `gradient` giving ∂L/∂w at each point.

    See docs/theory.md, section 4.1.

    >>> minimise(Sgd(learning_rate=0.5), np.array([8.0]), lambda w: w, steps=3)[:, 0].tolist()
    [8.0, 4.0, 2.0, 1.0]
    """
    path, memory = [w], start_memory(w)
    for _ in range(steps):
        w, memory = optimiser.step(w, gradient(w), memory)
        path.append(w)
    return np.stack(path)


def adam_moments(gradients: Array, beta1: float, beta2: float) -> tuple[Array, Array]:
    """Return m_t and v_t after all T gradients (T, …), in closed form.

    Put m_0 = 0 into m_t = β1 m_(t−1) + (1 − β1) g_t again and again:

        m_t = (1 − β1) g_t + β1 (1 − β1) g_(t−1) + β1² (1 − β1) g_(t−2) + …
            = (1 − β1) Σ_(i=1…t) β1^(t−i) g_i

    and likewise v_t = (1 − β2) Σ β2^(t−i) g_i². Gradients of one mean g give E[m_t] = g (1 − β1) Σ β1^(t−i) = g (1 −
    β1^t): hence the bias correction m̂_t = m_t / (1 − β1^t). Source: Kingma and Ba (2015), section 3. See
    docs/theory.md, section 4.2.
    """
    ages = np.arange(len(gradients))[::-1]
    m = (1 - beta1) * np.tensordot(np.power(beta1, ages, dtype=np.float64), gradients, axes=1)
    v = (1 - beta2) * np.tensordot(np.power(beta2, ages, dtype=np.float64), np.square(gradients), axes=1)
    return np.asarray(m), np.asarray(v)


def follow_adam(w: Array, gradients: Array, rate: float, beta2: float) -> Array:
    """Return the weights after Adam with β1 = 0, ε = 0, step size η_t = η₀ t^(−1/2) has seen `gradients` (T, …).

    With β1 = 0 the first moment is the gradient, m̂_t = g_t. For β2 → 1 the bias-corrected second moment is a plain
    mean,

        v̂_t = (1 − β2) / (1 − β2^t) Σ β2^(t−i) g_i²
            = Σ β2^(t−i) g_i² / Σ β2^(t−i)  →  (1/t) Σ g_i²

    and √t cancels:  η₀ t^(−1/2) g_t / √((1/t) Σ g_i²) = η₀ g_t / √(Σ g_i²), which is Adagrad's step. Source: Kingma
    and Ba (2015), section 5. See docs/theory.md, section 4.4.
    """
    memory = start_memory(w)
    for t, g in enumerate(gradients, start=1):
        w, memory = Adam(learning_rate=rate / np.sqrt(t), beta1=0.0, beta2=beta2, epsilon=0.0).step(w, g, memory)
    return w


def follow_adagrad(w: Array, gradients: Array, rate: float) -> Array:
    """Return the weights after w_t = w_(t−1) − η₀ g_t / √(Σ g_i²) over `gradients` (T, …): the limit of `follow_adam`.

    See docs/theory.md, section 4.4.
    """
    memory = start_memory(w)
    for g in gradients:
        w, memory = Adagrad(learning_rate=rate, epsilon=0.0).step(w, g, memory)
    return w


def adagrad_limit_slope(gradients: Array, rate: float) -> Array:
    """Return d w_T / d(1 − β2) of `follow_adam` at β2 = 1: why the difference falls in proportion to 1 − β2.

    Let δ = 1 − β2. To first order β2^(t−i) = 1 − δ (t − i), so with S_t = Σ g_i² and A_t = Σ (t − i) g_i²

        v̂_t = (S_t − δ A_t) / (t − δ t (t − 1) / 2)
            = (S_t / t) (1 + δ ((t − 1) / 2 − A_t / S_t))

    and Adam's step is Adagrad's times 1 − (δ/2) ((t − 1) / 2 − A_t / S_t). The weights move against the step, hence

        d w_T / dδ = Σ_t (η₀ g_t / √S_t) · ½ ((t − 1) / 2 − A_t / S_t).

    See docs/theory.md, section 4.4.
    """
    seen = np.cumsum(np.square(gradients), axis=0)
    # A_t = A_(t−1) + S_(t−1): with each step every earlier square grows one older.
    aged = np.concatenate([np.zeros_like(seen[:1]), np.cumsum(seen, axis=0)[:-1]])
    half_ages = np.arange(len(gradients)).reshape(-1, *[1] * (gradients.ndim - 1)) / 2
    moves = rate * divide_known(gradients, np.sqrt(seen))
    return np.asarray((moves * 0.5 * (half_ages - divide_known(aged, seen))).sum(axis=0))
