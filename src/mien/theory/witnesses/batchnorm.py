"""The witnesses of `mien.theory.batchnorm`: each gradient by name, from loops, differences, and torch."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from mien.theory.arrays import Array, spread
from mien.theory.batchnorm import (
    batchnorm,
    batchnorm_backward,
    batchnorm_frozen,
    batchnorm_frozen_backward,
    identity_parameters,
    update_running,
)
from mien.theory.claims import Claim, Formula, Results, slopes_of
from mien.theory.gradcheck import Loss, Named
from mien.theory.witnesses.autograd import differentiate, to_array, to_tensor

EPSILON = 1e-5
SOURCE = "Ioffe & Szegedy 2015"
AXES = (0, 2, 3)
SYMBOLS = {"x_hat": "x̂", "variance": "σ²", "mean": "μ", "x": "x", "gamma": "γ", "beta": "β"}


def draw_batch(rng: np.random.Generator) -> Named:
    """Return images away from mean 0 and variance 1, γ, β, ∂L/∂y, running statistics, and the x̂, σ², μ of x."""
    x = rng.normal(size=(3, 2, 4, 3)) * 2 + 1
    gamma, beta, grad_y = rng.normal(size=2), rng.normal(size=2), rng.normal(size=x.shape)
    running = {"running_mean": rng.normal(size=2), "running_var": rng.uniform(0.5, 2, size=2)}
    step = batchnorm(x, gamma, beta)
    inner = {"x_hat": step.x_hat, "variance": step.variance, "mean": step.mean}
    return {"x": x, "gamma": gamma, "beta": beta, "grad_y": grad_y, **inner, **running}


def answer(at: Named, name: str) -> Results:
    """Return the formulas' output and gradient by `name`."""
    grads = batchnorm_backward(at["grad_y"], at["x"], at["gamma"])
    return {"y": batchnorm(at["x"], at["gamma"], at["beta"]).y, name: getattr(grads, name)}


def chain_by_loops(at: Named) -> Results:
    """Follow the chain rule number by number, one channel after the other, to every gradient."""
    x = at["x"]
    out = {name: np.zeros(at[name].shape) for name in SYMBOLS} | {"y": np.zeros(x.shape)}
    for c in range(x.shape[1]):
        values, grad_y = x[:, c].ravel().tolist(), at["grad_y"][:, c].ravel().tolist()
        for name, numbers in _chain_channel(values, grad_y, float(at["gamma"][c]), float(at["beta"][c])).items():
            target = out[name][:, c] if out[name].ndim > 1 else out[name][c : c + 1]
            target[...] = np.reshape(numbers, target.shape)
    return out


def _chain_channel(x: list[float], grad_y: list[float], gamma: float, beta: float) -> dict[str, Any]:
    m = len(x)
    mean = sum(x) / m
    variance = sum((value - mean) ** 2 for value in x) / m
    sigma = (variance + EPSILON) ** 0.5
    x_hat = [(value - mean) / sigma for value in x]
    total, aligned = sum(grad_y), sum(g * h for g, h in zip(grad_y, x_hat, strict=True))
    return {
        "y": [gamma * h + beta for h in x_hat],
        "x_hat": [gamma * g for g in grad_y],
        "variance": -gamma * aligned / (2 * sigma**2),
        "mean": -gamma * total / sigma,
        # The three paths of the proof, added up and simplified with x̂ = (x − μ) / σ.
        "x": [gamma / (m * sigma) * (m * g - total - h * aligned) for g, h in zip(grad_y, x_hat, strict=True)],
        "gamma": aligned,
        "beta": total,
    }


def finish(at: Any, name: str, library: Any) -> Any:
    """Return y from the place of `name` in the forward step on: what comes before `name` is held fixed."""

    def by_channel(vector: Any) -> Any:
        return vector.reshape(1, -1, 1, 1)

    mean = at.mean if name in ("variance", "mean") else at.x.mean(AXES)
    deviation = at.x - by_channel(mean)
    variance = at.variance if name == "variance" else (deviation * deviation).mean(AXES)
    x_hat = at.x_hat if name == "x_hat" else deviation / by_channel(library.sqrt(variance + EPSILON))
    return by_channel(at.gamma) * x_hat + by_channel(at.beta)


def weigh(at: Named, name: str) -> float:
    """Return L = Σ ∂L/∂y · y as a function of `name`."""
    return float((at["grad_y"] * finish(SimpleNamespace(**at), name, np)).sum())


def ask_torch(at: Named, name: str) -> Results:
    """Return torch's own batch normalisation and its gradient; for an inner quantity, autograd from there on."""
    import torch
    from torch.nn import functional as F

    if name in ("x", "gamma", "beta"):
        own = partial(F.batch_norm, running_mean=None, running_var=None, training=True, eps=EPSILON)
        return differentiate(lambda t: own(t.x, weight=t.gamma, bias=t.beta), at, (name,))
    return differentiate(lambda t: finish(t, name, torch), at, (name,))


def claim_gradient(name: str) -> Claim:
    """Return the claim of one gradient of the training step."""

    def loop(at: Named) -> Results:
        everything = chain_by_loops(at)
        return {"y": everything["y"], name: everything[name]}

    return Claim(
        topic="batchnorm",
        name=f"∂L/∂{SYMBOLS[name]}",
        source=SOURCE,
        section="2.2",
        draw=draw_batch,
        formula=partial(answer, name=name),
        by_hand=loop,
        numerical=slopes_of(partial(weigh, name=name)),
        autograd=partial(ask_torch, name=name),
    )


def undo(at: Named) -> Results:
    """Return x back from its own normalisation, and the gradient of that: ∂L/∂x = ∂L/∂y, since y = x."""
    return {"y": batchnorm(at["x"], *identity_parameters(at["x"])).y, "x": at["grad_y"]}


def keep(at: Named) -> Results:
    """Return the identity."""
    return {"y": at["x"], "x": at["grad_y"]}


def undo_in_torch(at: Named) -> Results:
    """Return the same of torch, with γ and β functions of x that the gradient flows through."""

    def identity(t: SimpleNamespace) -> Any:
        from torch.nn import functional as F

        gamma, beta = (t.x.var(AXES, correction=0) + EPSILON).sqrt(), t.x.mean(AXES)
        return F.batch_norm(t.x, None, None, gamma, beta, training=True, eps=EPSILON)

    return differentiate(identity, at, ("x",))


def weigh_undone(at: Named) -> float:
    """Return L = Σ ∂L/∂y · y for the identity."""
    return float((at["grad_y"] * undo(at)["y"]).sum())


def track(at: Named) -> Results:
    """Return new running statistics, and the gradient by the old ones of their plain sum."""
    mean, variance = update_running(at["running_mean"], at["running_var"], at["x"])
    kept = np.full(len(mean), 0.9)
    return {"new_mean": mean, "new_var": variance, "running_mean": kept, "running_var": kept}


def track_by_loops(at: Named) -> Results:
    """Return the same from sums over one channel at a time, with 1 / (m − 1)."""
    mean, variance = np.zeros(2), np.zeros(2)
    for c in range(2):
        values = at["x"][:, c].ravel().tolist()
        centre = sum(values) / len(values)
        unbiased = sum((value - centre) ** 2 for value in values) / (len(values) - 1)
        mean[c] = 0.9 * at["running_mean"][c] + 0.1 * centre
        variance[c] = 0.9 * at["running_var"][c] + 0.1 * unbiased
    return {"new_mean": mean, "new_var": variance, "running_mean": np.full(2, 0.9), "running_var": np.full(2, 0.9)}


def track_in_torch(at: Named) -> Results:
    """Return the buffers that torch keeps; they have no gradient, so the coefficient stands for it."""
    from torch.nn import functional as F

    mean, variance = to_tensor(at["running_mean"]), to_tensor(at["running_var"])
    F.batch_norm(to_tensor(at["x"]), mean, variance, training=True, momentum=0.1)
    kept = np.full(2, 0.9)
    return {"new_mean": to_array(mean), "new_var": to_array(variance), "running_mean": kept, "running_var": kept}


def sum_tracked(at: Named) -> float:
    """Return the sum of the new running statistics."""
    mean, variance = update_running(at["running_mean"], at["running_var"], at["x"])
    return float(mean.sum() + variance.sum())


def freeze(at: Named) -> Results:
    """Return the evaluation step and its gradients."""
    constants = at["running_mean"], at["running_var"]
    x, gamma, beta = batchnorm_frozen_backward(at["grad_y"], at["x"], at["gamma"], *constants)
    return {"y": batchnorm_frozen(at["x"], at["gamma"], at["beta"], *constants), "x": x, "gamma": gamma, "beta": beta}


def freeze_by_loops(at: Named) -> Results:
    """Return the same, number by number."""
    y, x = np.zeros(at["x"].shape), np.zeros(at["x"].shape)
    gamma, beta = np.zeros(at["gamma"].shape), np.zeros(at["beta"].shape)
    for place in np.ndindex(*at["x"].shape):
        c, grad = place[1], at["grad_y"][place]
        sigma = (at["running_var"][c] + EPSILON) ** 0.5
        x_hat = (at["x"][place] - at["running_mean"][c]) / sigma
        y[place] = at["gamma"][c] * x_hat + at["beta"][c]
        x[place] = grad * at["gamma"][c] / sigma
        gamma[c] += grad * x_hat
        beta[c] += grad
    return {"y": y, "x": x, "gamma": gamma, "beta": beta}


def freeze_in_torch(at: Named) -> Results:
    """Return the same from torch."""
    from torch.nn import functional as F

    names = ("x", "gamma", "beta")
    return differentiate(lambda t: F.batch_norm(t.x, t.running_mean, t.running_var, t.gamma, t.beta), at, names)


def weigh_frozen(at: Named) -> float:
    """Return L = Σ ∂L/∂y · y in evaluation."""
    y: Array = (at["x"] - spread(at["running_mean"], at["x"])) / spread(np.sqrt(at["running_var"] + EPSILON), at["x"])
    return float((at["grad_y"] * (y * spread(at["gamma"], y) + spread(at["beta"], y))).sum())


def claim_step(name: str, section: str, witnesses: tuple[Formula, Formula, Loss, Formula]) -> Claim:
    """Return a claim; `witnesses` are the formula, by hand, the loss to differentiate, and autograd."""
    formula, by_hand, loss, autograd = witnesses
    return Claim(
        topic="batchnorm",
        name=name,
        source=SOURCE,
        section=section,
        draw=draw_batch,
        formula=formula,
        by_hand=by_hand,
        numerical=slopes_of(loss),
        autograd=autograd,
    )


IDENTITY = (undo, keep, weigh_undone, undo_in_torch)
RUNNING = (track, track_by_loops, sum_tracked, track_in_torch)
EVALUATION = (freeze, freeze_by_loops, weigh_frozen, freeze_in_torch)

CLAIMS = (
    *map(claim_gradient, SYMBOLS),
    claim_step("γ = √(σ² + ε), β = μ give the identity", "2.3", IDENTITY),
    claim_step("running mean and variance", "2.4", RUNNING),
    claim_step("evaluation: y, ∂L/∂x, ∂L/∂γ, ∂L/∂β", "2.5", EVALUATION),
)
