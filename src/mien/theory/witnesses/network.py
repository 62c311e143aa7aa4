"""The witnesses of `mien.theory.network`: the report's network, narrowed, as loops, by differences, and in torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from mien.theory.arrays import Array
from mien.theory.claims import Claim, Results, slopes_of
from mien.theory.convolution import view_patches
from mien.theory.crossentropy import cross_entropy
from mien.theory.gradcheck import Named
from mien.theory.layers import flatten, mean_slope
from mien.theory.network import Noise, draw_from, forward, report_layers, start_parameters, teach
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
)
from mien.theory.witnesses.autograd import mirror_in_torch, run_torch, to_array, to_tensor
from mien.theory.witnesses.batchnorm import chain_by_loops, freeze_by_loops
from mien.theory.witnesses.convolution import compute_by_loops
from mien.theory.witnesses.crossentropy import loop_loss
from mien.theory.witnesses.layers import loop_linear, loop_numbers, loop_pool

LAYERS = report_layers(channels=(2, 3, 3, 4), hidden=(6, 5, 4), size=16, drop_fraction=0.25)
"""The report's 29 layers and flatten, for faces of 16×16 pixels."""

MARGIN, STEP = 1e-4, 1e-6
"""How far inputs keep from every kink, and the step of differences: parameters may act a hundred times as strongly."""


def draw_faces(rng: np.random.Generator) -> Named:
    """Return two faces, labels, parameters with no vector at its tidy start, and a seed for masks and slopes.

    Draws again while an activation or window stands so near its kink that a difference could reach across: there the
    loss has two slopes, and a difference gives neither. Only the inputs decide, never what a witness says of them.
    """
    while True:
        # Only vectors start tidy (0 or 1). A shift of the weights would make a loss in the thousands, all rounding.
        parameters = {
            name: value + rng.uniform(0.05, 0.3, value.shape) * (value.ndim == 1)
            for name, value in start_parameters(LAYERS, rng).items()
        }
        faces = {"images": rng.normal(size=(2, 1, 16, 16)), "labels": rng.integers(0, 7, 2)}
        at = {**faces, "seed": rng.integers(99, size=1), **parameters}
        if min(measure_margin(at, is_training) for is_training in (True, False)) > MARGIN:
            return at


def measure_margin(at: Named, is_training: bool) -> float:
    """Return how near the network comes to a kink: an activation at 0, or a window with two winners above 0."""
    noise, x, margin = find_noise(at, is_training), at["images"], np.inf
    for place, layer in enumerate(LAYERS):
        if isinstance(layer, (Relu, RandomRelu)):
            margin = min(margin, float(np.abs(x).min()))
        if isinstance(layer, MaxPool):
            second, first = np.sort(view_patches(x, (2, 2), (2, 2), (0, 0), (1, 1)).reshape(-1, 4))[:, -2:].T
            # Cells that ReLU set to 0 tie for good, and hand on no gradient whoever wins.
            margin = min(margin, float((first - second)[first != 0].min(initial=np.inf)))
        own = {f"0.{name.split('.')[1]}": value for name, value in at.items() if name.startswith(f"{place}.")}
        x = forward([layer], own, x, None if noise is None else partial(_draw_at, noise, place)).y
    return margin


def _draw_at(noise: Noise, place: int, _: int, layer: RandomLayer, shape: tuple[int, ...]) -> Array:
    return noise(place, layer, shape)


def find_noise(at: Named, is_training: bool) -> Noise | None:
    """Return noise that is the same each time it is asked for."""
    return draw_from(np.random.default_rng(at["seed"])) if is_training else None


def find_parameters(at: Named) -> Parameters:
    """Return the parameters among the inputs."""
    return {name: value for name, value in at.items() if "." in name}


def answer(at: Named, is_training: bool) -> Results:
    """Return the formulas' logits and the gradient by every parameter."""
    lesson = teach(LAYERS, find_parameters(at), at["images"], at["labels"], find_noise(at, is_training))
    return {"logits": lesson.logits, **lesson.gradients}


def weigh(at: Named, is_training: bool) -> float:
    """Return the loss."""
    step = forward(LAYERS, find_parameters(at), at["images"], find_noise(at, is_training))
    return cross_entropy(step.y, at["labels"])


def ask_torch(at: Named, is_training: bool) -> Results:
    """Return torch's logits and gradients."""
    from torch.nn import functional as F

    network = mirror_in_torch(LAYERS, find_parameters(at))
    logits = run_torch(network, to_tensor(at["images"]), find_noise(at, is_training))
    loss: Any = F.cross_entropy(logits, to_tensor(at["labels"]))
    loss.backward()
    return {"logits": to_array(logits), **{name: to_array(p.grad) for name, p in network.named_parameters()}}


def loop_layer(layer: Layer, at: Named) -> Results:
    """Return y, ∂L/∂x and the gradients by the parameters of one layer, all by the loops of its own witness.

    `at` holds x, ∂L/∂y as grad_y, the layer's parameters, and what it drew; the layer is in training if it drew.
    """
    match layer:
        case Convolution():
            geometry = {"stride": np.ones(2, int), "dilation": np.ones(2, int), "padding": np.array(layer.padding)}
            return compute_by_loops({**at, **geometry})
        case Linear():
            return loop_linear(at)
        case MaxPool():
            return loop_pool(at, layer.kernel, layer.kernel)
        case Flatten():
            return {"y": flatten(at["x"]), "x": at["grad_y"].reshape(at["x"].shape)}
        case BatchNorm():
            return _loop_batchnorm(at)
        case Dropout():
            return loop_numbers(at, lambda x, place: float(at["drawn"][place]) if "drawn" in at else 1.0)
        case RandomRelu():
            drawn = at.get("drawn", np.full(at["x"].shape, mean_slope()))
            return loop_numbers(at, lambda x, place: 1.0 if x >= 0 else float(drawn[place]))
    return loop_numbers(at, lambda x, place: float(x > 0))


def _loop_batchnorm(at: Named) -> Results:
    own = {**at, "gamma": at["weight"], "beta": at["bias"]}
    inner = {"x_hat": at["x"], "variance": at["bias"], "mean": at["bias"]}
    out = chain_by_loops({**own, **inner}) if "is_training" in at else freeze_by_loops(own)
    return {"y": out["y"], "x": out["x"], "weight": out["gamma"], "bias": out["beta"]}


def loop_network(at: Named, is_training: bool) -> Results:
    """Go forward and back through the network, every layer by loops."""
    noise, x = find_noise(at, is_training), at["images"]
    seen: list[dict[str, Array]] = []
    for place, layer in enumerate(LAYERS):
        own = {name.split(".")[1]: value for name, value in at.items() if name.startswith(f"{place}.")}
        own |= {"x": x} | ({"is_training": np.ones(1)} if is_training else {})
        if noise is not None and isinstance(layer, (RandomRelu, Dropout)):
            own["drawn"] = noise(place, layer, x.shape)
        seen.append(own)
        x = loop_layer(layer, {**own, "grad_y": np.zeros(_shape_output(layer, x.shape))})["y"]
    return {"logits": x, **_loop_back(seen, x, at)}


def _shape_output(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    match layer:
        case Convolution() | Linear():
            return (shape[0], layer.outputs, *shape[2:])  # kernels of 3 with padding 1 keep the size
        case MaxPool():
            return (*shape[:2], shape[2] // layer.kernel[0], shape[3] // layer.kernel[1])
        case Flatten():
            return (shape[0], int(np.prod(shape[1:])))
    return shape


def _loop_back(seen: list[dict[str, Array]], logits: Array, at: Named) -> Results:
    inputs = {"z": logits, "labels": at["labels"], "weights": np.ones(7), "smoothing": np.array(0.0)}
    grad = loop_loss(inputs)["z"]
    gradients: dict[str, Array] = {}
    for place, (layer, own) in reversed(list(enumerate(zip(LAYERS, seen, strict=True)))):
        out = loop_layer(layer, {**own, "grad_y": grad})
        grad = out["x"]
        gradients |= {f"{place}.{name}": out[name] for name in ("weight", "bias") if name in out}
    return gradients


def claim(name: str, is_training: bool) -> Claim:
    """Return the claim of every parameter's gradient in one mode."""
    return Claim(
        topic="network",
        name=name,
        source="Rumelhart et al. 1986",
        section="5.7",
        draw=draw_faces,
        formula=partial(answer, is_training=is_training),
        by_hand=partial(loop_network, is_training=is_training),
        numerical=slopes_of(partial(weigh, is_training=is_training), STEP),
        autograd=partial(ask_torch, is_training=is_training),
    )


CLAIMS = (
    claim("report network in training, every parameter", True),
    claim("report network in evaluation, every parameter", False),
)
