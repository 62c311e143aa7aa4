"""What a network is made of. In: a `Network`. Out: a `Summary`, one `Layer` a row, and its table as text.

Sizes are counted as torchsummary counts them (4 bytes a number, forward and backward together twice the forward), so
that the table can be laid beside those of published reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from mien.errors import ConfigError
from mien.models.network import Network

BYTES, MEGABYTE = 4, 1024**2
PROBES = 2
"""Faces in the batch that is sent through: two, so that no layer mistakes the batch for something to squeeze away."""

MOVES_NO_NUMBER = (nn.Flatten, nn.Identity)
RULER, DOUBLE_RULER = "-" * 64, "=" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer as it ran.

    Attributes:
        kind: the class of the layer, such as "Conv2d".
        path: where it sits in the network, such as "layers.0".
        shape: of the output for one face.
        parameters: numbers that training may change, those of the layer itself.
        multiply_adds: for one face; convolutions and linear layers only, as is usual.
    """

    kind: str
    path: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The layers of a network in the order in which they run, and its totals.

    Attributes:
        layers: one for each call of a layer; `Flatten` and `Identity` move no number and are left out.
        size: side of the input in pixels.
        parameters: of the whole network.
    """

    layers: tuple[Layer, ...]
    size: int
    parameters: int

    @property
    def multiply_adds(self) -> int:
        """Multiplications with addition that one face costs in one forward pass."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def input_megabytes(self) -> float:
        """Memory of one face."""
        return self.size**2 * BYTES / MEGABYTE

    @property
    def pass_megabytes(self) -> float:
        """Memory of every layer's output for one face, forward and backward."""
        return 2 * sum(prod(layer.shape) for layer in self.layers) * BYTES / MEGABYTE

    @property
    def parameter_megabytes(self) -> float:
        """Memory of the parameters."""
        return self.parameters * BYTES / MEGABYTE

    @property
    def total_megabytes(self) -> float:
        """Memory of one face, of the pass through all layers, and of the parameters."""
        return self.input_megabytes + self.pass_megabytes + self.parameter_megabytes


def summarise(network: Network, *, side: int | None = None) -> Summary:
    """Return the layers of `network`, found by sending two blank faces through it (in evaluation mode, then restored).

    Args:
        network: any network.
        side: of the faces in pixels; None: as the network takes them.

    Raises:
        ConfigError: the network cannot take faces of its size.
    """
    layers: list[Layer] = []
    hooks = [
        module.register_forward_hook(lambda module, given, out, path=path: layers.extend(_read(module, path, out)))
        for path, module in network.named_modules()
        if _is_layer(module)
    ]
    device = next(network.parameters()).device
    side = network.size if side is None else side
    try:
        with _in_evaluation(network), torch.no_grad():
            network(torch.zeros(PROBES, 1, side, side, device=device))
    except (AssertionError, RuntimeError, ValueError) as error:  # timm's networks say in many ways that a size is wrong
        raise ConfigError(f"the network cannot take faces of {side}×{side} pixels: {error}") from error
    finally:
        for hook in hooks:
            hook.remove()
    return Summary(layers=tuple(layers), size=side, parameters=sum(p.numel() for p in network.parameters()))


def render_table(summary: Summary) -> str:
    """Return the table that torchsummary would print, and the multiply-adds."""
    return "\n".join(
        (
            RULER,
            f"{'Layer (type)':>20}  {'Output Shape':>25} {'Param #':>15}",
            DOUBLE_RULER,
            *(_render_row(layer, number) for number, layer in enumerate(summary.layers, start=1)),
            DOUBLE_RULER,
            f"Total params: {summary.parameters:,}",
            f"Multiply-adds for one face: {summary.multiply_adds:,}",
            RULER,
            f"Input size (MB): {summary.input_megabytes:.2f}",
            f"Forward/backward pass size (MB): {summary.pass_megabytes:.2f}",
            f"Params size (MB): {summary.parameter_megabytes:.2f}",
            f"Estimated Total Size (MB): {summary.total_megabytes:.2f}",
            RULER,
        )
    )


def _render_row(layer: Layer, number: int) -> str:
    shape = [-1, *layer.shape]
    return f"{f'{layer.kind}-{number}':>20}  {shape!s:>25} {layer.parameters:>15,}"


def _is_layer(module: nn.Module) -> bool:
    """Say whether `module` is a row: it holds no other module, or holds parameters of its own beside them."""
    has_own_parameters = next(module.parameters(recurse=False), None) is not None
    return has_own_parameters or (not any(module.children()) and not isinstance(module, MOVES_NO_NUMBER))


def _read(module: nn.Module, path: str, out: Any) -> Iterator[Layer]:
    """Yield the row of `module`, which just returned `out`; nothing where that is no tensor."""
    if not isinstance(out, Tensor):
        return
    yield Layer(
        kind=type(module).__name__,
        path=path,
        shape=tuple(out.shape[1:]),
        parameters=sum(parameter.numel() for parameter in module.parameters(recurse=False)),
        multiply_adds=out[0].numel() * _multiply_adds_of_output(module),
    )


def _multiply_adds_of_output(module: nn.Module) -> int:
    """Return the multiplications behind each number of the output; biases are additions and do not count."""
    if isinstance(module, nn.Conv2d):
        return module.in_channels // module.groups * prod(module.kernel_size)
    return module.in_features if isinstance(module, nn.Linear) else 0


@contextmanager
def _in_evaluation(network: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode, and afterwards back into the mode that each had."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, was_training in modes:
            module.training = was_training
