"""A network as the few blocks that a person would draw. In: a `Network` and its `Summary`. Out: `Stage` values.

A stage is a convolution or linear layer with the layers that follow it, or a whole module such as a residual block.
Deep networks are told at a coarser level, so that a drawing stays readable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt

from torch import nn

from mien.models.network import Network
from mien.models.small import Residual
from mien.models.summary import Layer, Summary
from mien.native.rrelu import RReLU

WIDEST = 16
"""A drawing of more stages than this is told at a coarser level, if there is one."""

MOST_SLICES = 8
"""A stage of more layers than this shows each kind of layer once."""

ANCHORS = ("convolution", "linear")
MARKS = {"norm": "Norm", "pool": "Pool", "dropout": "Drop"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One layer of a stage: its family ("convolution", "norm", …) and its output's channels and side; 0 if flat."""

    family: str
    channels: int
    side: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A block of a drawing.

    Attributes:
        title: what stands below it, such as "Conv2d 3×3".
        slices: its layers.
        shape: of its output for one face.
        parameters: of all its layers.
        skip: number of leading slices that a skip connection spans; 0 without one.
    """

    title: str
    slices: tuple[Slice, ...]
    shape: tuple[int, ...]
    parameters: int
    skip: int = 0


def group_stages(network: Network, summary: Summary) -> tuple[Stage, ...]:
    """Return the stages of `network`: as fine as `WIDEST` allows."""
    deepest = max(layer.path.count(".") for layer in summary.layers)
    trunk = _trunk(network)
    for depth in range(deepest, trunk.count(".") + 1, -1):
        groups = _group(network, summary.layers, trunk, depth)
        if len(groups) <= WIDEST:
            break
    else:
        groups = _group(network, summary.layers, trunk, trunk.count(".") + 1)
    return tuple(_stage(network, block, layers) for block, layers in groups)


def _trunk(network: Network) -> str:
    """Return the path of the container below which the network has more than one part."""
    path, module = "layers", network.get_submodule("layers")
    while len(children := list(module.named_children())) == 1:
        path, module = f"{path}.{children[0][0]}", children[0][1]
    return path


def _group(network: Network, layers: Sequence[Layer], trunk: str, depth: int) -> list[tuple[str, list[Layer]]]:
    """Return (path of the block or "", its layers) for each stage, in order."""
    groups: list[tuple[str, list[Layer]]] = []
    blocks = [_block_of(network, layer.path, trunk, depth) for layer in layers]
    weighty = {block for block, layer in zip(blocks, layers, strict=True) if _is_anchor(network, layer)} - {""}
    for block, layer in zip(blocks, layers, strict=True):
        block = block if block in weighty else ""
        last_block, last_layers = groups[-1] if groups else ("", [])
        goes_on = block == last_block if block else not _is_anchor(network, layer)
        becomes_flat = not block and last_layers and len(last_layers[-1].shape) > len(layer.shape) == 1
        if last_layers and goes_on and not becomes_flat:
            last_layers.append(layer)
        else:
            groups.append((block, [layer]))
    return groups


def _block_of(network: Network, path: str, trunk: str, depth: int) -> str:
    """Return the outermost module around `path` that computes something of its own, or stands at `depth`; else ""."""
    parts = path.split(".")
    for length in range(trunk.count(".") + 2, len(parts)):
        block = ".".join(parts[:length])
        is_list = isinstance(network.get_submodule(block), (nn.Sequential, nn.ModuleList))
        if not is_list or length > depth:
            return block
    return ""


def _stage(network: Network, block: str, layers: list[Layer]) -> Stage:
    slices = [_slice(network, layer) for layer in layers]
    is_residual = bool(block) and isinstance(network.get_submodule(block), Residual)
    if len(slices) > MOST_SLICES and not is_residual:
        slices = _merge(slices)
    return Stage(
        title=_title(network, block, layers[0]),
        slices=tuple(slices),
        shape=layers[-1].shape,
        parameters=sum(layer.parameters for layer in layers),
        skip=sum(layer.path.startswith(f"{block}.") for layer in layers) if is_residual else 0,
    )


def _merge(slices: list[Slice]) -> list[Slice]:
    """Return one slice for each family, in order of appearance, the size of that family's last."""
    last = {piece.family: piece for piece in slices}
    channels = {family: max(s.channels for s in slices if s.family == family) for family in last}
    return [replace(piece, channels=channels[family]) for family, piece in last.items()]


def _title(network: Network, block: str, first: Layer) -> str:
    if block:
        module = network.get_submodule(block)
        is_list = isinstance(module, (nn.Sequential, nn.ModuleList))
        return block.rpartition(".")[2] if is_list else type(module).__name__
    module = network.get_submodule(first.path)
    if isinstance(module, nn.Conv2d):
        return f"{first.kind} {'×'.join(map(str, module.kernel_size))}"
    return "Flatten" if len(first.shape) == 1 and not isinstance(module, nn.Linear) else first.kind


def _slice(network: Network, layer: Layer) -> Slice:
    """Return the slice of `layer`; sequences of tokens are drawn as the square map that they were cut from."""
    family = find_family(network.get_submodule(layer.path))
    match layer.shape:
        case (features,):
            return Slice(family=family, channels=features, side=0)
        case (tokens, channels):
            return Slice(family=family, channels=channels, side=isqrt(tokens))
        case (height, width, channels) if height == width != channels:  # channels last, as Swin has them
            return Slice(family=family, channels=channels, side=height)
        case shape:
            return Slice(family=family, channels=shape[0], side=shape[1])


def _is_anchor(network: Network, layer: Layer) -> bool:
    return find_family(network.get_submodule(layer.path)) in ANCHORS


def find_family(module: nn.Module) -> str:
    """Return what `module` does: "convolution", "linear", "norm", "pool", "dropout", "activation" or "other"."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        return "convolution" if isinstance(module, nn.Conv2d) else "linear"
    kind = type(module).__name__
    found = next((family for family, mark in MARKS.items() if mark in kind), None)
    return found or ("activation" if isinstance(module, RReLU) or "activation" in type(module).__module__ else "other")
