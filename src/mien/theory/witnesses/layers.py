"""The witnesses of `mien.theory.layers`: loops over single numbers, differences, and torch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from mien.theory import layers
from mien.theory.claims import Claim, Results, slopes_of
from mien.theory.gradcheck import Named
from mien.theory.witnesses.autograd import differentiate

SLOPE = layers.mean_slope()
POOLS = {"tiled": ((2, 2), (2, 2)), "overlapping": ((3, 2), (2, 1))}


def draw_activations(rng: np.random.Generator, shape: tuple[int, ...] = (2, 3, 4, 5)) -> Named:
    """Return activations, no two equal and none near the kink at 0, ∂L/∂y, slopes and a mask."""
    x = rng.permutation(np.linspace(-2, 2, int(np.prod(shape)))).reshape(shape)
    slopes, mask = layers.draw_slopes(shape, rng), layers.draw_mask(shape, rng, 0.3)
    return {"x": x, "grad_y": rng.normal(size=shape), "slopes": slopes, "mask": mask}


def draw_linear(rng: np.random.Generator) -> Named:
    """Return activations, weights, bias and ∂L/∂y."""
    weight, bias = rng.normal(size=(4, 5)), rng.normal(size=4)
    return {"x": rng.normal(size=(3, 5)), "weight": weight, "bias": bias, "grad_y": rng.normal(size=(3, 4))}


def answer_linear(at: Named) -> Results:
    """Return the formulas' answer."""
    x, weight, bias = layers.linear_backward(at["grad_y"], at["x"], at["weight"])
    return {"y": layers.linear(at["x"], at["weight"], at["bias"]), "x": x, "weight": weight, "bias": bias}


def loop_linear(at: Named) -> Results:
    """Return the same, product by product."""
    out = {name: np.zeros(at[name].shape) for name in ("x", "weight", "bias")} | {"y": np.zeros(at["grad_y"].shape)}
    for n, o in product(*map(range, at["grad_y"].shape)):
        grad = at["grad_y"][n, o]
        out["y"][n, o] += at["bias"][o]
        out["bias"][o] += grad
        for i in range(at["x"].shape[1]):
            out["y"][n, o] += at["weight"][o, i] * at["x"][n, i]
            out["x"][n, i] += at["weight"][o, i] * grad
            out["weight"][o, i] += at["x"][n, i] * grad
    return out


def loop_numbers(at: Named, slope: Callable[[float, tuple[int, ...]], float]) -> Results:
    """Return y = slope · x and ∂L/∂x = slope · ∂L/∂y, number by number."""
    y, x = np.zeros(at["x"].shape), np.zeros(at["x"].shape)
    for place in np.ndindex(*at["x"].shape):
        factor = slope(float(at["x"][place]), place)
        y[place], x[place] = factor * at["x"][place], factor * at["grad_y"][place]
    return {"y": y, "x": x}


def loop_pool(at: Named, kernel: tuple[int, int], stride: tuple[int, int]) -> Results:
    """Return the same, window by window, with Python's own max."""
    x, grad_x, y = at["x"], np.zeros(at["x"].shape), np.zeros(at["grad_y"].shape)
    for b, c, i, j in product(*map(range, y.shape)):
        cells = [(i * stride[0] + u, j * stride[1] + v) for u, v in product(*map(range, kernel))]
        winner = max(cells, key=lambda cell: float(x[b, c, cell[0], cell[1]]))
        y[b, c, i, j] = x[b, c, winner[0], winner[1]]
        grad_x[b, c, winner[0], winner[1]] += at["grad_y"][b, c, i, j]
    return {"y": y, "x": grad_x}


def claim_pool(name: str) -> Claim:
    """Return the claim of max-pooling with the windows of `name`."""
    kernel, stride = POOLS[name]

    def draw(rng: np.random.Generator) -> Named:
        at = draw_activations(rng)
        return {**at, "grad_y": rng.normal(size=layers.max_pool(at["x"], kernel, stride)[0].shape)}

    def answer(at: Named) -> Results:
        y, winners = layers.max_pool(at["x"], kernel, stride)
        return {"y": y, "x": layers.max_pool_backward(at["grad_y"], at["x"], winners, kernel, stride)}

    def ask_torch(at: Named) -> Results:
        from torch.nn import functional as F

        return differentiate(lambda t: F.max_pool2d(t.x, kernel, stride), at, ("x",))

    return Claim(
        topic="layers",
        name=f"max-pool, {name} windows",
        source="Zhou & Chellappa 1988",
        section="5.4",
        draw=draw,
        formula=answer,
        by_hand=lambda at: loop_pool(at, kernel, stride),
        numerical=slopes_of(lambda at: float((at["grad_y"] * answer(at)["y"]).sum())),
        autograd=ask_torch,
    )


def claim_numbers(
    name: str,
    source: str,
    section: str,
    answer: Callable[[Named], Results],
    slope: Callable[[Named], Callable[[float, tuple[int, ...]], float]],
    ask_torch: Callable[[Any], Any],
) -> Claim:
    """Return the claim of a layer that scales each number on its own."""
    return Claim(
        topic="layers",
        name=name,
        source=source,
        section=section,
        draw=draw_activations,
        formula=answer,
        by_hand=lambda at: loop_numbers(at, slope(at)),
        numerical=slopes_of(lambda at: float((at["grad_y"] * answer(at)["y"]).sum())),
        autograd=lambda at: differentiate(ask_torch, at, ("x",)),
    )


def answer_relu(at: Named) -> Results:
    """Return the formulas' answer."""
    return {"y": layers.relu(at["x"]), "x": layers.relu_backward(at["grad_y"], at["x"])}


def answer_rrelu(at: Named) -> Results:
    """Return the formulas' answer for drawn slopes."""
    grad = layers.rrelu_backward(at["grad_y"], at["x"], at["slopes"])
    return {"y": layers.rrelu(at["x"], at["slopes"]), "x": grad}


def answer_rrelu_mean(at: Named) -> Results:
    """Return the formulas' answer in evaluation."""
    return {"y": layers.rrelu(at["x"], SLOPE), "x": layers.rrelu_backward(at["grad_y"], at["x"], SLOPE)}


def answer_dropout(at: Named) -> Results:
    """Return the formulas' answer."""
    return {"y": layers.dropout(at["x"], at["mask"]), "x": layers.dropout(at["grad_y"], at["mask"])}


def answer_flatten(at: Named) -> Results:
    """Return y as rows, and its gradient as images again; ∂L/∂y comes as images here."""
    return {"y": layers.flatten(at["x"]).reshape(at["x"].shape), "x": at["grad_y"]}


def ask_torch_linear(at: Named) -> Results:
    """Return torch's answer."""
    from torch.nn import functional as F

    return differentiate(lambda t: F.linear(t.x, t.weight, t.bias), at, ("x", "weight", "bias"))


def rectify_at_random(t: Any) -> Any:
    """Return torch's elementwise form of RReLU with given slopes (its own layer lets nobody choose them)."""
    return t.x.clamp(min=0) + t.slopes * t.x.clamp(max=0)


def rectify_on_average(t: Any) -> Any:
    """Return torch's RReLU in evaluation."""
    from torch.nn import functional as F

    return F.rrelu(t.x, 1 / 8, 1 / 3, training=False)


XU, SRIVASTAVA = "Xu et al. 2015", "Srivastava et al. 2014"

CLAIMS = (
    Claim(
        topic="layers",
        name="linear: y, ∂L/∂x, ∂L/∂W, ∂L/∂b",
        source="Rumelhart et al. 1986",
        section="5.1",
        draw=draw_linear,
        formula=answer_linear,
        by_hand=loop_linear,
        numerical=slopes_of(lambda at: float((at["grad_y"] * (at["x"] @ at["weight"].T + at["bias"])).sum())),
        autograd=ask_torch_linear,
    ),
    claim_numbers(
        "ReLU", "Nair & Hinton 2010", "5.2", answer_relu, lambda at: lambda x, place: float(x > 0), lambda t: t.x.relu()
    ),
    claim_numbers(
        "RReLU in training",
        XU,
        "5.3",
        answer_rrelu,
        lambda at: lambda x, place: 1.0 if x >= 0 else float(at["slopes"][place]),
        rectify_at_random,
    ),
    claim_numbers(
        "RReLU in evaluation",
        XU,
        "5.3",
        answer_rrelu_mean,
        lambda at: lambda x, place: 1.0 if x >= 0 else (1 / 8 + 1 / 3) / 2,
        rectify_on_average,
    ),
    claim_pool("tiled"),
    claim_pool("overlapping"),
    claim_numbers(
        "dropout",
        SRIVASTAVA,
        "5.5",
        answer_dropout,
        lambda at: lambda x, place: float(at["mask"][place]),
        lambda t: t.x * t.mask,
    ),
    claim_numbers(
        "flatten",
        "-",
        "5.6",
        answer_flatten,
        lambda at: lambda x, place: 1.0,
        lambda t: t.x.flatten(1).reshape(t.x.shape),
    ),
)
