"""The witnesses of `mien.theory.optimisers` and `averaging`: closed forms, differences, and torch.optim.

A path is 100 steps down Σ log cosh(A w − b), a smooth bowl with straight sides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from mien.theory.arrays import Array
from mien.theory.averaging import average_step, average_weights, warm_decay
from mien.theory.claims import DIFFERENCED, EXACT, Claim, Formula, Numerical, Results, slopes_of
from mien.theory.gradcheck import Named, measure_difference, slope_along
from mien.theory.optimisers import (
    Adagrad,
    Adam,
    Optimiser,
    Sgd,
    adagrad_limit_slope,
    adam_moments,
    follow_adagrad,
    follow_adam,
    minimise,
)
from mien.theory.witnesses.autograd import differentiate, to_array, to_tensor

STEPS = 100
BETA1, BETA2 = 0.9, 0.999
RATE = 0.1
KINGMA = "Kingma & Ba 2015"


def draw_bowl(rng: np.random.Generator) -> Named:
    """Return A, b and where the path starts."""
    return {"A": rng.normal(size=(6, 4)), "b": rng.normal(size=6), "w": rng.normal(size=4)}


def slope(at: Named, w: Array) -> Array:
    """Return ∂L/∂w = Aᵀ tanh(A w − b)."""
    return np.asarray(at["A"].T @ np.tanh(at["A"] @ w - at["b"]))


def walk(at: Named, optimiser: Optimiser) -> Results:
    """Return the formulas' path."""
    return {"path": minimise(optimiser, at["w"], partial(slope, at), STEPS)}


def recall(at: Named, move: Callable[[Array, int], Array]) -> Results:
    """Return the path whose each move is computed from all gradients so far, with no memory but theirs."""
    path, gradients = [at["w"]], np.zeros((0, 4))
    for t in range(1, STEPS + 1):
        gradients = np.vstack([gradients, slope(at, path[-1])])
        path.append(path[-1] - move(gradients, t))
    return {"path": np.stack(path)}


def walk_by_differences(at: Named, results: Results, rng: np.random.Generator, optimiser: Optimiser) -> float:
    """Return the difference to the path whose every gradient is differenced, one coordinate at a time."""

    def height(point: Named) -> float:
        return float(np.log(np.cosh(at["A"] @ point["w"] - at["b"])).sum())

    def differenced(w: Array) -> Array:
        return np.array([slope_along(height, {"w": w}, "w", axis) for axis in np.eye(4)])

    return measure_difference(results["path"], minimise(optimiser, at["w"], differenced, STEPS))


def walk_in_torch(at: Named, build: Callable[[Any], Any]) -> Results:
    """Return the path of a torch optimiser on autograd's gradients."""
    matrix, target, w = to_tensor(at["A"]), to_tensor(at["b"]), to_tensor(at["w"], learns=True)
    optimiser, path = build([w]), [at["w"]]
    for _ in range(STEPS):
        optimiser.zero_grad()
        (matrix @ w - target).cosh().log().sum().backward()
        optimiser.step()
        path.append(to_array(w).copy())
    return {"path": np.stack(path)}


def claim_path(
    name: str,
    source: str,
    section: str,
    optimiser: Optimiser,
    move: Callable[[Array, int], Array],
    **torch_options: Any,
) -> Claim:
    """Return the claim that an optimiser, its closed form and torch.optim's go the same way."""
    class_name = {Sgd: "SGD", Adam: "Adam", Adagrad: "Adagrad"}[type(optimiser)]

    def build(weights: Any) -> Any:
        import torch

        return getattr(torch.optim, class_name)(weights, **torch_options)

    return Claim(
        topic="optimisers",
        name=f"{name}, {STEPS} steps",
        source=source,
        section=section,
        draw=draw_bowl,
        formula=partial(walk, optimiser=optimiser),
        by_hand=partial(recall, move=move),
        numerical=partial(walk_by_differences, optimiser=optimiser),
        autograd=partial(walk_in_torch, build=build),
    )


def move_sgd(gradients: Array, t: int, momentum: float = 0.0, nesterov: bool = False) -> Array:
    """Return η Σ μ^(t−i) g_i, for Nesterov η (g_t + μ Σ μ^(t−i) g_i)."""
    weights = [momentum ** (t - i) for i in range(1, t + 1)]
    velocity = sum(weight * g for weight, g in zip(weights, gradients, strict=True))
    return np.asarray(0.02 * (gradients[-1] + momentum * velocity if nesterov else velocity))


def move_adam(gradients: Array, t: int) -> Array:
    """Return Adam's move from the closed forms of its moments."""
    m, v = adam_moments(gradients, BETA1, BETA2)
    return np.asarray(RATE * (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - BETA2**t)) + 1e-8))


def move_adagrad(gradients: Array, t: int) -> Array:
    """Return η g_t / (√Σ g_i² + ε)."""
    return np.asarray(RATE * gradients[-1] / (np.sqrt((gradients**2).sum(axis=0)) + 1e-10))


def draw_gradients(rng: np.random.Generator) -> Named:
    """Return 30 gradients of four weights, the start, and ∂L/∂m, ∂L/∂v. Gradients keep away from 0."""
    gradients = rng.normal(size=(30, 4))
    gradients += 0.3 * np.sign(gradients)
    limit = {"w": rng.normal(size=4), "delta": np.zeros(1)}
    decays = np.array([warm_decay(t, 0.9) for t in range(30)])
    return {"g": gradients, "grad_m": rng.normal(size=4), "grad_v": rng.normal(size=4), "decays": decays, **limit}


def answer_moments(at: Named) -> Results:
    """Return the closed forms, and from their coefficients the gradient by every g_i."""
    m, v = adam_moments(at["g"], BETA1, BETA2)
    ages = np.arange(len(at["g"]))[::-1, None]
    by_m, by_v = (1 - BETA1) * BETA1**ages, 2 * (1 - BETA2) * BETA2**ages * at["g"]
    return {"m": m, "v": v, "g": by_m * at["grad_m"] + by_v * at["grad_v"]}


def recur(g: Any) -> tuple[Any, Any]:
    """Return m_T and v_T by the recursion, for arrays and tensors alike."""
    m, v = 0 * g[0], 0 * g[0]
    for g_t in g:
        m, v = BETA1 * m + (1 - BETA1) * g_t, BETA2 * v + (1 - BETA2) * g_t**2
    return m, v


def recur_by_hand(at: Named) -> Results:
    """Return the recursion's moments; backwards through it, each step hands β of its gradient on to the one before."""
    m, v = recur(at["g"])
    grad, by_m, by_v = np.zeros(at["g"].shape), at["grad_m"], at["grad_v"]
    for t in reversed(range(len(grad))):
        grad[t] = (1 - BETA1) * by_m + (1 - BETA2) * by_v * 2 * at["g"][t]
        by_m, by_v = BETA1 * by_m, BETA2 * by_v
    return {"m": m, "v": v, "g": grad}


def weigh_moments(at: Named) -> float:
    """Return L = Σ ∂L/∂m · m + Σ ∂L/∂v · v of the recursion."""
    m, v = recur(at["g"])
    return float((at["grad_m"] * m + at["grad_v"] * v).sum())


def recur_in_torch(at: Named) -> Results:
    """Return autograd's gradient through the recursion."""

    def loss(t: Any) -> Any:
        m, v = recur(t.g)
        return (t.grad_m * m + t.grad_v * v).sum()

    m, v = recur(to_tensor(at["g"]))
    return {"m": to_array(m), "v": to_array(v), "g": differentiate(loss, at, ("g",))["g"]}


def answer_limit(at: Named) -> Results:
    """Return the slope Σ d w_T / dδ at β2 = 1, where δ = 1 − β2, and Adagrad's weights."""
    total = adagrad_limit_slope(at["g"], RATE).sum()
    return {"w_T": follow_adagrad(at["w"], at["g"], RATE), "delta": np.array([total])}


def follow(w: Any, g: Any, delta: Any) -> Any:
    """Return Adam's weights (β1 = 0, η₀ t^(−1/2)) for β2 = 1 − δ, with v̂ as a weighted mean, so that δ may be 0."""
    for t in range(1, len(g) + 1):
        weights = [(1 - delta) ** (t - i) for i in range(1, t + 1)]
        mean = sum(weight * g[i] ** 2 for i, weight in enumerate(weights)) / sum(weights)
        w = w - RATE / t**0.5 * g[t - 1] / mean**0.5
    return w


def limit_by_hand(at: Named) -> Results:
    """Return Adam at δ = 0, and the slope from sums over all pairs (t, i)."""
    g, total = at["g"], 0.0
    for t in range(1, len(g) + 1):
        for k in range(g.shape[1]):
            seen = sum(g[i - 1, k] ** 2 for i in range(1, t + 1))
            aged = sum((t - i) * g[i - 1, k] ** 2 for i in range(1, t + 1))
            total += RATE * g[t - 1, k] / seen**0.5 * 0.5 * ((t - 1) / 2 - aged / seen)
    return {"w_T": follow(at["w"], g, at["delta"]), "delta": np.array([total])}


def sum_followed(at: Named) -> float:
    """Return Σ w_T, a function of δ."""
    return float(follow(at["w"], at["g"], at["delta"]).sum())


def limit_in_torch(at: Named) -> Results:
    """Return the same with autograd through the whole path."""
    weights = follow(to_tensor(at["w"]), to_tensor(at["g"]), to_tensor(at["delta"]))
    slopes = differentiate(lambda t: follow(t.w, t.g, t.delta).sum(), at, ("delta",))
    return {"w_T": to_array(weights), "delta": slopes["delta"]}


def answer_order(at: Named) -> Results:
    """Return (Adam − Adagrad) / (1 − β2) for β2 → 1: a proportion has one quotient, that of the slope."""
    delta = 1e-5
    apart = follow_adam(at["w"], at["g"], RATE, 1 - delta) - follow_adagrad(at["w"], at["g"], RATE)
    return {"quotient": apart / delta}


def expect_order(at: Named) -> Results:
    """Return the slope by the closed form."""
    return {"quotient": adagrad_limit_slope(at["g"], RATE)}


def extrapolate_order(at: Named, results: Results, rng: np.random.Generator) -> float:
    """Return the difference to a central difference of Adam's path around β2 = 1."""
    step = 1e-5
    ahead, behind = (follow(at["w"], at["g"], sign * step) for sign in (1, -1))
    return measure_difference(results["quotient"], (ahead - behind) / (2 * step))


def order_in_torch(at: Named) -> Results:
    """Return the slope of each weight by autograd."""

    def slope_of(k: int) -> Array:
        return differentiate(lambda t: follow(t.w, t.g, t.delta)[k], at, ("delta",))["delta"]

    return {"quotient": np.concatenate([slope_of(k) for k in range(4)])}


def answer_average(at: Named) -> Results:
    """Return L = Σ ∂L/∂a · a_T of the closed form and, from its coefficients, the gradient by a_0 and each w."""
    later = np.append(np.cumprod(at["decays"][::-1])[::-1], 1.0)
    loss = np.sum(at["grad_m"] * average_weights(at["w"], at["g"], at["decays"]))
    by_each = ((1 - at["decays"]) * later[1:])[:, None] * at["grad_m"]
    return {"y": loss, "w": later[0] * at["grad_m"], "g": by_each}


def average_by_hand(at: Named) -> Results:
    """Return the recursion's loss, and backwards through it the gradients."""
    grad, by_a = np.zeros(at["g"].shape), at["grad_m"]
    for t in reversed(range(len(grad))):
        grad[t], by_a = (1 - at["decays"][t]) * by_a, at["decays"][t] * by_a
    return {"y": np.array(recur_average(SimpleNamespace(**at))), "w": by_a, "g": grad}


def recur_average(at: Any) -> Any:
    """Return L by the recursion, for arrays and tensors alike."""
    value = at.w
    for w, decay in zip(at.g, at.decays, strict=True):
        value = average_step(value, w, decay)
    return (at.grad_m * value).sum()


def claim(
    name: str, section: str, witnesses: tuple[Formula, Formula, Numerical, Formula], tolerance: float = EXACT
) -> Claim:
    """Return a claim on sequences of gradients; `witnesses` are the formula, by hand, numerical and autograd."""
    formula, by_hand, numerical, autograd = witnesses
    return Claim(
        topic="averaging" if section == "6.1" else "optimisers",
        name=name,
        source="Polyak & Juditsky 1992" if section == "6.1" else KINGMA,
        section=section,
        draw=draw_gradients,
        formula=formula,
        by_hand=by_hand,
        numerical=numerical,
        autograd=autograd,
        tolerance=tolerance,
        numerical_tolerance=max(tolerance, DIFFERENCED),
    )


MOMENTS = (answer_moments, recur_by_hand, slopes_of(weigh_moments), recur_in_torch)
LIMIT = (answer_limit, limit_by_hand, slopes_of(sum_followed), limit_in_torch)
ORDER = (answer_order, expect_order, extrapolate_order, order_in_torch)
AVERAGE = (
    answer_average,
    average_by_hand,
    slopes_of(lambda at: float(recur_average(SimpleNamespace(**at)))),
    lambda at: differentiate(recur_average, at, ("w", "g")),
)
SGD = Sgd(learning_rate=0.02)
MOMENTUM = Sgd(learning_rate=0.02, momentum=0.9)
NESTEROV = Sgd(learning_rate=0.02, momentum=0.9, nesterov=True)
SUTSKEVER, DUCHI = "Sutskever et al. 2013", "Duchi et al. 2011"

CLAIMS = (
    claim_path("SGD", "Robbins & Monro 1951", "4.1", SGD, move_sgd, lr=0.02),
    claim_path("momentum", SUTSKEVER, "4.1", MOMENTUM, partial(move_sgd, momentum=0.9), lr=0.02, momentum=0.9),
    claim_path(
        "Nesterov",
        SUTSKEVER,
        "4.1",
        NESTEROV,
        partial(move_sgd, momentum=0.9, nesterov=True),
        lr=0.02,
        momentum=0.9,
        nesterov=True,
    ),
    claim("m_t, v_t in closed form", "4.2", MOMENTS),
    claim_path("Adam", KINGMA, "4.2", Adam(learning_rate=RATE), move_adam, lr=RATE),
    claim_path("Adagrad", DUCHI, "4.3", Adagrad(learning_rate=RATE), move_adagrad, lr=RATE),
    claim("Adam → Adagrad, with dw/d(1 − β2)", "4.4", LIMIT),
    # At 1 − β2 = 1e-5 the quotient is still some 1e-5 from its limit; smaller steps drown in the rounding of 1 − β2^t.
    claim("(Adam − Adagrad) / (1 − β2), β2 → 1", "4.4", ORDER, tolerance=1e-4),
    claim("moving average in closed form", "6.1", AVERAGE),
)
