"""`accelerate`: a network that computes with the compiled loops wherever they fit, and shares the tensors of another.

A pass over modules, asked for by name: nothing else in a network or in the process decides what is computed how, so
that the same weights give the same bits with and without gradients.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar, final

import torch
from torch import Tensor, nn

from mien.native.blocks import Block, Largest, Unshuffle, find_block, keep_kernels, run_one_by_one
from mien.native.build import load_library

M = TypeVar("M", bound=nn.Module)


def is_available() -> bool:
    """Say whether the compiled loops are there, which builds them if need be."""
    return load_library() is not None


def accelerate(network: M, *, frozen: bool = False) -> M:
    """Return a copy of `network` that shares its parameters and buffers and computes with the compiled loops.

    In each `torch.nn.Sequential`, 3×3 convolutions run in compiled loops, and so does a batch norm with the rectifier,
    2×2 max-pool and dropout behind it, as one; in evaluation they are one with the convolution before them, too. Where
    a module says that it `adds_input_to` one of its children, that addition is part of the child's last loop. Names of
    parameters and, but for rounding, results stay; other layers, devices and number types are torch's business.

    Modes (`train()`, `eval()`) of the copy are its own. Sequences are replaced, and layers that are computed as one are
    not called one by one: hooks on either are heard on `network`, not on the copy. Where there is no library, the copy
    computes as `network` does.

    Args:
        network: on its device; moving it later to another one leaves the copy's buffers behind.
        frozen: promises that neither weights nor statistics change any more: in evaluation, what is made of them serves
            every batch, and they get no gradient.
    """
    tensors = list(chain(network.parameters(), network.buffers()))
    shared: dict[int, Any] = {id(tensor): tensor for tensor in tensors}
    view = copy.deepcopy(network, shared)
    is_on_cpu = all(tensor.device.type == "cpu" for tensor in tensors)
    return _fuse(view, frozen) if is_on_cpu and is_available() else view  # type: ignore[return-value]


def _fuse(module: nn.Module, frozen: bool) -> nn.Module:
    """Return `module` with whatever can be fused in it replaced."""
    for name, child in list(module.named_children()):
        setattr(module, name, _fuse(child, frozen))
    if type(module) is nn.Sequential:
        steps = tuple(_plan(list(module), frozen))
        return Fused(module, steps) if any(not isinstance(step, nn.Module) for step in steps) else module
    branch = getattr(module, "adds_input_to", None)
    if isinstance(branch, str) and isinstance(getattr(module, branch, None), Fused):
        return FusedResidual(module, branch)
    return module


@final
class Fused(nn.Module):
    """A `torch.nn.Sequential` of which some layers are computed as one. Its children have the names that they had."""

    def __init__(self, layers: nn.Sequential, steps: Sequence[Step]) -> None:
        super().__init__()
        for name, layer in layers.named_children():
            self.add_module(name, layer)
        self.training = layers.training
        self.layers = tuple(layers)  # a tuple: they are children already, under their own names
        self.steps = tuple(steps)

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.layers)

    def __iter__(self) -> Iterator[nn.Module]:
        """Go through the layers one by one, as through a `torch.nn.Sequential`."""
        return iter(self.layers)

    def __getitem__(self, index: int) -> nn.Module:
        """Return a layer."""
        return self.layers[index]

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Return what the last layer makes of `x`, with `residual` added where it is given."""
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]  # its file has to load without mien
            x = run_one_by_one(self.layers, x)
            return x if residual is None else residual + x
        for step in self.steps[:-1]:
            x = step(x) if isinstance(step, nn.Module) else step.run(x, self.training)
        last = self.steps[-1]
        if isinstance(last, Block) and residual is not None and last.can_add(residual, x, self.training):
            return last.run(x, self.training, residual)
        x = last(x) if isinstance(last, nn.Module) else last.run(x, self.training)
        return x if residual is None else residual + x


@final
class FusedResidual(nn.Module):
    """x + branch(x)."""

    def __init__(self, module: nn.Module, branch: str) -> None:
        super().__init__()
        for name, child in module.named_children():
            self.add_module(name, child)
        self.training = module.training
        self.adds_input_to = branch

    def forward(self, x: Tensor) -> Tensor:
        """Return the shape that came in."""
        result: Tensor = self.get_submodule(self.adds_input_to)(x, x)
        return result


Step = Block | Unshuffle | Largest | nn.Module


def _plan(layers: Sequence[nn.Module], frozen: bool) -> Iterator[Step]:
    """Yield the layers, as one where a loop knows them together."""
    at = 0
    while at < len(layers):
        layer = layers[at]
        block = find_block(layers[at:])
        if block is not None:
            at += len(block.behind) + (block.convolution is not None)
            yield keep_kernels(block) if frozen else block
            continue
        if type(layer) is nn.PixelUnshuffle:
            yield Unshuffle(layer)
        elif type(layer) is nn.AdaptiveMaxPool2d and not layer.return_indices and layer.output_size in (1, (1, 1)):
            yield Largest(layer)
        else:
            yield layer
        at += 1
