"""The witnesses of `mien.theory.crossentropy`: double loops, exact decimals, differences, and torch."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

import numpy as np

from mien.theory.claims import Claim, Formula, Results, slopes_of
from mien.theory.crossentropy import cross_entropy, cross_entropy_gradient, softmax, softmax_jacobian
from mien.theory.gradcheck import STEP, Loss, Named
from mien.theory.witnesses.autograd import differentiate

DIGITS = 60
BRIDLE = "Bridle 1990"
SZEGEDY = "Szegedy et al. 2016"


def draw_logits(rng: np.random.Generator, scale: float = 1.0, smoothing: float = 0.0, weighted: bool = False) -> Named:
    """Return logits of five faces and seven classes, labels, class weights, smoothing, and ∂L/∂ŷ."""
    weights = rng.uniform(0.2, 3, 7) if weighted else np.ones(7)
    inputs = {"z": scale * rng.uniform(-1, 1, (5, 7)), "labels": rng.integers(0, 7, 5), "weights": weights}
    return {**inputs, "smoothing": np.array(smoothing)}


def draw_softmax(rng: np.random.Generator) -> Named:
    """Return logits and ∂L/∂ŷ."""
    return {"z": rng.normal(size=(5, 7)), "grad_y": rng.normal(size=(5, 7))}


def answer_softmax(at: Named) -> Results:
    """Return ŷ and ∂L/∂z = Jᵀ ∂L/∂ŷ with the formula's Jacobian."""
    y_hat = softmax(at["z"])
    return {"y": y_hat, "z": np.einsum("bij,bi->bj", softmax_jacobian(y_hat), at["grad_y"])}


def loop_softmax(at: Named) -> Results:
    """Return the same from the quotient rule, one pair (i, j) after the other, on decimals."""
    y, z = np.zeros(at["z"].shape), np.zeros(at["z"].shape)
    for n, logits in enumerate(at["z"]):
        exponentials = _exponentiate(logits)
        total = sum(exponentials)
        for i, e_i in enumerate(exponentials):
            y[n, i] = e_i / total
            for j, e_j in enumerate(exponentials):
                slope = ((e_i * total if i == j else 0) - e_i * e_j) / (total * total)
                z[n, j] += float(slope) * at["grad_y"][n, i]
    return {"y": y, "z": z}


def _exponentiate(logits: Any) -> list[Decimal]:
    """Return e^z without a shift: decimals have room for e^10000."""
    with localcontext() as context:
        context.prec = DIGITS
        return [Decimal(float(z)).exp() for z in logits]


def weigh_softmax(at: Named) -> float:
    """Return L = Σ ∂L/∂ŷ · ŷ."""
    return float((at["grad_y"] * softmax(at["z"])).sum())


def softmax_in_torch(at: Named) -> Results:
    """Return the same from torch."""
    return differentiate(lambda t: t.z.softmax(dim=1), at, ("z",))


def _unpack(at: Named) -> tuple[Any, Any, Any, float]:
    return at["z"], at["labels"], at["weights"], float(at["smoothing"])


def answer_loss(at: Named) -> Results:
    """Return the formulas' loss and gradient."""
    return {"y": np.array(cross_entropy(*_unpack(at))), "z": cross_entropy_gradient(*_unpack(at))}


def loop_loss(at: Named) -> Results:
    """Return the same face by face on decimals: −q_i / ŷ_i sent through the Jacobian, entry by entry."""
    z, labels, weights, smoothing = _unpack(at)
    divisor = sum(weights[label] for label in labels)
    loss, grad = 0.0, np.zeros(z.shape)
    with localcontext() as context:
        context.prec = DIGITS
        for n, label in enumerate(labels):
            targets = [weights[c] * ((1 - smoothing) * (c == label) + smoothing / 7) for c in range(7)]
            q = [Decimal(float(target)) for target in targets]
            exponentials = _exponentiate(z[n])
            y_hat = [e / sum(exponentials) for e in exponentials]
            loss -= float(sum(q_i * y_i.ln() for q_i, y_i in zip(q, y_hat, strict=True))) / divisor
            for j in range(7):
                chain = sum(-q[i] / y_hat[i] * y_hat[i] * ((i == j) - y_hat[j]) for i in range(7))
                grad[n, j] = float(chain) / divisor
    return {"y": np.array(loss), "z": grad}


def loss_in_torch(at: Named) -> Results:
    """Return the same from torch."""
    from torch.nn import functional as F

    smoothing = float(at["smoothing"])
    inputs = {name: value for name, value in at.items() if name != "smoothing"}
    return differentiate(
        lambda t: F.cross_entropy(t.z, t.labels, weight=t.weights, label_smoothing=smoothing), inputs, ("z",)
    )


def claim(
    name: str,
    section: str,
    draw: Callable[[np.random.Generator], Named],
    witnesses: tuple[Formula, Formula, Loss, Formula],
    source: str = BRIDLE,
    step: float = STEP,
) -> Claim:
    """Return a claim of this topic; `witnesses` are the formula, by hand, the loss to differentiate, and autograd."""
    formula, by_hand, loss, autograd = witnesses
    return Claim(
        topic="crossentropy",
        name=name,
        source=source,
        section=section,
        draw=draw,
        formula=formula,
        by_hand=by_hand,
        numerical=slopes_of(loss, step),
        autograd=autograd,
    )


SOFTMAX = (answer_softmax, loop_softmax, weigh_softmax, softmax_in_torch)
LOSS = (answer_loss, loop_loss, lambda at: cross_entropy(*_unpack(at)), loss_in_torch)
SMOOTHED = partial(draw_logits, smoothing=0.1)
BOTH = partial(draw_logits, smoothing=0.1, weighted=True)
EXTREME = partial(draw_logits, scale=1e4)

CLAIMS = (
    claim("∂ŷ_i/∂z_j = ŷ_i (δ_ij − ŷ_j)", "3.2", draw_softmax, SOFTMAX),
    claim("L and ∂L/∂z = ŷ − y", "3.3", draw_logits, LOSS),
    # Between logits so far apart the loss is straight, so a long step costs no accuracy and keeps rounding down.
    claim("the same at logits of ±10,000", "3.3", EXTREME, LOSS, step=1e-2),
    claim("with label smoothing", "3.4", SMOOTHED, LOSS, SZEGEDY),
    claim("with smoothing and class weights", "3.4", BOTH, LOSS, SZEGEDY),
)
