"""A whole network by hand: forward, backpropagation, and the report's own network.

In: layers, their parameters (named as in an nn.Sequential: "0.weight"), images (B, C, W, H). Out: logits (B, classes),
the loss, and the gradient of every parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from mien.theory.arrays import Array, Integers
from mien.theory.crossentropy import cross_entropy, cross_entropy_gradient
from mien.theory.steps import (
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool,
    Parameters,
    RandomLayer,
    RandomRelu,
    Relu,
    Step,
)

Noise = Callable[[int, RandomLayer, tuple[int, ...]], Array]
"""Place in the network, layer and shape of its input -> the mask or slopes that it uses in this training step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one batch teaches: the `loss`, ∂loss/∂parameter by name, the new running statistics, the logits.

    See docs/theory.md, section 5.7.
    """

    loss: float
    gradients: Parameters
    running: Parameters
    logits: Array


def start_parameters(layers: Sequence[Layer], rng: np.random.Generator) -> dict[str, Array]:
    """Return fresh parameters and running statistics: weights N(0, 2 / fan-in), biases 0, γ = 1, β = 0.

    Source: He et al., Delving deep into rectifiers (2015), equation 10. See docs/theory.md, section 5.7.
    """
    parameters: dict[str, Array] = {}
    for place, layer in enumerate(layers):
        parameters |= {f"{place}.{name}": value for name, value in _start_layer(layer, rng).items()}
    return parameters


def _start_layer(layer: Layer, rng: np.random.Generator) -> Parameters:
    match layer:
        case Convolution(inputs=inputs, outputs=outputs, kernel=kernel):
            shape: tuple[int, ...] = (outputs, inputs, *kernel)
        case Linear(inputs=inputs, outputs=outputs):
            shape = (outputs, inputs)
        case BatchNorm(channels=channels):
            zeros, ones = np.zeros(channels), np.ones(channels)
            return {"weight": ones, "bias": zeros, "running_mean": zeros, "running_var": ones}
        case _:
            return {}
    return {"weight": rng.normal(0.0, np.sqrt(2 / np.prod(shape[1:])), shape), "bias": np.zeros(shape[0])}


def draw_from(rng: np.random.Generator) -> Noise:
    """Return noise that every random layer draws afresh. See docs/theory.md, section 5.7."""
    return lambda place, layer, shape: layer.draw(shape, rng)


def forward(layers: Sequence[Layer], parameters: Parameters, x: Array, noise: Noise | None = None) -> Step:
    """Return y = f_K(… f_2(f_1(x))), with `noise` in training mode, without it in evaluation.

    Its `pull` is the chain rule: with J_k the Jacobian of layer k at its own input,

        ∂L/∂x = J_1ᵀ J_2ᵀ … J_Kᵀ ∂L/∂y

    evaluated from the right, so that only vectors are ever multiplied, and each layer gives the gradient of its own
    parameters on the way. Source: Rumelhart, Hinton and Williams (1986). See docs/theory.md, section 5.7.
    """
    steps: list[Step] = []
    for place, layer in enumerate(layers):
        own = {name.split(".")[1]: value for name, value in parameters.items() if name.split(".")[0] == str(place)}
        draw = None if noise is None else partial(noise, place, layer)  # type: ignore[arg-type]
        steps.append(layer.forward(steps[-1].y if steps else x, own, draw))
    running = {f"{place}.{name}": value for place, step in enumerate(steps) for name, value in step.running.items()}
    return Step(y=steps[-1].y, pull=partial(_pull_through, steps), running=running)


def _pull_through(steps: Sequence[Step], grad: Array) -> tuple[Array, Parameters]:
    gradients: dict[str, Array] = {}
    for place, step in reversed(list(enumerate(steps))):
        grad, own = step.pull(grad)
        gradients |= {f"{place}.{name}": value for name, value in own.items()}
    return grad, gradients


def teach(
    layers: Sequence[Layer], parameters: Parameters, x: Array, labels: Integers, noise: Noise | None = None
) -> Lesson:
    """Return the cross-entropy of a batch and its gradient by every parameter. See docs/theory.md, section 5.7."""
    step = forward(layers, parameters, x, noise)
    _, gradients = step.pull(cross_entropy_gradient(step.y, labels))
    return Lesson(loss=cross_entropy(step.y, labels), gradients=gradients, running=step.running, logits=step.y)


def report_layers(
    channels: Sequence[int] = (64, 128, 256, 512),
    hidden: Sequence[int] = (4096, 1024, 256),
    size: int = 64,
    classes: int = 7,
    drop_fraction: float = 0.5,
) -> tuple[Layer, ...]:
    """Return the layers of the report's network, or of a narrower one of the same build.

    One block for each of `channels`: 3×3 convolution, batch norm, RReLU (the first) or ReLU, 2×2 max-pool, dropout.
    Then flatten, dropout, and linear layers to `hidden` and `classes`, RReLU between, dropout after the first. See
    docs/theory.md, section 5.8.
    """
    layers: list[Layer] = []
    for block, (inputs, outputs) in enumerate(pairwise((1, *channels))):
        activation: Layer = Relu() if block else RandomRelu()
        layers += [Convolution(inputs=inputs, outputs=outputs), BatchNorm(channels=outputs), activation, MaxPool()]
        layers.append(Dropout(drop_fraction=drop_fraction))
    layers += [Flatten(), Dropout(drop_fraction=drop_fraction)]
    features = channels[-1] * (size // 2 ** len(channels)) ** 2
    for depth, (inputs, outputs) in enumerate(pairwise((features, *hidden))):
        layers += [Linear(inputs=inputs, outputs=outputs), RandomRelu()]
        layers += [Dropout(drop_fraction=drop_fraction)] if depth == 0 else []
    return (*layers, Linear(inputs=hidden[-1], outputs=classes))
