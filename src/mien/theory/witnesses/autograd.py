"""The witness autograd: torch in float64, imported inside functions, so that the theory needs only NumPy.

In: named arrays, and a function of tensors. Out: its value and gradients as arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.theory.claims import Results
from mien.theory.gradcheck import Named
from mien.theory.network import Noise
from mien.theory.steps import (
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool,
    Parameters,
    RandomRelu,
    Relu,
)


def to_tensor(array: npt.NDArray[Any], *, learns: bool = False) -> Any:
    """Return a tensor that shares nothing with `array`. See docs/theory.md, section 7.1."""
    import torch

    return torch.tensor(array, requires_grad=learns)


def to_array(tensor: Any) -> npt.NDArray[Any]:
    """Return the numbers of a tensor that may be part of a graph. See docs/theory.md, section 7.1."""
    return np.asarray(tensor.detach().numpy())


def differentiate(function: Callable[[SimpleNamespace], Any], inputs: Named, names: Sequence[str]) -> Results:
    """Return y = function(tensors), and the gradient of L by each of `names`.

    L = Σ grad_y · y where the inputs hold `grad_y`; else y is the loss itself. See docs/theory.md, section 7.1.
    """
    at = SimpleNamespace(**{name: to_tensor(value, learns=name in names) for name, value in inputs.items()})
    y = function(at)
    ((at.grad_y * y).sum() if "grad_y" in inputs else y).backward()
    return {"y": to_array(y), **{name: to_array(getattr(at, name).grad) for name in names}}


def mirror_in_torch(layers: Sequence[Layer], parameters: Parameters) -> Any:
    """Return a torch.nn.Sequential of the same layers with the same parameters. See docs/theory.md, section 7.1."""
    from torch import nn

    network = nn.Sequential(*(_mirror_layer(layer) for layer in layers)).double()
    network.load_state_dict({name: to_tensor(value) for name, value in parameters.items()}, strict=False)
    return network


def _mirror_layer(layer: Layer) -> Any:
    from torch import nn

    match layer:
        case Convolution():
            return nn.Conv2d(layer.inputs, layer.outputs, layer.kernel, padding=layer.padding)
        case BatchNorm():
            return nn.BatchNorm2d(layer.channels, eps=layer.epsilon, momentum=layer.momentum)
        case Linear():
            return nn.Linear(layer.inputs, layer.outputs)
        case RandomRelu():
            return nn.RReLU(layer.lower, layer.upper)
        case Dropout():
            return nn.Dropout(layer.drop_fraction)
        case MaxPool():
            return nn.MaxPool2d(layer.kernel)
    return nn.Flatten() if isinstance(layer, Flatten) else nn.ReLU()


def read_torch(network: Any) -> tuple[tuple[Layer, ...], dict[str, npt.NDArray[np.float64]]]:
    """Return the layers and parameters of a torch.nn.Sequential, float64, so that it runs in NumPy.

    Takes Conv2d (stride 1), BatchNorm2d, ReLU, RReLU, MaxPool2d, Dropout, Flatten and Linear. See docs/theory.md,
    section 5.8.

    Raises:
        ValueError: if a layer is of another kind.
    """
    state = {name: to_array(value).astype(np.float64) for name, value in network.state_dict().items()}
    parameters = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    return tuple(_read_layer(layer) for layer in network), parameters


def _read_layer(layer: Any) -> Layer:
    match type(layer).__name__:
        case "Conv2d" if layer.stride == (1, 1) and layer.dilation == (1, 1) and layer.groups == 1:
            shape = {"inputs": layer.in_channels, "outputs": layer.out_channels}
            return Convolution(**shape, kernel=layer.kernel_size, padding=layer.padding)
        case "BatchNorm2d":
            return BatchNorm(channels=layer.num_features, epsilon=layer.eps, momentum=layer.momentum)
        case "Linear":
            return Linear(inputs=layer.in_features, outputs=layer.out_features)
        case "RReLU":
            return RandomRelu(lower=layer.lower, upper=layer.upper)
        case "Dropout":
            return Dropout(drop_fraction=layer.p)
        case "MaxPool2d" if layer.stride == layer.kernel_size:
            kernel = layer.kernel_size
            return MaxPool(kernel=(kernel, kernel) if isinstance(kernel, int) else kernel)
    simple: dict[str, Layer] = {"ReLU": Relu(), "Flatten": Flatten()}
    if type(layer).__name__ not in simple:
        raise ValueError(f"expected a layer of the report's network, found {layer}")
    return simple[type(layer).__name__]


def run_torch(network: Any, x: Any, noise: Noise | None = None) -> Any:
    """Return the logits of a torch.nn.Sequential, random layers using `noise` in place of their own draws.

    See docs/theory.md, section 5.8.
    """
    import torch

    network.train(noise is not None)
    for place, layer in enumerate(network):
        kind = type(layer).__name__
        if noise is None or kind not in ("RReLU", "Dropout"):
            x = layer(x)
            continue
        drawn = to_tensor(noise(place, _read_layer(layer), tuple(x.shape)))  # type: ignore[arg-type]
        x = x * drawn if kind == "Dropout" else torch.where(x >= 0, x, drawn * x)
    return x
